"""What is collected: sources, the frontier, the ledger, and which article, revision and story a page is."""

from sqlalchemy import JSON, Column, Float, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint, text

from govwire.core.state.tables.columns import Host, Id, Name, Utc, metadata

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

# One row per source: whether its past, the days before it was watched, is still to be asked for.
pasts = Table(
    "pasts",
    metadata,
    Column("source_id", Name, primary_key=True),
    Column("due_at", Utc),  # null: it was asked for; later than now: a process asks, or may try again then
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
    Column("first_read_at", Utc),
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
