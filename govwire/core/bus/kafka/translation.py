"""Kafka's errors as ours: one table, the most specific class wins. A test walks kafka.errors for unmapped ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from kafka import errors
from kafka.errors import KafkaError

from govwire.core.errors import BrokerError, ConfigError, TooLargeError


class Fate(NamedTuple):
    """What an error of Kafka's becomes, and the next step to name."""

    error: type[BrokerError | ConfigError | TooLargeError]
    next_step: str


_AWAY = Fate(BrokerError, "see that it runs and that bus.url and bus.security are right; waiting for it")
_MOVED = Fate(BrokerError, "the group's partitions are being shared out anew; what is not committed is read again")
_FAULT = Fate(BrokerError, "see the broker's log; trying again")
_LOGIN = Fate(ConfigError, "check bus.security, bus.sasl_mechanism, bus.username and the password")
_DENIED = Fate(ConfigError, "have it allowed: 'govwire setup --print' lists the ACLs")
_TOPICS = Fate(ConfigError, "have the Kafka topics made by their keepers: 'govwire setup --print' lists them")
_GROUP = Fate(ConfigError, "the broker's settings or other members do not let this process into its group")
_SLOT = Fate(ConfigError, "another process has this slot of the group; give each its own by --slot")
_VERSION = Fate(ConfigError, "Kafka 2.3 or newer is needed")
_PROGRAM = Fate(ConfigError, "govwire asked for what Kafka's client does not know; report it")
_TOO_LARGE = Fate(TooLargeError, "the broker's limit is smaller than when it was read; it is read again")

_TABLE: tuple[tuple[Fate, tuple[type[KafkaError], ...]], ...] = (
    (_AWAY, (errors.RetriableError, errors.BrokerNotAvailableError, errors.UnknownBrokerIdError)),
    (
        _MOVED,
        (
            errors.CommitFailedError,
            errors.FencedMemberEpochError,
            errors.GroupIdNotFoundError,
            errors.GroupSubscribedToTopicError,
            errors.IllegalGenerationError,
            errors.MemberIdRequiredError,
            errors.NonEmptyGroupError,
            errors.RebalanceInProgressError,
            errors.StaleMemberEpochError,
            errors.UnknownMemberIdError,
        ),
    ),
    (
        _LOGIN,
        (
            errors.DelegationTokenAuthDisabledError,
            errors.DelegationTokenExpiredError,
            errors.DelegationTokenNotFoundError,
            errors.DelegationTokenOwnerMismatchError,
            errors.DelegationTokenRequestNotAllowedError,
            errors.IllegalSaslStateError,
            errors.InvalidPrincipalTypeError,
            errors.PrincipalDeserializationFailureError,
            errors.SaslAuthenticationFailedError,
            errors.SecurityDisabledError,
            errors.UnacceptableCredentialError,
            errors.UnsupportedSaslMechanismError,
        ),
    ),
    (_DENIED, (errors.AuthorizationError,)),
    (
        _TOPICS,
        (
            errors.InvalidConfigurationError,
            errors.InvalidPartitionsError,
            errors.InvalidReplicationAssignmentError,
            errors.InvalidReplicationFactorError,
            errors.InvalidTopicError,
            errors.PolicyViolationError,
            errors.TopicAlreadyExistsError,
            errors.TopicDeletionDisabledError,
        ),
    ),
    (
        _GROUP,
        (
            errors.GroupMaxSizeReachedError,
            errors.InconsistentGroupProtocolError,
            errors.InvalidGroupIdError,
            errors.InvalidSessionTimeoutError,
            errors.UnsupportedAssignorError,
        ),
    ),
    (_SLOT, (errors.FencedInstanceIdError, errors.UnreleasedInstanceIdError)),
    (
        _VERSION,
        (
            errors.UnrecognizedBrokerVersion,
            errors.UnsupportedCodecError,
            errors.UnsupportedCompressionTypeError,
            errors.UnsupportedForMessageFormatError,
            errors.UnsupportedVersionError,
        ),
    ),
    (_PROGRAM, (errors.IllegalArgumentError, errors.InvalidRequiredAcksError, errors.KafkaConfigurationError)),
    (_TOO_LARGE, (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)),
    (
        _FAULT,
        (
            # What a broker may answer when something is wrong with it or with the network …
            errors.CorruptRecordError,
            errors.IllegalStateError,
            errors.InvalidFetchRequestError,
            errors.InvalidProducerEpochError,
            errors.InvalidProducerIdMappingError,
            errors.InvalidRecordError,
            errors.InvalidRequestError,
            errors.InvalidTimestampError,
            errors.KafkaProtocolError,
            errors.LogDirNotFoundError,
            errors.LogTruncationError,
            errors.NoOffsetForPartitionError,
            errors.OffsetMetadataTooLargeError,
            errors.OffsetMovedToTieredStorageError,
            errors.OffsetOutOfRangeError,
            errors.OperationNotAttemptedError,
            errors.OutOfOrderSequenceNumberError,
            errors.DuplicateSequenceNumberError,
            errors.InvalidCommitOffsetSizeError,
            errors.ProducerFencedError,
            errors.QuotaViolationError,
            errors.ReassignmentInProgressError,
            errors.NoReassignmentInProgressError,
            errors.ResourceNotFoundError,
            errors.DuplicateResourceError,
            errors.UnknownError,
            errors.UnknownProducerIdError,
            # … and what brokers tell each other, or clients of kinds that we are not.
            errors.BrokerIdNotRegisteredError,
            errors.DuplicateBrokerRegistrationError,
            errors.DuplicateVoterError,
            errors.FeatureUpdateFailedError,
            errors.FencedStateEpochError,
            errors.InconsistentClusterIdError,
            errors.InconsistentVoterSetError,
            errors.IneligibleReplicaError,
            errors.InvalidRecordStateError,
            errors.InvalidRegistrationError,
            errors.InvalidTransactionTimeoutError,
            errors.InvalidTxnStateError,
            errors.InvalidUpdateVersionError,
            errors.InvalidVoterKeyError,
            errors.MismatchedEndpointTypeError,
            errors.NewLeaderElectedError,
            errors.PositionOutOfRangeError,
            errors.SnapshotNotFoundError,
            errors.StaleBrokerEpochError,
            errors.StaleControllerEpochError,
            errors.TelemetryTooLargeError,
            errors.TransactionAbortableError,
            errors.TransactionAbortedError,
            errors.TransactionCoordinatorFencedError,
            errors.TransactionalIdNotFoundError,
            errors.UnknownControllerIdError,
            errors.UnknownSubscriptionIdError,
            errors.UnsupportedEndpointTypeError,
            errors.VoterNotFoundError,
        ),
    ),
)
_FATES = {kafka_error: fate for fate, kafka_errors in _TABLE for kafka_error in kafka_errors}


def fate_of(kind: type[BaseException]) -> Fate | None:
    """What an error of this class becomes; None where the table does not know it."""
    return next((_FATES[ancestor] for ancestor in kind.__mro__ if ancestor in _FATES), None)


def translated(error: Exception, where: str, action: str) -> BrokerError | ConfigError | TooLargeError:
    """An error of Kafka's or of the network as ours: where, what was tried, why not, what next, on one line."""
    fate = fate_of(type(error)) or (_FAULT if isinstance(error, KafkaError) else _AWAY)
    cause = " ".join(str(error).split()) or type(error).__name__
    return fate.error(f"Kafka at {where}: {action}: {cause}; {fate.next_step}")


@contextmanager
def translating(where: str, action: str) -> Iterator[None]:
    """Let what the block does fail with our errors."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise translated(error, where, action) from error
