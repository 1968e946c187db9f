"""The log of what was asked of hosts."""

import sqlalchemy as sa
from alembic import op

from govwire.core.state.tables import Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "exchanges",
        sa.Column("exchange_id", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("source_id", sa.String(length=128), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("waited_seconds", sa.Float(), nullable=False),
        sa.Column("honoured", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("exchange_id", name="pk_exchanges"),
    )
    op.create_index("ix_exchanges_at", "exchanges", ["at"], unique=False)
    op.create_index("ix_exchanges_source_id_at", "exchanges", ["source_id", "at"], unique=False)


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("ix_exchanges_source_id_at", table_name="exchanges")
    op.drop_index("ix_exchanges_at", table_name="exchanges")
    op.drop_table("exchanges")
