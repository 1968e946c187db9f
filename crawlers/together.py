"""Questions to the state that come at about the same time, answered in one transaction: single SQL calls cost most."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from crawlers.room import Guest
from govwire.core.state import Transaction

# How long a question waits for company: a thousandth of the usual pace of a host.
GATHER_SECONDS = 0.005

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """Questions gather for a moment, and while one transaction runs for the next."""

    def __init__(self, room: Guest, answer: Callable[[Transaction, Sequence[Q]], Sequence[A]]) -> None:
        """`answer` is called in a thread, with questions in the order in which they came; answers in the same order."""
        self._room, self._answer = room, answer
        self._asked: list[tuple[Q, asyncio.Future[A]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """The answer, once it is committed.

        Raises:
            StoppedError: the process is to end.
            ServiceError: with `once`, the state stayed away.
        """
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._asked.append((question, answer))
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer_all())
        return await answer

    async def _answer_all(self) -> None:
        while self._asked:
            await asyncio.sleep(GATHER_SECONDS)
            asked, self._asked = self._asked, []
            questions = [question for question, _ in asked]
            (answers,) = await asyncio.gather(
                asyncio.to_thread(self._room.wait_for, lambda questions=questions: self._commit(questions)),
                return_exceptions=True,
            )
            for place, (_, waiting) in enumerate(asked):
                if waiting.done():
                    continue  # its request was cancelled
                if isinstance(answers, BaseException):
                    waiting.set_exception(answers)
                else:
                    waiting.set_result(answers[place])

    def _commit(self, questions: Sequence[Q]) -> Sequence[A]:
        with self._room.state.begin() as transaction:
            return self._answer(transaction, questions)
