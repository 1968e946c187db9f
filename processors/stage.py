"""The loop of a stage: read, work, settle, publish, commit; the only place where an error becomes a fate.

Order of a batch, in `Loop._settle`: (1) state and ledger in one SQL transaction, idempotent under redelivery;
(2) publish and wait for every acknowledgement; (3) commit offsets. A crash can repeat a batch, never skip one.
A record that cannot be processed becomes a dead letter with its reason and the batch goes on; a service that is away is
waited for with back-off, for ever, and never turns good records into dead letters.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import structlog

from govwire.core import faults
from govwire.core.bus import Bus, Delivery, Member, Message
from govwire.core.errors import ConfigError, RecordError, ServiceError
from govwire.core.flow import DEADLETTERS, Channel, Step
from govwire.core.metrics import BATCH_SECONDS, DEAD_LETTERS, DROPS, LAG, RECORDS, Health
from govwire.core.patience import Patience, StoppedError
from govwire.core.records import DeadLetter, Lane, Record
from govwire.core.state import State, Transaction
from govwire.core.state import ledger as books
from govwire.core.state.ledger import Outcome, Outcomes
from processors import deadletters

log = structlog.get_logger(__name__)

R_contra = TypeVar("R_contra", bound=Record, contravariant=True)

READ_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 1.0
# How often the lag is told to Prometheus, which asks every quarter of a minute or so.
LAG_SECONDS = 10.0


@dataclass(frozen=True)
class Publication:
    """One message a stage sends on."""

    channel: Channel
    lane: Lane
    message: Message


@dataclass(frozen=True)
class Result:
    """What came of one record: the ledger's outcomes and what is published."""

    outcomes: Sequence[Outcomes]
    publications: Sequence[Publication] = ()


class Stage(Protocol[R_contra]):
    """What a stage is, beside its line in `govwire.core.flow`."""

    step: Step
    max_batch: int

    def work(self, records: Sequence[R_contra]) -> Sequence[Any | RecordError]:
        """The slow part, without state, in a thread beside the consumer's: a draft for each record, in order.

        A RecordError in a draft's place makes that record a dead letter.
        """

    def settle(self, transaction: Transaction, records: Sequence[R_contra], drafts: Sequence[Any]) -> Sequence[Result]:
        """The part that touches state: drafts to results, in order, the same for a batch that comes again."""

    def close(self) -> None:
        """Release what the stage holds."""


@dataclass(frozen=True)
class _Batch:
    deliveries: list[Delivery]
    member: Member


