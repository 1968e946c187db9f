"""Channels: where messages go. The only door to Apprise.

A channel is an Apprise URL; `${NAME}` in it is read from the environment when a message is sent. It may hold secrets,
so it is shown by `masked` and in no other way, and what Apprise says of a failure is passed on without any part of it.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote, urlsplit

from apprise import Apprise, AppriseAsset, AppriseResult, AppriseResultStatus, NotificationManager, NotifyBase
from apprise import NotifyFormat as Format

from govwire.core.errors import ConfigError, DeliveryError
from govwire.core.records import AlertMessage

# Apprise writes addresses, payloads and replies to its logger. Nothing of that goes to our log; it is read from the
# result of each call instead, which needs the level: how a mail server refused is said there only.
_said = logging.getLogger("apprise")
_said.propagate = False
_said.setLevel(logging.DEBUG)

# No redirects: a message goes to the address it was given (Standard Webhooks: a 3xx is a failure). No deadline of
# Apprise's own: it would leave a hanging call behind in a pool that all channels share.
_ASSET = AppriseAsset(app_id="Govwire", http_redirects=False, service_timeout=0)

# A receiver that has taken the message but is slow to say so would get it again (Standard Webhooks: 15 to 30 s).
READ_TIMEOUT_SECONDS = 15.0

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w-]+(\.[\w-]+)+)(:\d+)?|[\w-]+:\d+")
_PATH = re.compile(r"(?<=[^:/])/[^?]*")
# How plugins report HTTP statuses, and how the exceptions of smtplib look; never to be sought in the whole of what
# Apprise says, since that has the message in it, and so whatever somebody wrote into an article.
_HTTP_STATUS = re.compile(r"\berror=(\d{3})\b")
_SMTP_REPLY = re.compile(r"Socket Exception: .*?\((\d{3}), b['\"]|SMTP recipient .* was refused: (\d{3}) ", re.DOTALL)
_WARNINGS = ("WARNING", "ERROR", "CRITICAL")
# What looks final and is not: a log-in refused, until somebody sets the secret right; a timeout; too many requests.
_HTTP_CURABLE = (401, 403, 407, 408, 425, 429)
_SMTP_CURABLE = (530, 534, 535)
# Shorter parts of an address are too common to be told from plain words.
_SECRET_LENGTH = 4


def check(channel: str, environment: Mapping[str, str]) -> None:
    """Make sure that a channel can be read, as far as its `${NAME}`s are known here.

    Raises:
        ConfigError: Apprise cannot read it.
    """
    if all(name in environment for name in _NAME.findall(channel)):
        readable = _service(channel, environment) is not None
    else:
        scheme = _SCHEME.match(channel)
        readable = scheme is None or scheme[1].lower() in NotificationManager()  # type: ignore[no-untyped-call]
    if not readable:
        raise ConfigError(
            f"channel {masked(channel)}: not readable; write jsons://host/path for a webhook, mailtos://… for mail, or "
            "another URL as https://appriseit.com/services says"
        )


def masked(channel: str) -> str:
    """A channel as it may be shown: scheme, and host where it has one.

    Apprise's own masking shows paths and headers, where the secrets of webhooks are; so only its host is kept, and only
    where it looks like one: for some services what stands in its place is the secret.
    """
    if _NAME.fullmatch(channel):
        return channel
    written = _SCHEME.match(channel)
    scheme = written[1] if written else ""
    service = _instantiate(channel)
    if service is not None:
        try:
            shown = urlsplit(service.url(privacy=True))  # type: ignore[no-untyped-call]
        except ValueError:
            pass
        else:
            scheme = shown.scheme
            user, _, host = shown.netloc.rpartition("@")
            if _HOST.fullmatch(host):
                return f"{scheme}://{'***@' if user else ''}{host}/***"
    return f"{scheme}://***" if scheme else "***"


def send(channel: str, message: AlertMessage, environment: Mapping[str, str]) -> None:
    """Send an alert, with what a program wants of it in fields of their own; raises as `tell` does."""
    fields = {
        "message_id": message.message_id,
        "subscription": message.subscription,
        "kind": message.kind,
        "story_id": message.story_id,
        "article_id": message.article_id,
        "url": message.url,
        "source": message.source_name,
    }
    tell(channel, message.subject, message.body, fields, environment)


def tell(channel: str, subject: str, body: str, fields: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Send a text, with fields beside it where the service has any; returns when the channel has taken it.

    Raises:
        DeliveryError: it was not taken; `retriable` is false where the far end refused it for good.
    """
    missing = [name for name in _NAME.findall(channel) if name not in environment]
    if missing:
        raise DeliveryError(f"{masked(channel)}: {', '.join(missing)} not in the environment; set it for deliver")
    service = _service(channel, environment)
    if service is None:
        raise DeliveryError(f"{masked(channel)}: not readable with the environment's values; look at them")
    _prepare(service, fields)
    calls = Apprise(asset=_ASSET)
    calls.add(service)
    result = calls.notify(body=body, title=subject, body_format=Format.TEXT, log_level=logging.DEBUG)
    if not _is_taken(result):
        permanent, detail = _failure(result, _secrets(channel, environment))
        raise DeliveryError(f"{masked(channel)}: {detail}", retriable=not permanent)


