"""Which controlled item travels in which piece of a bag."""

import sqlalchemy as sa
from alembic import op

revision = "0022_pouch_cargo"
down_revision = "0021_photographs"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pouch_cargo",
        sa.Column("piece", sa.Text(), nullable=False),
        sa.Column("item", _LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["piece"], ["pouch_hand_in.number"], name=op.f("fk_pouch_cargo_piece_pouch_hand_in")
        ),
        sa.ForeignKeyConstraint(
            ["item"], ["controlled_item.item"], name=op.f("fk_pouch_cargo_item_controlled_item")
        ),
        sa.PrimaryKeyConstraint("piece", "item", name=op.f("pk_pouch_cargo")),
        sqlite_strict=True,
    )
    op.create_index("ix_pouch_cargo_item", "pouch_cargo", ["item", "piece"], unique=False)
