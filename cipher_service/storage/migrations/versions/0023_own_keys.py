"""Officers' own keys, wrapped under their security keys."""

import sqlalchemy as sa
from alembic import op

revision = "0023_own_keys"
down_revision = "0022_pouch_cargo"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "own_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offered_at", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'replaced')", name=op.f("ck_own_key_state")
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_own_key_officer_officer")
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_own_key")),
        sqlite_strict=True,
    )
    op.create_index("ix_own_key_officer", "own_key", ["officer"], unique=False)
