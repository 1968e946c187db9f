"""Direct quotations and who they are given to: the name beside the speech verb, where it stands. No name, no claim.

Rules on the text's surface, after the pattern of textacy's direct quotations (quotation marks, a cue verb, a name near
it). Pronouns and descriptions ("he", "the minister") are not resolved: what is not named is left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from processors.classifiers.sentences import Span

# Fewer words between quotation marks are a term or a title, not a position.
MIN_WORDS = 3
# How far from the quotation, in code points, its speech verb may begin.
REACH = 160


@dataclass(frozen=True)
class Quotation:
    """What is between quotation marks, marks included, and where its holder is named."""

    span: Span
    holder: Span


_QUOTED = re.compile(r"“[^“”\n]+”|\"[^\"\n]+\"|«[^«»\n]+»|„[^„“”\n]+[“”]|(?<!\w)‘[^‘\n]+?’(?!\w)")
_VERB = (
    r"(?:said|says|say|told|tells|warn(?:s|ed)|argue[sd]?|add(?:s|ed)|wr(?:ote|ites)|insist(?:s|ed)|call(?:s|ed)|claim(?:s|ed)|"
    r"stat(?:es|ed)|explain(?:s|ed)|not(?:es|ed)|urg(?:es|ed)|ask(?:s|ed)|repl(?:ies|ied)|answer(?:s|ed)|declare[sd]?|complain(?:s|ed)|"
    r"conclude[sd]?|counter(?:s|ed)|maintain(?:s|ed)|post(?:s|ed)|testif(?:ies|ied)|acknowledge[sd]?|admit(?:s|ted)|describe[sd]?|"
    r"demand(?:s|ed)|caution(?:s|ed)|stress(?:es|ed)|emphasi[sz]e[sd]?|tweeted|remarked|observed|retorted|promised|vowed|spoke\sof|dismissed)"
)
_WORD = r"[A-Z\u00c0-\u00de][\w'’\-]*\.?"
_LINK = r"(?:of|the|and|for|de|del|della|di|da|du|van|von|der|den|bin|al|el|la|le)"
# Words that begin with a capital letter and name nobody: they are passed over at the start of a name.
_NOBODY = (
    r"(?:The|He|She|They|It|I|We|You|This|That|These|Those|There|But|And|Or|So|Yet|If|When|While|As|At|In|On|For|From|By|To|With|After|Before|Both|"
    r"One|Some|Many|Most|Others|Another|Critics|Officials|Ministers|Lawmakers|Experts|Supporters|Opponents|Asked|According|Earlier|Later|Monday|"
    r"Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|His|Her|Their|Its|Our|My|What|Who|Not|No|Nor|An?)\b"
)
_NAME = rf"(?:[Tt]he\s)?((?!{_NOBODY}){_WORD}(?: (?:(?:{_LINK} ){{1,2}})?(?!{_NOBODY}){_WORD})*)"
# What may stand between a name and its verb: a description between commas or a bracket.
_ASIDE = r"(?:\s?,[^,\"“”.!?]{2,90},|\s\([^()]{1,60}\)|\sof\s[^,\"“”.!?]{2,40},)?"
_ADVERB = r"(?:\s\w+ly|\shas|\shad|\salso|\slater|\sthen)?"
# What may stand between the verb and the name: "Greens senator", "the group's director".
_PREPOSITION = r"(?:in|on|at|of|to|as|and|who|for|from|by|after|during|before|when|while|that|if)"
_TRADE = rf"(?:(?:{_WORD}\s){{0,2}}(?:(?!{_PREPOSITION}\b)[a-z][\w'’-]*\s){{1,4}})?"

_AFTER_VERB = re.compile(rf"\s?,?\s?{_VERB}\s{_TRADE}{_NAME}")
_AFTER_NAME = re.compile(rf"\s?,?\s?{_NAME}{_ASIDE}{_ADVERB}\s{_VERB}\b")
_BEFORE = re.compile(rf"(?:^|[\s(]){_NAME}{_ASIDE}{_ADVERB}\s{_VERB}\b[^\"“”.!?\n]{{0,80}}$")
_ACCORDING = re.compile(rf"\b[Aa]ccording\sto\s{_NAME}[^\"“”.!?\n]{{0,80}}$|\bfor\s{_NAME}[,:]\s?$")
_ACCORDING_AFTER = re.compile(rf"\s?,?\s?according\sto\s{_NAME}")


def quotations(text: str) -> list[Quotation]:
    """The quotations of three words or more whose holder is named beside them, in order."""
    found: list[Quotation] = []
    for match in _QUOTED.finditer(text):
        if len(match[0].split()) < MIN_WORDS:
            continue
        span = Span(*match.span())
        holder = _holder(text, span) or _going_on(text, span, found)
        if holder:
            found.append(Quotation(span, holder))
    return found


def _going_on(text: str, quoted: Span, found: Sequence[Quotation]) -> Span | None:
    """The holder of the quotation before, where this one goes on in the same paragraph: “A,” said she. “B.”"""
    if not found:
        return None
    between = text[found[-1].span.end : quoted.start]
    return found[-1].holder if len(between) <= REACH and "\n" not in between else None


def _holder(text: str, quoted: Span) -> Span | None:
    after = text[quoted.end : quoted.end + REACH].partition("\n")[0]
    if text[quoted.end - 2] == "." and not after.startswith(","):
        # The sentence has ended inside the marks: what follows is another one, and its speaker another matter.
        after = ""
    start = max(0, quoted.start - REACH)
    return next(_candidates(text[start : quoted.start], start, after, quoted.end), None)


def _candidates(before: str, before_at: int, after: str, after_at: int) -> Iterator[Span]:
    for pattern in (_AFTER_VERB, _AFTER_NAME, _ACCORDING_AFTER):
        match = pattern.match(after)
        if match:
            yield _name(match, after_at)
    for pattern in (_BEFORE, _ACCORDING):
        match = pattern.search(before)
        if match:
            yield _name(match, before_at)


def _name(match: re.Match[str], at: int) -> Span:
    """The name that a pattern found in a stretch that begins at `at`, without the full stop or possessive after it."""
    group = next(number for number, value in enumerate(match.groups(), 1) if value)
    name = re.sub(r"(?<=\w\w)\.$|['’]s$", "", match[group])
    start = at + match.start(group)
    return Span(start, start + len(name))
