"""The first schema."""

import sqlalchemy as sa
from alembic import op

from govwire.core.state.tables import Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "aliases",
        sa.Column("url_id", sa.String(length=64), nullable=False),
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("url_id", name="pk_aliases"),
    )
    op.create_index("ix_aliases_article_id", "aliases", ["article_id"], unique=False)
    op.create_table(
        "bands",
        sa.Column("band_hash", sa.String(length=64), nullable=False),
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.Column("first_seen_at", Utc(), nullable=False),
        sa.Column("seen_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("band_hash", "article_id", name="pk_bands"),
    )
    op.create_index("ix_bands_seen_at", "bands", ["seen_at"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("attempted_at", Utc(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_message_id", "deliveries", ["message_id"], unique=False)
    op.create_table(
        "epochs",
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_epochs"),
    )
    op.create_table(
        "feeds",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.String(length=64), nullable=True),
        sa.Column("checked_at", Utc(), nullable=True),
        sa.Column("succeeded_at", Utc(), nullable=True),
        sa.Column("new_item_at", Utc(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("url", name="pk_feeds"),
    )
    op.create_index("ix_feeds_source_id", "feeds", ["source_id"], unique=False)
    op.create_table(
        "frontier",
        sa.Column("url_id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("why", sa.String(length=32), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_until", Utc(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", Utc(), nullable=False),
        sa.Column("fetched_at", Utc(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("entry", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("url_id", name="pk_frontier"),
    )
    op.create_index("ix_frontier_due", "frontier", ["lane", "due_at"], unique=False)
    op.create_table(
        "hosts",
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("next_allowed_at", Utc(), nullable=False),
        sa.Column("delay_seconds", sa.Float(), nullable=True),
        sa.Column("robots_url", sa.Text(), nullable=True),
        sa.Column("robots_body", sa.Text(), nullable=True),
        sa.Column("robots_status", sa.Integer(), nullable=True),
        sa.Column("robots_fetched_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("host", name="pk_hosts"),
    )
    op.create_table(
        "irrelevant",
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.Column("url_id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("relevance_by", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("dropped_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name="pk_irrelevant"),
    )
    op.create_index("ix_irrelevant_dropped_at", "irrelevant", ["dropped_at"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("url_id", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("fetch_id", sa.String(length=128), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("url_id", "stage", name="pk_ledger"),
    )
    op.create_table(
        "revisions",
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fetch_id", sa.String(length=128), nullable=False),
        sa.Column("url_id", sa.String(length=64), nullable=False),
        sa.Column("fetched_at", Utc(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("extractor", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "revision", name="pk_revisions"),
        sa.UniqueConstraint("article_id", "fetch_id", name="uq_revisions_article_id_fetch_id"),
    )
    op.create_table(
        "settled_letters",
        sa.Column("dead_letter_id", sa.String(length=64), nullable=False),
        sa.Column("fate", sa.String(length=16), nullable=False),
        sa.Column("settled_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("dead_letter_id", name="pk_settled_letters"),
    )
    op.create_table(
        "sources",
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("next_due_at", Utc(), nullable=False),
        sa.Column("last_due_at", Utc(), nullable=True),
        sa.Column("slots_fired", sa.Integer(), nullable=False),
        sa.Column("slots_missed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name="pk_sources"),
    )
    op.create_index("ix_sources_next_due_at", "sources", ["next_due_at"], unique=False)
    op.create_table(
        "standing",
        sa.Column("url_id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("fetch_id", sa.String(length=128), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("stage_rank", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("article_id", sa.String(length=64), nullable=True),
        sa.Column("ended_outcome", sa.String(length=32), nullable=True),
        sa.Column("ended_reason", sa.String(length=64), nullable=True),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("url_id", name="pk_standing"),
    )
    op.create_index("ix_standing_article_id", "standing", ["article_id"], unique=False)
    op.create_index("ix_standing_outcome", "standing", ["outcome", "reason"], unique=False)
    op.create_index("ix_standing_source_id", "standing", ["source_id"], unique=False)
    op.create_table(
        "stories",
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.Column("story_id", sa.String(length=64), nullable=False),
        sa.Column("first_seen_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name="pk_stories"),
    )
    op.create_index("ix_stories_story_id", "stories", ["story_id"], unique=False)
    op.create_table(
        "story_aliases",
        sa.Column("story_id", sa.String(length=64), nullable=False),
        sa.Column("became", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("story_id", name="pk_story_aliases"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_subscriptions"),
    )
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("subscription", sa.String(length=128), nullable=False),
        sa.Column("story_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=128), nullable=False),
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("owed_since", Utc(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_until", Utc(), nullable=True),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("announced_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscriptions.name"], name="fk_outbox_subscription_subscriptions", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name="pk_outbox"),
        sa.UniqueConstraint(
            "subscription", "story_id", "kind", "about", name="uq_outbox_subscription_story_id_kind_about"
        ),
    )
    op.create_index("ix_outbox_pending", "outbox", ["status", "next_attempt_at"], unique=False)
    op.create_index("ix_outbox_unannounced", "outbox", ["announced_at", "status"], unique=False)


def downgrade() -> None:
    """Drop every table."""
    op.drop_index("ix_outbox_unannounced", table_name="outbox")
    op.drop_index("ix_outbox_pending", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("subscriptions")
    op.drop_table("story_aliases")
    op.drop_index("ix_stories_story_id", table_name="stories")
    op.drop_table("stories")
    op.drop_index("ix_standing_source_id", table_name="standing")
    op.drop_index("ix_standing_outcome", table_name="standing")
    op.drop_index("ix_standing_article_id", table_name="standing")
    op.drop_table("standing")
    op.drop_index("ix_sources_next_due_at", table_name="sources")
    op.drop_table("sources")
    op.drop_table("settled_letters")
    op.drop_table("revisions")
    op.drop_table("ledger")
    op.drop_index("ix_irrelevant_dropped_at", table_name="irrelevant")
    op.drop_table("irrelevant")
    op.drop_table("hosts")
    op.drop_index("ix_frontier_due", table_name="frontier")
    op.drop_table("frontier")
    op.drop_index("ix_feeds_source_id", table_name="feeds")
    op.drop_table("feeds")
    op.drop_table("epochs")
    op.drop_index("ix_deliveries_message_id", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index("ix_bands_seen_at", table_name="bands")
    op.drop_table("bands")
    op.drop_index("ix_aliases_article_id", table_name="aliases")
    op.drop_table("aliases")
