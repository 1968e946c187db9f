"""Who does what to which law: the subject, agent and object of a verb, as phrases of its sentence. English only."""

from dataclasses import dataclass

from govwire.core.records import ActKind
from processors.classifiers.act_words import DEFERRED, NO_AGENT, SUBORDINATE, TIME_PREPOSITIONS, TRANSPARENT
from processors.classifiers.clauses import ARTICLES, GENITIVES, LONGEST, MARKS, Sentence, Verb
from processors.classifiers.lexicon import ADVERB, AUXILIARY, PREPOSITION, PRONOUN, RELATIVE

# How far behind a verb its agent may stand, in words.
_REACH = 10
_AGENT_ENDS = MARKS | SUBORDINATE | RELATIVE | AUXILIARY | (PREPOSITION - {"of", "for"})
_CHUNK_ENDS = _AGENT_ENDS | {"and"}
_QUOTES = frozenset('“”"')
_OBJECT_ENDS = (MARKS - _QUOTES) | PREPOSITION | AUXILIARY | RELATIVE | SUBORDINATE | PRONOUN | {"and"}
_HANDS_ON = frozenset(("of", "to", "under"))
# Between an object and its name: "a bill, SB 53, …", "legislation known as SB 53".
_CALLED = frozenset((",", "(", "—", "–", "the", "as", "called", "dubbed", "known", "named", "“", '"'))


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words from `first` up to `end`, the place of their noun, and the law of the list among or beside them."""

    first: int
    end: int
    head: int
    law: str | None


@dataclass(frozen=True, slots=True)
class Deed:
    """An act before it is a record: its verb, who did it, and to which law of the list."""

    act: ActKind
    verb: Verb
    actor: Phrase | None
    law: str | None


def actor(sentence: Sentence, verb: Verb, before: Deed | None = None) -> Phrase | None:
    """Who does what an active verb says; after "and", who did what was told before."""
    if before is not None and before.verb.voice == "active" and sentence.word(verb.first - 1) in ("and", "then", "but"):
        return before.actor
    return subject(sentence, verb)


def subject(sentence: Sentence, verb: Verb) -> Phrase | None:
    """Who or what stands before a verb; None for a pronoun, or where nothing does."""
    end = sentence.without_time_behind(verb.first)
    if sentence.word(end - 1) in RELATIVE:
        end -= 2 if sentence.word(end - 2) == "," else 1
        return _up_to(sentence, end)
    opened = sentence.before_aside(end)
    aside = sentence.tokens[opened + 1 : end - 1]
    if opened < end and len(aside) <= 3 and all(token.capital for token in aside):
        return _phrase(sentence, opened + 1, end - 1)  # "the governor, Jane Roe, signed"
    return _up_to(sentence, opened)


def agent(sentence: Sentence, verb: Verb) -> Phrase | None:
    """Who something was done by."""
    for at in range(verb.at + 1, min(verb.at + _REACH, len(sentence))):
        if sentence.words[at] == "by":
            end = _list_end(sentence, _agent_end(sentence, at + 1))
            if _is_somebody(sentence, at + 1, end):
                return _phrase(sentence, at + 1, end)
        elif sentence.words[at] in (".", ";", ":") or sentence.is_verb(at):
            break
    return None


def thing_done_to(sentence: Sentence, at: int) -> Phrase | None:
    """The noun phrase at a place after a verb."""
    first = at + 2 if sentence.follows(at - 1, ("into", "law")) else at
    if sentence.word(first) in TIME_PREPOSITIONS:
        first = sentence.past_time(first, len(sentence))
    if sentence.word(first).endswith("ing"):
        return None
    end, head = first, None
    while end < min(first + LONGEST, len(sentence)):
        word = sentence.words[end]
        hands_on = head is not None and word in _HANDS_ON and sentence.words[head] in TRANSPARENT
        if not hands_on and _ends_thing(sentence, end, head):
            break
        if not hands_on and word[0].isalnum() and word not in ARTICLES | ADVERB and not sentence.is_adverb(end):
            head = end
        end += 1
    if head is None:
        return None
    return Phrase(first, end, head, sentence.law_in(first, end) or _called(sentence, end))


def described(sentence: Sentence, verb: Verb) -> Phrase | None:
    """What a relative clause is about whose verb is done to it: "SB 53, which Newsom signed"."""
    end = sentence.clause_start(verb.first) - 1
    if sentence.word(end) not in ("which", "that") or end == verb.first - 1:
        return None
    return _up_to(sentence, end - (sentence.word(end - 1) == ","))


def body(sentence: Sentence, at: int) -> Phrase | None:
    """Who is named at a place: the chamber that a bill passes."""
    return _phrase(sentence, at, _agent_end(sentence, at))


def law_concerned(sentence: Sentence, verb: Verb) -> Phrase | None:
    """The law, or what of a law, that something was done to in the passive, or that did it."""
    end = verb.first - (sentence.word(verb.first - 1) == ",")
    found = _up_to(sentence, end) if verb.voice == "reduced" else subject(sentence, verb)
    return found if found and (is_law(sentence, found) or is_start_of_law(sentence, found)) else None


def noun(sentence: Sentence, phrase: Phrase | None) -> str:
    """The noun that a phrase is about."""
    return sentence.words[phrase.head] if phrase else ""


def nouns(sentence: Sentence, phrase: Phrase) -> set[str]:
    """The noun that a phrase is about; of a law that it names, every word of the name."""
    law = sentence.laws[phrase.head]
    if law is None:
        return {noun(sentence, phrase)}
    return {sentence.words[at] for at in range(phrase.first, phrase.end) if sentence.laws[at] == law}


def names(sentence: Sentence, phrase: Phrase) -> set[str]:
    """The words of a phrase up to its first preposition."""
    return set(sentence.words[phrase.first : _group_end(sentence, phrase.first, phrase.end)])


def is_law(sentence: Sentence, phrase: Phrase | None) -> bool:
    """Whether a phrase is a law, rather than something of it."""
    return phrase is not None and sentence.is_law(phrase.head)


def is_start_of_law(sentence: Sentence, phrase: Phrase) -> bool:
    """Whether a phrase is what of a law can be put off: its start, its obligations."""
    of_law = any(sentence.is_law(at) for at in range(phrase.first, phrase.end))
    return of_law and noun(sentence, phrase) in DEFERRED | TRANSPARENT


def _up_to(sentence: Sentence, end: int) -> Phrase | None:
    first = sentence.clause_start(end)
    if sentence.word(first - 1) == "," and "and" in sentence.words[first + 1 : end]:
        first = sentence.list_start(first)
    return _phrase(sentence, first, end)


def _phrase(sentence: Sentence, first: int, end: int) -> Phrase | None:
    words = sentence.words
    first = sentence.without_opening(first, end)
    if first < end and words[first] in PREPOSITION:
        # "By 369 votes to 22 the House"
        first = max((at for at in range(first, end) if words[at] in ARTICLES), default=first)
    end = sentence.without_time_behind(end, first)
    while end > first and (words[end - 1] in MARKS or words[end - 1] in ADVERB):
        end -= 1
    if end - first > LONGEST:
        ends = (at for at in range(first + 1, first + LONGEST) if words[at] in PREPOSITION - {"of", "for"})
        end = next(ends, first)
    if first >= end or words[first] in PREPOSITION or words[end - 1] in PRONOUN | RELATIVE | {"i", "we", "you"}:
        return None
    if (end - first == 1 and words[first] in ARTICLES) or words[first] in PRONOUN:
        return None
    return Phrase(first, end, _group_end(sentence, first, end) - 1, sentence.law_in(first, end))


def _group_end(sentence: Sentence, first: int, end: int) -> int:
    """Where the words of a noun itself end: before a preposition that is in no law's name and before no genitive."""
    owned = max((at for at in range(first, end) if sentence.words[at] in GENITIVES), default=first)
    within = range(owned + 1, end)
    return next((at for at in within if sentence.words[at] in PREPOSITION and sentence.laws[at] is None), end)


