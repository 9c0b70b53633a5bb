"""The dispatch by which an officer is announcing a bag, before it has left."""

import sqlalchemy as sa
from alembic import op

revision = "0032_announcing"
down_revision = "0031_carried_cards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    op.add_column("pouch_sealed", sa.Column("announcing", sa.Text(), nullable=True))
