"""Where the second store is, and what a transaction has yet to tell it."""

import sqlalchemy as sa
from alembic import op

revision = "0030_second_store"
down_revision = "0029_own_recovery"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; triggers come with the store."""
    op.create_table(
        "second_store",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("position", LONG, nullable=False),
        sa.Column("segment", LONG, nullable=False),
        sa.Column("length", LONG, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.CheckConstraint("position >= 0", name=op.f("ck_second_store_position")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_second_store")),
        sqlite_strict=True,
    )
    op.create_table(
        "second_store_change",
        sa.Column("seq", LONG, sa.Identity(always=False), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_second_store_change")),
        sqlite_strict=True,
    )