def _agent_end(sentence: Sentence, first: int) -> int:
    end = first
    while end < min(first + LONGEST, len(sentence)):
        word = sentence.words[end]
        counted = word[0].isdigit() and not word.isdigit()  # "the Senate 99-1"
        leads_on = counted or (word == "and" and end + 1 < len(sentence) and sentence.is_verb(end + 1))
        if leads_on or word in _AGENT_ENDS or sentence.is_verb(end):
            break
        end += 1
    return end


def _list_end(sentence: Sentence, end: int) -> int:
    """Where a list of names ends: "by China, the United States and 26 others"."""
    at = end
    for _ in range(LONGEST):
        after = at + 1
        while after < min(at + 6, len(sentence)) and sentence.words[after] not in _CHUNK_ENDS:
            after += 1
        if sentence.word(at) != "," or sentence.word(after) not in (",", "and"):
            break
        if sentence.words[after] == "and":
            last = _agent_end(sentence, after + 1)
            one_more = at > end or after > at + 1
            return last if one_more and not (last < len(sentence) and sentence.is_verb(last)) else end
        at = after
    return end


def _is_somebody(sentence: Sentence, first: int, end: int) -> bool:
    """Not "by two years", "by a vote of 52 to 46", "by banning it", "by the Act"."""
    if first >= end or any(word in NO_AGENT for word in sentence.words[first:end]):
        return False
    counted = end - first == 1 and sentence.words[first][0].isdigit()
    return not counted and not sentence.words[first].endswith("ing") and not sentence.is_law(end - 1)


def _ends_thing(sentence: Sentence, at: int, head: int | None) -> bool:
    word = sentence.words[at]
    if sentence.laws[at] is not None:
        return False
    if word in _OBJECT_ENDS:
        return True
    after_law = head is not None and sentence.is_law(head)
    return after_law and (word.endswith(("ing", "ed")) or word in _QUOTES or sentence.is_time(at) or word[0].isdigit())


def _called(sentence: Sentence, end: int) -> str | None:
    """The law that an object is called."""
    for at in range(end, min(end + 4, len(sentence))):
        if sentence.laws[at] is not None:
            return sentence.laws[at]
        if sentence.words[at] not in _CALLED:
            break
    return None
