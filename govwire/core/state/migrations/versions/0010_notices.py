"""What sources can be expected to bring, what their feeds showed last, and the notices of those in trouble."""

import sqlalchemy as sa
from alembic import op

from govwire.core.state.tables import Utc

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OF_FEEDS = (("failing_since", Utc()), ("listed", sa.Integer()), ("oldest_at", Utc()), ("newest_at", Utc()))


def upgrade() -> None:
    """Create the two tables, four columns of feeds, and the index of a source's arrivals."""
    for name, kind in _OF_FEEDS:
        op.add_column("feeds", sa.Column(name, kind, nullable=True))
    op.create_index("ix_frontier_source_id_first_seen_at", "frontier", ["source_id", "first_seen_at"])
    op.create_table(
        "contracts",
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("per_day", sa.Float(), nullable=True),
        sa.Column("silence_hours", sa.Float(), nullable=True),
        sa.Column("since", Utc(), nullable=True),
        sa.Column("arrivals", sa.Integer(), nullable=False),
        sa.Column("learned_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name="pk_contracts"),
    )
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("opening_told_at", Utc(), nullable=True),
        sa.Column("closing_told_at", Utc(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name="pk_notices"),
    )
    only = sa.text("closed_at IS NULL")
    op.create_index("uq_notices_open", "notices", ["source_id"], unique=True, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("notices")
    op.drop_table("contracts")
    op.drop_index("ix_frontier_source_id_first_seen_at", table_name="frontier")
    for name, _ in _OF_FEEDS:
        op.drop_column("feeds", name)
