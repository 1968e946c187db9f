"""`govwire samples` as its users write it: list, show, answer, one by one or all, and the rate that follows."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands import govwire
from govwire.core.records import Lane
from govwire.core.settings import Settings
from govwire.core.state import frontier, irrelevant, ledger, open_state
from govwire.core.state.frontier import Found
from govwire.core.state.irrelevant import Irrelevant
from govwire.core.state.ledger import IRRELEVANT, Outcome, Outcomes
from govwire.core.urls import article_id, url_id
from govwire.run.housekeeping import draw_samples
from processors.sampling import wilson

NOW = datetime.now(UTC)


def address(number: int) -> str:
    return f"https://wire.example/{number}"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder in which last week three articles were dropped and drawn."""
    settings = Settings(data_dir=tmp_path)
    at = NOW - timedelta(days=7)
    with open_state(settings.state_url) as state, state.begin() as transaction:
        for number in range(3):
            url = address(number)
            frontier.add(transaction, [Found(url, "wire")], at)
            row = Outcomes(url_id(url), url, "wire", Lane.LIVE, "f", "classify", Outcome.DROPPED, IRRELEVANT)
            ledger.record(transaction, [row], at)
            kept = Irrelevant(article_id(url), url_id(url), url, f"Title {number}", "Text.", 0.12, "model", "small-1")
            irrelevant.keep(transaction, [kept], at)
    draw_samples(settings, NOW)
    return tmp_path


def says(data_dir: Path, *words: object) -> str:
    done = govwire("--data-dir", data_dir, *words)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def refuses(data_dir: Path, *words: object) -> str:
    done = govwire("--data-dir", data_dir, *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    return str(done.stderr)


def rows(told: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.splitlines()]


def test_samples_are_listed_and_shown(data_dir: Path) -> None:
    listed = rows(says(data_dir, "samples", "list", "--json"))
    assert [(row["sample_id"], row["url"]) for row in listed] == [
        (number, url) for number, url in enumerate(sorted(map(address, range(3)), key=url_id), 1)
    ]
    told = says(data_dir, "samples", "show", "1")
    assert "as irrelevant by small-1, relevance 0.12" in told
    assert says(data_dir, "samples", "list").splitlines()[0].split()[:2] == ["sample_id", "week"]
    assert "sample 9: not there" in refuses(data_dir, "samples", "show", "9")


def test_what_is_called_relevant_comes_back_and_the_rate_follows_from_the_answers(data_dir: Path) -> None:
    assert says(data_dir, "samples", "rate") == "irrelevant by small-1: 3 drawn, none checked yet\n"
    said = says(data_dir, "samples", "answer", "1", "relevant", "--by", "Ana")
    assert said == "sample 1: relevant; correction 1 brings it back\n"
    assert says(data_dir, "samples", "answer", "2", "irrelevant", "--by", "Ana") == "sample 2: irrelevant\n"
    [correction] = rows(says(data_dir, "corrections", "list", "--json"))
    [sample] = [row for row in rows(says(data_dir, "samples", "list", "--all", "--json")) if row["sample_id"] == 1]
    assert (correction["says"], correction["url"], correction["made_by"]) == ("relevant", sample["url"], "Ana")
    assert "due" in says(data_dir, "why", sample["url"])
    [rate] = rows(says(data_dir, "samples", "rate", "--json"))
    assert (rate["drawn"], rate["checked"], rate["missed"], rate["missed_share"]) == (3, 2, 1, 0.5)
    status = says(data_dir, "status")
    assert "samples    1 to be checked" in status
    assert "irrelevant by small-1: 1 of 2 checked were relevant: 50.0%, 95 % interval 9.5% to 90.5%" in status
    again = refuses(data_dir, "samples", "answer", "1", "irrelevant", "--by", "Bo")
    assert "Ana called it relevant already; 'govwire corrections withdraw 1' takes it back" in again
    says(data_dir, "corrections", "withdraw", "1", "--by", "Ana")
    assert rows(says(data_dir, "samples", "rate", "--json"))[0]["missed"] == 0


def test_who_corrected_the_article_already_is_not_asked_to_do_it_twice(data_dir: Path) -> None:
    [first, *_] = rows(says(data_dir, "samples", "list", "--json"))
    says(data_dir, "correct", first["url"], "--relevant", "--by", "Bo")
    assert says(data_dir, "samples", "answer", "1", "relevant", "--by", "Ana") == "sample 1: relevant\n"
    assert len(rows(says(data_dir, "corrections", "list", "--json"))) == 1


@pytest.mark.parametrize(
    ("words", "says_so"),
    [
        (("1", "perhaps", "--by", "Ana"), "say relevant or irrelevant"),
        (("1", "--by", "Ana"), "say relevant or irrelevant"),
        (("9", "relevant", "--by", "Ana"), "sample 9: not there"),
        (("1", "relevant", "--by", " "), "who answers"),
    ],
)
def test_a_wrong_answer_is_one_line(data_dir: Path, words: tuple[str, ...], says_so: str) -> None:
    assert says_so in refuses(data_dir, "samples", "answer", *words)


def test_without_an_id_each_is_shown_and_asked_for(data_dir: Path) -> None:
    def type_in(keys: str) -> str:
        command = [sys.executable, "-c", "from govwire.cli import main; main()", "--data-dir", str(data_dir)]
        words = [*command, "samples", "answer", "--by", "Ana"]
        done = subprocess.run(words, input=keys, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = type_in("i\nwhat\ns\nr\n")
    assert [line for line in told.splitlines() if line.startswith(("1 of 3", "3 of 3"))]
    answers = {row["sample_id"]: row["answer"] for row in rows(says(data_dir, "samples", "list", "--all", "--json"))}
    assert answers == {1: "irrelevant", 2: None, 3: "relevant"}
    assert "no more" not in type_in("q\n")


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    # Of Wilson's formula, worked by hand for z = 1.96; the first is the known (0, 3.84 / (n + 3.84)).
    [(0, 50, 0.0, 0.0713), (2, 48, 0.0115, 0.1397), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_holds_at_the_ends_too(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=0.0001)
