"""The message of an alert: from a labelled article to a subject, a body, and an id that never changes.

Plain text throughout: channels that need another format get it from Apprise, escaped.
"""

import hashlib
from collections.abc import Iterator

from govwire.core.records import AUTHOR, AlertMessage, StanceLabel, Tagged
from govwire.core.vocabulary import Vocabulary

NEW_STORY = "new_story"

# A line of mail should stay under 78 characters (RFC 5322, 2.1.1); a long headline may take two of them.
MAX_TITLE = 150
# Who says what, up to here; the whole of it is a link away.
MOST_CLAIMS = 5
_SIDES = {"favor": "for", "against": "against"}


def message_id(subscription: str, story_id: str, kind: str, about: str = "") -> str:
    """The outbox key as one word: the same for the same message, however often and by whomever it is made."""
    key = f"{subscription}\x1f{story_id}\x1f{kind}\x1f{about}"  # a character that no name may hold
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def new_story(subscription: str, story_id: str, tagged: Tagged, vocabulary: Vocabulary) -> AlertMessage:
    """Tell a subscription of a story, by the article that matched first; `story_id` is what it is called today."""
    article = tagged.article
    own_id = message_id(subscription, story_id, NEW_STORY)
    published = article.published if article.published and article.published.plausible else None
    title = _one_line(article.title) or article.url
    return AlertMessage(
        message_id=own_id,
        subscription=subscription,
        kind=NEW_STORY,
        story_id=story_id,
        article_id=article.article_id,
        title=title,
        url=article.url,
        source_name=article.source.name,
        published_at=published.at if published else None,
        subject=f"[{subscription}] {title}",
        body="\n".join(_lines(tagged, title, own_id, vocabulary)),
    )


def _lines(tagged: Tagged, title: str, own_id: str, vocabulary: Vocabulary) -> Iterator[str]:
    article, labels = tagged.article, tagged.labels
    yield title
    day = f", {article.published.at:%Y-%m-%d}" if article.published and article.published.plausible else ""
    yield f"{article.source.name}{day}"
    yield article.url
    yield ""
    topics = [vocabulary.topics[topic.id].label for topic in labels.topics if topic.id in vocabulary.topics]
    if topics:
        yield f"Topics: {', '.join(topics)}"
    for stance in labels.stance:
        if stance.label in _SIDES and stance.target in vocabulary.targets:
            yield _stance(stance, vocabulary, quoted=article.source.rights != "link")
    yield from _claims(tagged, vocabulary)
    yield f"Message {own_id}"


def _stance(stance: StanceLabel, vocabulary: Vocabulary, *, quoted: bool) -> str:
    # Of a source that may only be linked to, no sentence is passed on.
    evidence = f": “{_one_line(stance.evidence.text)}”" if quoted and stance.evidence else ""
    return f"{vocabulary.targets[stance.target].label} {_SIDES[stance.label]}{evidence}"


def _claims(tagged: Tagged, vocabulary: Vocabulary) -> Iterator[str]:
    quoted = tagged.article.source.rights != "link"
    shown = [claim for claim in tagged.labels.claims if claim.shown and claim.label in _SIDES]
    for claim in [claim for claim in shown if claim.target in vocabulary.targets][:MOST_CLAIMS]:
        said = f": {_one_line(claim.evidence.text)}" if quoted else ""
        holder = "the article itself" if claim.holder == AUTHOR else claim.holder
        yield f"{holder}, {_SIDES[claim.label]} {vocabulary.targets[claim.target].label}{said}"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1] + "…"
