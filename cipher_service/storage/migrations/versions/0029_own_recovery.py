"""The shares in which holders keep officers' own keys."""

import sqlalchemy as sa
from alembic import op

revision = "0029_own_recovery"
down_revision = "0028_pouch_preparations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a key of before has no shares."""
    op.add_column("own_key", sa.Column("recovery", sa.Text(), nullable=True))
