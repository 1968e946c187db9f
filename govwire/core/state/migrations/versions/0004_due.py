"""Find what is due, and what is leased, without looking at all that is known."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index only what is due, in turn; and what is leased."""
    op.drop_index("ix_frontier_due", table_name="frontier")
    _index("ix_frontier_due", ["lane", "priority", "due_at", "url_id"], "due_at IS NOT NULL")
    _index("ix_frontier_lease_until", ["lease_until"], "lease_until IS NOT NULL")


def downgrade() -> None:
    """Index everything again."""
    op.drop_index("ix_frontier_lease_until", table_name="frontier")
    op.drop_index("ix_frontier_due", table_name="frontier")
    op.create_index("ix_frontier_due", "frontier", ["lane", "due_at"])


def _index(name: str, columns: list[str], where: str) -> None:
    only = sa.text(where)
    op.create_index(name, "frontier", columns, sqlite_where=only, postgresql_where=only)
