"""Labelled articles of many kinds for the tests of the query language and the index."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from govwire.core.index.documents import documents_of
from govwire.core.query.tree import Document
from govwire.core.records import (
    Act,
    Article,
    Claim,
    Dated,
    Evidence,
    InstrumentMention,
    Labels,
    Lane,
    LawMention,
    SourceFacts,
    StanceLabel,
    Tagged,
    TopicLabel,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

SOURCES = {
    "parliament": SourceFacts(
        id="parliament",
        name="Parliament News",
        kind="legislator",
        country="EU",
        language="en",
        rights="full",
        tags=("eu",),
    ),
    "bundesamt": SourceFacts(
        id="bundesamt",
        name="Bundesamt",
        kind="regulator",
        country="DE",
        language="de",
        rights="excerpt",
        tags=("eu", "agency"),
    ),
    "quotidien": SourceFacts(
        id="quotidien", name="Le Quotidien", kind="press", country="FR", language="fr", rights="link"
    ),
    "ribao": SourceFacts(
        id="ribao", name="日报", kind="state_media", country="CN", language="zh", rights="excerpt", tags=("asia",)
    ),
    "wire": SourceFacts(
        id="wire", name="The Wire", kind="press", country="US", language="en", rights="link", tags=("daily",)
    ),
}


def claim(
    text: str, holder: str, target: str, label: str, *, holder_id: str | None = None, shown: bool = True
) -> Claim:
    """A claim whose evidence is the whole text."""
    evidence = Evidence(text=text, start=0, end=len(text))
    return Claim.model_validate(
        {
            "holder": holder,
            "holder_id": holder_id,
            "target": target,
            "label": label,
            "score": 0.8,
            "evidence": evidence,
            "shown": shown,
        }
    )


def tagged(
    article_id: str,
    title: str = "A title",
    text: str = "A text.",
    *,
    source: str = "wire",
    language: str | None = None,
    topics: Sequence[str] = (),
    stance: Sequence[str] = (),
    claims: Sequence[Claim] = (),
    laws: Sequence[str] = (),
    acts: Sequence[str] = (),
    instruments: Sequence[str] = (),
    published_at: datetime | None = None,
    first_seen_at: datetime = NOW,
    story_id: str | None = None,
    revision: int = 1,
    epoch: int = 1,
    lane: Lane = Lane.LIVE,
) -> Tagged:
    """A labelled article; stances are written `target:label`, acts `act:law` or `act`."""
    facts = SOURCES[source]
    article = Article(
        article_id=article_id,
        url_id=f"u-{article_id}",
        fetch_id=f"u-{article_id}-{revision}",
        revision=revision,
        lane=lane,
        source=facts,
        url=f"https://{source}.example/{article_id}",
        requested_url=f"https://{source}.example/{article_id}?utm_source=feed",
        title=title,
        text=text,
        authors=("A. Writer",),
        language=language or facts.language,
        published=Dated(at=published_at, precision="second", provenance="json_ld") if published_at else None,
        fetched_at=first_seen_at,
        first_seen_at=first_seen_at,
        text_hash=f"h-{article_id}-{revision}",
        story_id=story_id or f"s-{article_id}",
        extractor="test-1",
    )
    evidence = Evidence(text=text[:20], start=0, end=len(text[:20]))
    pairs = [entry.split(":") for entry in stance]
    labels = Labels(
        relevant=True,
        relevance_score=0.9,
        relevance_by="model",
        topics=tuple(TopicLabel(id=topic, score=0.7) for topic in topics),
        stance=tuple(
            StanceLabel.model_validate({"target": target, "label": label, "score": 0.6, "evidence": evidence})
            for target, label in pairs
        ),
        claims=tuple(claims),
        laws=tuple(LawMention(id=law, evidence=evidence) for law in laws),
        acts=tuple(_act(entry, evidence) for entry in acts),
        instruments=tuple(InstrumentMention(id=instrument, evidence=evidence) for instrument in instruments),
        model="test-model",
        epoch=epoch,
    )
    return Tagged(article=article, labels=labels)


def _act(entry: str, evidence: Evidence) -> Act:
    act, _, law = entry.partition(":")
    return Act.model_validate({"act": act, "actor": "Members", "law": law or None, "evidence": evidence})


def _days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


_WARNER = "Sen. Mark Warner said binding rules are needed."
_INDUSTRY = "Acme’s chief said a pause would be a mistake."
_ZENG = "Zeng Yi called for inclusive development of AI."
_ZH = "曾毅说，人工智能治理需要国际合作。"

SAMPLES: tuple[Tagged, ...] = (
    tagged(
        "a01",
        "Parliament adopts the AI Act",
        f"Members adopted binding regulations for A.I. on Thursday. {_WARNER}",
        source="parliament",
        topics=("regulation_law", "safety"),
        stance=("stronger_governance:favor", "binding_regulation:favor"),
        claims=(claim(_WARNER, "Mark Warner", "binding_regulation", "favor", holder_id="mark_warner"),),
        laws=("eu_ai_act",),
        acts=("adopted:eu_ai_act", "delayed:eu_ai_act", "adopted"),
        instruments=("ban", "disclosure"),
        published_at=_days_ago(1),
        story_id="s-act",
    ),
    tagged(
        "a02",
        "Copy: Parliament adopts the AI Act",
        f"Members adopted binding regulations for AI. {_WARNER}",
        source="wire",
        topics=("regulation_law",),
        stance=("stronger_governance:favor",),
        claims=(
            claim(_WARNER, "Sen. Mark Warner", "binding_regulation", "favor", holder_id="mark_warner"),
            claim(_INDUSTRY, "Acme", "slowing_frontier", "against"),
        ),
        laws=("eu_ai_act", "california_sb_53"),
        acts=("signed:california_sb_53",),
        instruments=("ban",),
        published_at=_days_ago(1.2),
        story_id="s-act",
    ),
    tagged(
        "a03",
        "Industry warns of regulation",
        f"{_INDUSTRY} The regulator's plan would regulate open models.",
        topics=("industry",),
        stance=("stronger_governance:against", "slowing_frontier:against"),
        claims=(
            claim(_INDUSTRY, "Acme", "slowing_frontier", "against"),
            claim(_INDUSTRY, "_author", "stronger_governance", "against", shown=False),
        ),
        published_at=_days_ago(3),
    ),
    tagged(
        "a04",
        "KI-Verordnung gilt ab August",
        "Die Regulierung künstlicher Intelligenz beginnt. Das Bundesamt prüft Straßen.",
        source="bundesamt",
        topics=("regulation_law",),
        stance=("stronger_governance:neutral",),
        laws=("eu_ai_act",),
        published_at=_days_ago(40),
    ),
    tagged(
        "a05",
        "La régulation de l’IA avance",
        "Le ministre défend la régulation de l'intelligence artificielle et la « Meta » règle.",
        source="quotidien",
        topics=("regulation_law", "international"),
        stance=("international_governance:favor",),
        claims=(claim("Le ministre défend la régulation", "le ministre", "international_governance", "favor"),),
        published_at=_days_ago(7),
    ),
    tagged(
        "a06",
        "人工智能治理白皮书发布",
        f"{_ZH}专家认为法案很重要。",
        source="ribao",
        topics=("international",),
        stance=("international_governance:favor", "inclusive_development:favor"),
        claims=(
            claim(_ZH, "曾毅", "international_governance", "favor", holder_id="zeng_yi"),
            claim(_ZH, "曾毅", "inclusive_development", "favor", holder_id="zeng_yi", shown=False),
        ),
        published_at=_days_ago(10),
    ),
    tagged("a07", "治", "单字标题。AI法案", source="ribao", published_at=_days_ago(11)),
    tagged(
        "a08",
        "Beijing conference on AI",
        f"{_ZENG} Others disagreed.",
        topics=("international",),
        stance=("inclusive_development:favor", "stronger_governance:unsure"),
        claims=(
            claim(_ZENG, "Zeng Yi", "inclusive_development", "favor", holder_id="zeng_yi"),
            claim("Others disagreed.", "Others", "inclusive_development", "against"),
        ),
        published_at=_days_ago(12),
    ),
    tagged(
        "a09",
        "Two voices, never one",
        "Professor Zeng Yi opposed a pause; Acme favoured inclusive development.",
        topics=("international", "industry"),
        stance=("inclusive_development:neutral",),
        claims=(
            claim("Professor Zeng Yi opposed a pause", "Professor Zeng Yi", "slowing_frontier", "against"),
            claim("Acme favoured inclusive development", "Acme", "inclusive_development", "favor"),
        ),
        published_at=_days_ago(12),
    ),
    tagged("a10", "She met the mayor", "They met in the city hall; nothing on rules.", published_at=_days_ago(2)),
    tagged("a11", "Undated piece", "An article without any date about the act.", first_seen_at=_days_ago(0.5)),
    tagged("a12", "Text in no known language", "regulation regulations", language="und", published_at=_days_ago(5)),
    tagged("a13", "Ｆｕｌｌ ｗｉｄｔｈ ＡＩ", "Width folds in ＡＩ too.", published_at=_days_ago(6)),
    tagged("a14", "U.S. states act", "The U.S. and the E.U. differ.", topics=("safety",), published_at=_days_ago(8)),
    tagged("a15", "", "A text without a title.", published_at=_days_ago(9)),
    tagged("a16", "Only a title about governance", "", published_at=_days_ago(9)),
    tagged(
        "a17",
        "Old history",
        "Long ago the act was proposed.",
        lane=Lane.BACKFILL,
        published_at=datetime(2024, 2, 29, 23, 59, 59, 999000, tzinfo=UTC),
    ),
    tagged("a18", "On the last night", "New year act.", published_at=datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
    tagged("a19", "On the first morning", "New year act.", published_at=datetime(2026, 1, 1, tzinfo=UTC)),
    tagged(
        "a20",
        "日本のＡＩ規制",
        "政府はガイドラインを発表した。",
        source="ribao",
        language="ja",
        published_at=_days_ago(20),
    ),
    tagged(
        "a21", "인공지능 규제", "정부는 인공지능을 규제한다.", source="ribao", language="ko", published_at=_days_ago(21)
    ),
    tagged(
        "a22", "قانون الذكاء الاصطناعي", "الحكومة تنظم الذكاء الاصطناعي.", language="ar", published_at=_days_ago(22)
    ),
    tagged("a23", "กฎหมายปัญญาประดิษฐ์", "รัฐบาลเสนอกฎหมาย", language="th", published_at=_days_ago(23)),
    *(
        tagged(
            f"b{number:02d}",
            f"Daily note {number}",
            f"Note {number} on the governance of models, act {number % 3}.",
            source=("wire", "parliament", "bundesamt")[number % 3],
            language="en",
            topics=(("safety",), ("industry", "regulation_law"))[number % 2],
            stance=(("stronger_governance:favor",), ("stronger_governance:against",), ())[number % 3],
            # Several of one moment: the order between them must be the same on every page.
            published_at=_days_ago(30 + number // 3),
        )
        for number in range(12)
    ),
)


def article_documents() -> list[Document]:
    """The samples' article documents."""
    return [documents_of(sample).article.body for sample in SAMPLES]


def claim_documents() -> list[Document]:
    """The samples' flat claims."""
    return [flat.body for sample in SAMPLES for flat in documents_of(sample).claims]
