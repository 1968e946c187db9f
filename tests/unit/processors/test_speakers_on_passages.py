"""How often the holders of the training passages are among the mentions, and found again under their name."""

import re
from collections.abc import Iterator

from govwire.core.settings import find_config
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers.actors import Actors
from processors.classifiers.evaluation.claims import same_holder
from processors.classifiers.sentences import Span
from processors.classifiers.speakers import Speakers
from processors.classifiers.training.passages import records

# The rules were written with these passages at hand: the floors guard against setbacks, they promise nothing elsewhere.
FLOOR_MENTIONED = 0.94
FLOOR_FOUND = 0.97
EVERY = 6


def _claims() -> Iterator[tuple[str, str, Span]]:
    """Text, holder and the place of the holder's name nearest to the evidence, of every sixth relevant passage."""
    for record in records()[::EVERY]:
        for claim in record["claims"]:
            if claim["holder"] != "_author":
                text, start = record["text"], record["text"].find(claim["evidence"])
                places = [match.start() for match in re.finditer(re.escape(claim["holder"]), text)]
                if not places:
                    continue
                inside = [at for at in places if start <= at < start + len(claim["evidence"])]
                at = inside[0] if inside else min(places, key=lambda place: abs(place - start))
                yield text, claim["holder"], Span(at, at + len(claim["holder"]))


def test_holders_are_among_the_mentions_and_found_again() -> None:
    actors = Actors(load_vocabulary(find_config()).actors)
    claims, mentioned, found = 0, 0, 0
    for text, holder, place in _claims():
        claims += 1
        speakers = Speakers(text, actors)
        overlapping = [span for span in speakers.mentions() if span.overlap(place)]
        if overlapping:
            mentioned += 1
            answer = speakers.holder(max(overlapping, key=lambda span, place=place: _likeness(span, place)))
            found += answer is not None and same_holder(answer.name, holder)
    assert claims > 300
    assert mentioned / claims >= FLOOR_MENTIONED
    assert found / mentioned >= FLOOR_FOUND


def _likeness(one: Span, other: Span) -> float:
    return one.overlap(other) / (max(one.end, other.end) - min(one.start, other.start))
