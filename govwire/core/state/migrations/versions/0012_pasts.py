"""Whose past is still to be asked for, and when a feed was read first."""

import sqlalchemy as sa
from alembic import op

from govwire.core.state.tables import Utc

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and add the column."""
    op.create_table(
        "pasts",
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", name="pk_pasts"),
    )
    op.add_column("feeds", sa.Column("first_read_at", Utc(), nullable=True))


def downgrade() -> None:
    """Take both away again."""
    op.drop_column("feeds", "first_read_at")
    op.drop_table("pasts")
