"""Dead letters: records set aside with their reason, kept as they were, shown, replayed or dropped by a person.

The letters lie on the bus (`<prefix>.deadletters`); what a person has settled is a row in state, so that a list shows
what is still open. A replay sends the original bytes to where they lay; every sink is idempotent, so it is safe twice.
"""

import base64
import hashlib
import re
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import structlog

from govwire import __version__
from govwire.core.bus import Bus, Delivery, Message
from govwire.core.envelope import lane_of, wrap
from govwire.core.errors import ConfigError, NewerSchemaError, RecordError, UnknownNameError
from govwire.core.flow import DEADLETTERS, Step
from govwire.core.records import DeadLetter, Header, Origin
from govwire.core.state import State, letters
from govwire.core.state.ledger import Outcome, Outcomes

log = structlog.get_logger(__name__)

_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")


def make(stage: str, delivery: Delivery, error: Exception, died_at: datetime) -> DeadLetter:
    """The dead letter of a record that `stage` could not process; the same for the same record and place."""
    origin = Origin(kafka_topic=delivery.kafka_topic, partition=delivery.partition, offset=delivery.offset)
    seed = f"{stage}|{origin.kafka_topic}|{origin.partition}|{origin.offset}"
    headers = delivery.message.headers
    frames = traceback.extract_tb(error.__traceback__)
    return DeadLetter(
        dead_letter_id=hashlib.sha256(seed.encode()).hexdigest()[:16],
        stage=stage,
        reason=error.reason if isinstance(error, RecordError) else "unexpected_error",
        error=type(error).__name__,
        message=str(error) or repr(error),
        place=f"{frames[-1].name}:{frames[-1].lineno}" if frames else "",
        attempts=1,
        code_version=__version__,
        died_at=died_at,
        origin=origin,
        url_id=_id(headers.get("ce_subject")),
        lane=lane_of(headers),
        key=delivery.message.key,
        headers=tuple(Header(name=name, value=value) for name, value in sorted(headers.items())),
        value_base64=base64.b64encode(delivery.message.value).decode("ascii"),
    )


def message(letter: DeadLetter) -> Message:
    """The letter as it goes on the bus."""
    return wrap(
        letter.stage,
        letter.dead_letter_id,
        letter,
        lane=letter.lane,
        # What came from elsewhere names no URL and no fetch, and an event must have a subject.
        url_id=letter.url_id or letter.dead_letter_id,
        fetch_id=_fetch_id(letter) or letter.dead_letter_id,
    )


def outcomes(dead: Sequence[DeadLetter]) -> list[Outcomes]:
    """The ledger's rows for dead letters whose URL is known."""
    return [
        Outcomes(
            url_id=letter.url_id,
            url="",
            source_id="",
            lane=letter.lane,
            fetch_id=_fetch_id(letter) or "",
            stage=letter.stage,
            outcome=Outcome.DEAD,
            reason=letter.reason,
            detail=f"letter {letter.dead_letter_id}: {letter.error}: {letter.message}".replace("\0", "")[
                :500
            ],  # PostgreSQL takes no NUL
        )
        for letter in dead
        if letter.url_id
    ]


def open_letters(bus: Bus, state: State, prefix: str) -> Iterator[DeadLetter]:
    """Every letter that nobody has replayed or dropped yet, oldest first; what is no letter of ours is passed over."""
    with state.begin() as transaction:
        known = letters.settled(transaction)
    for delivery in bus.scan(DEADLETTERS.kafka_topic(prefix)):
        try:
            letter = DeadLetter.from_json(delivery.message.value)
        except RecordError as error:
            log.warning("letter_unreadable", partition=delivery.partition, offset=delivery.offset, error=str(error))
            continue
        if letter.dead_letter_id not in known:
            known.add(letter.dead_letter_id)  # a stage that was killed may have sent it twice
            yield letter


def find(bus: Bus, state: State, prefix: str, dead_letter_ids: Sequence[str]) -> list[DeadLetter]:
    """Open letters by id, or by the beginning of one.

    Raises:
        UnknownNameError: no open letter has that id.
        ConfigError: several begin like this.
    """
    known = {letter.dead_letter_id: letter for letter in open_letters(bus, state, prefix)}
    found = {}
    for wanted in dead_letter_ids:
        match = [letter_id for letter_id in known if letter_id.startswith(wanted)]
        if not match:
            raise UnknownNameError("dead letter", wanted, known)
        if len(match) > 1:
            raise ConfigError(f"dead letter {wanted!r}: {len(match)} begin like this; write more of the id")
        found[match[0]] = known[match[0]]
    return list(found.values())


def replay(bus: Bus, state: State, dead: Sequence[DeadLetter]) -> None:
    """Send the records to where they lay, then mark the letters settled."""
    for letter in dead:
        headers = {header.name: header.value for header in letter.headers}
        bus.publish(letter.origin.kafka_topic, [Message(key=letter.key, value=letter.value(), headers=headers)])
    settle(state, dead, "replayed")


def settle(state: State, dead: Sequence[DeadLetter], fate: str) -> None:
    """Mark letters as dealt with: `replayed` or `dropped`."""
    with state.begin() as transaction:
        letters.settle(transaction, [letter.dead_letter_id for letter in dead], fate, datetime.now(UTC))


def replay_known(bus: Bus, state: State, step: Step, prefix: str) -> int:
    """Replay what a stage once set aside as `newer_schema` and can read now; returns how many."""
    assert step.reads is not None
    known = [
        letter
        for letter in open_letters(bus, state, prefix)
        if letter.stage == step.name and letter.reason == NewerSchemaError.reason and _reads(step, letter)
    ]
    replay(bus, state, known)
    return len(known)


def _reads(step: Step, letter: DeadLetter) -> bool:
    assert step.reads is not None
    try:
        step.reads.record.from_json(letter.value())
    except RecordError:
        return False
    return True


def _fetch_id(letter: DeadLetter) -> str | None:
    return _id(next((header.value for header in letter.headers if header.name == "ce_fetchid"), None))


def _id(header: str | None) -> str | None:
    """An id from a header, unless it is none that the state could hold: anybody may write to a Kafka topic."""
    return header if header and _ID.fullmatch(header) else None
