"""What a text is compared by: MinHash bands over its words, so that copies of one text share some of them.

Syndicated copies (another headline, paragraphs cut, a word changed here and there) share at least IN_COMMON bands;
different articles on one event do not. Texts that one site fills into one form share up to two thirds of them, the same
article under two of its addresses more. benchmarks/stories.py has the figures.
Source: Broder 1997 for MinHash, Indyk and Motwani 1998 for banding; rensa for the signatures.
"""

import hashlib
import struct
from collections.abc import Sequence

from rensa import RMinHash

from govwire.core.text import tokens

# Words (or characters, in scripts without spaces) in a row that are compared as one.
_SHINGLE = 4
# A text of fewer words is a headline or a notice; those are alike without telling the same.
_LEAST_SHINGLES = 24
_BANDS, _ROWS = 32, 3
MINIMA = _BANDS * _ROWS
_SEED = 1
IN_COMMON, IN_COMMON_ON_ONE_SITE = 3, 21


def bands(text: str) -> tuple[str, ...]:
    """The bands of a text; none where it is too short to be compared."""
    found = shingles(text)
    return bands_of(signature(found)) if found else ()


def shingles(text: str) -> list[str]:
    """The rows of words that a text is compared by; none where there are too few of them."""
    words = tokens(text, "und")
    found = [" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)]
    return found if len(found) >= _LEAST_SHINGLES else []


def signature(found: Sequence[str]) -> Sequence[int]:
    """The MINIMA minima of these shingles, by rensa."""
    hashes = RMinHash(num_perm=MINIMA, seed=_SEED)
    hashes.update(found)
    minima: Sequence[int] = hashes.digest()
    return minima


def bands_of(minima: Sequence[int]) -> tuple[str, ...]:
    """The bands of a signature."""
    return tuple(_band(at, minima[at * _ROWS : (at + 1) * _ROWS]) for at in range(_BANDS))


def _band(at: int, minima: Sequence[int]) -> str:
    return hashlib.sha256(struct.pack(f">H{_ROWS}Q", at, *minima)).hexdigest()[:16]
