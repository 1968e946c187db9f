"""The interval in force of each source, readings outside its slots, and feeds that are passed over for a while."""

import sqlalchemy as sa
from alembic import op

from govwire.core.state.tables import Utc

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say when a slot was taken, not which; add the rest."""
    op.alter_column("sources", "last_due_at", new_column_name="fired_at")
    op.add_column("sources", sa.Column("asked_at", Utc(), nullable=True))
    op.add_column("sources", sa.Column("held_until", Utc(), nullable=True))
    op.add_column("sources", sa.Column("interval_seconds", sa.Float(), nullable=True))
    op.add_column("sources", sa.Column("read_at", Utc(), nullable=True))
    op.add_column("sources", sa.Column("new_items", sa.Integer(), nullable=True))
    op.create_index("ix_sources_asked_at", "sources", ["asked_at"], unique=False)
    op.create_index("ix_sources_held_until", "sources", ["held_until"], unique=False)
    op.add_column("feeds", sa.Column("not_before", Utc(), nullable=True))


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("feeds", "not_before")
    op.drop_index("ix_sources_held_until", table_name="sources")
    op.drop_index("ix_sources_asked_at", table_name="sources")
    for name in ("new_items", "read_at", "interval_seconds", "held_until", "asked_at"):
        op.drop_column("sources", name)
    op.alter_column("sources", "fired_at", new_column_name="last_due_at")
