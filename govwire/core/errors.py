"""The error tree. Every class ends in Error and says in one line what is wrong, why, and what to do next.

GovwireError
├── ConfigError              wrong or missing configuration: stop at start, exit 2, all problems at once
│   └── UnknownNameError     a source, topic, target, stage … that is not there (names what is, and the nearest)
├── QueryError               a query that cannot be parsed; points at the column
├── UrlError                 an address that is no http or https URL: the entry that holds it is passed over
├── FeedError                a feed that cannot be read: shown by `sources list`, read again at its next slot
├── ArchiveError             an archive that cannot be read: named, the others of a backfill go on
├── RecordError              this record cannot be processed: dead letter with `reason`, the stage goes on
│   ├── DecodeError          not a record of ours (`not_json`, `not_a_record`)
│   ├── NewerSchemaError     a record of a newer schema (`newer_schema`), replayed once the stage knows it
│   ├── ExtractionError      the extractor failed or overran its time (`extraction_failed`, `extraction_timeout`)
│   ├── ClassificationError  the classifier failed on this text (`classification_failed`)
│   └── DocumentRejectedError  the index refuses this document (`document_rejected`)
├── TooLargeError            a record over the wire limit: named drop `too_large` before anything is published
└── ServiceError             something we depend on failed: same batch again with back-off, never a dead letter
    ├── BrokerError          Kafka, or the embedded bus's file
    ├── SearchError          Elasticsearch, or the embedded index's file
    ├── StateError           the SQL database
    ├── ModelError           model files missing or unreadable
    └── DeliveryError        a channel; permanent refusals have `retriable = False`, the alert is kept

A new error is added to this tree, and to the dead-letter reasons in docs/operators.md where it has one.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class GovwireError(Exception):
    """What is wrong, the cause and the next step, on one line."""

    retriable = False


class ConfigError(GovwireError):
    """Wrong or missing configuration; `problems` lists every one found."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("; ".join(self.problems))


class UnknownNameError(ConfigError):
    """A name that is not there; says what exists, and the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        super().__init__(f"unknown {kind} {name!r}; {hint}known: {', '.join(names) or 'none'}")


class QueryError(GovwireError):
    """A query that cannot be parsed; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        self.column = column
        super().__init__(f"query, column {column}: {message}")


class UrlError(GovwireError):
    """An address that is no http or https URL with a host."""

    def __init__(self, url: str, cause: str) -> None:
        super().__init__(f"address {url[:200]!r}: {cause}; write a whole http or https URL")


class FeedError(GovwireError):
    """What a feed's address gave cannot be read as RSS, Atom or JSON Feed."""


class ArchiveError(GovwireError):
    """A file or folder that is no archive of the kind it was said to be."""


class RecordError(GovwireError):
    """This record cannot be processed; `reason` names the dead letter."""

    reason = "record_error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        self.reason = reason or type(self).reason
        super().__init__(message)


class DecodeError(RecordError):
    """The bytes are no record of ours."""

    reason = "not_a_record"


class NewerSchemaError(RecordError):
    """A record whose schema number this program does not know yet."""

    reason = "newer_schema"


class ExtractionError(RecordError):
    """The extractor failed on this page, or overran its time."""

    reason = "extraction_failed"


class ClassificationError(RecordError):
    """The classifier failed on this text."""

    reason = "classification_failed"


class DocumentRejectedError(RecordError):
    """The index refuses this document for good."""

    reason = "document_rejected"


class TooLargeError(GovwireError):
    """A record over the wire limit of its Kafka topic; nothing of it was published."""


class ServiceError(GovwireError):
    """Something we depend on failed; worth waiting for. `retry_after_seconds` where the service said how long."""

    retriable = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class BrokerError(ServiceError):
    """Kafka, or the file of the embedded bus."""


class SearchError(ServiceError):
    """Elasticsearch, or the file of the embedded index."""


class StateError(ServiceError):
    """The SQL database that holds the state."""


class ModelError(ServiceError):
    """Model files that are missing or cannot be read."""


class DeliveryError(ServiceError):
    """A channel refused or failed; a permanent refusal is not retriable, and the alert is kept."""

    def __init__(self, message: str, *, retriable: bool = True, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.retriable = retriable
