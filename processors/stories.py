"""What a text is compared by: MinHash bands over its words, so that copies of one text share some of them.

Syndicated copies (another headline, paragraphs cut, a word changed here and there) share at least IN_COMMON bands;
different articles on one event do not. DECISIONS.md has the figures.
Source: Broder 1997 for MinHash, Indyk and Motwani 1998 for banding; rensa for the signatures.
"""

import hashlib
import struct

from rensa import RMinHash

from govwire.core.text import tokens

# Words (or characters, in scripts without spaces) in a row that are compared as one.
_SHINGLE = 4
# A text of fewer words is a headline or a notice; those are alike without telling the same.
_LEAST_SHINGLES = 24
_BANDS, _ROWS = 32, 3
_SEED = 1
IN_COMMON = 3


def bands(text: str) -> tuple[str, ...]:
    """The bands of a text; none where it is too short to be compared."""
    words = tokens(text, "und")
    shingles = [" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)]
    if len(shingles) < _LEAST_SHINGLES:
        return ()
    signature = RMinHash(num_perm=_BANDS * _ROWS, seed=_SEED)
    signature.update(shingles)
    minima = signature.digest()
    return tuple(_band(at, minima[at * _ROWS : (at + 1) * _ROWS]) for at in range(_BANDS))


def _band(at: int, minima: list[int]) -> str:
    return hashlib.sha256(struct.pack(f">H{_ROWS}Q", at, *minima)).hexdigest()[:16]
