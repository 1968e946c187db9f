"""`govwire correct` and `corrections` as their users write them: what they print, and what they refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import govwire
from govwire.core import urls
from govwire.core.index import open_index
from govwire.core.settings import Settings
from govwire.core.state import identity, open_state
from processors.stages.index import IndexStage
from samples import article, evidence, labels, tagged

URL = article().url
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The commands over a folder with one article in its index."""
    settings = Settings(data_dir=tmp_path)
    index = open_index(settings)
    sample = tagged()
    with open_state(settings.state_url) as state:
        IndexStage(index, state).work([sample])
        with state.begin() as transaction:
            identity.assign_articles(transaction, {urls.url_id(urls.normalise(URL)): sample.article.article_id})
    index.close()
    return lambda *words: govwire("--data-dir", tmp_path, *words)


def printed(done: Any) -> str:
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def shown(run: Run) -> Any:
    return json.loads(printed(run("correct", URL, "--json")))


def test_without_an_option_an_articles_labels_are_shown_and_its_claims_numbered(run: Run) -> None:
    lines = printed(run("correct", URL)).splitlines()
    assert lines == [
        "topics  regulation_law, safety_risk",
        "stance  stronger_governance: favor  “We need binding rules for frontier systems”",
        "stance  binding_regulation: favor  “We need binding rules for frontier systems”",
        "claim 1  Ana Ruiz: binding_regulation favor  “We need binding rules for frontier systems”",
        "claim 2  Industry groups: binding_regulation against (candidate)  “called the plan premature”",
    ]


@pytest.mark.parametrize(
    ("options", "says", "line"),
    [
        (
            ("--stance", "binding_regulation=against"),
            "stance binding_regulation: against",
            "stance  binding_regulation: against (corrected)",
        ),
        (
            ("--stance", "open_models = neutral"),
            "stance open_models: neutral",
            "stance  open_models: neutral (corrected)",
        ),
        (("--topic", "military"), "topic military", "topics  regulation_law, safety_risk, military (corrected)"),
        (("--remove-topic", "safety_risk"), "not topic safety_risk", "topics  regulation_law"),
        (
            ("--claim-label", "1=neutral"),
            "claim Ana Ruiz: binding_regulation neutral (was: Ana Ruiz: binding_regulation favor)",
            "claim 1  Ana Ruiz: binding_regulation neutral (corrected)",
        ),
        (
            ("--holder", "2=Trade groups"),
            "claim Trade groups: binding_regulation against (was: Industry groups: binding_regulation against)",
            "claim 2  Trade groups: binding_regulation against (corrected)",
        ),
        (
            ("--claim", "Geneva; open_models; favor; Ministers met in Geneva"),
            "claim Geneva: open_models favor",
            "claim 3  Geneva: open_models favor (corrected)  “Ministers met in Geneva”",
        ),
    ],
    ids=lambda value: value[0].strip("-") if isinstance(value, tuple) else "",
)
def test_each_option_corrects_one_label(run: Run, options: tuple[str, ...], says: str, line: str) -> None:
    assert printed(run("correct", URL, "--by", "Ana", *options)).startswith(f"correction 1 (made): {says}\n")
    assert any(each.startswith(line) for each in printed(run("correct", URL)).splitlines())


def test_what_is_removed_is_gone(run: Run) -> None:
    run("correct", URL, "--by", "Ana", "--remove-claim", "2")
    run("correct", URL, "--by", "Ana", "--remove-stance", "binding_regulation", "--note", "only reported")
    left = shown(run)
    assert [each["holder"] for each in left["claims"]] == ["Ana Ruiz"]
    assert [each["target"] for each in left["stance"]] == ["stronger_governance"]
    told = printed(run("corrections", "show", "2"))
    assert "note         only reported" in told
    assert "evidence     “We need binding rules for frontier systems”" in told


def test_a_stance_may_rest_on_words_of_its_own(run: Run) -> None:
    words = ("--stance", "stronger_governance=neutral", "--evidence", "Industry  groups called")
    run("correct", URL, "--by", "Ana", *words)
    assert shown(run)["stance"][0]["evidence"] == evidence("Industry groups called").model_dump()


def test_a_holder_who_is_listed_is_linked(run: Run) -> None:
    run("correct", URL, "--by", "Ana", "--holder", "1=the European Commission")
    assert shown(run)["claims"][0]["holder_id"] == "european_commission"
    run("correct", URL, "--by", "Ana", "--holder", "1=_author")
    assert (shown(run)["claims"][0]["holder"], shown(run)["claims"][0]["holder_id"]) == ("_author", None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--topic", "military"), "who makes it: --by NAME"),
        (("--by", " ", "--topic", "military"), "who makes it: --by NAME"),
        (("--by", "Ana", "--topic", "military", "--remove-claim", "1"), "name one change"),
        (("--by", "Ana", "--topic", "militari"), "did you mean 'military'"),
        (("--by", "Ana", "--stance", "open_model=favor"), "did you mean 'open_models'"),
        (("--by", "Ana", "--stance", "open_models"), "write --stance TARGET=LABEL"),
        (("--by", "Ana", "--stance", "open_models=unsure"), "a person says favor, against, neutral"),
        (("--by", "Ana", "--stance", "open_models=favor", "--evidence", "not there"), "not in the article's text"),
        (("--by", "Ana", "--remove-stance", "open_models"), "the article has none"),
        (("--by", "Ana", "--remove-claim", "3"), "claim 3: the article has 2"),
        (("--by", "Ana", "--claim-label", "one=favor"), "claim 'one': no number"),
        (("--by", "Ana", "--claim", "Ana Ruiz; open_models; favor"), "HOLDER;TARGET;LABEL;EVIDENCE"),
        (("--by", "Ana", "--claim", "Ana Ruiz;open_models;favor;never said"), "not in the article's text"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_does_not_fit_is_refused_with_one_line(run: Run, options: tuple[str, ...], says: str) -> None:
    done = run("correct", URL, *options)
    [line] = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert says in line
    assert printed(run("corrections", "list")) == "no corrections\n"


def test_corrections_are_listed_confirmed_and_withdrawn(run: Run) -> None:
    run("correct", URL, "--by", "Ana", "--topic", "military")
    refused = run("corrections", "confirm", "1", "--by", "ana")
    assert (refused.returncode, "somebody else has to confirm it" in refused.stderr) == (2, True)
    assert printed(run("corrections", "confirm", "1", "--by", "Bo")).startswith(
        "correction 1 (confirmed): topic military"
    )
    [row] = [json.loads(line) for line in printed(run("corrections", "list", "--json")).splitlines()]
    assert (row["status"], row["made_by"], row["confirmed_by"], row["url"]) == ("confirmed", "Ana", "Bo", URL)
    printed(run("corrections", "withdraw", "1", "--by", "Cy"))
    assert [each["id"] for each in shown(run)["topics"]] == [topic.id for topic in labels().topics]
    assert "correction 7: not there" in run("corrections", "show", "7").stderr


def test_a_search_says_which_labels_are_corrected(run: Run) -> None:
    run("correct", URL, "--by", "Ana", "--claim-label", "1=against")
    run("correct", URL, "--by", "Ana", "--stance", "binding_regulation=against")
    told = printed(run("search", "stance.binding_regulation:against"))
    assert "binding_regulation: against (corrected)" in told
    assert "Ana Ruiz: binding_regulation against (corrected)" in told
