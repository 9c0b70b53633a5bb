"""How large a bag is, where somebody measured it."""

import sqlalchemy as sa
from alembic import op

revision = "0046_bag_sides"
down_revision = "0045_empties_notices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    op.add_column("pouch_bag", sa.Column("sides_cm", sa.Text(), nullable=True))
