"""The `keyword` engine: English term lists and counting. A baseline that anybody can read, and quick."""

from collections.abc import Sequence
from dataclasses import dataclass

from govwire.core.errors import ClassificationError
from govwire.core.records import Claim, Evidence, Labels, Score, StanceLabel, TopicLabel
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import NO_EPOCH, Document, digest_of
from processors.classifiers.actors import Actors
from processors.classifiers.facets import Facets
from processors.classifiers.quotations import quotations
from processors.classifiers.sentences import Span, sentences
from processors.classifiers.terms import Relevance, TargetTerms, TermList, Terms

OVERALL = "stronger_governance"
# More subjects than the annotation guide allows a passage are noise.
MAX_TOPICS = 4
# How often a topic's terms occur before it is what the text is about, and before it is mentioned.
ABOUT, MENTIONED = 1, 1


@dataclass(frozen=True)
class _Cues:
    """One target's terms, compiled."""

    about: Terms
    favor: Terms
    against: Terms

    @classmethod
    def of(cls, terms: TargetTerms) -> "_Cues":
        return cls(Terms(terms.about), Terms(terms.favor), Terms(terms.against))

    def lean(self, text: str) -> int:
        """How many more cues speak for the proposition than against it."""
        return self.favor.count(text) - self.against.count(text)


class KeywordClassifier:
    """Counts terms; labels English only, and decides relevance in other languages."""

    model = "keyword-1"

    def __init__(self, vocabulary: Vocabulary, terms: dict[str, TermList]) -> None:
        self.digest = digest_of(self.model, vocabulary, *terms.values())
        self._relevance = Relevance(terms)
        self._facets = Facets(vocabulary, Actors(vocabulary.actors))
        english = terms["en"]
        self._topics = {topic: Terms(english.topics.get(topic, ())) for topic in vocabulary.topics}
        self._targets = {
            name: _Cues.of(english.targets[name]) for name in vocabulary.targets if name in english.targets
        }

    def classify(self, documents: Sequence[Document]) -> Sequence[Labels | ClassificationError]:
        """Labels for each document, in order."""
        return [self._facets.label(document, self._labels(document)) for document in documents]

    def close(self) -> None:
        """Nothing is held."""

    def _labels(self, document: Document) -> Labels:
        whole = f"{document.title}. {document.text}"
        english = document.language == "en"
        relevant = self._relevance.decides(whole, document.language)
        counts = {name: terms.count(whole) for name, terms in self._topics.items()} if english and relevant else {}
        return Labels(
            relevant=relevant,
            relevance_score=float(relevant),
            relevance_by="keyword" if english else "terms",
            topics=_topics(counts),
            stance=self._stances(document.text, whole) if counts else (),
            claims=self._claims(document.text) if counts else (),
            topic_scores=tuple(Score(id=name, score=_score(count)) for name, count in counts.items()),
            model=self.model,
            epoch=NO_EPOCH,
        )

    def _stances(self, text: str, whole: str) -> tuple[StanceLabel, ...]:
        spans = sentences(text)
        return tuple(
            _stance(name, cues, text, whole, spans)
            for name, cues in self._targets.items()
            if name == OVERALL or cues.about.count(whole) >= MENTIONED
        )

    def _claims(self, text: str) -> tuple[Claim, ...]:
        claims = []
        for quotation in quotations(text):
            quote = quotation.span.of(text)
            discussed = [name for name, cues in self._targets.items() if cues.about.occur(quote)]
            target = max(discussed, key=lambda name: self._targets[name].about.count(quote), default=OVERALL)
            lean = self._targets[target].lean(quote)
            if lean:
                evidence = Evidence(text=quote, start=quotation.span.start, end=quotation.span.end)
                label = "favor" if lean > 0 else "against"
                claims.append(
                    Claim(
                        holder=quotation.holder, target=target, label=label, score=_score(abs(lean)), evidence=evidence
                    )
                )
        return tuple(claims)


def _topics(counts: dict[str, int]) -> tuple[TopicLabel, ...]:
    ranked = sorted((name for name in counts if counts[name] >= MENTIONED), key=lambda name: -counts[name])
    return tuple(
        TopicLabel(id=name, score=_score(counts[name]), role="about" if counts[name] >= ABOUT else "mentioned")
        for name in ranked[:MAX_TOPICS]
    )


def _stance(name: str, cues: _Cues, text: str, whole: str, spans: Sequence[Span]) -> StanceLabel:
    lean = cues.lean(whole)
    evidence = None
    if lean and spans:
        shows = max(spans, key=lambda span: cues.lean(span.of(text)) * (1 if lean > 0 else -1))
        evidence = Evidence(text=shows.of(text), start=shows.start, end=shows.end)
    label = "neutral" if not lean else "favor" if lean > 0 else "against"
    return StanceLabel.model_validate(
        {"target": name, "label": label, "score": _score(abs(lean)), "evidence": evidence}
    )


def _score(count: int) -> float:
    """A count as a number from 0 towards 1."""
    return round(1 - 2.0**-count, 4)
