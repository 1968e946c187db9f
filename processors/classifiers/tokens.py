"""Words and marks of an English text with what finding its speakers needs: offsets, sentence, paragraph."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from processors.classifiers.sentences import Span, sentences

# Abbreviations and initials keep their full stop, so that "Mr. Sam A. Lee" is one row of words.
_TOKEN = re.compile(
    r"(?:[^\W\d_]\.){2,}|(?:Mr|Mrs|Ms|Mx|Dr|Prof|Sen|Rep|Gov|Gen|Col|Lt|Sgt|Hon|Rev|St|Jr|Sr|Inc|Corp|Ltd|Co|No)\.(?=\s|,)|"
    r"[^\W\d_]\.(?=\s?[^\W\d_])|['’]s\b|[^\W_]+(?:[-‐‑'’&](?!s\b)[^\W_]+|\.(?:AI|ai|com|org|io|net)\b)*|\S"
)


class Token(NamedTuple):
    """A word or mark."""

    text: str
    lower: str
    start: int
    end: int
    sentence: int
    paragraph: int
    begins: bool  # the first word of its sentence

    @property
    def capital(self) -> bool:
        """Whether it may be part of a name."""
        return self.text[0].isupper()


def tokenize(text: str) -> list[Token]:
    """The tokens in order."""
    spans = sentences(text)
    starts = [span.start for span in spans]
    breaks = [match.start() for match in re.finditer(r"\n\s*", text)]
    tokens: list[Token] = []
    newest = -1
    for match in _TOKEN.finditer(text):
        sentence = bisect_right(starts, match.start()) - 1
        word = match[0][0].isalnum()
        tokens.append(
            Token(
                match[0],
                match[0].lower().replace("’", "'").rstrip("." if len(match[0]) > 1 else ""),
                *match.span(),
                sentence,
                bisect_right(breaks, match.start()),
                begins=word and sentence != newest,
            )
        )
        if word:
            newest = sentence
    return tokens


def span_of(tokens: Sequence[Token], first: int, end: int) -> Span:
    """What the tokens from `first` up to `end` cover."""
    return Span(tokens[first].start, tokens[end - 1].end)
