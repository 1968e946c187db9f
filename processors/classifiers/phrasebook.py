"""Names and terms found in a text word by word: time is linear in the text, however many are known.

Words are compared without case and possessives. A word is a run of letters or of digits; in scripts without spaces, one
character. Full stops, commas and other marks that end a clause are compared too: "… of AI. Act now" names no act.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from unicodedata import normalize

import regex

_WORD = regex.compile(
    r"(?<=[\p{L}\p{M}])['’]s\b|(?P<dotted>(?<!\w)(?:\p{L}\.){2,})|[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]"
    r"|[[\p{L}\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]]+|\p{N}+|[+.,;:!?…，。；：！？、]",
    flags=regex.VERSION1,
)
# Marks that a text may leave out of a name.
_OPTIONAL = frozenset(".,;:!?，、")


class Word(NamedTuple):
    """A word or mark as it is compared, and whether it is written in capitals."""

    key: str
    capitals: bool
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """The words of a text, with offsets in code points."""
    words = []
    for match in _WORD.finditer(text):
        written = match[0].replace(".", "") if match["dotted"] else match[0]
        if written[0] not in "'’":
            key = written.lower() if written.isascii() else normalize("NFKC", normalize("NFKC", written).casefold())
            words.append(Word(key, len(written) > 1 and written.isupper(), *match.span()))
    return words


class _Node:
    """A place in the tree of words: what may follow, and who bears the name that ends here."""

    __slots__ = ("bearers", "endings", "in_capitals", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.endings: dict[str, frozenset[str]] = {}
        self.bearers: frozenset[str] = frozenset()
        self.in_capitals = True


class Phrasebook:
    """Phrases as a tree of words, with the ids that bear them. Compiled once; may be used from several threads."""

    def __init__(self) -> None:
        self._root = _Node()

    def learn(self, phrase: str, bearer: str) -> None:
        """Learn a phrase. Where it ends in `*`, its last word may have any ending; one word of capitals is found so."""
        open_, words = phrase.endswith("*"), words_of(phrase)
        capitals = len(words) == 1 and words[0].capitals
        keys = [word.key for word in words]
        for row in (keys, [key for key in keys if key not in _OPTIONAL]):
            node = self._root
            for key in row[:-1] if open_ else row:
                node = node.next.setdefault(key, _Node())
            if open_:
                node.endings[row[-1]] = node.endings.get(row[-1], frozenset()) | {bearer}
            else:
                node.in_capitals = capitals and (node.in_capitals or not node.bearers)
                node.bearers |= {bearer}

    def at(self, words: Sequence[Word], start: int) -> tuple[int, frozenset[str]]:
        """The end of the longest phrase that begins at a place, and who bears it; the place itself where none does."""
        node = self._root
        found: tuple[int, frozenset[str]] = start, frozenset()
        for end in range(start, len(words)):
            key = words[end].key
            if node.endings:
                bearers = [own for beginning, own in node.endings.items() if key.startswith(beginning)]
                if bearers:
                    found = end + 1, frozenset().union(*bearers)
            if key not in node.next:
                break
            node = node.next[key]
            if node.bearers and (words[end].capitals or not node.in_capitals):
                found = end + 1, node.bearers
        return found

    def all(self, words: Sequence[Word]) -> Iterator[tuple[int, frozenset[str]]]:
        """Every place where a phrase begins, with the bearers of the longest."""
        root = self._root
        for start, word in enumerate(words):
            if word.key in root.next or root.endings:
                end, bearers = self.at(words, start)
                if end > start:
                    yield start, bearers
