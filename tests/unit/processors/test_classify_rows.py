"""Input and output of `govwire classify`."""

import json

import pytest

from govwire.core.errors import ClassificationError, ConfigError
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers import Classifier, open_classifier
from processors.classifiers.evaluation import Labelled
from processors.classifiers.rows import as_json, as_text, read

TEXT = (
    "Ministers met in Geneva to discuss a treaty on artificial intelligence. “We need binding rules with penalties for "
    "frontier AI,” said Ana Ruiz, who chairs the talks at the United Nations."
)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return open_classifier(Settings(), load_vocabulary(shared("config")), "keyword")


def test_lines_keep_their_ids_and_ignore_further_fields() -> None:
    lines = [
        {"id": 7, "title": "T", "text": TEXT, "lang": "xx"},
        {"id": "b", "text": "Die Minister trafen sich am Freitag in Bonn."},
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode() + b"\n\n"
    documents = list(read(content, "jsonl", name="in.jsonl"))
    assert [(one.id, one.title, one.language) for one in documents] == [("7", "T", "en"), ("b", "", "de")]


def test_a_text_is_one_document_named_by_its_file() -> None:
    (document,) = read(TEXT.encode(), "text", name="a.txt")
    assert (document.id, document.text, document.language) == ("a.txt", TEXT, "en")


def test_a_page_is_read_by_the_extractor() -> None:
    paragraphs = "".join(f"<p>Day {day} of the talks. {TEXT}</p>" for day in range(4))
    body = f"<body><article><h1>AI treaty</h1>{paragraphs}</article></body>"
    html = f"<html><head><title>AI treaty</title></head>{body}</html>"
    (document,) = read(html.encode(), "html", name="a.html")
    assert document.id == "a.html"
    assert "Ana Ruiz" in document.text


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        (b'{"id": "a", "text": "b"}\n{"id": "a"}', "jsonl", "in, line 2: text"),
        (b"{", "jsonl", "in, line 1"),
        (b"\xff\xfe\xff", "text", "in: not UTF-8"),
        (b"", "html", "in: no article"),
    ],
    ids=["a field is missing", "no JSON", "other bytes", "an empty page"],
)
def test_input_that_cannot_be_read_is_named(content: bytes, form: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        list(read(content, form, name="in"))  # type: ignore[arg-type]


def test_a_row_is_what_the_evaluation_reads_and_its_offsets_are_exact(classifier: Classifier) -> None:
    (document,) = read(TEXT.encode(), "text", name="a.txt")
    (labels,) = classifier.classify([document])
    row = json.loads(as_json(document, labels, classifier))
    assert Labelled.model_validate(row).stance["binding_regulation"] == "favor"
    spans = row["claims"] + row["stance_evidence"]
    assert len(spans) >= 2
    assert all(TEXT[span["start"] : span["end"]] == span["evidence"] for span in spans)
    assert (row["lang"], row["model"], row["epoch"]) == ("en", "keyword-2", 0)
    assert row["claims"][0] | {"shown": True, "holder_id": None} == row["claims"][0]


def test_for_a_reader_relevance_topics_stances_evidence_and_model_are_told(classifier: Classifier) -> None:
    (document,) = read(TEXT.encode(), "text", name="a.txt")
    (labels,) = classifier.classify([document])
    told = as_text(document, labels, classifier)
    for part in (
        "a.txt",
        "keyword-2",
        "relevant   yes",
        "international_cooperation",
        "+ binding_regulation: favor",
        "Ana Ruiz",
    ):
        assert part in told


FACETS = f"{TEXT} Governor Gavin Newsom vetoed SB 1047. A moratorium on frontier AI failed."


def test_a_row_has_laws_acts_and_instruments_with_their_places(classifier: Classifier) -> None:
    (document,) = read(FACETS.encode(), "text", name="a.txt")
    (labels,) = classifier.classify([document])
    row = json.loads(as_json(document, labels, classifier))
    assert [(law["id"], law["evidence"]) for law in row["laws"]] == [("california_sb_1047", "SB 1047")]
    act = {
        "act": "vetoed",
        "actor": "Governor Gavin Newsom",
        "actor_id": "gavin_newsom",
        "law": "california_sb_1047",
        "by": "rules",
        "evidence": "Governor Gavin Newsom vetoed SB 1047.",
    }
    assert [{name: told[name] for name in act} for told in row["acts"]] == [act]
    assert [instrument["id"] for instrument in row["instruments"]] == ["ban"]
    for span in row["laws"] + row["acts"] + row["instruments"]:
        assert FACETS[span["start"] : span["end"]] == span["evidence"]


def test_for_a_reader_laws_acts_and_instruments_are_told(classifier: Classifier) -> None:
    (document,) = read(FACETS.encode(), "text", name="a.txt")
    (labels,) = classifier.classify([document])
    told = as_text(document, labels, classifier)
    assert "  law        california_sb_1047\n" in told
    assert "  act        Governor Gavin Newsom (gavin_newsom): vetoed california_sb_1047 (by rules)\n" in told
    assert "  instrument ban\n" in told


def test_a_document_that_failed_says_why(classifier: Classifier) -> None:
    (document,) = read(TEXT.encode(), "text", name="a.txt")
    error = ClassificationError("encoder: broken")
    assert json.loads(as_json(document, error, classifier))["error"] == "encoder: broken"
    assert "not labelled: encoder: broken" in as_text(document, error, classifier)
