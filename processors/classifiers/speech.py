"""Whether somebody in an English text is given the word: the subject of a speech verb, "according to", a label."""

from collections.abc import Sequence

from processors.classifiers.lexicon import (
    ADVERB,
    AUXILIARY,
    CONJUNCTION,
    DETERMINER,
    POSSESSIVE,
    PREPOSITION,
    RELATIVE,
    SPEECH,
    SUBJECTS,
    TITLES,
    TRADES,
    word_set,
)
from processors.classifiers.tokens import Token

_QUOTES = frozenset("“”\"«»„‘’'")
# Marks behind which a clause or a speaker may begin.
CLOSERS = frozenset(",;:.!?()[]—–-…") | _QUOTES
# How many tokens a description between a speaker and the verb may have, and how many may stand before the name.
_ASIDE = 24
_PHRASE = 12
_TITLED = 8
_ENCLOSED = {",": ",", "(": ")", "–": "–", "—": "—"}
# Verbs that can stand before their subject: "said a campaigner".
_INVERTED = word_set(
    """said says say wrote writes write added adds argued argues argue asked asks warned warns replied replies answered
    answers explained explains noted notes objected objects remarked remarks concluded concludes declared declares
    insisted insists complained complains testified testifies observed observes retorted retorts countered counters
    recalled recalls thinks thought suggested suggests predicted predicts commented comments runs ran goes reads read
    fears feared concedes conceded admits admitted"""
)
_BE = word_set("is are was were be been isn't aren't wasn't weren't")
_BETWEEN = ADVERB | AUXILIARY
_NO_VERB_AFTER = DETERMINER | POSSESSIVE | PREPOSITION | _BE
_OPENS_DESCRIPTION = (PREPOSITION | RELATIVE) - {"to"}
_ENDS_DESCRIPTION = CONJUNCTION | SUBJECTS
_BEFORE_NAME = TITLES | TRADES | DETERMINER
_VIEWS = word_set("view words opinion eyes")


def speaks(tokens: Sequence[Token], first: int, end: int) -> bool:
    """Whether what stands from the token `first` up to `end` is given the word."""
    labelled = end < len(tokens) and tokens[end].text == ":" and tokens[first].begins
    return labelled or _verb_follows(tokens, end) or follows_verb(tokens, first)


def accords(tokens: Sequence[Token], at: int) -> bool:
    """Whether a token is the second of "according to"."""
    return at > 0 and tokens[at].lower == "to" and tokens[at - 1].lower == "according"


def follows_verb(tokens: Sequence[Token], first: int) -> bool:
    """Whether a speaker is announced before the token `first`: "said", "according to", "in the view of"."""
    at = first - 1
    while at > first - _TITLED and at >= 0 and (tokens[at].lower in _BEFORE_NAME or tokens[at].lower.endswith("ly")):
        at -= 1
    if at < 0:
        return False
    word, before = tokens[at].lower, tokens[at - 1] if at else None
    if word in _INVERTED:
        return before is None or before.text in CLOSERS or before.lower in ("so", "as")
    if word == "for":
        return tokens[at].begins or (before is not None and before.text in ";:")
    return accords(tokens, at) or (word == "of" and before is not None and before.lower in _VIEWS)


def _verb_follows(tokens: Sequence[Token], at: int) -> bool:
    at = _past_description(tokens, at)
    for token in tokens[at : at + 5]:
        if token.lower in _BE:
            # "Rules were written" gives nobody the word.
            return False
        if token.lower in SPEECH:
            return True
        if token.lower not in _BETWEEN and not token.lower.endswith("ly"):
            return False
    return False


def _past_description(tokens: Sequence[Token], at: int) -> int:
    """The token after what describes a speaker: ", who heads the union,", "(Greens)", "of the union"."""
    if at >= len(tokens):
        return at
    if tokens[at].text in _ENCLOSED:
        return _past_enclosed(tokens, at)
    if tokens[at].lower in _OPENS_DESCRIPTION:
        for end in range(at + 1, min(at + _PHRASE, len(tokens))):
            if not tokens[end].text[0].isalnum() or tokens[end].lower in _ENDS_DESCRIPTION:
                return at
            if tokens[end].lower in SPEECH and tokens[end - 1].lower not in _NO_VERB_AFTER:
                return end
    return at


def _past_enclosed(tokens: Sequence[Token], at: int) -> int:
    for end in range(at + 1, min(at + _ASIDE, len(tokens))):
        if tokens[end].text == _ENCLOSED[tokens[at].text]:
            comma = end + 1 < len(tokens) and tokens[end + 1].text == ","
            return end + 1 + comma
        if tokens[end].text in _QUOTES or tokens[end].sentence != tokens[at].sentence:
            break
    return at
