"""Facets: the laws a relevant text names, what was done to them, and the instruments it speaks of. By rules, no model.

Both engines ask here, so that their records agree.
"""

from collections.abc import Iterator, Sequence

from govwire.core.records import Evidence, Labels, LawMention
from govwire.core.vocabulary import Vocabulary
from processors.classifiers import Document
from processors.classifiers.actors import Actors
from processors.classifiers.acts import find_acts
from processors.classifiers.instruments import Instruments
from processors.classifiers.laws import Laws, Named
from processors.classifiers.phrasebook import words_of
from processors.classifiers.sentences import sentences


class Facets:
    """Laws in any language; acts and instruments in English. May be used from several threads."""

    def __init__(self, vocabulary: Vocabulary, actors: Actors) -> None:
        self._actors = actors
        self._laws = Laws(vocabulary.laws)
        self._instruments = Instruments(vocabulary.instruments)

    def label(self, document: Document, labels: Labels) -> Labels:
        """The labels with the facets of the document; those of an irrelevant one as they are."""
        if not labels.relevant:
            return labels
        words = words_of(document.text)
        in_title, in_text = self._laws.find(document.title, document.text, words, document.language)
        found: dict[str, object] = {"laws": tuple(_mentions(in_title, in_text, document.text))}
        if document.language == "en":
            spans = sentences(document.text)
            found["acts"] = find_acts(document.text, spans, in_text, self._actors)
            found["instruments"] = self._instruments.find(document.text, words, spans)
        return labels.model_copy(update=found)


def _mentions(in_title: Sequence[Named], in_text: Sequence[Named], text: str) -> Iterator[LawMention]:
    """Each law once, where it is first named."""
    first: dict[str, Named] = {}
    for named in in_text:
        first.setdefault(named.law_id, named)
    for law_id, named in first.items():
        span = named.span
        yield LawMention(id=law_id, evidence=Evidence(text=span.of(text), start=span.start, end=span.end))
    for law_id in dict.fromkeys(named.law_id for named in in_title):
        if law_id not in first:
            yield LawMention(id=law_id)
