"""Samples of drops for people to check, and the weeks of which they were drawn."""

import sqlalchemy as sa
from alembic import op

from govwire.core.state.tables import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "draws",
        sa.Column("week", sa.String(length=8), nullable=False),
        sa.Column("drawn_at", Utc(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("week", name="pk_draws"),
    )
    op.create_table(
        "samples",
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("dropped_by", sa.String(length=128), nullable=False),
        sa.Column("url_id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("dropped_at", Utc(), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("answered_by", sa.String(length=128), nullable=True),
        sa.Column("answered_at", Utc(), nullable=True),
        sa.Column("correction_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["week"], ["draws.week"], name="fk_samples_week_draws"),
        sa.PrimaryKeyConstraint("sample_id", name="pk_samples"),
    )
    op.create_index("ix_samples_week", "samples", ["week"], unique=False)


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("samples")
    op.drop_table("draws")
