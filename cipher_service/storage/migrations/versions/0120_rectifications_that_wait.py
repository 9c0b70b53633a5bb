"""What waits to be put right in a sealed bordereau under officers' grants."""

import sqlalchemy as sa
from alembic import op

revision = "0120_rectifications_that_wait"
down_revision = "0071_rectified_weights"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pouch_rectifying",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("granted", sa.Text(), nullable=False),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_pouch_rectifying_ordinal")),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_rectifying_seal_pouch_closing")
        ),
        sa.ForeignKeyConstraint(
            ["author"], ["officer.officer_id"], name=op.f("fk_pouch_rectifying_author_officer")
        ),
        sa.PrimaryKeyConstraint("seal", name=op.f("pk_pouch_rectifying")),
        sqlite_strict=True,
    )
