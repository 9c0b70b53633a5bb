"""The dispatch by which an officer is telling of a rectification, before it has left."""

import sqlalchemy as sa
from alembic import op

revision = "0121_rectifications_announced"
down_revision = "0140_kept_headers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    op.add_column("pouch_rectification", sa.Column("announcing", sa.Text(), nullable=True))
