"""Labels from a judgement: the one place where a chance becomes a label, for every engine.

Topics and stances by the engine's cuts, `unsure` below them; claims by holder, a short name or pronoun resolved, the
most specific target kept; what is neutral is told apart by the claims under it; facets are added by rules.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from govwire.core.errors import ClassificationError
from govwire.core.records import Claim, Experimental, Labels, Score, StanceLabel, TopicLabel
from govwire.core.terms import Relevance, TermList
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import NO_EPOCH, OVERALL, Document, digest_of
from processors.classifiers.actors import Actors
from processors.classifiers.claims import claims_of, evidence
from processors.classifiers.facets import Facets
from processors.classifiers.judgement import Discussed, Engine, Judgement, best, rounded
from processors.classifiers.neutrality import with_neutrality
from processors.classifiers.speakers import Speakers

T = TypeVar("T")
# The annotation guide's limit for what a text is about.
MAX_TOPICS = 4


class LabellingClassifier:
    """An engine with the vocabulary: English is judged, other languages get relevance by terms and facets."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary, terms: dict[str, TermList], threads: int = 0) -> None:
        self.model = engine.model
        self.digest = digest_of(engine.digest, vocabulary, *terms.values())
        self.engine = engine
        self._vocabulary = vocabulary
        self._relevance = Relevance(terms)
        self._actors = Actors(vocabulary.actors)
        self._facets = Facets(vocabulary, self._actors)
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="classify")

    def classify(self, documents: Sequence[Document]) -> Sequence[Labels | ClassificationError]:
        """Labels for each document, in order; documents run side by side, each by itself."""
        return list(self._pool.map(self._try, documents))

    def close(self) -> None:
        """Release the threads and the engine."""
        self._pool.shutdown()
        self.engine.close()

    def _try(self, document: Document) -> Labels | ClassificationError:
        try:
            return self._labels(document)
        except ClassificationError as error:
            return error

    def _labels(self, document: Document) -> Labels:
        if document.language != "en":
            relevant = self._relevance.decides(f"{document.title}. {document.text}", document.language)
            return self._unlabelled(
                document, Judgement(relevant=relevant, relevance=float(relevant), relevance_by="terms")
            )
        judgement = self.engine.judge(document)
        labels = self._unlabelled(document, judgement)
        if not labels.relevant:
            return labels
        speakers = judgement.speakers or Speakers(document.text, self._actors)
        found = claims_of(document.text, judgement.statements, speakers, labels.acts, self.engine.cuts)
        topics, tried_topics = self._apart(self._topics(judgement), lambda topic: topic.id)
        stances, tried_stances = self._apart(self._stances(document.text, judgement.targets), _target)
        claims, tried = self._apart(found, _target)
        # What was never taught is claimed only where it is discussed.
        on_trial = {stance.target for stance in tried_stances}
        tried_claims = tuple(claim for claim in tried if claim.target in on_trial)
        return labels.model_copy(
            update={
                "topics": topics,
                "topic_scores": tuple(
                    Score(id=name, score=one.overall)
                    for name, one in judgement.topics.items()
                    if not self._vocabulary.is_experimental(name)
                ),
                "stance": with_neutrality(stances, claims),
                "claims": claims,
                "experimental": Experimental(
                    topics=tried_topics, stance=with_neutrality(tried_stances, tried_claims), claims=tried_claims
                ),
            }
        )

    def _unlabelled(self, document: Document, judgement: Judgement) -> Labels:
        """The labels that no engine gives: relevance, and facets by rules."""
        labels = Labels(
            relevant=judgement.relevant or document.is_vouched,
            relevance_score=rounded(judgement.relevance),
            relevance_by="person" if document.is_vouched and not judgement.relevant else judgement.relevance_by,
            model=self.model,
            epoch=NO_EPOCH,
        )
        return self._facets.label(document, labels)

    def _apart(self, labels: Iterable[T], id_of: Callable[[T], str]) -> tuple[tuple[T, ...], tuple[T, ...]]:
        """What is of the vocabulary proper, and what is of its experimental entries."""
        proper: list[T] = []
        tried: list[T] = []
        for label in labels:
            (tried if self._vocabulary.is_experimental(id_of(label)) else proper).append(label)
        return tuple(proper), tuple(tried)

    def _topics(self, judgement: Judgement) -> Iterator[TopicLabel]:
        """What the text is about, best first, then what a part of it mentions."""
        cut = self.engine.cuts.topic
        ranked = sorted(judgement.topics.items(), key=lambda item: (-item[1].overall, item[0]))
        about = 0
        mentioned = []
        for name, one in ranked:
            experimental = self._vocabulary.is_experimental(name)
            if one.overall >= cut and (experimental or about < MAX_TOPICS):
                about += not experimental
                yield TopicLabel(id=name, score=one.overall, role="about")
            elif one.peak >= cut:
                mentioned.append(TopicLabel(id=name, score=one.overall, role="mentioned"))
        yield from mentioned

    def _stances(self, text: str, targets: Sequence[Discussed]) -> Iterator[StanceLabel]:
        for one in targets:
            if one.target == OVERALL or one.chance >= self.engine.cuts.target:
                yield self._stance(text, one)

    def _stance(self, text: str, one: Discussed) -> StanceLabel:
        label = best(one.stance)
        score = one.stance[label]
        shows = one.evidence.get(label)
        unsure = score < self.engine.cuts.unsure
        return StanceLabel(
            target=one.target,
            label="unsure" if unsure else label,
            score=score,
            evidence=evidence(text, shows) if shows is not None else None,
        )


def _target(label: StanceLabel | Claim) -> str:
    return label.target
