"""With which controlled item a one-time code travels."""

import sqlalchemy as sa
from alembic import op

revision = "0036_carried_codes"
down_revision = "0035_root_introduction"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column."""
    op.add_column("enrolment_code", sa.Column("item", _LONG, nullable=True))
