"""Text as the search sees it: tokens that every backend answers alike by, and sentences with their offsets.

`tokens` feeds the embedded index, the alert matcher and a whitespace-analysed field of Elasticsearch, so that a query
finds the same articles everywhere. Tokens hold letters, marks and digits only, never a space or ASCII punctuation.
"""

import threading
import unicodedata

import regex
import sentencex
import Stemmer

# Scripts written without spaces between words, or (Hangul) with endings glued on: any part of a run may be a word.
_SCRIPTS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー"
_UNSPACED = rf"[[{_SCRIPTS}]&&[\p{{L}}\p{{M}}\p{{N}}]]"
_RUN = regex.compile(rf"(?P<unspaced>{_UNSPACED}+)|[[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}]+", regex.V1)
_PIECE = regex.compile(rf"{_UNSPACED}|[[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}]+|\s+|.", regex.V1)
_CHARACTER = regex.compile(_UNSPACED, regex.V1)
_PAIR = regex.compile(rf"{_UNSPACED}{{2}}", regex.V1)
_INITIALS = regex.compile(r"(?<![\p{L}\p{N}])\p{Latin}(?:\.\p{Latin})+(?![\p{L}\p{N}])")
_POSSESSIVE = regex.compile(r"(?<=[\p{L}\p{N}])'s(?![\p{L}\p{N}])")
_APOSTROPHES = str.maketrans("’ʼ", "''")
# Elasticsearch's whitespace tokenizer cuts at 255 UTF-16 units; no word is as long as this.
_LONGEST = 64

# A line break ends a sentence, as extraction writes one paragraph a line; but not within wrapped plain text.
_PARAGRAPH = regex.compile(r"(?:[^\n]|\n(?=[^\S\n]*\p{Ll}))+")

# Snowball's stemmers are not safe to share between threads.
_local = threading.local()


def tokens(text: str, language: str) -> list[str]:
    """The words of a text in order: NFKC, case folded, stemmed by Snowball where it knows the language.

    In scripts without spaces each character makes one token with the next of its run, the last one alone: 人工智能 is
    人工, 工智, 智能, 能. So every character begins exactly one token, and a phrase is a row of tokens in any script.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_APOSTROPHES)
    folded = _INITIALS.sub(lambda initials: initials[0].replace(".", ""), folded)
    if language == "en":
        folded = _POSSESSIVE.sub(" ", folded)
    found: list[str] = []
    words: list[int] = []
    for run in _RUN.finditer(folded):
        if run["unspaced"]:
            found.extend(run[0][at : at + 2] for at in range(len(run[0])))
        else:
            words.append(len(found))
            found.append(run[0][:_LONGEST])
    stemmer = _stemmer(language)
    if stemmer is not None:
        for at, stem in zip(words, stemmer.stemWords([found[at] for at in words]), strict=True):
            # A stem is kept where it is still one word of the same kind.
            found[at] = stem if _RUN.fullmatch(stem) else found[at]
    return found


def phrase(text: str, language: str) -> tuple[list[str], bool]:
    """The tokens to look for in a row, and whether the last is only the beginning of one.

    A text may go on after the last character of a run without spaces, so that character's own token says nothing: it
    is left out, or where it is the whole run, looked for as a beginning.
    """
    wanted = tokens(text, language)
    if not wanted or not _CHARACTER.fullmatch(wanted[-1]):
        return wanted, False
    if len(wanted) > 1 and _PAIR.fullmatch(wanted[-2]):
        return wanted[:-1], False
    return wanted, True


def pieces(text: str) -> list[str]:
    """A text cut into words, characters of scripts without spaces, white space and marks: joined, it is the text."""
    return [piece[0] for piece in _PIECE.finditer(text)]


def sentences(text: str, language: str = "en") -> list[tuple[int, int]]:
    """The sentences of a text as (start, end), counted in code points, end exclusive, without space around them."""
    spans = []
    for paragraph in _PARAGRAPH.finditer(text):
        for boundary in sentencex.get_sentence_boundaries(language, paragraph[0]):
            start, end = paragraph.start() + boundary["start_index"], paragraph.start() + boundary["end_index"]
            sentence = text[start:end]
            start, end = end - len(sentence.lstrip()), start + len(sentence.rstrip())
            if start < end:
                spans.append((start, end))
    return spans


def stemmed_languages() -> tuple[str, ...]:
    """The ISO 639-1 codes of the languages that `tokens` stems; all others are taken as they are."""
    return _STEMMED


def _stemmer(language: str) -> "Stemmer.Stemmer | None":
    if language not in _STEMMED:
        return None
    stemmers: dict[str, Stemmer.Stemmer] = _local.__dict__
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(language)
    return stemmers[language]


def _known_to_snowball(language: str) -> bool:
    try:
        Stemmer.Stemmer(language)
    except KeyError:
        return False
    return True


_STEMMED = tuple(
    first + second
    for first in "abcdefghijklmnopqrstuvwxyz"
    for second in "abcdefghijklmnopqrstuvwxyz"
    if _known_to_snowball(first + second)
)
