"""Instruments: which means of governance an English text speaks of, by the terms of config/instruments.toml."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from govwire.core.records import Evidence, InstrumentMention
from govwire.core.vocabulary import Instrument
from processors.classifiers.phrasebook import Phrasebook, Word
from processors.classifiers.sentences import Span


class Instruments:
    """The listed instruments, found by any of their terms. Compiled once; may be used from several threads."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._ids = tuple(instruments)
        self._terms = Phrasebook()
        for instrument in instruments.values():
            for term in instrument.terms:
                self._terms.learn(term, instrument.id)

    def find(self, text: str, words: Sequence[Word], spans: Sequence[Span]) -> tuple[InstrumentMention, ...]:
        """Each instrument with the first of the sentences that names it, in the order of config/instruments.toml."""
        starts = [span.start for span in spans]
        first: dict[str, Span] = {}
        for at, bearers in self._terms.all(words):
            span = spans[bisect_right(starts, words[at].start) - 1]
            for name in bearers:
                first.setdefault(name, span)
        return tuple(_mention(name, text, first[name]) for name in self._ids if name in first)


def _mention(name: str, text: str, span: Span) -> InstrumentMention:
    return InstrumentMention(id=name, evidence=Evidence(text=span.of(text), start=span.start, end=span.end))
