"""The `keyword` engine: English term lists and counting. A baseline that anybody can read, and quick."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from govwire.core.terms import Relevance, TargetTerms, TermList, Terms
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import OVERALL, Document
from processors.classifiers.actors import Actors
from processors.classifiers.judgement import STANCES, Cuts, Discussed, Judgement, Prominence, Stance, Statement
from processors.classifiers.quotations import quotations
from processors.classifiers.sentences import Span, sentences
from processors.classifiers.speakers import Speakers


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


class KeywordEngine:
    """Counts terms. May be used from several threads."""

    model = "keyword-2"
    # A single term is enough for a label; a baseline is never unsure, and shows all it finds.
    cuts = Cuts(topic=0.5, target=0.5, unsure=0.0, candidate=0.5, shown=0.5)

    def __init__(self, vocabulary: Vocabulary, terms: dict[str, TermList]) -> None:
        self.digest = self.model
        self._relevance = Relevance(terms)
        self._actors = Actors(vocabulary.actors)
        english = terms["en"]
        self._topics = {topic: Terms(english.topics.get(topic, ())) for topic in vocabulary.topics}
        self._targets = {
            name: _Cues.of(english.targets[name]) for name in vocabulary.targets if name in english.targets
        }

    def judge(self, document: Document) -> Judgement:
        """The judgement of one English text."""
        relevant = self._relevance.decides(_whole(document), "en")
        if relevant or document.is_vouched:
            return replace(self.count(document), relevant=relevant, relevance=float(relevant))
        return Judgement(relevant=False, relevance=0.0, relevance_by="keyword")

    def count(self, document: Document) -> Judgement:
        """What the terms say of a text that is relevant."""
        return Judgement(
            relevant=True,
            relevance=1.0,
            relevance_by="keyword",
            topics=self._prominences(_whole(document)),
            targets=tuple(self._discussed(document)),
            statements=(*self._direct(document.text), *self._indirect(document.text)),
        )

    def close(self) -> None:
        """Nothing is held."""

    def _prominences(self, whole: str) -> dict[str, Prominence]:
        chances = {name: _chance(terms.count(whole)) for name, terms in self._topics.items()}
        return {name: Prominence(chance, chance) for name, chance in chances.items()}

    def _discussed(self, document: Document) -> Iterator[Discussed]:
        whole, spans = _whole(document), sentences(document.text)
        for name, cues in self._targets.items():
            leans = {span: cues.lean(span.of(document.text)) for span in spans}
            shows: dict[Stance, Span] = {}
            if leans:
                most, least = max(spans, key=leans.__getitem__), min(spans, key=leans.__getitem__)
                shows |= {"favor": most} if leans[most] > 0 else {}
                shows |= {"against": least} if leans[least] < 0 else {}
            side, chance = _side(cues.lean(whole))
            stance = {**_chances(side, chance), "neutral": 1 - chance}
            yield Discussed(name, _chance(cues.about.count(whole)), stance, shows)

    def _direct(self, text: str) -> Iterator[Statement]:
        """What quotations say, of the target whose terms they have most, or else overall."""
        for quotation in quotations(text):
            quoted = quotation.span.of(text)
            counts = {name: cues.about.count(quoted) for name, cues in self._targets.items()}
            target = max(counts, key=counts.__getitem__, default=OVERALL)
            yield from self._said(text, [target if counts.get(target) else OVERALL], quotation.holder, quotation.span)

    def _indirect(self, text: str) -> Iterator[Statement]:
        """What sentences without such a quotation say of the targets they name, by whom they give the word."""
        quoted = [quotation.span for quotation in quotations(text)]
        speaking = Speakers(text, self._actors).speaking()
        for span in sentences(text):
            # Both are in order: to look through all of them for each sentence would take a long text for ever.
            first = bisect_left(speaking, span.start, key=lambda mention: mention.start)
            mention = speaking[first] if first < len(speaking) else None
            after = bisect_right(quoted, span.start, key=lambda quotation: quotation.end)
            is_quoted = after < len(quoted) and quoted[after].start < span.end
            if mention is not None and mention.start < span.end and not is_quoted:
                named = [name for name, cues in self._targets.items() if cues.about.occur(span.of(text))]
                yield from self._said(text, named, mention, span)

    def _said(self, text: str, targets: Iterable[str], mention: Span, said: Span) -> Iterator[Statement]:
        for target in targets:
            cues = self._targets.get(target)
            side, chance = _side(cues.lean(said.of(text)) if cues else 0)
            if chance:
                yield Statement(mention, target, _chances(side, chance), {side: said})


def open_keyword(vocabulary: Vocabulary, terms: dict[str, TermList]) -> KeywordEngine:
    """The engine with the English term list."""
    return KeywordEngine(vocabulary, terms)


def _whole(document: Document) -> str:
    return f"{document.title}. {document.text}"


def _side(lean: int) -> tuple[Stance, float]:
    return "favor" if lean > 0 else "against", _chance(abs(lean))


def _chances(side: Stance, chance: float) -> dict[Stance, float]:
    return {stance: chance if stance == side else 0.0 for stance in STANCES}


def _chance(count: int) -> float:
    """A count as a number from 0 towards 1."""
    return round(1 - 2.0**-count, 4)
