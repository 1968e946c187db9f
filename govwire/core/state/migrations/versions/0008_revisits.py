"""When pages are looked at again, and what each revision said."""

import sqlalchemy as sa
from alembic import op

from govwire.core.state.tables import Utc

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns and the table."""
    op.add_column("frontier", sa.Column("look_at", Utc(), nullable=True))
    op.create_index("ix_frontier_look_at", "frontier", ["look_at"], unique=False)
    op.add_column("sources", sa.Column("looks_unchanged", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "revision_texts",
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("article_zstd", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "revision", name="pk_revision_texts"),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("revision_texts")
    op.drop_column("sources", "looks_unchanged")
    op.drop_index("ix_frontier_look_at", table_name="frontier")
    op.drop_column("frontier", "look_at")