class Loop:
    """One stage as a member of its consumer groups, until `stop` is set. Runs in one thread, works in another."""

    def __init__(
        self,
        stage: Stage[Any],
        *,
        bus: Bus,
        state: State,
        prefix: str,
        slot: str,
        stop: threading.Event,
        health: Health,
        give_up_seconds: float | None = None,
    ) -> None:
        self._stage, self._bus, self._state = stage, bus, state
        self._prefix, self._slot, self._stop, self._health = prefix, slot, stop, health
        self._name = stage.step.name
        self._patience = Patience(self._name, stop, health, give_up_seconds)
        self._lag_told_at = float("-inf")
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"{self._name}-work")

    def run(self) -> None:
        """Go round until asked to stop."""
        with ExitStack() as stack:
            stack.callback(self._stage.close)
            stack.callback(self._pool.shutdown)
            try:
                self._patience.wait_for(
                    lambda: deadletters.replay_known(self._bus, self._state, self._stage.step, self._prefix)
                )
                members = {lane: stack.enter_context(self._join(lane)) for lane in self._stage.step.lanes}
                while not self._stop.is_set():
                    self._round(members)
            except StoppedError:
                log.info("stage_stopped_while_waiting", stage=self._name)

    def _join(self, lane: Lane) -> Member:
        step = self._stage.step
        assert step.reads is not None
        kafka_topic = step.reads.kafka_topic(self._prefix, lane)
        slot = f"{self._slot}-{lane}"
        return self._patience.wait_for(lambda: self._bus.member(step.group(self._prefix, lane), [kafka_topic], slot))

    def _round(self, members: dict[Lane, Member]) -> None:
        patiently = self._patience.wait_for
        live, history = members[Lane.LIVE], members.get(Lane.BACKFILL)
        patiently(lambda: self._tell_lag(members))
        deliveries = patiently(lambda: live.read(self._stage.max_batch, READ_SECONDS))
        self._health.beat(self._name)
        if deliveries:
            self._handle(_Batch(deliveries, live))
        elif history is not None and patiently(live.lag):
            # Another member has news to do: history waits, but keeps its place in the group.
            patiently(history.keep_alive)
        elif history is not None:
            deliveries = patiently(lambda: history.read(self._stage.max_batch, 0.0))
            if deliveries:
                self._handle(_Batch(deliveries, history))

    def _tell_lag(self, members: dict[Lane, Member]) -> None:
        if time.monotonic() - self._lag_told_at < LAG_SECONDS:
            return
        for lane, member in members.items():
            LAG.labels(self._name, lane).set(member.lag())
        self._lag_told_at = time.monotonic()

    def _handle(self, batch: _Batch) -> None:
        """A batch to its end. An error nobody foresaw splits it, until the one record at fault is a dead letter."""
        faults.passing(f"{self._name}.read")
        try:
            with BATCH_SECONDS.labels(self._name).time():
                self._process(batch)
        except (StoppedError, ServiceError, ConfigError):
            raise  # no fault of the records: they stay uncommitted
        except Exception as error:
            if len(batch.deliveries) > 1:
                log.warning("batch_split", stage=self._name, records=len(batch.deliveries), error=repr(error))
                for delivery in batch.deliveries:
                    self._handle(_Batch([delivery], batch.member))
                return
            self._finish(batch, [], [], [(batch.deliveries[0], error)])

    def _process(self, batch: _Batch) -> None:
        records: list[tuple[Delivery, Record]] = []
        letters: list[tuple[Delivery, Exception]] = []
        for delivery in batch.deliveries:
            try:
                records.append((delivery, self._decode(delivery)))
            except RecordError as error:
                letters.append((delivery, error))
        drafts = self._work(batch.member, [record for _, record in records]) if records else []
        good = []
        for (delivery, record), draft in zip(records, drafts, strict=True):
            if isinstance(draft, RecordError):
                letters.append((delivery, draft))
            else:
                good.append((record, draft))
        self._finish(batch, [record for record, _ in good], [draft for _, draft in good], letters)

    def _decode(self, delivery: Delivery) -> Record:
        channel = self._stage.step.reads
        assert channel is not None
        return channel.record.from_json(delivery.message.value)

    def _work(self, member: Member, records: Sequence[Record]) -> Sequence[Any]:
        """The drafts; however long they take, the consumer never misses its poll interval."""

        def work() -> Sequence[Any]:
            future = self._pool.submit(self._stage.work, records)
            while not wait_for([future], timeout=KEEP_ALIVE_SECONDS).done:
                self._health.beat(self._name)
                self._keep_alive(member)
            return future.result()

        return self._patience.wait_for(work, meanwhile=lambda: self._keep_alive(member))

    def _keep_alive(self, member: Member) -> None:
        try:
            member.keep_alive()
        except ServiceError as error:
            log.warning("keep_alive_failed", stage=self._name, error=str(error))

    def _finish(
        self,
        batch: _Batch,
        records: Sequence[Any],
        drafts: Sequence[Any],
        letters: Sequence[tuple[Delivery, Exception]],
    ) -> None:
        """Settle, publish, commit: all three again while a service is away, but never the work before."""
        self._patience.wait_for(
            lambda: self._settle(batch, records, drafts, letters), meanwhile=lambda: self._keep_alive(batch.member)
        )

    def _settle(
        self,
        batch: _Batch,
        records: Sequence[Any],
        drafts: Sequence[Any],
        letters: Sequence[tuple[Delivery, Exception]],
    ) -> None:
        now = datetime.now(UTC)
        with self._state.begin() as transaction:  # (1) state and ledger
            results = self._stage.settle(transaction, records, drafts) if records else []
            dead = [deadletters.make(self._name, delivery, error, now) for delivery, error in letters]
            outcomes = [outcome for result in results for outcome in result.outcomes]
            books.record(transaction, [*outcomes, *deadletters.outcomes(dead)], now)
        faults.passing(f"{self._name}.applied")
        outgoing: dict[str, list[Message]] = defaultdict(list)
        for publication in (publication for result in results for publication in result.publications):
            outgoing[publication.channel.kafka_topic(self._prefix, publication.lane)].append(publication.message)
        if dead:
            outgoing[DEADLETTERS.kafka_topic(self._prefix)] = [deadletters.message(letter) for letter in dead]
        for kafka_topic, messages in outgoing.items():  # (2) publish, every message acknowledged
            self._bus.publish(kafka_topic, messages)
        faults.passing(f"{self._name}.published")
        batch.member.commit(batch.deliveries)  # (3) commit
        faults.passing(f"{self._name}.committed")
        self._count(outcomes, dead)

    def _count(self, outcomes: Sequence[Outcomes], dead: Sequence[DeadLetter]) -> None:
        for outcome in outcomes:
            RECORDS.labels(self._name, outcome.outcome).inc()
            if outcome.outcome is Outcome.DROPPED:
                DROPS.labels(self._name, outcome.reason).inc()
        for letter in dead:
            DEAD_LETTERS.labels(self._name, letter.reason).inc()
            log.warning(
                "dead_letter",
                stage=self._name,
                reason=letter.reason,
                error=letter.message,
                url_id=letter.url_id,
                kafka_topic=letter.origin.kafka_topic,
                partition=letter.origin.partition,
                offset=letter.origin.offset,
            )
