"""What a breach compromised, and which prekeys travel with a controlled item."""

import sqlalchemy as sa
from alembic import op

revision = "0026_carried_keys"
down_revision = "0025_replay_by_claim"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BREACHED_BEFORE = """
INSERT INTO controlled_compromise (item, person, reference, at)
SELECT cargo.item, MIN(found.reporter), MIN(found.discrepancy_id), MIN(found.reported_at)
FROM pouch_cargo AS cargo
JOIN pouch_hand_in AS piece ON piece.number = cargo.piece
JOIN pouch_discrepancy AS found ON found.seal = piece.seal AND found.severity = 'breach'
WHERE cargo.piece = (SELECT MAX(last.piece) FROM pouch_cargo AS last WHERE last.item = cargo.item)
GROUP BY cargo.item
"""


def upgrade() -> None:
    """Make the tables; mark what earlier breaches compromised."""
    op.create_table(
        "controlled_compromise",
        sa.Column("item", _LONG, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item"],
            ["controlled_item.item"],
            name=op.f("fk_controlled_compromise_item_controlled_item"),
        ),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_controlled_compromise")),
        sqlite_strict=True,
    )
    op.create_table(
        "prekey_carriage",
        sa.Column("prekey_id", sa.Text(), nullable=False),
        sa.Column("item", _LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["item"],
            ["controlled_item.item"],
            name=op.f("fk_prekey_carriage_item_controlled_item"),
        ),
        sa.PrimaryKeyConstraint("prekey_id", name=op.f("pk_prekey_carriage")),
        sqlite_strict=True,
    )
    op.create_index("ix_prekey_carriage_item", "prekey_carriage", ["item"], unique=False)
    op.execute(_BREACHED_BEFORE)
