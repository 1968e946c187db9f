"""What is said of articles, by the classifier and by people, and who is told of it."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from govwire.core.state.tables.columns import Id, Name, Utc, metadata

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
