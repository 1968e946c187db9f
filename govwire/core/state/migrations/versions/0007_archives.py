"""How far the bringing in of archives came."""

import sqlalchemy as sa
from alembic import op

from govwire.core.state.tables import Utc

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "archives",
        sa.Column("archive_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("begun_at", Utc(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("archive_id", name="pk_archives"),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("archives")
