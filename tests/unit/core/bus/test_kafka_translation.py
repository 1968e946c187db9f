"""Every error of kafka-python has a fate, and says where, what and what next on one line."""

import inspect
from collections.abc import Iterator

import pytest
from kafka import errors
from kafka.consumer.fetcher import RecordTooLargeError
from kafka.errors import KafkaError

from govwire.core.bus.kafka.translation import fate_of, translated, translating
from govwire.core.errors import BrokerError, ConfigError, TooLargeError

# The roots, which are never raised themselves, and the code of success.
_NO_ERRORS = {errors.KafkaError, errors.BrokerResponseError, errors.NoError}


def _kafka_errors() -> Iterator[type[KafkaError]]:
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, KafkaError) and kind not in _NO_ERRORS:
            yield kind


def test_every_error_of_kafka_is_in_the_table() -> None:
    known = [*_kafka_errors()]
    assert len(known) > 100
    assert [kind.__name__ for kind in known if fate_of(kind) is None] == []


@pytest.mark.parametrize(
    ("kafka_error", "ours"),
    [
        (errors.KafkaTimeoutError("late"), BrokerError),
        (errors.UnknownTopicOrPartitionError(), BrokerError),
        (errors.for_code(12345)("a code of a newer broker"), BrokerError),
        (errors.SaslAuthenticationFailedError("no"), ConfigError),
        (errors.TopicAuthorizationFailedError("govwire.pages"), ConfigError),
        (errors.FencedInstanceIdError(), ConfigError),
        (errors.MessageSizeTooLargeError(), TooLargeError),
        (RecordTooLargeError("not in kafka.errors"), BrokerError),
        (ConnectionRefusedError(111, "Connection refused"), BrokerError),
    ],
)
def test_errors_become_ours_by_the_most_specific_class(kafka_error: Exception, ours: type[Exception]) -> None:
    with (
        pytest.raises(ours, match=r"^Kafka at broker:9092: read: .+; .+$") as caught,
        translating("broker:9092", "read"),
    ):
        raise kafka_error
    assert caught.value.__cause__ is kafka_error


def test_the_message_is_one_line_whatever_the_cause_says() -> None:
    message = str(translated(errors.KafkaTimeoutError("one\n two\n"), "broker:9092", "publish"))
    assert "KafkaTimeoutError: one two;" in message


def test_a_lost_broker_is_waited_for_and_a_refused_login_is_not() -> None:
    assert translated(errors.KafkaConnectionError(), "broker:9092", "read").retriable
    assert not translated(errors.SaslAuthenticationFailedError(), "broker:9092", "read").retriable
