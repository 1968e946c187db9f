"""Instruments: which means of governance an English text speaks of, by the terms of config/instruments.toml."""

from collections.abc import Mapping, Sequence

from govwire.core.records import Evidence, InstrumentMention
from govwire.core.vocabulary import Instrument
from processors.classifiers.sentences import Span
from processors.classifiers.terms import Terms


class Instruments:
    """The listed instruments, compiled once."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._terms = {name: Terms(instrument.terms) for name, instrument in instruments.items()}

    def find(self, text: str, spans: Sequence[Span]) -> tuple[InstrumentMention, ...]:
        """Each instrument with the first of the sentences that names it, in the order of config/instruments.toml."""
        return tuple(
            InstrumentMention(id=name, evidence=Evidence(text=shows.of(text), start=shows.start, end=shows.end))
            for name, terms in self._terms.items()
            if (shows := next((span for span in spans if terms.occur(span.of(text))), None)) is not None
        )
