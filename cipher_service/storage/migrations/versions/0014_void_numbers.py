"""Numbers that a restore skipped."""

import sqlalchemy as sa
from alembic import op

revision = "0014_void_numbers"
down_revision = "0013_approvals"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "void_numbers",
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("first", _LONG, autoincrement=False, nullable=False),
        sa.Column("last", _LONG, nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("counter", "first", name=op.f("pk_void_numbers")),
        sqlite_strict=True,
    )
