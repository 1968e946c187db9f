"""What courts and regulators do, told by one verb: litigated, enforced."""

from processors.classifiers import roles
from processors.classifiers.act_words import (
    BEFORE_COURT,
    CASES,
    COURTS,
    FILED,
    FINES,
    IMPOSED,
    LAW_NOUNS,
    NO_COURTS,
    OPENED,
    PENALISED,
    PROBES,
    REGULATORS,
    RULED,
    RULINGS,
    STOPPED,
    SUITS,
)
from processors.classifiers.clauses import FURTHEST, Sentence, Verb
from processors.classifiers.roles import Deed

# How far behind a verb its "to" or its court may stand, in words.
_REACH = 14


def judged(sentence: Sentence, verb: Verb, word: str) -> Deed | None:
    """A ruling: a court does something, or something is done by it."""
    if word not in RULED:
        return None
    who = roles.subject(sentence, verb) if verb.voice == "active" else roles.agent(sentence, verb)
    if who is None or not COURTS & roles.names(sentence, who) or roles.noun(sentence, who) in NO_COURTS:
        return None
    return Deed("litigated", verb, who, _law_of(sentence, verb))


def filed(sentence: Sentence, verb: Verb, word: str) -> Deed | None:
    """A case that is brought."""
    if verb.voice == "active":
        noun = roles.noun(sentence, roles.thing_done_to(sentence, verb.at + 1))
        told = word == "sued" or (word in FILED and noun in SUITS) or (word in ("filed", "brought") and noun in CASES)
        told = told or (word == "appealed" and noun in RULINGS)
        told = told or (word in BEFORE_COURT and _goes_to_court(sentence, verb, BEFORE_COURT[word]))
        who = roles.actor(sentence, verb)
    else:
        brought = roles.subject(sentence, verb)
        suit = brought is not None and bool(SUITS & roles.names(sentence, brought))
        in_court = sentence.follows(verb.at, ("in", "court"))
        told = verb.voice != "present" and (
            word == "sued" or (word in FILED and suit) or (word == "challenged" and in_court)
        )
        who = roles.agent(sentence, verb)
    return Deed("litigated", verb, who, _law_of(sentence, verb)) if told else None


def _goes_to_court(sentence: Sentence, verb: Verb, way: str) -> bool:
    """Whether "to court" or "in court" follows, with no other verb between."""
    rest = range(verb.at + 1, min(verb.at + _REACH, len(sentence)))
    court = next((at for at in rest if sentence.words[at] in ("court", "courts") or sentence.is_verb(at)), None)
    return court is not None and sentence.words[court] in ("court", "courts") and way in sentence.words[verb.at : court]


def penalised(sentence: Sentence, verb: Verb, word: str) -> Deed | None:
    """What a regulator imposes, opens or orders; by a court it is a ruling."""
    if verb.voice == "present":
        return None
    if verb.voice == "active":
        who, thing = roles.actor(sentence, verb), roles.thing_done_to(sentence, verb.at + 1)
    else:
        who, thing = roles.agent(sentence, verb), roles.subject(sentence, verb)
    noun = roles.noun(sentence, thing)
    told = word in PENALISED or (word in IMPOSED and noun in FINES) or (word in OPENED and noun in PROBES)
    if word in STOPPED and who is not None and REGULATORS & roles.names(sentence, who):
        told = noun not in LAW_NOUNS and (word != "ordered" or "to" in sentence.words[verb.at : verb.at + _REACH])
    by_court = who is not None and COURTS & roles.names(sentence, who)
    return Deed("litigated" if by_court else "enforced", verb, who, _law_of(sentence, verb)) if told else None


def _law_of(sentence: Sentence, verb: Verb) -> str | None:
    """The law that a case or fine is about: the next one named after the verb, else the only one of the sentence."""
    near = sentence.laws[max(0, verb.at - FURTHEST) : verb.at + FURTHEST]
    named = {law for law in near if law is not None}
    return sentence.law_after(verb.at) or (named.pop() if len(named) == 1 else None)
