"""What an alert says, whom it is for, and how a subscription is checked when it is added."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from govwire.core.errors import ConfigError, DeliveryError, UnknownNameError
from govwire.core.index.documents import article_body
from govwire.core.records import AlertMessage, Dated
from govwire.core.state import State, open_state
from govwire.core.state.subscriptions import Subscription
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.alerts import channels, subscribing
from processors.alerts.matching import REPARSE_AFTER, Matcher
from processors.alerts.message import MAX_TITLE, message_id, new_story
from processors.alerts.subscribing import Wanted
from samples import article, labels, source, tagged

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOOK = "json://127.0.0.1:9/"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(Path(__file__).parents[3] / "config")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(f"sqlite:///{tmp_path / 'state.db'}") as opened:
        yield opened


def subscription(query: str, name: str = "mine") -> Subscription:
    return Subscription(name, query, HOOK, NOW)


# the message


def test_the_id_is_the_same_in_every_release_and_for_each_key_another() -> None:
    assert message_id("geneva", "s1", "new_story") == "256577d95dc418d90eb05e9c4d9d257e"
    keys = [("a", "b", "c", ""), ("a", "b", "", "c"), ("ab", "", "c", ""), ("", "ab", "c", ""), ("a", "", "bc", "")]
    assert len({message_id(*key) for key in keys}) == len(keys)


def test_a_message_tells_the_story_with_its_link_its_stance_and_its_id(vocabulary: Vocabulary) -> None:
    message = new_story("geneva", "s-today", tagged(), vocabulary)
    assert message.subject == "[geneva] Talks on binding AI rules open in Geneva"
    assert (message.kind, message.story_id, message.article_id) == ("new_story", "s-today", "a" * 32)
    assert message.message_id == message_id("geneva", "s-today", "new_story")
    assert message.body.splitlines() == [
        "Talks on binding AI rules open in Geneva",
        "The Wire, 2026-11-20",
        "https://wire.example/a?id=1",
        "",
        "Topics: Regulation and law, Safety and risk",
        "More or less AI regulation? for: “We need binding rules for frontier systems”",
        "Binding law for: “We need binding rules for frontier systems”",
        "Ana Ruiz, for Binding law: We need binding rules for frontier systems",
        f"Message {message.message_id}",
    ]


def test_of_a_source_that_may_only_be_linked_to_no_sentence_is_passed_on(vocabulary: Vocabulary) -> None:
    linked = tagged(article=article(source=source(rights="link")))
    body = new_story("geneva", "s1", linked, vocabulary).body
    assert "We need binding rules" not in body
    assert "Binding law for" in body


def test_a_date_that_cannot_be_is_left_out_and_labels_of_yesterdays_vocabulary_too(vocabulary: Vocabulary) -> None:
    wrong = Dated(at=datetime(2099, 1, 1, tzinfo=UTC), precision="day", provenance="meta", plausible=False)
    none = vocabulary.model_copy(update={"topics": {}, "targets": {}})
    message = new_story("geneva", "s1", tagged(article=article(published=wrong)), none)
    assert message.published_at is None
    assert message.body.splitlines()[1:-1] == ["The Wire", "https://wire.example/a?id=1", ""]


@given(st.text(max_size=400))
def test_whatever_the_title_the_subject_is_one_short_line(title: str) -> None:
    empty = Vocabulary(sources={}, topics={}, targets={})
    message = new_story("geneva", "s1", tagged(article=article(title=title)), empty)
    assert len(message.subject.splitlines()) == 1
    assert len(message.subject) <= MAX_TITLE + len("[geneva] ")
    assert message.title


# matching


def test_an_article_is_taken_by_those_whose_query_it_matches(vocabulary: Vocabulary) -> None:
    matcher = Matcher(vocabulary)
    asked = [
        subscription("topic:regulation_law", "law"),
        subscription("geneva -binding", "other"),
        subscription('claim:(holder:"Ana Ruiz" stance:favor)', "ruiz"),
        subscription("", "all"),
    ]
    other = tagged(article=article(title="Geneva motor show"), topics=(), stance=(), claims=())
    taken = matcher.takers(asked, [article_body(tagged()), article_body(other)], NOW)
    assert [[each.name for each in takers] for takers in taken] == [["law", "ruiz", "all"], ["all"]]


def test_claims_below_the_display_threshold_take_nothing(vocabulary: Vocabulary) -> None:
    hidden = subscription('claim:(holder:"Industry groups")')
    assert Matcher(vocabulary).takers([hidden], [article_body(tagged())], NOW) == [()]


def test_a_query_that_cannot_be_read_any_more_takes_nothing_and_says_so_once(vocabulary: Vocabulary) -> None:
    matcher = Matcher(vocabulary)
    asked = [subscription("topic:gone_since", "old"), subscription("", "all")]
    with capture_logs() as logs:
        for _ in range(3):
            ((taken,),) = matcher.takers(asked, [article_body(tagged())], NOW)
            assert taken.name == "all"
    assert [(entry["event"], entry["subscription"]) for entry in logs] == [("subscription_unreadable", "old")]


def test_days_ago_are_counted_from_today_however_long_the_process_runs(vocabulary: Vocabulary) -> None:
    matcher = Matcher(vocabulary)
    recent = [subscription("since:1d")]
    published_at = tagged().article.sort_at
    document = article_body(tagged())
    taken = [
        bool(matcher.takers(recent, [document], published_at + after)[0])
        for after in (timedelta(hours=23), timedelta(hours=23) + 2 * REPARSE_AFTER)
    ]
    assert taken == [True, False]


def test_a_changed_query_holds_at_once(vocabulary: Vocabulary) -> None:
    matcher = Matcher(vocabulary)
    document = article_body(tagged())
    assert matcher.takers([subscription("nothing_of_the_kind")], [document], NOW) == [()]
    assert len(matcher.takers([subscription("geneva")], [document], NOW)[0]) == 1


# channels


@pytest.mark.parametrize(
    ("channel", "shown"),
    [
        ("json://hooks.example:8080/services/T0/tok3n?+Authorization=tok3n", "json://hooks.example:8080/***"),
        ("jsons://tok3n@hooks.example/", "jsons://***@hooks.example/***"),
        ("mailtos://me:tok3n@mail.example/tok3n@list.example", "mailtos://***@mail.example/***"),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/tok3najkdnlazkcOXrIdevi7", "slack://***"),
        ("json://receiver:8080/tok3n", "json://receiver:8080/***"),
        ("json://[::1]:8080/tok3n", "json://[::1]:8080/***"),
        ("ntfy://tok3n", "ntfys://***"),
        ("json://hooks.example/${NAME}", "json://hooks.example/***"),
        ("slack://${NAME}", "slack://***"),
        ("${NAME}", "${NAME}"),
        ("unheardof://tok3n", "unheardof://***"),
        ("tok3n", "***"),
        ("json://[tok3n", "json://***"),
    ],
)
def test_a_channel_is_shown_by_scheme_and_host(channel: str, shown: str) -> None:
    assert channels.masked(channel) == shown


@given(
    st.sampled_from(["json", "jsons", "mailto", "form", "slack", "discord", "ntfy", "tgram", "nope", "x"]),
    st.text(max_size=60),
)
def test_whatever_a_channel_holds_it_can_be_shown(scheme: str, rest: str) -> None:
    shown = channels.masked(f"{scheme}://{rest}hooks.example/s3cretpath?token=s3cretvalue")
    assert "s3cret" not in shown


@pytest.mark.parametrize("channel", [HOOK, "mailto://me@mail.example", "slack://${UNSET}", "${UNSET}", "${WHOLE}"])
def test_a_channel_that_can_be_read_passes(channel: str) -> None:
    channels.check(channel, {"WHOLE": "jsons://hooks.example/tok3n"})


@pytest.mark.parametrize("channel", ["https://hooks.example/x", "nope://${UNSET}", "slack://short", "${WRONG}", ""])
def test_a_channel_that_cannot_be_read_is_refused_without_showing_it(channel: str) -> None:
    with pytest.raises(ConfigError, match="not readable; write jsons://") as caught:
        channels.check(channel, {"WRONG": "tok3n"})
    assert "tok3n" not in str(caught.value)


def test_a_host_with_its_port_can_come_from_the_environment_as_well() -> None:
    channels.check("json://${WHERE}/hook", {"WHERE": "127.0.0.1:8080"})
    message = new_story("mine", "s1", tagged(), Vocabulary(sources={}, topics={}, targets={}))
    with pytest.raises(DeliveryError) as caught:
        channels.send("json://${WHERE}/hook", message, {"WHERE": "127.0.0.1:9"})
    assert caught.value.retriable
    assert "127.0.0.1" not in str(caught.value)


# subscribing


def test_subscriptions_are_added_and_listed_masked(state: State, vocabulary: Vocabulary) -> None:
    wanted = [
        Wanted(name="b", query="geneva", channel="json://u:tok3n@h.example/"),
        Wanted(name="a", query="", channel=HOOK),
    ]
    assert subscribing.add(state, wanted, vocabulary) == ["b", "a"]
    assert subscribing.add(state, wanted, vocabulary) == []
    rows = subscribing.listed(state)
    assert [(row["name"], row["query"], row["channel"], row["paused"]) for row in rows] == [
        ("a", "", "json://127.0.0.1:9/***", False),
        ("b", "geneva", "json://***@h.example/***", False),
    ]


def test_all_mistakes_are_told_at_once_and_nothing_is_added(state: State, vocabulary: Vocabulary) -> None:
    subscribing.add(state, [Wanted(name="there", query="", channel=HOOK)], vocabulary)
    wanted = [
        Wanted(name="good", query="geneva", channel=HOOK),
        Wanted(name="bad query", query="geneva AND", channel=HOOK),
        Wanted(name="bad channel", query="", channel="https://hooks.example/tok3n"),
        Wanted(name="bad\nname", query="topic:unheardof", channel=HOOK),
        Wanted(name="low", query="geneva candidates:yes", channel=HOOK),
        Wanted(name="there", query="another", channel=HOOK),
        Wanted(name="good", query="twice", channel=HOOK),
    ]
    with pytest.raises(ConfigError) as caught:
        subscribing.add(state, wanted, vocabulary)
    told = [re.sub(r"[;:](?! query).*", "", problem.removeprefix("subscription ")) for problem in caught.value.problems]
    assert told == [
        "'bad query': query, column 11",
        "'bad channel'",
        "'bad\\nname'",
        "'bad\\nname': query, column 7",
        "'low': query",
        "'there'",
        "'good'",
    ]
    assert "tok3n" not in str(caught.value)
    assert [row["name"] for row in subscribing.listed(state)] == ["there"]


def test_one_that_is_not_there_is_named_with_the_nearest(state: State, vocabulary: Vocabulary) -> None:
    subscribing.add(state, [Wanted(name="geneva", query="", channel=HOOK)], vocabulary)
    with pytest.raises(UnknownNameError, match="did you mean 'geneva'"):
        subscribing.remove(state, "genevra")
    with pytest.raises(UnknownNameError, match="did you mean 'geneva'"):
        subscribing.pause(state, "genevra", paused=True)
    subscribing.pause(state, "geneva", paused=True)
    assert [row["paused"] for row in subscribing.listed(state)] == [True]
    subscribing.remove(state, "geneva")
    assert subscribing.listed(state) == []


def test_a_file_of_subscriptions_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[subscription]]\nname = "geneva"\nquery = "title:geneva"\nchannel = "${HOOK}"\n'
        '[[subscription]]\nname = "all"\nquery = ""\nchannel = "json://h/"\n'
    )
    assert [each.name for each in subscribing.read_file(path)] == ["geneva", "all"]


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("name = ", ["mine.toml: "]),
        ('[subscription]\nname = "x"', ["subscription: write it in double brackets"]),
        ('[[subscriptions]]\nname = "x"', ["subscriptions: unknown"]),
        (
            '[[subscription]]\nname = "x"\nquery = 3\nsecret = "tok3n"\n[[subscription]]\nname = "y"\nquery = ""\n',
            ["subscription 1: query", "subscription 1: channel", "subscription 1: secret", "subscription 2: channel"],
        ),
    ],
    ids=["no TOML", "one bracket", "another name", "wrong fields"],
)
def test_mistakes_in_a_file_are_told_at_once(tmp_path: Path, content: str, problems: list[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        subscribing.read_file(path)
    assert len(caught.value.problems) == len(problems)
    for told, problem in zip(caught.value.problems, problems, strict=True):
        assert problem in told
    assert "tok3n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        subscribing.read_file(tmp_path / "mine.toml")


def test_no_secret_is_in_what_is_printed_of_a_subscription() -> None:
    wanted = Wanted(name="mine", query="", channel="json://u:tok3n@h.example/")
    stored = Subscription("mine", "", "json://u:tok3n@h/", NOW)
    assert "tok3n" not in repr(wanted) + str(wanted) + repr(stored)


def test_labels_of_a_message_survive_the_wire(vocabulary: Vocabulary) -> None:
    message = new_story("geneva", "s1", tagged(**labels().model_dump(include={"epoch"})), vocabulary)
    assert AlertMessage.from_json(message.to_json()) == message
