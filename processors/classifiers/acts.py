"""Acts: what institutions did to laws, by rules on English sentences, and marked so.

An act happened: what could, should or will be done, is asked for or was not done is none. The words are in `act_words`,
verbs and clauses in `clauses`, who does what to which law in `roles`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from govwire.core.records import Act, ActKind, Evidence
from processors.classifiers import roles
from processors.classifiers.act_words import (
    APPROVAL,
    BEGINS,
    CARRIERS,
    CHAMBERS,
    COURTS,
    DELAYS,
    DONE_TO_LAW,
    DRAFTS,
    FILED,
    FINES,
    GAVE,
    IMPOSED,
    LAW_NOUNS,
    NEEDS_NO_PARLIAMENT,
    NO_COURTS,
    OPENED,
    PENALISED,
    PHRASAL,
    PROBES,
    REFUSED,
    REGULATORS,
    RULED,
    RULINGS,
    SHOWN,
    STOPPED,
    SUITS,
    TRIGGERS,
    WON,
)
from processors.classifiers.actors import Actors
from processors.classifiers.clauses import FURTHEST, Sentence, Verb
from processors.classifiers.laws import Named
from processors.classifiers.roles import Phrase
from processors.classifiers.sentences import Span
from processors.classifiers.tokens import tokenize

_LETTERS = re.compile(r"[a-z]+")
# How far behind a verb its infinitive, its "to" or its court may stand, in words.
_NEAR, _REACH = 8, 14


@dataclass(frozen=True, slots=True)
class _Found:
    """An act before it is a record: who, and which law."""

    act: ActKind
    verb: Verb
    actor: Phrase | None
    law: str | None


def find_acts(text: str, spans: Sequence[Span], laws: Sequence[Named], actors: Actors) -> tuple[Act, ...]:
    """The acts that a text tells of, each once, with the first sentence that tells it; `laws` are named in the text."""
    acts: dict[tuple[str, str | None, str | None], Act] = {}
    for span, sentence in _sentences(text, spans, laws):
        for found in _in_sentence(sentence):
            actor = _as_written(span.of(text), sentence, found.actor)
            act = Act(
                act=found.act,
                actor=actor,
                actor_id=actors.link(actor) if actor else None,
                law=found.law,
                evidence=Evidence(text=span.of(text), start=span.start, end=span.end),
            )
            acts.setdefault((act.act, act.actor_id or act.actor, act.law), act)
    return tuple(acts.values())


def _sentences(text: str, spans: Sequence[Span], laws: Sequence[Named]) -> Iterator[tuple[Span, Sentence]]:
    """The sentences with a word of an act; offsets of their tokens count in the sentence."""
    starts = [law.span.start for law in laws]
    for span in spans:
        told = span.of(text)
        if TRIGGERS.isdisjoint(_LETTERS.findall(told.lower())):
            continue
        within = laws[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
        tokens = tokenize(told)
        ids: list[str | None] = [None] * len(tokens)
        places = [token.start + span.start for token in tokens]
        for law in within:
            first, end = bisect_left(places, law.span.start), bisect_left(places, law.span.end)
            ids[first:end] = [law.law_id] * (end - first)
        yield span, Sentence(tokens, ids)


def _as_written(told: str, sentence: Sentence, phrase: Phrase | None) -> str | None:
    if phrase is None:
        return None
    return told[sentence.tokens[phrase.first].start : sentence.tokens[phrase.end - 1].end]


def _in_sentence(sentence: Sentence) -> Iterator[_Found]:
    before: _Found | None = None
    for at, word in enumerate(sentence.words):
        if word not in TRIGGERS or sentence.laws[at] is not None:
            continue
        verb = sentence.verb(at)
        found = _told_by(sentence, verb, word, before) if verb else None
        if found is not None:
            before = found
            yield found


def _told_by(sentence: Sentence, verb: Verb, word: str, before: _Found | None) -> _Found | None:
    """The act that a verb tells."""
    if word in CARRIERS and (found := _decided(sentence, verb, CARRIERS[word], before)):
        return found
    if word in PHRASAL:
        kind = PHRASAL[word].get(sentence.word(verb.at + 1))
        return _done(sentence, Verb(verb.at + 1, verb.first, verb.voice), kind, before) if kind else None
    for rule in (_approved, _began, _judged, _filed, _penalised):
        if found := rule(sentence, verb, word):
            return found
    return _done(sentence, verb, DONE_TO_LAW[word], before) if word in DONE_TO_LAW else None


# --- what is done to a law ---


def _done(sentence: Sentence, verb: Verb, kind: ActKind, before: _Found | None) -> _Found | None:
    if verb.voice != "active":
        law = roles.law_concerned(sentence, verb)
        lasts = verb.voice == "present" and kind != "delayed"
        if law is None or lasts or (kind == "enforced" and verb.voice == "reduced"):
            return None
        return _Found(_shown(sentence, verb, kind, law), verb, roles.agent(sentence, verb), law.law)
    who = _subject(sentence, verb, before)
    if roles.is_law(sentence, who):
        return _passed(sentence, verb, who)
    if sentence.word(verb.first - 1) == "you":
        return None
    if sentence.word(verb.at + 1) in ("it", "them") and before is not None:
        return _Found(kind, verb, who, before.law)
    thing = roles.thing_done_to(sentence, verb.at + 1)
    return None if thing is None else _done_to(sentence, verb, kind, who, thing)


def _done_to(sentence: Sentence, verb: Verb, kind: ActKind, who: Phrase | None, thing: Phrase) -> _Found | None:
    if kind == "adopted" and roles.noun(sentence, thing) in DELAYS:
        return _Found("delayed", verb, who, thing.law or _law_after(sentence, thing.end))
    if sentence.words[verb.at] == "endorsed" and not NEEDS_NO_PARLIAMENT & roles.nouns(sentence, thing):
        return None  # Who endorses a bill says what he thinks of it.
    part = kind in ("delayed", "enforced") and roles.is_start_of_law(sentence, thing)
    if not part and not roles.is_law(sentence, thing):
        return None
    return _Found(_shown(sentence, verb, kind, thing), verb, who, thing.law)


def _shown(sentence: Sentence, verb: Verb, kind: ActKind, thing: Phrase) -> ActKind:
    """Guidelines that are published or introduced are adopted; a bill, or a draft of them, is proposed by it."""
    if sentence.words[verb.at] not in SHOWN:
        return kind
    final = NEEDS_NO_PARLIAMENT & roles.nouns(sentence, thing) and not DRAFTS & roles.names(sentence, thing)
    return "adopted" if final else "proposed"


def _passed(sentence: Sentence, verb: Verb, law: Phrase | None) -> _Found | None:
    """A bill that passes, or passes a chamber."""
    if sentence.words[verb.at] not in ("passed", "cleared") or law is None:
        return None
    chamber = roles.thing_done_to(sentence, verb.at + 1)
    return _Found("adopted", verb, chamber if roles.noun(sentence, chamber) in CHAMBERS else None, law.law)


def _decided(sentence: Sentence, verb: Verb, kinds: Mapping[str, ActKind], before: _Found | None) -> _Found | None:
    """What was voted, agreed or refused: a verb in the infinitive, or nothing where the verb before says it."""
    if verb.voice != "active":
        return None
    who, rest = _subject(sentence, verb, before), sentence.words[verb.at + 1 : verb.at + 1 + _NEAR]
    at = next(
        (at for at, word in enumerate(rest[:-1], verb.at + 2) if word == "to" and sentence.word(at) in kinds), None
    )
    if at is None:
        alone = rest[:1] in ([], ["."], [","], [";"]) or rest[:3] == ["to", "do", "so"]
        means_before = kinds is REFUSED and alone and before is not None
        return _Found("refused", verb, who, before.law) if means_before and before else None
    thing = roles.thing_done_to(sentence, at + 1)
    if thing is None:
        return _Found(kinds[sentence.words[at]], verb, who, before.law if before else None)
    if not roles.is_law(sentence, thing) and not roles.is_start_of_law(sentence, thing):
        return None
    return _Found(kinds[sentence.words[at]], verb, who, thing.law)


def _approved(sentence: Sentence, verb: Verb, word: str) -> _Found | None:
    """Where approval is given to a law, or won by it."""
    approval = roles.thing_done_to(sentence, verb.at + 1) if word in GAVE | WON and verb.voice == "active" else None
    if roles.noun(sentence, approval) not in APPROVAL or approval is None:
        return None
    if word in WON:
        law = roles.law_concerned(sentence, verb)
        return _Found("adopted", verb, None, law.law) if law else None
    law = roles.thing_done_to(sentence, approval.end + 1) if sentence.word(approval.end) == "to" else None
    return (
        _Found("adopted", verb, _subject(sentence, verb, None), law.law)
        if roles.is_law(sentence, law) and law
        else None
    )


# --- what a law does, courts and regulators ---


def _began(sentence: Sentence, verb: Verb, word: str) -> _Found | None:
    if word == "force":
        rest = sentence.verb(verb.at - 1) if sentence.word(verb.at - 1) == "in" else None
        if rest is None or rest.voice not in ("passive", "present"):
            return None
        verb = rest
    elif not any(sentence.follows(verb.at, row) for row in BEGINS.get(word, ())):
        return None
    law = roles.law_concerned(sentence, verb)
    return _Found("in_force", verb, None, law.law) if law else None


def _judged(sentence: Sentence, verb: Verb, word: str) -> _Found | None:
    if word not in RULED:
        return None
    who = roles.subject(sentence, verb) if verb.voice == "active" else roles.agent(sentence, verb)
    if who is None or not COURTS & roles.names(sentence, who) or roles.noun(sentence, who) in NO_COURTS:
        return None
    return _Found("litigated", verb, who, _law_of(sentence, verb))


def _filed(sentence: Sentence, verb: Verb, word: str) -> _Found | None:
    if verb.voice == "active":
        noun = roles.noun(sentence, roles.thing_done_to(sentence, verb.at + 1))
        told = word == "sued" or (word in FILED and noun in SUITS) or (word == "appealed" and noun in RULINGS)
        told = told or (word in ("took", "challenged") and "court" in sentence.words[verb.at : verb.at + _REACH])
        who = _subject(sentence, verb, None)
    else:
        filed = roles.subject(sentence, verb)
        suit = filed is not None and bool(SUITS & roles.names(sentence, filed))
        in_court = sentence.follows(verb.at, ("in", "court"))
        told = verb.voice != "present" and (
            word == "sued" or (word in FILED and suit) or (word == "challenged" and in_court)
        )
        who = roles.agent(sentence, verb)
    return _Found("litigated", verb, who, _law_of(sentence, verb)) if told else None


def _penalised(sentence: Sentence, verb: Verb, word: str) -> _Found | None:
    if verb.voice == "present":
        return None
    if verb.voice == "active":
        who, thing = _subject(sentence, verb, None), roles.thing_done_to(sentence, verb.at + 1)
    else:
        who, thing = roles.agent(sentence, verb), roles.subject(sentence, verb)
    noun = roles.noun(sentence, thing)
    told = word in PENALISED or (word in IMPOSED and noun in FINES) or (word in OPENED and noun in PROBES)
    if word in STOPPED and who is not None and REGULATORS & roles.names(sentence, who):
        told = noun not in LAW_NOUNS and (word != "ordered" or "to" in sentence.words[verb.at : verb.at + _REACH])
    return _Found("enforced", verb, who, _law_of(sentence, verb)) if told else None


# --- shared ---


def _subject(sentence: Sentence, verb: Verb, before: _Found | None) -> Phrase | None:
    """Who acts; after "and", who acted before."""
    if before is not None and before.verb.voice == "active" and sentence.word(verb.first - 1) in ("and", "then", "but"):
        return before.actor
    return roles.subject(sentence, verb)


def _law_of(sentence: Sentence, verb: Verb) -> str | None:
    """The law that a case or fine is about: the next one named after the verb, else the only one of the sentence."""
    near = sentence.laws[max(0, verb.at - FURTHEST) : verb.at + FURTHEST]
    named = {law for law in near if law is not None}
    return _law_after(sentence, verb.at) or (named.pop() if len(named) == 1 else None)


def _law_after(sentence: Sentence, at: int) -> str | None:
    return sentence.law_in(at, at + FURTHEST)
