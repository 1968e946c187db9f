"""Who is given the word in an article, under which name, and who a short name, pronoun or description is."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from govwire.core.settings import find_config
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers.actors import Actors
from processors.classifiers.sentences import Span
from processors.classifiers.speakers import Holder, Speakers

ACTORS = Actors(load_vocabulary(find_config()).actors)

COMMENTARY = (Path(__file__).parents[2] / "cases" / "texts" / "experts-commentary.txt").read_text(encoding="utf-8")


def holder(text: str, mention: str, number: int = 1) -> Holder | None:
    """Who the n-th occurrence of some words is."""
    at = [match.start() for match in re.finditer(rf"(?<!\w){re.escape(mention)}(?!\w)", text)][number - 1]
    return Speakers(text, ACTORS).holder(Span(at, at + len(mention)))


def name(text: str, mention: str, number: int = 1) -> str | None:
    found = holder(text, mention, number)
    return found.name if found else None


def mentions(text: str) -> list[str]:
    return [span.of(text) for span in Speakers(text, ACTORS).mentions()]


# --- names ---


@pytest.mark.parametrize(
    ("text", "mention", "full"),
    [
        ("Anna Kress rejected it. Kress added that tests fail.", "Kress", "Anna Kress"),
        ("Anna Kress rejected it. Ms Kress added that tests fail.", "Ms Kress", "Anna Kress"),
        ("Zeng Yi welcomed it. Zeng said so twice.", "Zeng", "Zeng Yi"),
        ("Lee Jae-myung welcomed it. Lee said so twice.", "Lee", "Lee Jae-myung"),
        ("Fei-Fei Li welcomed it. Li said so twice.", "Li", "Fei-Fei Li"),
        ("Ursula von der Leyen refused. Von der Leyen said so twice.", "Von der Leyen", "Ursula von der Leyen"),
        ("Luiz Inácio Lula da Silva spoke. Lula said so twice.", "Lula", "Luiz Inácio Lula da Silva"),
        ("Robert F. Kennedy Jr. spoke. Kennedy said so twice.", "Kennedy", "Robert F. Kennedy Jr."),
        ("Mr Musk speaks of censorship. The network belongs to Elon Musk.", "Mr Musk", "Elon Musk"),
        ("Commission spokesman Thomas Regnier said no.", "Commission spokesman Thomas Regnier", "Thomas Regnier"),
        ("The justice minister, Paul Gold, called it great.", "The justice minister, Paul Gold", "Paul Gold"),
        ("Senator Edward Markey wrote to the firm.", "Senator Edward Markey", "Edward Markey"),
        ("OpenAI's Sam Altman said yes.", "OpenAI's Sam Altman", "Sam Altman"),
    ],
)
def test_a_person_is_the_fullest_name_without_the_role(text: str, mention: str, full: str) -> None:
    number = len(re.findall(rf"(?<!\w){re.escape(mention)}(?!\w)", text))
    assert name(text, mention, number) == full


def test_the_first_place_of_the_fullest_name_is_told() -> None:
    text = "Kress laughed. Later Anna Kress spoke, and Kress left."
    found = holder(text, "Kress", 3)
    assert found is not None
    assert found.first.of(text) == "Anna Kress"
    assert found.first.start == text.index("Anna")


def test_a_body_is_known_by_the_acronym_that_the_text_gives_it() -> None:
    text = "The Campaign for Safe Chips (CSC) wants a pause. CSC added that it would sue."
    assert name(text, "CSC", 2) == "Campaign for Safe Chips"
    assert holder("The Center for AI Safety (CAIS) spoke. CAIS warned.", "CAIS", 2) == Holder(
        "Center for AI Safety", "center_for_ai_safety", Span(4, 24)
    )


@pytest.mark.parametrize(
    "words",
    [
        "eleven delegations",
        "critics",
        "a biosecurity researcher in Cambridge",
        "Malaysia's commission",
        "one of them",
        "the signatories",
        "Daws and other speakers",
        "Durbin and Hawley",
        "the Secretary-General of the United Nations",
    ],
)
def test_a_group_or_unnamed_voice_stays_as_written(words: str) -> None:
    assert name(f"Nothing is known. Then {words} said so.", words) == words


def test_a_voice_of_a_body_stays_as_written_and_is_linked_to_it() -> None:
    found = holder("It is hasty, a spokesperson for OpenAI said.", "a spokesperson for OpenAI")
    assert found is not None
    assert (found.name, found.actor_id) == ("a spokesperson for OpenAI", "openai")


@pytest.mark.parametrize(
    "text",
    [
        "Rain fell in New York on Monday.",
        "The talks began in May at Bletchley Park.",
        "The Artificial Intelligence Act applies since August.",
        "It was adopted under the Digital Services Act in South Korea.",
        "GENEVA - Two weeks passed.",
    ],
)
def test_months_places_and_laws_are_nobody(text: str) -> None:
    assert [found for found in mentions(text) if found not in ("The talks", "Two weeks")] == []


def test_a_name_within_another_name_is_not_found() -> None:
    text = "The China Media Project said that the Meta Oversight Board erred under the EU AI Act."
    assert mentions(text) == ["China Media Project", "Meta Oversight Board"]


# --- pronouns and descriptions ---


@pytest.mark.parametrize(
    ("text", "mention", "full"),
    [
        (
            "Solly Malatsi, the communications minister, spoke. The minister called it weak.",
            "The minister",
            "Solly Malatsi",
        ),
        (
            "The communications minister, Solly Malatsi, spoke. The minister called it weak.",
            "The minister",
            "Solly Malatsi",
        ),
        ("Senator Edward Markey wrote. The lawmaker wants a ban.", "The lawmaker", "Edward Markey"),
        (
            "OpenAI objects. Its chief executive, Sam Altman, spoke. Its chief executive wants more.",
            "Its chief executive",
            "Sam Altman",
        ),
        ("OpenAI objects to the bill. The company wants federal rules.", "The company", "OpenAI"),
        ("Public Citizen objects to the bill. The group wants more.", "The group", "Public Citizen"),
        ("The European Commission met. The Commission said no.", "The Commission", "European Commission"),
        ("The European Commission met. It said no.", "It", "European Commission"),
        ("Critics laughed. They want more.", "They", "Critics"),
        ("Anna Kress and Tom Lund spoke. They want more.", "They", "Anna Kress and Tom Lund"),
        ("A Thai engineer spoke. She wants more.", "She", "A Thai engineer"),
        ("Anna Kress met Tom Lund. He said no.", "He", "Tom Lund"),
        ("Anna Kress met Tom Lund. She said no.", "She", "Anna Kress"),
        ("Ms Kress said yes. Yi Tan said no.\nThe rain went on.\nMr Tan left, she added.", "she", "Kress"),
    ],
)
def test_it_is_the_last_speaker_that_fits(text: str, mention: str, full: str) -> None:
    number = len(re.findall(rf"(?<!\w){re.escape(mention)}(?!\w)", text))
    found = name(text, mention, number)
    assert found == full


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("He said no.", "He"),
        ("Anna Kress said yes. He said no.", "He"),
        ("Robin Lund and Kim Hart disagreed. He said no.", "He"),
        ("OpenAI met Anthropic. The company said no.", "The company"),
        ("Jan Lund, a minister, met Kim Hart, a minister. The minister said no.", "The minister"),
        ("Anna Kress said so.\nOne.\nTwo.\nThree.\nShe said no.", "She"),
    ],
)
def test_what_stays_ambiguous_is_nobody(text: str, mention: str) -> None:
    assert holder(text, mention) is None


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("Nothing is known. The minister said no.", "The minister"),
        ("Anna Kress, a judge, spoke. The prime minister said no.", "The prime minister"),
        ("The first witness agreed. The next witness said no.", "The next witness"),
    ],
)
def test_a_description_of_nobody_named_stays_as_written(text: str, mention: str) -> None:
    assert name(text, mention) == mention


# --- two of one surname ---


MILLERS = "Tom Miller, a judge, said tests work. Jane Miller, a chemist, said they fail. "


@pytest.mark.parametrize(
    ("more", "mention", "full"),
    [
        ("Mr Miller laughed.", "Mr Miller", "Tom Miller"),
        ("Ms Miller laughed.", "Ms Miller", "Jane Miller"),
        ("Judge Miller laughed.", "Judge Miller", "Tom Miller"),
        ("Jane said it again.", "Jane", "Jane Miller"),
        ("Then Tom Miller left.", "Tom Miller", "Tom Miller"),
        ("Miller added that it is so.", "Miller", "Jane Miller"),
        ("The judge said no. Miller added that it is so.", "Miller", "Tom Miller"),
        ("It rained. Miller added that it is so.", "Miller", None),
    ],
)
def test_two_of_one_surname_are_kept_apart(more: str, mention: str, full: str | None) -> None:
    text = MILLERS + more
    assert name(text, mention, len(re.findall(rf"(?<!\w){mention}(?!\w)", text))) == full


# --- candidates ---


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Critics say it is weak.", ["Critics"]),
        ("It is weak, campaigners said.", ["campaigners"]),
        ("One can patch it, says a biologist in Leeds who declined.", ["a biologist in Leeds"]),
        ("According to the union, nothing works.", ["the union"]),
        ("The signatories want the first meeting next year.", ["The signatories"]),
        ("Its director said no; she added nothing.", ["Its director", "she"]),
        ("Rules should be written by nobody.", []),
        ("Torstar and Postmedia want fair terms.", ["Torstar", "Torstar and Postmedia", "Postmedia"]),
        ("A retired detective called it a surrender.", ["A retired detective"]),
        ("Chairman: Does it work? Witness: It does.", ["Chairman", "Witness"]),
    ],
)
def test_whoever_may_hold_a_position_is_a_mention(text: str, found: list[str]) -> None:
    assert mentions(text) == found


def test_mentions_are_in_order_and_within_the_text() -> None:
    spans = Speakers(COMMENTARY, ACTORS).mentions()
    assert spans == sorted(spans, key=lambda span: (span.start, span.end))
    assert all(0 <= span.start < span.end <= len(COMMENTARY) for span in spans)
    assert len(spans) == len(set(spans))


# --- a whole article ---


@pytest.mark.parametrize(
    ("words", "full"),
    [
        ("Chen Haiyan, director", "Chen Haiyan"),
        ("she said in an interview", "Chen Haiyan"),
        ("Ms Chen recalled", "Chen Haiyan"),
        ("she added.\n\nHer view", "Chen Haiyan"),
        ("Chen Guowei, a senior", "Chen Guowei"),
        ("he told this newspaper", "Chen Guowei"),
        ("Mr Chen proposed", "Chen Guowei"),
        ("Guowei, as colleagues", "Chen Guowei"),
        ("Chen Haiyan would", "Chen Haiyan"),
        ("The engineer thinks", "Chen Guowei"),
        ("Chen added", "Chen Guowei"),
        ("Okoro said", "Amina Okoro"),
        ("She welcomed", "Amina Okoro"),
        ("The former minister also", "Amina Okoro"),
        ("she noted", "Amina Okoro"),
        ("He said that technology", "Lin Jian"),
        ("It said on Tuesday", "Ministry of Commerce"),
        ("They asked for", "Campaigners from two Asian countries"),
        ("The signatories want", "The signatories"),
        ("Critics say", "Critics"),
    ],
)
def test_the_speakers_of_a_commentary_are_kept_apart(words: str, full: str) -> None:
    at = COMMENTARY.index(words)
    covering = [span for span in Speakers(COMMENTARY, ACTORS).mentions() if at <= span.start < at + 4]
    assert covering, words
    found = Speakers(COMMENTARY, ACTORS).holder(covering[0])
    assert found is not None
    assert found.name == full


@pytest.mark.parametrize(
    ("words", "before"),
    [
        ("China", " put forward"),
        ("The Initiative", " holds"),
        ("It", " calls for respect"),
        ("China", " has always"),
        ("the Chinese foreign ministry", " has said"),
        ("The Initiative", " asks"),
    ],
)
def test_a_state_and_its_initiative_are_one_actor(words: str, before: str) -> None:
    at = COMMENTARY.index(words + before)
    found = Speakers(COMMENTARY, ACTORS).holder(Span(at, at + len(words)))
    assert found is not None
    assert found.actor_id == "china"


# --- wild texts ---


PIECES = st.sampled_from(
    [
        "Anna Kress",
        "Kress",
        "said",
        "he",
        "the minister",
        ",",
        ".",
        "\n\n",
        "“",
        "”",
        "and",
        "of",
        "China",
        "a group of",
        "(CAIS)",
        "Dr.",
        "J.",
        "-",
        ":",
        "the",
        "AI",
        "Ministry of",
        "who",
        "critics",
        "’s",
        "Mr",
        "told",
        "中国",
        "é",
    ]
)


@given(st.lists(PIECES, max_size=60).map(" ".join) | st.text())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_text_has_speakers_that_stand_in_it(text: str) -> None:
    speakers = Speakers(text, ACTORS)
    for span in speakers.mentions():
        found = speakers.holder(span)
        assert found is None or found.first.of(text)
    assert speakers.holder(Span(0, len(text))) is None or text.strip()


@given(st.lists(PIECES, min_size=1, max_size=5).map(" ".join), st.sampled_from(["", " "]))
@example("x", "")
@example("Anna Kress,", " ")
@example("Center of", " ")
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_time_does_not_run_away_with_long_texts(piece: str, between: str) -> None:
    text = between.join([piece] * (100_000 // (len(piece) + len(between))))
    started = time.perf_counter()
    speakers = Speakers(text, ACTORS)
    for span in speakers.mentions():
        speakers.holder(span)
    # A second or two here; what grew with the square of the text would take minutes.
    assert time.perf_counter() - started < 20
