"""Sentences of a text, with exact offsets. Small on purpose: evidence must be readable, not linguistically perfect."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A stretch of a text in code points, end exclusive."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The stretch itself."""
        return text[self.start : self.end]

    def overlap(self, other: "Span") -> int:
        """How many code points both have."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


# After a full stop, closing quotes and space, before what can begin a sentence; a line's end; a CJK full stop.
_BREAK = re.compile(r"(?<=[.!?…])[\"”’»)\]]*\s+(?=[\"“‘«(\[]*[A-Z0-9À-ÖØ-ÞА-Я])|\n\s*|(?<=[。！？])[」』”]*")
# Words whose full stop ends no sentence, initials and dotted abbreviations ("J.", "U.S.") included.
_ABBREVIATED = re.compile(
    r"(?:^|[\s\"“(])(?:[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|Gen|Lt|Col|St|vs|No|Art|Inc|Ltd|Co|Corp|Jr|Sr|"
    r"Jan|Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec)\.$"
)


def sentences(text: str) -> list[Span]:
    """The sentences in order; white space between them belongs to none."""
    spans, start = [], 0
    for match in _BREAK.finditer(text):
        if _ABBREVIATED.search(text[max(0, match.start() - 12) : match.start()]) and "\n" not in match[0]:
            continue
        end = match.start() + len(match[0].rstrip()) if match[0].strip() else match.start()
        spans.append(_trimmed(text, start, end))
        start = match.end()
    spans.append(_trimmed(text, start, len(text)))
    return [span for span in spans if span.start < span.end]


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
