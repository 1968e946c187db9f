"""The operator's channel: what is due goes out as one message, again when it was not taken, and never with secrets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from govwire.core.contract import Finding, Trouble
from govwire.core.errors import ConfigError
from govwire.core.settings import AlertSettings, NoticeSettings, Settings
from govwire.core.state import State, notices, open_state
from processors.alerts.notices import Teller
from servers.http_receiver import HttpReceiver
from servers.process import wait_until

NOW = datetime.now(UTC)
QUIET = Finding(Trouble.QUIET, NOW - timedelta(days=3), "nothing new")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(f"sqlite:///{tmp_path / 'state.db'}") as opened:
        yield opened


def settle(state: State, **findings: Finding) -> None:
    with state.begin() as transaction:
        notices.settle(transaction, findings, datetime.now(UTC))


def teller(state: State, channel: str) -> Teller:
    return Teller(Settings(alerts=AlertSettings(retry_base_seconds=0.2)), channel, state)


def test_everything_that_is_due_is_one_message(state: State, webhook: HttpReceiver) -> None:
    telling = teller(state, f"json://127.0.0.1:{webhook.port}/s3cr3t")
    settle(state, one=QUIET, two=QUIET)
    assert (telling.tell(), telling.tell()) == (2, 0)
    settle(state, two=QUIET, three=QUIET)
    assert telling.tell() == 2
    first, second = webhook.requests
    assert [first.json()["title"], second.json()["title"]] == [
        "[govwire] sources: 2 in trouble",
        "[govwire] sources: 1 in trouble, 1 recovered",
    ]
    assert second.json()["message"].splitlines() == [
        f"Recovered: one: quiet since {QUIET.since:%Y-%m-%d %H:%M}: nothing new",
        f"three: quiet since {QUIET.since:%Y-%m-%d %H:%M}: nothing new",
    ]


def test_a_message_that_was_not_taken_is_sent_again(
    state: State, webhook: HttpReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    telling = teller(state, f"json://127.0.0.1:{webhook.port}/s3cr3t")
    settle(state, one=QUIET)
    webhook.answer(500, 404)
    assert telling.tell() == 0
    wait_until(lambda: telling.tell() == 1, what="the operator to be told")
    assert len(webhook.requests) == 3
    assert "s3cr3t" not in capsys.readouterr().out


def test_a_channel_that_cannot_be_read_is_refused_at_the_start_and_shown_by_nothing(state: State) -> None:
    with pytest.raises(ConfigError, match=r"^notices\.channel: channel \*\*\*: not readable"):
        teller(state, "s3cr3t")
    assert "s3cr3t" not in repr(Settings(notices=NoticeSettings(channel=SecretStr("json://x/s3cr3t"))))
