"""Which kind of list an address is, and which sitemap index led to it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both; all that was read so far are feeds."""
    op.add_column("feeds", sa.Column("kind", sa.String(length=16), nullable=False, server_default="feed"))
    op.add_column("feeds", sa.Column("index_url", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("feeds", "index_url")
    op.drop_column("feeds", "kind")
