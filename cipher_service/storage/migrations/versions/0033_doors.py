"""Machines of doors: each asks about one place, by a key of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0033_doors"
down_revision = "0032_announcing"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "door",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("thumbprint", sa.Text(), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('room', 'network', 'application')", name=op.f("ck_door_kind")),
        sa.CheckConstraint("state IN ('active', 'revoked')", name=op.f("ck_door_state")),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["officer.officer_id"], name=op.f("fk_door_recorded_by_officer")
        ),
        sa.ForeignKeyConstraint(
            ["revoked_by"], ["officer.officer_id"], name=op.f("fk_door_revoked_by_officer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_door")),
        sa.UniqueConstraint("thumbprint", name=op.f("uq_door_thumbprint")),
        sqlite_strict=True,
    )
