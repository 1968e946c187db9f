"""The committed passages: enough of them, unlike each other and unlike the gold file, whole, and balanced.

`DATA_DIR` names another folder than the committed one, to test new records before they are taken in.
"""

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from govwire.core.records import AUTHOR
from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers.evaluation.figures import STANCES
from processors.classifiers.training.passages import DATA, of_part, part, records

FOLDER = Path(os.environ.get("DATA_DIR", DATA))
Record = dict[str, Any]
# Words that stand together in this number make two texts alike.
SHINGLE = 5


@cache
def rows() -> tuple[Record, ...]:
    return tuple(records(FOLDER))


def second_readings() -> list[Record]:
    return [json.loads(line) for line in (FOLDER / "second.jsonl").read_text(encoding="utf-8").splitlines()]


def shingles(text: str) -> set[int]:
    words = re.findall(r"\w+", text.lower())
    return {hash(tuple(words[at : at + SHINGLE])) for at in range(len(words) - SHINGLE + 1)}


@cache
def _own_shingles() -> tuple[set[int], ...]:
    return tuple(shingles(row["text"]) for row in rows())


def likeness(one: set[int], other: set[int], shared_shingles: int) -> float:
    return shared_shingles / (len(one) + len(other) - shared_shingles)


def common(texts: Iterable[tuple[int, set[int]]]) -> Counter[tuple[int, int]]:
    """How many shingles two texts share, for those that share any."""
    index = defaultdict(list)
    for number, own in texts:
        for shingle in own:
            index[shingle].append(number)
    return Counter(pair for numbers in index.values() for pair in combinations(sorted(numbers), 2))


def alike(most: float, *, in_a_pair: bool) -> Iterator[str]:
    own = _own_shingles()
    for (one, other), number in common(enumerate(own)).items():
        first, second = rows()[one], rows()[other]
        paired = bool(first["pair"]) and first["pair"] == second["pair"]
        if paired is in_a_pair and likeness(own[one], own[other], number) > most:
            yield f"{first['id']} and {second['id']}: {likeness(own[one], own[other], number):.2f}"


def test_there_are_enough_passages_articles_and_events() -> None:
    kinds = Counter(row["kind"] for row in rows())
    assert kinds["passage"] >= 4000
    assert kinds["article"] >= 150
    events = Counter(row["event"] for row in rows())
    assert len(events) >= 800
    assert {event: number for event, number in events.items() if number > 10} == {}


def test_ids_are_unique_and_every_record_is_whole() -> None:
    assert len({row["id"] for row in rows()}) == len(rows())
    for row in rows():
        assert row["title"].strip(), row["id"]
        assert row["text"].strip(), row["id"]
        assert row["event"], row["id"]
        assert row["lang"] == "en", row["id"]
        assert row["source"] or not row["relevant"], row["id"]


def test_labels_are_of_the_vocabulary_and_follow_the_guide() -> None:
    vocabulary = load_vocabulary(shared("config"))
    topics, targets = (
        {name for name in table if not vocabulary.is_experimental(name)}
        for table in (vocabulary.topics, vocabulary.targets)
    )
    for row in rows():
        assert set(row["topics"]) <= topics, row["id"]
        assert len(set(row["topics"])) == len(row["topics"]) <= 4, row["id"]
        assert set(row["stance"]) <= targets, row["id"]
        assert set(row["stance"].values()) <= set(STANCES), row["id"]
        assert row["relevant"] == ("stronger_governance" in row["stance"]), row["id"]
        assert row["relevant"] or not (row["topics"] or row["stance"] or row["claims"]), row["id"]


def test_claims_are_shown_by_the_very_words_of_the_text_and_their_holders_stand_in_it() -> None:
    wrong = []
    for row in rows():
        for claim in row["claims"]:
            whole = (
                claim["evidence"] in row["text"]
                and claim["evidence"].strip()
                and claim["target"] in row["stance"]
                and claim["label"] in STANCES
                and (claim["holder"] == AUTHOR or claim["holder"] in row["text"])
            )
            if not whole:
                wrong.append((row["id"], claim["holder"], claim["target"]))
    assert wrong == []


def test_no_two_records_are_alike_but_members_of_a_pair() -> None:
    assert list(alike(0.5, in_a_pair=False)) == []


def test_members_of_a_pair_are_of_one_event_and_not_the_same() -> None:
    events = defaultdict(set)
    members: Counter[str] = Counter()
    for row in rows():
        if row["pair"]:
            events[row["pair"]].add(row["event"])
            members[row["pair"]] += 1
    assert {pair: sorted(found) for pair, found in events.items() if len(found) > 1} == {}
    assert {pair for pair, number in members.items() if number < 2} == set()
    assert list(alike(0.95, in_a_pair=True)) == []
    assert members.total() >= len(rows()) / 3


def test_members_of_a_pair_differ_in_their_labels() -> None:
    labels = defaultdict(set)
    for row in rows():
        if row["pair"]:
            claims = sorted((claim["holder"], claim["target"], claim["label"]) for claim in row["claims"])
            labels[row["pair"]].add(json.dumps([row["relevant"], row["topics"], row["stance"], claims], sort_keys=True))
    assert {pair for pair, found in labels.items() if len(found) < 2} == set()


@pytest.mark.corpus
def test_nothing_of_the_gold_file_is_in_the_data(corpus_dir: Path) -> None:
    lines = (corpus_dir / "eval" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    gold = [shingles(json.loads(line)["text"]) for line in lines]
    of_gold = set().union(*gold)
    own = [mine & of_gold for mine in _own_shingles()]
    found = common([*enumerate(own), *((len(own) + number, one) for number, one in enumerate(gold))])
    near = [
        (rows()[one]["id"], json.loads(lines[other - len(own)])["id"])
        for (one, other), number in found.items()
        if one < len(own) <= other and likeness(_own_shingles()[one], gold[other - len(own)], number) > 0.2
    ]
    assert near == []


def test_events_are_dealt_out_whole_and_enough_is_held_out() -> None:
    held = of_part(rows(), "test")
    assert len(held) >= 400
    assert {part(row["event"]) for row in held} == {"test"}
    counts = Counter(entry for row in held for entry in row["stance"].items())
    for target in {target for target, _ in counts}:
        for label in STANCES:
            assert counts[target, label] >= 5, (target, label)


def test_a_tenth_was_labelled_a_second_time_and_is_still_what_was_read() -> None:
    second, first = second_readings(), {row["id"]: row for row in rows()}
    assert {row["id"] for row in second} <= set(first)
    assert len({row["id"] for row in second}) == len(second)
    for row in second:
        assert all(claim["evidence"] in first[row["id"]]["text"] for claim in row["claims"]), row["id"]
    assert len(second) >= len(first) / 10
