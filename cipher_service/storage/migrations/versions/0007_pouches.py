"""Bags, their closings, custody and seals."""

import sqlalchemy as sa
from alembic import op

revision = "0007_pouches"
down_revision = "0005b_access_books"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _alarm()
    _bag()
    _device()
    _route()
    _departure()
    _event()
    _closing()
    _discrepancy()
    _line()
    _physical_seal()
    _receipt()
    _discrepancy_step()
    _seal_movement()


def _alarm() -> None:
    op.create_table(
        "pouch_alarm",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_pouch_alarm")),
        sqlite_strict=True,
    )
    op.create_index("ix_pouch_alarm_subject", "pouch_alarm", ["subject", "seq"], unique=False)


def _bag() -> None:
    op.create_table(
        "pouch_bag",
        sa.Column("bag", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("empty", sa.Integer(), nullable=False),
        sa.Column("cycles", sa.Integer(), nullable=False),
        sa.Column("cycles_most", sa.Integer(), nullable=True),
        sa.CheckConstraint("cycles >= 0", name=op.f("ck_pouch_bag_cycles")),
        sa.ForeignKeyConstraint(["place"], ["post.code"], name=op.f("fk_pouch_bag_place_post")),
        sa.PrimaryKeyConstraint("bag", name=op.f("pk_pouch_bag")),
        sqlite_strict=True,
    )


def _device() -> None:
    op.create_table(
        "pouch_device",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("ed25519", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.Column("clock_offset", sa.Integer(), nullable=True),
        sa.Column("clock_at", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('active', 'revoked')", name=op.f("ck_pouch_device_state")),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_pouch_device_post_post")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_pouch_device")),
        sqlite_strict=True,
    )


def _route() -> None:
    op.create_table(
        "pouch_route",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("legs", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("tolerance_g", sa.Integer(), nullable=False),
        sa.Column("news_minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint("news_minutes >= 1", name=op.f("ck_pouch_route_news_minutes")),
        sa.CheckConstraint("tolerance_g >= 0", name=op.f("ck_pouch_route_tolerance_g")),
        sa.ForeignKeyConstraint(
            ["destination"], ["post.code"], name=op.f("fk_pouch_route_destination_post")
        ),
        sa.ForeignKeyConstraint(["origin"], ["post.code"], name=op.f("fk_pouch_route_origin_post")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_pouch_route")),
        sqlite_strict=True,
    )


def _departure() -> None:
    op.create_table(
        "pouch_departure",
        sa.Column("departure_id", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("cut_off", sa.Text(), nullable=False),
        sa.Column("departs", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["route"], ["pouch_route.code"], name=op.f("fk_pouch_departure_route_pouch_route")
        ),
        sa.PrimaryKeyConstraint("departure_id", name=op.f("pk_pouch_departure")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_pouch_departure_route", "pouch_departure", ["route", "departs"], unique=False
    )


def _event() -> None:
    op.create_table(
        "pouch_event",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("counter", _LONG, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["caller"], ["post.code"], name=op.f("fk_pouch_event_caller_post")),
        sa.ForeignKeyConstraint(
            ["device"], ["pouch_device.device_id"], name=op.f("fk_pouch_event_device_pouch_device")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_pouch_event")),
        sa.UniqueConstraint("event_id", name=op.f("uq_pouch_event_event_id")),
        sqlite_strict=True,
    )
    op.create_index("ix_pouch_event_device", "pouch_event", ["device", "counter"], unique=False)
    op.create_index("ix_pouch_event_seal", "pouch_event", ["seal", "seq"], unique=False)


def _closing() -> None:
    op.create_table(
        "pouch_closing",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("bag", sa.Text(), nullable=False),
        sa.Column("departure", sa.Text(), nullable=False),
        sa.Column("bag_class", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("packers", sa.Text(), nullable=False),
        sa.Column("certifier", sa.Text(), nullable=True),
        sa.Column("manifest", sa.Text(), nullable=True),
        sa.Column("seals", sa.Text(), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=True),
        sa.Column("nonce_sha256", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("recalled", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bag"], ["pouch_bag.bag"], name=op.f("fk_pouch_closing_bag_pouch_bag")
        ),
        sa.ForeignKeyConstraint(
            ["departure"],
            ["pouch_departure.departure_id"],
            name=op.f("fk_pouch_closing_departure_pouch_departure"),
        ),
        sa.PrimaryKeyConstraint("seal", name=op.f("pk_pouch_closing")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_pouch_closing_bag"), "pouch_closing", ["bag"], unique=False)
    op.create_index(
        "ix_pouch_closing_departure", "pouch_closing", ["departure", "seal"], unique=False
    )


def _discrepancy() -> None:
    op.create_table(
        "pouch_discrepancy",
        sa.Column("discrepancy_id", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "severity IN ('breach', 'incident')", name=op.f("ck_pouch_discrepancy_severity")
        ),
        sa.CheckConstraint(
            "state IN ('reported', 'notified', 'assessed', 'closed')",
            name=op.f("ck_pouch_discrepancy_state"),
        ),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_discrepancy_seal_pouch_closing")
        ),
        sa.PrimaryKeyConstraint("discrepancy_id", name=op.f("pk_pouch_discrepancy")),
        sqlite_strict=True,
    )
    op.create_index("ix_pouch_discrepancy_due", "pouch_discrepancy", ["due"], unique=False)
    op.create_index(op.f("ix_pouch_discrepancy_seal"), "pouch_discrepancy", ["seal"], unique=False)


def _line() -> None:
    op.create_table(
        "pouch_line",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("line >= 1", name=op.f("ck_pouch_line_line")),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_pouch_line_quantity")),
        sa.CheckConstraint("weight_g >= 1", name=op.f("ck_pouch_line_weight_g")),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_line_seal_pouch_closing")
        ),
        sa.PrimaryKeyConstraint("seal", "line", name=op.f("pk_pouch_line")),
        sa.UniqueConstraint("seal", "commitment", name=op.f("uq_pouch_line_seal_commitment")),
        sqlite_strict=True,
    )


def _physical_seal() -> None:
    op.create_table(
        "pouch_physical_seal",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("strength", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closing", sa.Text(), nullable=True),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('stocked', 'issued', 'applied', 'broken', 'voided', 'destroyed')",
            name=op.f("ck_pouch_physical_seal_state"),
        ),
        sa.CheckConstraint(
            "type IN ('wax', 'lead', 'plastic', 'bolt')", name=op.f("ck_pouch_physical_seal_type")
        ),
        sa.ForeignKeyConstraint(
            ["closing"],
            ["pouch_closing.seal"],
            name=op.f("fk_pouch_physical_seal_closing_pouch_closing"),
        ),
        sa.ForeignKeyConstraint(
            ["place"], ["post.code"], name=op.f("fk_pouch_physical_seal_place_post")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_pouch_physical_seal")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_pouch_physical_seal_stock",
        "pouch_physical_seal",
        ["place", "state", "number"],
        unique=False,
    )


def _receipt() -> None:
    op.create_table(
        "pouch_receipt",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.Text(), nullable=False),
        sa.Column("discharge", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["discharge"],
            ["pouch_event.event_id"],
            name=op.f("fk_pouch_receipt_discharge_pouch_event"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["pouch_event.event_id"],
            name=op.f("fk_pouch_receipt_event_id_pouch_event"),
        ),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_pouch_receipt_post_post")),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_receipt_seal_pouch_closing")
        ),
        sa.PrimaryKeyConstraint("seal", name=op.f("pk_pouch_receipt")),
        sqlite_strict=True,
    )


def _discrepancy_step() -> None:
    op.create_table(
        "pouch_discrepancy_step",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("discrepancy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["discrepancy"],
            ["pouch_discrepancy.discrepancy_id"],
            name=op.f("fk_pouch_discrepancy_step_discrepancy_pouch_discrepancy"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_pouch_discrepancy_step")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_pouch_discrepancy_step_discrepancy"),
        "pouch_discrepancy_step",
        ["discrepancy"],
        unique=False,
    )


def _seal_movement() -> None:
    op.create_table(
        "pouch_seal_movement",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["pouch_physical_seal.number"],
            name=op.f("fk_pouch_seal_movement_number_pouch_physical_seal"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_pouch_seal_movement")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_pouch_seal_movement_number"), "pouch_seal_movement", ["number"], unique=False
    )
