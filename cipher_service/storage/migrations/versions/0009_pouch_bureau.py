"""What is handed in for bags, who carries a departure, what was signed, what was destroyed."""

import sqlalchemy as sa
from alembic import op

revision = "0009_pouch_bureau"
down_revision = "0008_sync_packs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _waybill()
    _destruction()
    _hand_in()
    _sealed()


def _waybill() -> None:
    op.create_table(
        "pouch_waybill",
        sa.Column("departure", sa.Text(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("courier", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("packages >= 1", name=op.f("ck_pouch_waybill_packages")),
        sa.ForeignKeyConstraint(
            ["courier"], ["officer.officer_id"], name=op.f("fk_pouch_waybill_courier_officer")
        ),
        sa.ForeignKeyConstraint(
            ["departure"],
            ["pouch_departure.departure_id"],
            name=op.f("fk_pouch_waybill_departure_pouch_departure"),
        ),
        sa.PrimaryKeyConstraint("departure", name=op.f("pk_pouch_waybill")),
        sqlite_strict=True,
    )


def _destruction() -> None:
    op.create_table(
        "pouch_destruction",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("destroyed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("line >= 1", name=op.f("ck_pouch_destruction_line")),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_destruction_seal_pouch_closing")
        ),
        sa.PrimaryKeyConstraint("seal", "line", name=op.f("pk_pouch_destruction")),
        sqlite_strict=True,
    )


def _hand_in() -> None:
    op.create_table(
        "pouch_hand_in",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("dispatch", sa.Text(), nullable=True),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("handed_at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_pouch_hand_in_quantity")),
        sa.CheckConstraint("weight_g >= 1", name=op.f("ck_pouch_hand_in_weight_g")),
        sa.ForeignKeyConstraint(
            ["destination"], ["post.code"], name=op.f("fk_pouch_hand_in_destination_post")
        ),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_hand_in_seal_pouch_closing")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_pouch_hand_in")),
        sa.UniqueConstraint(
            "dispatch", "destination", name=op.f("uq_pouch_hand_in_dispatch_destination")
        ),
        sa.UniqueConstraint("seal", "line", name=op.f("uq_pouch_hand_in_seal_line")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_pouch_hand_in_waiting", "pouch_hand_in", ["destination", "seal", "number"], unique=False
    )


def _sealed() -> None:
    op.create_table(
        "pouch_sealed",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("departure", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("announcement", sa.Text(), nullable=True),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_pouch_sealed_ordinal")),
        sa.ForeignKeyConstraint(
            ["departure"],
            ["pouch_departure.departure_id"],
            name=op.f("fk_pouch_sealed_departure_pouch_departure"),
        ),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_sealed_seal_pouch_closing")
        ),
        sa.PrimaryKeyConstraint("seal", name=op.f("pk_pouch_sealed")),
        sa.UniqueConstraint("departure", "ordinal", name=op.f("uq_pouch_sealed_departure_ordinal")),
        sa.UniqueConstraint("number", name=op.f("uq_pouch_sealed_number")),
        sqlite_strict=True,
    )
