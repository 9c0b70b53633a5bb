"""Rectifications of bordereaux that headquarters sealed, and the weights that they put right."""

import sqlalchemy as sa
from alembic import op

revision = "0070_pouch_rectifications"
down_revision = "0055_bag_takers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column."""
    op.add_column("pouch_closing", sa.Column("rectified_g", sa.Integer(), nullable=True))
    op.create_table(
        "pouch_rectification",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("announcement", sa.Text(), nullable=True),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_pouch_rectification_ordinal")),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_rectification_seal_pouch_closing")
        ),
        sa.PrimaryKeyConstraint("seal", "ordinal", name=op.f("pk_pouch_rectification")),
        sa.UniqueConstraint("number", name=op.f("uq_pouch_rectification_number")),
        sqlite_strict=True,
    )
