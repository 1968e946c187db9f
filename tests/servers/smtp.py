"""A mail server on loopback that keeps what it is sent, and refuses when told to."""

from collections import deque
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from servers.process import free_port, wait_until

OK = "250 Message accepted"


@dataclass(frozen=True)
class Mail:
    """One message as it came in, with the envelope's addresses."""

    sender: str
    recipients: list[str]
    message: EmailMessage


class SmtpServer:
    """Keeps mails in `mails`; `refuse("451 try later")` answers the next one so instead."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.mails: list[Mail] = []
        self._refusals: deque[str] = deque()
        self._controller: Controller | None = None

    def start(self) -> Self:
        """Listen; the port stays the same over stop and start."""
        if self._controller is None:
            self._controller = Controller(self, hostname=self.host, port=self.port)
            self._controller.start()
        return self

    def stop(self) -> None:
        """Listen no more, as a server that is away."""
        controller, self._controller = self._controller, None
        if controller is not None:
            controller.stop()

    def refuse(self, *answers: str) -> None:
        """Answer the next mails with these lines, one each; they are not kept."""
        self._refusals.extend(answers)

    def clear(self) -> None:
        """Forget all mails and refusals."""
        self.mails.clear()
        self._refusals.clear()

    def wait_for(self, count: int, *, seconds: float = 10) -> list[Mail]:
        """The mails, as soon as there are `count` of them."""
        wait_until(lambda: len(self.mails) >= count, seconds=seconds, what=f"{count} mails arrive")
        return list(self.mails)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each mail."""
        if self._refusals:
            return self._refusals.popleft()
        content = envelope.original_content or b""
        message = message_from_bytes(content, EmailMessage, policy=policy.default)
        self.mails.append(Mail(envelope.mail_from or "", list(envelope.rcpt_tos), message))
        return OK

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
