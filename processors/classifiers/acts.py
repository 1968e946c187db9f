"""Acts: what institutions did to laws, by rules on English sentences, and marked so.

An act happened: what could, should or will be done, is asked for or was not done is none. The words are in `act_words`,
verbs and clauses in `clauses`, who does what to which law in `roles`, the rules in `lawmaking` and `enforcement`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from govwire.core.records import Act, Evidence
from processors.classifiers.act_words import CARRIERS, DONE_TO_LAW, PHRASAL, TRIGGERS
from processors.classifiers.actors import Actors
from processors.classifiers.clauses import Sentence, Verb
from processors.classifiers.enforcement import filed, judged, penalised
from processors.classifiers.lawmaking import approved, began, decided, done_to_law
from processors.classifiers.laws import Named
from processors.classifiers.roles import Deed, Phrase
from processors.classifiers.sentences import Span
from processors.classifiers.tokens import tokenize

_LETTERS = re.compile(r"[a-z]+")


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


def _in_sentence(sentence: Sentence) -> Iterator[Deed]:
    before: Deed | None = None
    for at, word in enumerate(sentence.words):
        if word not in TRIGGERS or sentence.laws[at] is not None:
            continue
        verb = sentence.verb(at - 1 if word == "force" else at)  # "is in force" has its verb before "in"
        found = _told_by(sentence, verb, word, before) if verb else None
        if found is not None:
            before = found
            yield found


def _told_by(sentence: Sentence, verb: Verb, word: str, before: Deed | None) -> Deed | None:
    """The act that a verb tells."""
    if word in CARRIERS and (found := decided(sentence, verb, CARRIERS[word], before)):
        return found
    if word in PHRASAL:
        kind = PHRASAL[word].get(sentence.word(verb.at + 1))
        return done_to_law(sentence, Verb(verb.at + 1, verb.first, verb.voice), kind, before) if kind else None
    for rule in (approved, began, judged, filed, penalised):
        if found := rule(sentence, verb, word):
            return found
    return done_to_law(sentence, verb, DONE_TO_LAW[word], before) if word in DONE_TO_LAW else None
