"""Every table of the state, on one page. SQLite and PostgreSQL alike; Alembic's migrations follow from this."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """Aware UTC times in and out; SQLite stores none of its own, so they lie there as naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time reached the state; times are aware UTC")
        utc = value.astimezone(UTC)
        return utc if dialect.name != "sqlite" else utc.replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give back aware UTC."""
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


Id = String(64)
Name = String(128)
Host = String(260)  # 253 for a name (RFC 1035), and a port

# One row per source: when it is due, how its slots went, and what its readings brought.
sources = Table(
    "sources",
    metadata,
    Column("source_id", Name, primary_key=True),
    Column("next_due_at", Utc, nullable=False, index=True),  # its next slot
    Column("asked_at", Utc, index=True),  # to be read from then on, outside its slots
    Column("held_until", Utc, index=True),  # somebody reads it; given out again if it is not told by then how it went
    Column("interval_seconds", Float),  # in force; null: none yet, or a cron
    Column("slots_fired", Integer, nullable=False, default=0),
    Column("slots_missed", Integer, nullable=False, default=0),
    Column("fired_at", Utc),  # when a slot was taken last
    Column("read_at", Utc),  # when the reading ended that moved the interval last
    Column("new_items", Integer),  # found since; null: nothing was read since
    Column("looks_unchanged", Integer, nullable=False, default=0, server_default="0"),  # re-visits in a row, no news
)

# One row per address of a feed, sitemap or listing page: what a conditional request needs, and how its reading went.
feeds = Table(
    "feeds",
    metadata,
    Column("url", Text, primary_key=True),
    Column("source_id", Name, nullable=False, index=True),
    Column("kind", String(16), nullable=False, server_default="feed"),  # source.WayKind
    Column("index_url", Text),  # the sitemap index that led to it
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_hash", Id),
    Column("checked_at", Utc),
    Column("succeeded_at", Utc),
    Column("new_item_at", Utc),
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("not_before", Utc),  # slots before it are passed over: it failed, or asked to be left alone
    Column("error", Text),
    Column("failing_since", Utc),  # the first failure in a row
    Column("listed", Integer),  # entries, when it was read whole last
    Column("oldest_at", Utc),  # of their dates
    Column("newest_at", Utc),
)

# What a source can be expected to bring, as learned from its arrivals; nulls: they tell too little.
contracts = Table(
    "contracts",
    metadata,
    Column("source_id", Name, primary_key=True),
    Column("per_day", Float),
    Column("silence_hours", Float),
    Column("since", Utc),
    Column("arrivals", Integer, nullable=False),
    Column("learned_at", Utc, nullable=False),
)

# What an operator is told of a source, or of all ("*"): one open notice at most of each.
notices = Table(
    "notices",
    metadata,
    Column("notice_id", Integer, primary_key=True),
    Column("source_id", Name, nullable=False),
    Column("kind", String(16), nullable=False),  # contract.Trouble
    Column("since", Utc, nullable=False),
    Column("detail", Text, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("closed_at", Utc),
    Column("opening_told_at", Utc),
    Column("closing_told_at", Utc),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Utc, nullable=False),
    Index(
        "uq_notices_open",
        "source_id",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

# One row per URL to fetch, or fetched before.
frontier = Table(
    "frontier",
    metadata,
    Column("url_id", Id, primary_key=True),
    Column("url", Text, nullable=False),
    Column("host", Host, nullable=False),
    Column("source_id", Name, nullable=False),
    Column("lane", String(16), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("due_at", Utc),  # null: nothing to do until it is due again
    Column("why", String(32), nullable=False),  # new, updated, retry, asked, revisit
    Column("lease_owner", Name),
    Column("lease_until", Utc),
    Column("attempts", Integer, nullable=False, default=0),
    Column("first_seen_at", Utc, nullable=False),
    Column("fetched_at", Utc),
    Column("look_at", Utc, index=True),  # when to look again, should it have become an article; null: never again
    Column("etag", Text),
    Column("last_modified", Text),
    Column("entry", JSON),  # records.Entry: what the feed said of it
    # What is due is a small part of what is known, and what is leased a small part of that.
    Index(
        "ix_frontier_due",
        "lane",
        "priority",
        "due_at",
        "url_id",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_frontier_lease_until",
        "lease_until",
        sqlite_where=text("lease_until IS NOT NULL"),
        postgresql_where=text("lease_until IS NOT NULL"),
    ),
    Index("ix_frontier_source_id_first_seen_at", "source_id", "first_seen_at"),  # a source's arrivals
)

# One row per host: when it may be asked again, and its robots file.
hosts = Table(
    "hosts",
    metadata,
    Column("host", Host, primary_key=True),
    Column("next_allowed_at", Utc, nullable=False),
    Column("delay_seconds", Float),  # from robots' crawl-delay, or a Retry-After; null: the setting
    Column("robots_url", Text),
    Column("robots_body", Text),
    Column("robots_status", Integer),
    Column("robots_fetched_at", Utc),
)

# What was asked of hosts, or not asked because their rules forbid it, and what was honoured: kept for a while.
exchanges = Table(
    "exchanges",
    metadata,
    Column("exchange_id", Integer, primary_key=True),
    Column("at", Utc, nullable=False, index=True),
    Column("host", Host, nullable=False),
    Column("source_id", Name, nullable=False),
    Column("url", Text, nullable=False),
    Column("purpose", String(8), nullable=False),  # page, feed, robots
    Column("status", Integer),  # null: no answer, or nothing was sent
    Column("error", Text),
    Column("bytes", Integer, nullable=False),
    Column("waited_seconds", Float, nullable=False),  # for the host's turn
    Column("honoured", JSON, nullable=False),  # list of texts, as "crawl-delay 10 s"
    Index("ix_exchanges_source_id_at", "source_id", "at"),
)

# What became of a URL in each stage: the newest fetch's row per stage.
ledger = Table(
    "ledger",
    metadata,
    Column("url_id", Id, primary_key=True),
    Column("stage", String(16), primary_key=True),
    Column("fetch_id", Name, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("reason", String(64)),
    Column("detail", Text),
    Column("at", Utc, nullable=False),
)

# Where each known URL stands: the furthest stage of its newest fetch. Moves forward only.
standing = Table(
    "standing",
    metadata,
    Column("url_id", Id, primary_key=True),
    Column("url", Text, nullable=False),
    Column("source_id", Name, nullable=False, index=True),
    Column("lane", String(16), nullable=False),
    Column("fetch_id", Name, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("stage_rank", Integer, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("reason", String(64)),
    Column("article_id", Id, index=True),
    Column("ended_outcome", String(32)),  # how the last fetch that brought something new ended
    Column("ended_reason", String(64)),
    Column("at", Utc, nullable=False),
    Index("ix_standing_outcome", "outcome", "reason"),
)

# url_id -> article_id; wins over any recomputation.
aliases = Table(
    "aliases",
    metadata,
    Column("url_id", Id, primary_key=True),
    Column("article_id", Id, nullable=False, index=True),
)

# An observed change of an article's text, or its going and coming back.
revisions = Table(
    "revisions",
    metadata,
    Column("article_id", Id, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("fetch_id", Name, nullable=False),
    Column("url_id", Id, nullable=False),
    Column("fetched_at", Utc, nullable=False),
    Column("state", String(8), nullable=False),
    Column("text_hash", Id, nullable=False),
    Column("extractor", Name, nullable=False),
    UniqueConstraint("article_id", "fetch_id"),
)

# What a revision said: of what was indexed only.
revision_texts = Table(
    "revision_texts",
    metadata,
    Column("article_id", Id, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("article_zstd", LargeBinary, nullable=False),  # records.Article
)

# Which story an article tells.
stories = Table(
    "stories",
    metadata,
    Column("article_id", Id, primary_key=True),
    Column("story_id", Id, nullable=False, index=True),
    Column("first_seen_at", Utc, nullable=False),
)

# A merged story's id, and the one it became.
story_aliases = Table(
    "story_aliases",
    metadata,
    Column("story_id", Id, primary_key=True),
    Column("became", Id, nullable=False),
)

# MinHash bands: articles with a band in common tell one story.
bands = Table(
    "bands",
    metadata,
    Column("band_hash", Id, primary_key=True),
    Column("article_id", Id, primary_key=True),
    Column("site", Host, nullable=False, server_default=""),  # where the article stands: its registrable domain
    Column("first_seen_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False, index=True),
)

# A numbered switch of the labelling, by digest of model, topics, targets and thresholds.
epochs = Table(
    "epochs",
    metadata,
    Column("epoch", Integer, primary_key=True),
    Column("digest", Id, nullable=False),  # comes again where an older classifier comes back
    Column("model", Name, nullable=False),
    Column("created_at", Utc, nullable=False),
)

# What relevance dropped, kept small and for a while, so that a drop can be looked at.
irrelevant = Table(
    "irrelevant",
    metadata,
    Column("article_id", Id, primary_key=True),
    Column("url_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("excerpt", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("relevance_by", String(16), nullable=False),
    Column("model", Name, nullable=False),
    Column("dropped_at", Utc, nullable=False, index=True),
)

# Weeks of which samples were drawn.
draws = Table(
    "draws",
    metadata,
    Column("week", String(8), primary_key=True),  # ISO 8601, as 2026-W47
    Column("drawn_at", Utc, nullable=False),
    Column("dropped", JSON, nullable=False),  # reason -> how many drops there were to draw from
)

# Drops by our own judgement that were drawn for checking, and what a person says of each.
samples = Table(
    "samples",
    metadata,
    Column("sample_id", Integer, primary_key=True),
    Column("week", String(8), ForeignKey("draws.week"), nullable=False, index=True),
    Column("reason", String(64), nullable=False),
    Column("dropped_by", Name, nullable=False),
    Column("url_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("source_id", Name, nullable=False),
    Column("title", Text, nullable=False),
    Column("excerpt", Text, nullable=False),
    Column("score", Float),
    Column("dropped_at", Utc, nullable=False),
    Column("answer", String(16)),  # relevant, irrelevant
    Column("answered_by", Name),
    Column("answered_at", Utc),
    Column("correction_id", Integer),
)

# What a person corrected in an article's labels. Nothing that trains reads it.
corrections = Table(
    "corrections",
    metadata,
    Column("correction_id", Integer, primary_key=True),
    Column("article_id", Id, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # of the article as the person read it
    Column("epoch", Integer, nullable=False),
    Column("change", JSON, nullable=False),  # corrections.Change
    Column("evidence", JSON(none_as_null=True)),  # records.Evidence: what it stands or falls with; null: the whole text
    Column("text_hash", Id, nullable=False),
    Column("note", Text),
    Column("made_by", Name, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("confirmed_by", Name),
    Column("confirmed_at", Utc),
    Column("withdrawn_by", Name),
    Column("withdrawn_at", Utc),
    Column("stale_since", Utc),  # when its evidence was found to be gone from the text
)

# What the classifier said of articles with corrections: these are laid over it.
uncorrected = Table(
    "uncorrected",
    metadata,
    Column("article_id", Id, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("labels", JSON, nullable=False),  # records.Labels
)

# How far a relabelling came that has not ended yet.
relabellings = Table(
    "relabellings",
    metadata,
    Column("relabelling_id", Id, primary_key=True),  # of what was asked for, and the epoch
    Column("epoch", Integer, nullable=False),
    Column("after", Text),  # the index's cursor behind the last page that was sent
    Column("articles", JSON, nullable=False),  # processors.relabel.Counts
    Column("begun_at", Utc, nullable=False),
)

# How far the bringing in of archives (WARC files, folders, JSON Lines) came.
archives = Table(
    "archives",
    metadata,
    Column("archive_id", Id, primary_key=True),  # of the file as it is, and what was asked of it
    Column("path", Text, nullable=False),
    Column("passed", Integer, nullable=False),  # so many of its items are settled: it goes on behind them
    Column("counts", JSON, nullable=False),  # crawlers.archives.bring.Counts
    Column("begun_at", Utc, nullable=False),
    Column("ended_at", Utc),
)

# Who wants what, and where it goes.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("name", Name, primary_key=True),
    Column("query", Text, nullable=False),
    Column("channel", Text, nullable=False),  # an Apprise URL; secrets as ${NAME}
    Column("created_at", Utc, nullable=False),
    Column("paused", Boolean, nullable=False, default=False),
)

# One row per message owed: written by match, sent by deliver.
outbox = Table(
    "outbox",
    metadata,
    Column("message_id", Id, primary_key=True),
    Column("subscription", Name, ForeignKey("subscriptions.name", ondelete="CASCADE"), nullable=False),
    Column("story_id", Id, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("about", Name, nullable=False, default=""),  # holder, target, label of a stance change
    Column("article_id", Id, nullable=False),
    Column("message", JSON, nullable=False),  # records.AlertMessage
    Column("created_at", Utc, nullable=False),
    Column("owed_since", Utc, nullable=False),  # giving up counts from here: created, or asked for again by a person
    Column("status", String(16), nullable=False),  # pending, sent, failed, suppressed
    Column("reason", String(64)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Utc),
    Column("lease_owner", Name),
    Column("lease_until", Utc),
    Column("sent_at", Utc),
    Column("announced_at", Utc),  # when it was published to the Kafka topic of alerts
    UniqueConstraint("subscription", "story_id", "kind", "about"),
    Index("ix_outbox_pending", "status", "next_attempt_at"),
    Index("ix_outbox_unannounced", "announced_at", "status"),
)

# One row per attempt at sending.
deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Integer, primary_key=True),
    Column("message_id", Id, nullable=False, index=True),
    Column("attempted_at", Utc, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("detail", Text),
)

# Dead letters that a person has dealt with; the letters themselves lie on the bus.
settled_letters = Table(
    "settled_letters",
    metadata,
    Column("dead_letter_id", Id, primary_key=True),
    Column("fate", String(16), nullable=False),  # replayed, dropped
    Column("settled_at", Utc, nullable=False),
)
