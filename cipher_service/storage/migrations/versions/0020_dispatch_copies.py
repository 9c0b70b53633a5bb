"""Copies of dispatches on paper and on disk, numbered."""

import sqlalchemy as sa
from alembic import op

revision = "0020_dispatch_copies"
down_revision = "0019_controlled_items"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "dispatch_copy",
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint("part >= 0", name=op.f("ck_dispatch_copy_part")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_dispatch_copy_number")),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_dispatch_copy_officer_officer")
        ),
        sa.PrimaryKeyConstraint("dispatch_id", "part", "number", name=op.f("pk_dispatch_copy")),
        sqlite_strict=True,
    )