def _service(channel: str, environment: Mapping[str, str]) -> NotifyBase | None:
    """The service at a channel, its names replaced; a channel that is one name may hold a whole URL."""
    if whole := _NAME.fullmatch(channel):
        return _instantiate(environment[whole[1]])
    path = _PATH.search(channel)

    def quoted(name: re.Match[str]) -> str:
        in_path = path is not None and path.start() <= name.start() < path.end()
        return quote(environment[name[1]], safe="/" if in_path else "")

    # A secret may hold any character; what is no secret (a host with its port) reads only as it is.
    return _instantiate(_NAME.sub(quoted, channel)) or _instantiate(
        _NAME.sub(lambda name: environment[name[1]], channel)
    )


def _instantiate(url: str) -> NotifyBase | None:
    return Apprise.instantiate(url, asset=_ASSET)


def _prepare(service: NotifyBase, fields: Mapping[str, str]) -> None:
    service.retry = 0  # the outbox tries again, and keeps account of it
    service.socket_read_timeout = max(service.socket_read_timeout, READ_TIMEOUT_SECONDS)
    if hasattr(service, "payload_extras"):  # json://, form://, xml://: fields of their own
        service.payload_extras |= fields


def _is_taken(result: AppriseResult) -> bool:
    # By attempts: the status of a result is success for every `?optional=yes`, whatever became of it.
    attempts = [attempt.status for service in result for attempt in service]
    return bool(attempts) and all(status is AppriseResultStatus.SUCCESS for status in attempts)


def _failure(result: AppriseResult, secrets: list[str]) -> tuple[bool, str]:
    """Whether a failure is permanent, and what it was."""
    entries = list(result.logs())
    result.close()
    warnings = [entry.message for entry in entries if entry.level in _WARNINGS]
    statuses = [int(status) for warning in warnings for status in _HTTP_STATUS.findall(warning)]
    replies = [int(said[1] or said[2]) for entry in entries if (said := _SMTP_REPLY.match(entry.message))]
    if statuses or replies:
        permanent = all(400 <= status < 500 and status not in _HTTP_CURABLE for status in statuses)
        permanent = permanent and all(reply >= 500 and reply not in _SMTP_CURABLE for reply in replies)
        told = [f"HTTP {status}" for status in statuses] + [f"SMTP {reply}" for reply in replies]
        return permanent, ", ".join(dict.fromkeys(told))
    detail = " ".join((warnings or ["not delivered"])[0].split())
    for secret in secrets:
        detail = detail.replace(secret, "***")
    return False, detail


def _secrets(channel: str, environment: Mapping[str, str]) -> list[str]:
    """Every part of a channel's address, longest first."""

    def parts() -> Iterator[str]:
        values = [environment[name] for name in _NAME.findall(channel)]
        yield from values
        for text in (channel, *values):
            for part in re.split(r"[:/@?&=#]+", text):
                yield from (part, unquote(part))

    return sorted({part for part in parts() if len(part) >= _SECRET_LENGTH}, key=len, reverse=True)
