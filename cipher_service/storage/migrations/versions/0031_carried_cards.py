"""Which cards' keys travel with a controlled item."""

import sqlalchemy as sa
from alembic import op

revision = "0031_carried_cards"
down_revision = "0030_second_store"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "card_carriage",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("item", _LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["item"],
            ["controlled_item.item"],
            name=op.f("fk_card_carriage_item_controlled_item"),
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_card_carriage")),
        sqlite_strict=True,
    )
    op.create_index("ix_card_carriage_item", "card_carriage", ["item"], unique=False)
