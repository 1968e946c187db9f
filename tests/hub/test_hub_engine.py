"""The `hub` engine on tiny models with random weights, made here: an NLI model and a sequence classifier."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govwire.core.errors import ClassificationError, ConfigError, ModelError
from govwire.core.records import Labels
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.terms import load_terms
from govwire.core.vocabulary import Vocabulary, load_vocabulary
from processors.classifiers import Classifier, Document, open_classifier
from processors.classifiers.hub import open_hub
from processors.classifiers.hub_model import HubModel
from processors.classifiers.rows import as_row
from tiny_models import NLI, SEQUENCE, TEXT, Build, builder

pytestmark = pytest.mark.hub

RELEVANT = Document("a", "Ministers call for an AI treaty", TEXT)
RAIN = Document("b", "Rain ends the drought", "It rained for three days in the valley, and the farmers were glad.")
GERMAN = Document("c", "KI-Verordnung", "Die KI-Verordnung der Kommission gilt seit heute.", "de")
POISON = Document("p", "An AI law", "half a pair of AI rules: \ud800")


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(shared("config"))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory, vocabulary: Vocabulary) -> Build:
    return builder(tmp_path_factory, vocabulary)


@pytest.fixture(scope="module")
def nli(build: Build) -> Path:
    return build(NLI)


@pytest.fixture(scope="module")
def sequence(build: Build) -> Path:
    return build(SEQUENCE, multiple=True, sure="relevant")


def hub(folder: Path, **settings: Any) -> Settings:
    chosen = {"engine": "hub", "hub_model": str(folder), "hub_device": "cpu", "threads": 1, "hub_windows": 2}
    return Settings.model_validate({"classify": chosen | settings})


@pytest.fixture(params=["nli", "sequence"])
def classifier(request: pytest.FixtureRequest, vocabulary: Vocabulary) -> Iterator[Classifier]:
    opened = open_classifier(hub(request.getfixturevalue(request.param)), vocabulary)
    yield opened
    opened.close()


def label(classifier: Classifier, *documents: Document) -> list[Labels]:
    answers = classifier.classify(documents)
    assert not [answer for answer in answers if isinstance(answer, ClassificationError)]
    return [answer for answer in answers if isinstance(answer, Labels)]


def test_a_relevant_text_gets_the_same_record_as_from_the_other_engines(
    classifier: Classifier, vocabulary: Vocabulary
) -> None:
    (labels,) = label(classifier, RELEVANT)
    assert (labels.relevant, labels.relevance_by, labels.model) == (True, "model", classifier.model)
    proper = {topic for topic in vocabulary.topics if not vocabulary.is_experimental(topic)}
    assert {score.id for score in labels.topic_scores} == proper
    assert "stronger_governance" in {stance.target for stance in labels.stance}
    claims = [*labels.claims, *labels.experimental.claims]
    stances = [*labels.stance, *labels.experimental.stance]
    evidence = [one.evidence for one in [*claims, *stances] if one.evidence is not None]
    assert evidence
    assert all(TEXT[one.start : one.end] == one.text for one in evidence)
    assert {claim.holder for claim in claims} <= {"Ana Ruiz", "Industry groups", "Tom Becker"}
    keyword = open_classifier(Settings(), vocabulary, "keyword")
    (other,) = label(keyword, RELEVANT)
    assert as_row(RELEVANT, labels, classifier).keys() == as_row(RELEVANT, other, keyword).keys()
    assert Labels.model_validate_json(labels.model_dump_json()) == labels


def test_an_nli_model_gives_a_claim_to_who_speaks_by_what_the_sentence_entails(
    nli: Path, vocabulary: Vocabulary
) -> None:
    (labels,) = label(open_classifier(hub(nli), vocabulary), RELEVANT)
    assert {claim.holder for claim in labels.claims} == {"Ana Ruiz", "Industry groups", "Tom Becker"}
    model = HubModel(hub(nli).classify)
    for claim in labels.claims:
        target = vocabulary.targets[claim.target]
        against, favor = model.chances([claim.evidence.text] * 2, [target.against, target.favor])[
            :, NLI.index("entailment")
        ]
        assert claim.holder in claim.evidence.text
        assert claim.label == ("favor" if favor > against else "against")
        assert claim.score == pytest.approx(min(1, against + favor), abs=2e-4)


def test_what_does_not_name_ai_is_irrelevant_and_other_languages_are_left_to_the_terms(classifier: Classifier) -> None:
    rain, german, empty = label(classifier, RAIN, GERMAN, Document("e", "AI", ""))
    assert (rain.relevant, rain.relevance_by) == (False, "terms")
    assert (german.relevant, german.relevance_by) == (True, "terms")
    assert not empty.relevant


def test_labels_depend_on_nothing_else_in_the_batch(nli: Path, vocabulary: Vocabulary) -> None:
    classifier = open_classifier(hub(nli, threads=2), vocabulary)
    halves = [Document(str(at), RELEVANT.title, TEXT[at:]) for at in range(0, len(TEXT), 60)]
    alone = [label(classifier, document)[0] for document in halves]
    assert label(classifier, *halves) == alone
    assert label(classifier, *halves[::-1]) == alone[::-1]
    assert len({labels.model_dump_json() for labels in alone}) > 1
    classifier.close()


def test_padding_changes_no_chance_and_batches_no_label(nli: Path, vocabulary: Vocabulary) -> None:
    texts = [TEXT[:length] for length in (5, 40, 90, 200, len(TEXT))]
    single, whole = (HubModel(hub(nli, hub_batch=batch).classify) for batch in (1, 16))
    found = [model.chances(texts, ["AI is law."] * len(texts)) for model in (single, whole)]
    assert np.allclose(*found, atol=1e-6)
    assert not np.allclose(found[0][0], found[0][-1], atol=1e-2)
    by_one, by_many = (open_classifier(hub(nli, hub_batch=batch), vocabulary) for batch in (1, 16))
    one, many = (label(each, RELEVANT)[0].model_dump() for each in (by_one, by_many))
    assert _without_numbers(one) == _without_numbers(many)
    assert _numbers(one) == pytest.approx(_numbers(many), abs=2e-4)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [number for part in value for number in _numbers(part)]
    return [value] if isinstance(value, float) else []


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_numbers(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_numbers(part) for part in value]
    return None if isinstance(value, float) else value


@pytest.mark.parametrize("separator", [" ", ".\n"], ids=["one sentence", "many sentences"])
def test_of_a_text_of_5000_words_the_first_windows_are_read_and_the_rest_changes_nothing(
    nli: Path, vocabulary: Vocabulary, separator: str
) -> None:
    classifier = open_classifier(hub(nli, hub_windows=3), vocabulary)
    text = separator.join("The minister said that AI needs a law" if at % 2 else "no more rules" for at in range(900))
    assert len(text.split()) >= 4900
    read, other = label(classifier, Document("l", "AI law", text), Document("m", "AI law", text + " " + TEXT))
    assert read.relevant
    assert read.model_dump(exclude={"laws", "acts", "instruments"}) == other.model_dump(
        exclude={"laws", "acts", "instruments"}
    )
    ends = [stance.evidence.end for stance in read.stance if stance.evidence is not None]
    assert 0 < max(ends) < 3 * 256 * 12


def test_what_is_too_long_is_cut_at_the_end_of_the_text_never_of_the_hypothesis(nli: Path) -> None:
    model = HubModel(hub(nli).classify)
    hypothesis = "rules for ai " * 50
    room = model.room(hypothesis)
    assert model.max_tokens == 256
    assert room == 256 - 3 - 150
    long, cut, shorter = ("law " * words for words in (5000, room, room - 1))
    chances = model.chances([long, cut, shorter], [hypothesis] * 3)
    assert np.array_equal(chances[0], chances[1])
    assert not np.array_equal(chances[1], chances[2])


def test_entailment_may_stand_anywhere_and_in_any_case(build: Build, vocabulary: Vocabulary) -> None:
    orders = [NLI, ("entailment", "neutral", "contradiction"), ("contradiction", "neutral", "entailment")]
    folders = [build(order) for order in orders] + [build([name.upper() for name in NLI], sure="ENTAILMENT")]
    found = [label(open_classifier(hub(folder), vocabulary), RELEVANT)[0] for folder in folders]
    assert {labels.model_copy(update={"model": ""}).model_dump_json() for labels in found} == {
        found[0].model_copy(update={"model": ""}).model_dump_json()
    }


def test_a_sequence_classifier_answers_for_its_labels_and_the_term_lists_for_the_rest(
    build: Build, sequence: Path, vocabulary: Vocabulary
) -> None:
    (by_terms,) = label(open_classifier(Settings(), vocabulary, "keyword"), RELEVANT)
    (by_model,) = label(open_classifier(hub(sequence), vocabulary), RELEVANT)
    terms, model = ({one.id: one.score for one in labels.topic_scores} for labels in (by_terms, by_model))
    own = {"safety_risk", "regulation_law"}
    assert {name for name in terms if terms[name] != model[name]} == own
    stances = [{one.target: one.score for one in labels.stance} for labels in (by_terms, by_model)]
    assert stances[0]["international_governance"] == stances[1]["international_governance"]
    assert stances[0]["stronger_governance"] != stances[1]["stronger_governance"]
    (topics_only,) = label(open_classifier(hub(build(["safety_risk"], sure="safety_risk")), vocabulary), RELEVANT)
    assert (topics_only.relevant, topics_only.relevance_by) == (True, "terms")
    for kind in ("stance", "claims"):
        one, other = (getattr(labels, kind) for labels in (topics_only, by_terms))
        assert [(each.target, each.label, each.score) for each in one] == [
            (each.target, each.label, each.score) for each in other
        ]


@pytest.mark.usefixtures("no_network")
def test_a_folder_is_opened_without_a_network(nli: Path, vocabulary: Vocabulary) -> None:
    assert label(open_classifier(hub(nli), vocabulary), RELEVANT)[0].relevant


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something asks the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_a_text_that_cannot_be_read_spoils_no_other(classifier: Classifier) -> None:
    first, broken, last = classifier.classify([RELEVANT, POISON, RELEVANT])
    assert isinstance(broken, ClassificationError)
    assert "\n" not in str(broken)
    assert first == last == label(classifier, RELEVANT)[0]


def test_a_model_that_gives_no_number_is_an_error_of_the_text(build: Build, vocabulary: Vocabulary) -> None:
    (answer,) = open_classifier(hub(_broken(build(NLI))), vocabulary).classify([RELEVANT])
    assert isinstance(answer, ClassificationError)
    assert "gives no number" in str(answer)


def _broken(folder: Path) -> Path:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"] *= float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_the_digest_is_of_the_files_and_of_what_else_changes_a_label(
    build: Build, nli: Path, vocabulary: Vocabulary
) -> None:
    terms = load_terms(shared("config"))

    def digest(folder: Path, **settings: Any) -> str:
        return open_hub(hub(folder, **settings), vocabulary, terms).digest

    assert digest(nli) == digest(build(NLI)) == digest(nli, hub_batch=2)
    assert (
        len({digest(nli), digest(nli, hub_windows=3), digest(nli, hub_max_tokens=128), digest(build(NLI[::-1]))}) == 4
    )


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (["relevant", "gardening", "binding_regulation:maybe"], "binding_regulation:maybe, gardening"),
        (["relevant", "LABEL_1"], "LABEL_1"),
        (["safety_risk", "Safety_Risk"], "Safety_Risk, safety_risk"),
    ],
)
def test_labels_that_name_nothing_are_a_mistake_that_names_them(
    build: Build, vocabulary: Vocabulary, labels: list[str], named: str
) -> None:
    with pytest.raises(ModelError, match=re.escape(named)) as caught:
        open_classifier(hub(build(labels)), vocabulary)
    assert "\n" not in str(caught.value)


def test_a_model_without_a_trained_classifier_is_refused(build: Build, vocabulary: Vocabulary) -> None:
    with pytest.raises(ModelError, match=r"lack classifier.bias, classifier.weight; it is no trained classifier"):
        open_classifier(hub(build(NLI, headless=True)), vocabulary)


def test_a_sentence_that_leaves_a_text_no_room_is_named(nli: Path, vocabulary: Vocabulary) -> None:
    wordy = vocabulary.targets["open_models"].model_copy(update={"favor": "open models for all, " * 30})
    wider = vocabulary.model_copy(update={"targets": vocabulary.targets | {"open_models": wordy}})
    with pytest.raises(ConfigError, match=r"open_models:favor: its sentence leaves .*hub_max_tokens"):
        open_classifier(hub(nli, hub_max_tokens=160), wider)


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda folder: (folder / "config.json").write_text("{"), "not a valid JSON"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"junk"), "header"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no file named model.safetensors"),
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
    ],
    ids=["config", "weights", "no weights", "no config"],
)
def test_a_damaged_folder_is_a_model_error_on_one_line(
    build: Build, vocabulary: Vocabulary, damage: Callable[[Path], object], cause: str
) -> None:
    folder = build(NLI)
    damage(folder)
    with pytest.raises(ModelError, match=cause) as caught:
        open_classifier(hub(folder), vocabulary)
    assert "\n" not in str(caught.value)
    assert "classify.hub_model" in str(caught.value)


def classify(tmp_path: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The command on one text, offline and without a GPU."""
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    return subprocess.run(
        [sys.executable, "-c", "from govwire.cli import main; main()", "classify", "--format", "text", "--json", file],
        env=os.environ
        | {
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(tmp_path),
            "CUDA_VISIBLE_DEVICES": "",
            "GOVWIRE_CLASSIFY__ENGINE": "hub",
        }
        | {f"GOVWIRE_CLASSIFY__{key.upper()}": value for key, value in settings.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_the_command_prints_a_row_by_a_model_of_the_settings(tmp_path: Path, nli: Path) -> None:
    done = classify(tmp_path, hub_model=str(nli), threads="1")
    row = json.loads(done.stdout)
    assert (row["id"], row["relevance_by"], row["model"].partition("@")[0]) == ("text.txt", "model", nli.name)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"hub_model": "nobody/no-such-model"}, "model nobody/no-such-model: .*HF_HUB_OFFLINE"),
        (
            {"hub_model": "nobody/no-such-model", "hub_device": "cuda"},
            "classify.hub_device: 'cuda'.*set 'auto' or 'cpu'",
        ),
    ],
    ids=["offline", "no CUDA"],
)
def test_what_is_not_there_is_one_line_that_says_what_to_do(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    done = classify(tmp_path, **settings)
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert re.search(named, line)
