"""Ceremonies of keys and who confirmed them."""

import sqlalchemy as sa
from alembic import op

revision = "0024_ceremonies"
down_revision = "0023_own_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ceremony",
        sa.Column("ceremony_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'abandoned')", name=op.f("ck_ceremony_state")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["officer.officer_id"], name=op.f("fk_ceremony_ended_by_officer")
        ),
        sa.PrimaryKeyConstraint("ceremony_id", name=op.f("pk_ceremony")),
        sqlite_strict=True,
    )
    op.create_table(
        "ceremony_confirmation",
        sa.Column("ceremony", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ceremony"],
            ["ceremony.ceremony_id"],
            name=op.f("fk_ceremony_confirmation_ceremony_ceremony"),
        ),
        sa.ForeignKeyConstraint(
            ["officer"],
            ["officer.officer_id"],
            name=op.f("fk_ceremony_confirmation_officer_officer"),
        ),
        sa.PrimaryKeyConstraint("ceremony", "officer", name=op.f("pk_ceremony_confirmation")),
        sqlite_strict=True,
    )
