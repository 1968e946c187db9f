"""Both engines on the same cases; and what only the model must hold."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from govwire.core.errors import ClassificationError, ModelError
from govwire.core.records import Labels
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.terms import load_terms
from govwire.core.vocabulary import Topic, Vocabulary, load_vocabulary
from processors.classifiers import NO_EPOCH, Classifier, Document, open_classifier
from processors.classifiers.actors import Actors
from processors.classifiers.encoder import WINDOW_TOKENS, Encoder
from processors.classifiers.labelling import LabellingClassifier
from processors.classifiers.neural import MODEL, open_neural
from processors.classifiers.passage import Passage
from processors.classifiers.speakers import Speakers

TEXT = (
    "Ministers met in Geneva on Thursday to discuss a treaty on artificial intelligence. “We need binding rules for "
    "frontier AI before it is too late,” said Ana Ruiz, who chairs the talks at the United Nations. Industry groups "
    "called the law premature. “This regulation would kill innovation in Europe,” Tom "
    "Becker of the Chamber of Commerce said."
)
RELEVANT = Document("a", "Ministers call for an AI treaty", TEXT)
IRRELEVANT = Document(
    "b", "Rain ends the drought", "It rained for three days in the valley, and the farmers were glad of it."
)
GERMAN = Document("c", "KI-Verordnung", "Die KI-Verordnung der Kommission gilt seit heute.", "de")
BOOK = Document("d", "A long report", "\n\n".join([TEXT, IRRELEVANT.text] * 12))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(shared("config"))


@pytest.fixture(scope="module")
def neural(vocabulary: Vocabulary) -> Iterator[Classifier]:
    classifier = open_classifier(Settings(), vocabulary, "onnx")
    yield classifier
    classifier.close()


@pytest.fixture(params=["onnx", "keyword"])
def classifier(request: pytest.FixtureRequest, vocabulary: Vocabulary, neural: Classifier) -> Classifier:
    return neural if request.param == "onnx" else open_classifier(Settings(), vocabulary, "keyword")


def label(classifier: Classifier, *documents: Document) -> list[Labels]:
    answers = classifier.classify(documents)
    assert not [answer for answer in answers if isinstance(answer, ClassificationError)]
    return [answer for answer in answers if isinstance(answer, Labels)]


def test_a_relevant_text_gets_topics_stances_and_claims_with_exact_evidence(classifier: Classifier) -> None:
    (labels,) = label(classifier, RELEVANT)
    assert labels.relevant
    assert "international_cooperation" in {topic.id for topic in labels.topics if topic.role == "about"}
    assert {"stronger_governance", "binding_regulation"} <= {stance.target for stance in labels.stance}
    sides = {(claim.holder.removesuffix(" of the Chamber of Commerce"), claim.label) for claim in labels.claims}
    assert {("Ana Ruiz", "favor"), ("Tom Becker", "against")} <= sides
    assert all(claim.holder_id is None for claim in labels.claims)
    evidence = [stance.evidence for stance in labels.stance] + [claim.evidence for claim in labels.claims]
    assert all(one is None or TEXT[one.start : one.end] == one.text for one in evidence)
    assert (labels.model, labels.epoch) == (classifier.model, NO_EPOCH)


def test_an_irrelevant_text_gets_no_labels(classifier: Classifier) -> None:
    (labels,) = label(classifier, IRRELEVANT)
    assert not labels.relevant
    assert (labels.topics, labels.stance, labels.claims) == ((), (), ())
    assert (labels.laws, labels.acts, labels.instruments) == ((), (), ())


def test_an_irrelevant_text_that_a_person_vouches_for_gets_labels_and_the_engines_own_score(
    classifier: Classifier,
) -> None:
    vouched = replace(IRRELEVANT, is_vouched=True)
    rain = replace(GERMAN, title="Wetter", text="Regen.", is_vouched=True)
    [labels, doubted, german] = label(classifier, vouched, IRRELEVANT, rain)
    assert (labels.relevant, labels.relevance_by, labels.relevance_score <= 0.5) == (True, "person", True)
    assert [stance.target for stance in labels.stance][:1] == ["stronger_governance"]
    assert (doubted.relevant, german.relevant, german.relevance_by) == (False, True, "person")
    [agreed] = label(classifier, replace(RELEVANT, is_vouched=True))
    assert agreed == label(classifier, RELEVANT)[0]


def test_another_language_gets_relevance_by_terms_and_laws_by_names_and_nothing_else(classifier: Classifier) -> None:
    (labels,) = label(classifier, GERMAN)
    assert (labels.relevant, labels.relevance_by) == (True, "terms")
    assert (labels.topics, labels.stance, labels.claims) == ((), (), ())
    assert [law.id for law in labels.laws] == ["eu_ai_act"]
    assert (labels.acts, labels.instruments) == ((), ())


def test_both_engines_give_the_same_laws_acts_and_instruments(classifier: Classifier) -> None:
    text = f"{TEXT} The European Parliament adopted the EU AI Act, which bans social scoring, in March 2024."
    (labels,) = label(classifier, Document("a", RELEVANT.title, text))
    assert [law.id for law in labels.laws] == ["eu_ai_act"]
    assert [(act.act, act.actor_id, act.law) for act in labels.acts] == [
        ("adopted", "european_parliament", "eu_ai_act"),
    ]
    assert [each.id for each in labels.instruments] == ["ban"]
    assert not [claim for claim in labels.claims if "adopted" in claim.evidence.text]  # an act is no claim


def test_an_empty_text_is_irrelevant(classifier: Classifier) -> None:
    assert not label(classifier, Document("e", "", ""))[0].relevant


def test_a_text_that_cannot_be_read_spoils_no_other(neural: Classifier) -> None:
    poison = Document("p", "A title", "half a pair of AI rules: \ud800")
    first, broken, last = neural.classify([RELEVANT, poison, RELEVANT])
    assert isinstance(broken, ClassificationError)
    assert first == last == label(neural, RELEVANT)[0]


def test_a_long_text_is_read_to_its_end(neural: Classifier) -> None:
    windows = Encoder(MODEL).windows(BOOK.title, BOOK.text)
    assert len(windows) >= 3
    assert all(len(window.ids) <= WINDOW_TOKENS for window in windows)
    assert windows[-1].sentences[-1].span.end == len(BOOK.text)
    (labels,) = label(neural, BOOK)
    assert labels.relevant
    assert all(claim.evidence.text == BOOK.text[claim.evidence.start : claim.evidence.end] for claim in labels.claims)


def test_a_sentence_longer_than_a_window_is_cut_into_several() -> None:
    text = "rules " * 2 * WINDOW_TOKENS
    windows = Encoder(MODEL).windows("", text)
    assert len(windows) >= 2
    assert {sentence.span.of(text) for window in windows for sentence in window.sentences} == {text.strip()}


def test_tokens_lie_in_the_text_where_their_window_says() -> None:
    for window in Encoder(MODEL).windows(BOOK.title, BOOK.text):
        for sentence in window.sentences:
            covered = window.span(sentence.first, sentence.end)
            assert sentence.span.start <= covered.start < covered.end <= sentence.span.end
            assert covered.of(BOOK.text).split() == sentence.span.of(BOOK.text).split()


def test_a_passage_comes_out_of_the_cache_as_it_went_in(vocabulary: Vocabulary, tmp_path: Path) -> None:
    once = opened(vocabulary, cache=tmp_path / "cache.db")
    first = once.classify([RELEVANT, BOOK])
    assert (tmp_path / "cache.db").exists()
    assert once.classify([RELEVANT, BOOK]) == first == opened(vocabulary).classify([RELEVANT, BOOK])
    engine = open_neural(vocabulary, load_terms(shared("config")))
    speakers = Speakers(RELEVANT.text, Actors(vocabulary.actors))
    (passage,) = engine.passages(engine.windows(RELEVANT), speakers)
    again = Passage.unpack(passage.pack())
    assert all(np.array_equal(getattr(passage, name), getattr(again, name)) for name in vars(passage))
    once.close()


def opened(vocabulary: Vocabulary, threads: int = 0, cache: Path | None = None) -> LabellingClassifier:
    terms = load_terms(shared("config"))
    engine = open_neural(vocabulary, terms, cache=cache, entries=100 if cache else 0)
    return LabellingClassifier(engine, vocabulary, terms, threads)


words = st.sampled_from(TEXT.split())
texts = st.lists(words, max_size=400).map(" ".join)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts, min_size=2, max_size=6), st.randoms())
def test_labels_depend_on_nothing_else_in_the_batch(neural: Classifier, batch: list[str], random: object) -> None:
    documents = [Document(str(number), "AI law", text) for number, text in enumerate(batch)]
    alone = [label(neural, document)[0] for document in documents]
    assert label(neural, *documents) == alone
    order = sorted(range(len(batch)), key=lambda number: batch[number])
    assert label(neural, *[documents[number] for number in order]) == [alone[number] for number in order]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300), st.text(max_size=40))
def test_any_text_is_labelled_with_exact_evidence(classifier: Classifier, text: str, title: str) -> None:
    # In front, so that it counts as relevant and everything is done to it.
    document = Document("x", f"{RELEVANT.title} {title}", f"{TEXT} {text}")
    (labels,) = label(classifier, document)
    evidence = [stance.evidence for stance in labels.stance] + [claim.evidence for claim in labels.claims]
    assert all(one is None or document.text[one.start : one.end] == one.text for one in evidence)


def test_labels_are_the_same_whatever_the_threads(vocabulary: Vocabulary) -> None:
    documents = [RELEVANT, IRRELEVANT, BOOK] * 4
    one, four = (opened(vocabulary, threads) for threads in (1, 4))
    assert one.classify(documents) == four.classify(documents)
    one.close()
    four.close()


def test_a_topic_that_is_only_described_works_at_once_and_changes_the_digest(vocabulary: Vocabulary) -> None:
    added = Topic(
        id="treaty_talks", label="Treaty", group="New", description="Ministers negotiate an AI treaty in Geneva."
    )
    strange = Topic(
        id="gardening", label="Garden", group="New", description="How to plant roses and prune apple trees."
    )
    topics = vocabulary.topics | {topic.id: topic for topic in (added, strange)}
    wider = vocabulary.model_copy(update={"topics": topics})
    with_new, without = opened(wider), opened(vocabulary)
    (labels,) = label(with_new, RELEVANT)
    scores = {score.id: score.score for score in labels.topic_scores}
    assert scores["treaty_talks"] > scores["gardening"]
    assert with_new.digest != without.digest
    with_new.close()
    without.close()


def test_a_target_that_is_only_worded_gets_a_stance_and_one_on_trial_a_place_of_its_own(vocabulary: Vocabulary) -> None:
    law = vocabulary.targets["binding_regulation"]
    added = law.model_copy(update={"id": "ai_law", "proposition": "There should be binding rules for AI."})
    on_trial = added.model_copy(update={"id": "ai_law_on_trial", "experimental": True})
    wider = vocabulary.model_copy(update={"targets": vocabulary.targets | {one.id: one for one in (added, on_trial)}})
    classifier = opened(wider)
    (labels,) = label(classifier, RELEVANT)
    judgement = classifier.engine.judge(RELEVANT)
    assert {"ai_law", "ai_law_on_trial"} <= {one.target for one in judgement.targets}
    assert "ai_law_on_trial" not in {one.target for one in (*labels.stance, *labels.claims)}
    on_trial_alone = {one.target for one in (*labels.experimental.stance, *labels.experimental.claims)}
    assert all(vocabulary.is_experimental(one) or one == "ai_law_on_trial" for one in on_trial_alone)
    classifier.close()


def test_engines_have_digests_of_their_own_that_stay(vocabulary: Vocabulary, neural: Classifier) -> None:
    keyword = open_classifier(Settings(), vocabulary, "keyword")
    assert keyword.digest != neural.digest
    assert keyword.digest == open_classifier(Settings(), vocabulary, "keyword").digest


@pytest.mark.parametrize("name", ["encoder.onnx", "heads.npz", "heads.json"])
def test_a_damaged_model_is_a_model_error_that_names_the_folder(
    vocabulary: Vocabulary, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    (folder / name).write_bytes(b"not a model")
    with pytest.raises(ModelError, match="model"):
        open_neural(vocabulary, load_terms(shared("config")), folder)


def test_the_shipped_model_stays_small() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 30_000_000
