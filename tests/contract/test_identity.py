"""What the state promises extract: aliases, revisions and stories, alike on SQLite and PostgreSQL."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from govwire.core.state import State, identity, open_state, stories
from govwire.core.state.identity import Observation, Revision, Sighting
from govwire.core.state.stories import Teller, story_id
from state_databases import DATABASES, NOW, empty_database

FIRST = Observation(
    article_id="a",
    url_id="u1",
    fetch_id="u1-1",
    fetched_at=NOW,
    text_hash="one",
    extractor="x-1",
)


@pytest.fixture(params=DATABASES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    """An empty database."""
    with open_state(empty_database(request, tmp_path)) as opened:
        yield opened


def seen(number: int, **fields: object) -> Observation:
    """The fetch of that number, an hour after the one before."""
    later = NOW + timedelta(hours=number - 1)
    return replace(FIRST, **{"fetch_id": f"u1-{number}", "fetched_at": later} | fields)  # type: ignore[arg-type]


def observe(state: State, *observations: Observation) -> list[Revision]:
    found = []
    for observation in observations:
        with state.begin() as transaction:
            found.append(identity.observe(transaction, observation))
    return found


def teller(name: str, bands: str, *, minute: int = 0, site: str | None = None) -> Teller:
    """An article, on a site of its own unless one is named."""
    at = NOW + timedelta(minutes=minute)
    return Teller(name, first_seen_at=at, seen_at=at, bands=tuple(bands.split()), site=site or f"{name}.example")


def tell(state: State, *tellers: Teller, in_common: int = 2, on_one_site: int = 4) -> dict[str, str]:
    with state.begin() as transaction:
        stories.announce(transaction, tellers)
    with state.begin() as transaction:
        return stories.assign_stories(transaction, tellers, in_common, on_one_site)


def test_an_alias_once_given_wins_over_any_recomputation(state: State) -> None:
    with state.begin() as transaction:
        assert identity.assign_articles(transaction, {"u1": "a", "u2": "a"}) == {"u1": "a", "u2": "a"}
        assert identity.assign_articles(transaction, {"u1": "b", "u3": "b"}) == {"u1": "a", "u3": "b"}
        assert identity.assign_articles(transaction, {}) == {}
        assert identity.article_of(transaction, "u3") == "b"
        assert identity.article_of(transaction, "u4") is None


def test_revisions_count_the_changes_of_a_text(state: State) -> None:
    found = observe(state, FIRST, seen(2), seen(3, text_hash="two"), seen(4, text_hash="two"), seen(5))
    assert [(revision.number, revision.sighting) for revision in found] == [
        (1, Sighting.NEW),
        (1, Sighting.SAME),
        (2, Sighting.NEW),
        (2, Sighting.SAME),
        (3, Sighting.NEW),  # a return to older wording
    ]
    assert [revision.is_news for revision in found] == [True, False, True, False, True]


def test_a_fetch_delivered_again_gets_its_number_again_whatever_came_later(state: State) -> None:
    observe(state, FIRST, seen(2, text_hash="two"), seen(3, text_hash="three"))
    again = observe(state, FIRST, seen(2, text_hash="two"), seen(3, text_hash="three"))
    assert [(revision.number, revision.sighting) for revision in again] == [(n, Sighting.KNOWN) for n in (1, 2, 3)]
    assert all(revision.is_news for revision in again)


def test_a_page_fetched_before_the_newest_revision_makes_none(state: State) -> None:
    assert observe(state, seen(2), seen(1, text_hash="older"))[1] == Revision(1, "u1", Sighting.OLDER)


def test_going_and_coming_back_are_revisions(state: State) -> None:
    found = observe(state, FIRST, seen(2, state="gone"), seen(3, state="gone"), seen(4))
    assert [revision.number for revision in found] == [1, 2, 2, 3]


def test_texts_of_different_extractors_are_never_compared(state: State) -> None:
    found = observe(
        state,
        FIRST,
        seen(2, extractor="x-2", text_hash="read otherwise"),
        seen(3, extractor="x-2", text_hash="read otherwise"),
        seen(4, extractor="x-2", text_hash="changed"),
    )
    assert [(revision.number, revision.sighting) for revision in found] == [
        (1, Sighting.NEW),
        (1, Sighting.RE_EXTRACTED),
        (1, Sighting.SAME),
        (2, Sighting.NEW),
    ]


def test_another_url_of_the_same_text_is_told_whose_copy_it_is(state: State) -> None:
    found = observe(state, FIRST, seen(2, url_id="u2", fetch_id="u2-2"))
    assert found[1] == Revision(1, "u1", Sighting.SAME)


def test_simultaneous_observations_get_numbers_without_gap_or_repeat(state: State) -> None:
    together = threading.Barrier(6)

    def look(number: int) -> Revision:
        observation = replace(FIRST, url_id=f"u{number}", fetch_id=f"u{number}-1", text_hash=f"text {number}")
        together.wait(30)
        return observe(state, observation)[0]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(look, range(6)))
    assert sorted(revision.number for revision in found) == [1, 2, 3, 4, 5, 6]


def test_articles_with_enough_bands_in_common_tell_one_story(state: State) -> None:
    told = tell(state, teller("a", "1 2 3"), teller("b", "2 3 4", minute=1), teller("c", "4 5 6", minute=2))
    assert told == {"a": story_id("a"), "b": story_id("a"), "c": story_id("c")}


def test_the_leader_is_the_earliest_and_then_the_smallest(state: State) -> None:
    assert set(tell(state, teller("c", "1 2"), teller("b", "1 2"), teller("a", "1 2", minute=1)).values()) == {
        story_id("b")
    }


def test_a_story_keeps_its_id_when_an_earlier_article_turns_up(state: State) -> None:
    first = tell(state, teller("b", "1 2", minute=5))
    assert tell(state, teller("a", "1 2", minute=1)) == {"a": first["b"]}
    assert tell(state, teller("b", "1 2", minute=5)) == first


def test_texts_that_one_site_fills_into_one_form_are_stories_of_their_own(state: State) -> None:
    one, two = teller("a", "1 2 3 f g h", site="office"), teller("b", "4 5 6 f g h", minute=1, site="office")
    told = tell(state, one) | tell(state, two)
    assert told == {"a": story_id("a"), "b": story_id("b")}
    # Others who print one of them are told whose it is by what is not form.
    assert tell(state, teller("c", "4 5 6 f g h", minute=2)) == {"c": story_id("b")}
    assert tell(state, teller("d", "7 8 9 f g h", minute=3)) == {"d": story_id("d")}


def test_an_article_under_two_addresses_of_its_site_is_one_story_and_no_form(state: State) -> None:
    twins = [teller(name, f"1 2 3 4 {name}", minute=minute, site="office") for minute, name in enumerate("ab")]
    assert set(tell(state, *twins).values()) == {story_id("a")}
    assert tell(state, teller("c", "1 2 x y", minute=2)) == {"c": story_id("a")}


def test_an_article_too_short_to_be_compared_is_a_story_of_its_own(state: State) -> None:
    assert tell(state, teller("a", ""), teller("b", "")) == {"a": story_id("a"), "b": story_id("b")}


def test_stories_that_an_article_bridges_become_one_under_an_alias(state: State) -> None:
    apart = tell(state, teller("a", "1 2"), teller("b", "3 4", minute=1), teller("c", "5 6", minute=2))
    assert len(set(apart.values())) == 3
    assert tell(state, teller("d", "3 4 5 6", minute=3)) == {"d": apart["b"]}
    assert tell(state, teller("e", "1 2 3 4", minute=4)) == {"e": apart["a"]}
    # Nobody's id has changed; asked for today's name, all answer alike.
    assert tell(state, teller("c", "5 6", minute=2)) == {"c": apart["c"]}
    with state.begin() as transaction:
        assert set(stories.resolve(transaction, [*apart.values(), "unheard of"]).values()) == {
            apart["a"],
            "unheard of",
        }


def test_simultaneous_copies_tell_one_story(state: State) -> None:
    copies, rounds = 4, 25
    together = threading.Barrier(copies)
    order = random.Random(20261124)

    def arrive(arrival: tuple[int, int]) -> str:
        turn, minute = arrival
        name = f"{turn}-{minute}"
        copy = teller(name, f"{turn}-x {turn}-y {turn}-z", minute=minute)
        together.wait(30)
        return tell(state, copy)[name]

    with ThreadPoolExecutor(copies) as pool:
        for turn in range(rounds):
            minutes = order.sample(range(copies), copies)
            assert len(set(pool.map(arrive, [(turn, minute) for minute in minutes]))) == 1


def test_batches_that_share_copies_crosswise_do_not_block_each_other(state: State) -> None:
    together = threading.Barrier(2)

    def arrive(mine: int) -> dict[str, str]:
        batch = [teller(f"{story}-{mine}", f"{story}-x {story}-y", minute=mine) for story in range(20)]
        if mine:
            batch.reverse()
        together.wait(30)
        return tell(state, *batch)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(arrive, range(2))
    assert [one[f"{story}-0"] for story in range(20)] == [other[f"{story}-1"] for story in range(20)]
