"""The register of controlled items."""

import sqlalchemy as sa
from alembic import op

revision = "0019_controlled_items"
down_revision = "0018_endorsements"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KINDS = "kind IN ('key', 'token', 'share', 'device', 'document')"
_STATES = "state IN ('held', 'under-way', 'missing', 'destroyed')"
_MOVES = "kind IN ('entered', 'sent', 'received', 'seen', 'missed', 'found', 'destroyed')"
_OCCASIONS = "occasion IN ('annual', 'hand-over', 'other')"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "controlled_item",
        sa.Column("item", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("designation", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.CheckConstraint(_KINDS, name=op.f("ck_controlled_item_kind")),
        sa.CheckConstraint(_STATES, name=op.f("ck_controlled_item_state")),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_controlled_item")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_controlled_item_holder", "controlled_item", ["holder", "state"], unique=False
    )
    op.create_table(
        "controlled_movement",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("item", _LONG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint(_MOVES, name=op.f("ck_controlled_movement_kind")),
        sa.ForeignKeyConstraint(
            ["item"],
            ["controlled_item.item"],
            name=op.f("fk_controlled_movement_item_controlled_item"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_controlled_movement")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_controlled_movement_item", "controlled_movement", ["item", "seq"], unique=False
    )
    op.create_table(
        "controlled_inventory",
        sa.Column("inventory", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint(_OCCASIONS, name=op.f("ck_controlled_inventory_occasion")),
        sa.PrimaryKeyConstraint("inventory", name=op.f("pk_controlled_inventory")),
        sqlite_strict=True,
    )
