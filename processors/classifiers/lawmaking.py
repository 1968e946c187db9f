"""What is done to laws, told by one verb: proposed, adopted, signed, vetoed, delayed, refused, in force."""

from collections.abc import Mapping

from govwire.core.records import ActKind
from processors.classifiers import roles
from processors.classifiers.act_words import (
    APPROVAL,
    BEGINS,
    CHAMBERS,
    DELAYS,
    DRAFTS,
    GAVE,
    MADE_KNOWN,
    NEEDS_NO_PARLIAMENT,
    REFUSED,
    SHOWN,
    WON,
    WRITINGS,
)
from processors.classifiers.clauses import FURTHEST, Sentence, Verb
from processors.classifiers.roles import Deed, Phrase

# How far behind a verb its infinitive may stand, in words.
_NEAR = 8


def done_to_law(sentence: Sentence, verb: Verb, kind: ActKind, before: Deed | None) -> Deed | None:
    """What "adopted", "vetoed" and their like say, where a law is the object or, in the passive, the subject."""
    if verb.voice != "active":
        return _undergone(sentence, verb, kind)
    who = roles.actor(sentence, verb, before)
    if roles.is_law(sentence, who):
        return _passed(sentence, verb, who)
    if sentence.word(verb.first - 1) == "you":
        return None
    if sentence.word(verb.at + 1) in ("it", "them") and before is not None:
        return Deed(kind, verb, who, before.law)
    thing = roles.thing_done_to(sentence, verb.at + 1) or roles.described(sentence, verb)
    return None if thing is None else _done_to(sentence, verb, kind, who, thing)


def _undergone(sentence: Sentence, verb: Verb, kind: ActKind) -> Deed | None:
    law = roles.law_concerned(sentence, verb)
    lasts = verb.voice == "present" and kind != "delayed"
    if law is None or lasts or _is_writing(sentence, verb, law):
        return None
    if verb.voice == "reduced" and _imagined(sentence, verb, kind, law):
        return None
    return Deed(_shown(sentence, verb, kind, law), verb, roles.agent(sentence, verb), law.law)


def _imagined(sentence: Sentence, verb: Verb, kind: ActKind, law: Phrase) -> bool:
    """ "A ban signed here would …"; what a bill that was introduced would do is another matter."""
    any_law = sentence.words[law.first] in ("a", "an", "any")
    would = any(word in ("would", "could", "might") for word in sentence.words[verb.at : verb.at + FURTHEST])
    return kind == "enforced" or (kind != "proposed" and any_law and would)


def _done_to(sentence: Sentence, verb: Verb, kind: ActKind, who: Phrase | None, thing: Phrase) -> Deed | None:
    if kind == "adopted" and roles.noun(sentence, thing) in DELAYS:
        return Deed("delayed", verb, who, thing.law or sentence.law_after(thing.end))
    if sentence.words[verb.at] == "endorsed" and not NEEDS_NO_PARLIAMENT & roles.nouns(sentence, thing):
        return None  # Who endorses a bill says what he thinks of it.
    if _is_writing(sentence, verb, thing):
        return None
    part = kind in ("delayed", "enforced") and roles.is_start_of_law(sentence, thing)
    if not part and not roles.is_law(sentence, thing):
        return None
    return Deed(_shown(sentence, verb, kind, thing), verb, who, thing.law)


def _is_writing(sentence: Sentence, verb: Verb, thing: Phrase) -> bool:
    """Whether something published or issued is any statement rather than a law."""
    return sentence.words[verb.at] in MADE_KNOWN and thing.law is None and roles.noun(sentence, thing) in WRITINGS


def _shown(sentence: Sentence, verb: Verb, kind: ActKind, thing: Phrase) -> ActKind:
    """Guidelines that are published or introduced are adopted; a bill, or a draft of them, is proposed by it."""
    if sentence.words[verb.at] not in SHOWN:
        return kind
    final = NEEDS_NO_PARLIAMENT & roles.nouns(sentence, thing) and not DRAFTS & roles.names(sentence, thing)
    return "adopted" if final else "proposed"


def _passed(sentence: Sentence, verb: Verb, law: Phrase | None) -> Deed | None:
    """A bill that passes, or passes a chamber."""
    if sentence.words[verb.at] not in ("passed", "cleared") or law is None:
        return None
    chamber = roles.body(sentence, verb.at + 1)
    known = chamber is not None and CHAMBERS & roles.names(sentence, chamber)
    return Deed("adopted", verb, chamber if known else None, law.law)


def decided(sentence: Sentence, verb: Verb, kinds: Mapping[str, ActKind], before: Deed | None) -> Deed | None:
    """What was voted, agreed or refused: a verb in the infinitive, or nothing where the verb before says it."""
    if verb.voice != "active":
        return None
    who, rest = roles.actor(sentence, verb, before), sentence.words[verb.at + 1 : verb.at + 1 + _NEAR]
    at = next(
        (at for at, word in enumerate(rest[:-1], verb.at + 2) if word == "to" and sentence.word(at) in kinds), None
    )
    if at is None:
        alone = rest[:1] in ([], ["."], [","], [";"]) or rest[:3] == ["to", "do", "so"]
        means_before = kinds is REFUSED and alone and before is not None
        return Deed("refused", verb, who, before.law) if means_before and before else None
    thing = roles.thing_done_to(sentence, at + 1)
    if thing is None:
        return Deed(kinds[sentence.words[at]], verb, who, before.law if before else None)
    if not roles.is_law(sentence, thing) and not roles.is_start_of_law(sentence, thing):
        return None
    return Deed(kinds[sentence.words[at]], verb, who, thing.law)


def approved(sentence: Sentence, verb: Verb, word: str) -> Deed | None:
    """Where approval is given to a law, or won by it."""
    approval = roles.thing_done_to(sentence, verb.at + 1) if word in GAVE | WON and verb.voice == "active" else None
    if roles.noun(sentence, approval) not in APPROVAL or approval is None:
        return None
    if word in WON:
        law = roles.law_concerned(sentence, verb)
        return Deed("adopted", verb, None, law.law) if law else None
    law = roles.thing_done_to(sentence, approval.end + 1) if sentence.word(approval.end) == "to" else None
    return Deed("adopted", verb, roles.actor(sentence, verb), law.law) if law and roles.is_law(sentence, law) else None


def began(sentence: Sentence, verb: Verb, word: str) -> Deed | None:
    """Where a law takes effect."""
    if word == "force":
        if sentence.words[verb.at] != "in" or verb.voice not in ("passive", "present"):
            return None
    elif not any(sentence.follows(verb.at, row) for row in BEGINS.get(word, ())):
        return None
    law = roles.law_concerned(sentence, verb)
    return Deed("in_force", verb, None, law.law) if law else None
