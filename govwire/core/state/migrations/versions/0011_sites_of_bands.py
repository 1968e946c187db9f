"""On which site an article stands whose bands these are."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was announced before belongs to no site, and passes within the bands' fourteen days."""
    op.add_column("bands", sa.Column("site", sa.String(length=260), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop it again."""
    op.drop_column("bands", "site")
