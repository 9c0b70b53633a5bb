"""Dispatches, their addressees, receipts, service messages, uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0002_dispatches"
down_revision = "0001_directory"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _service_message()
    _upload()
    _dispatch()
    _addressee()
    _envelope()
    _receipt()


def _service_message() -> None:
    op.create_table(
        "service_message",
        sa.Column("seq", LONG, sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["addressee"], ["post.code"], name=op.f("fk_service_message_addressee_post")
        ),
        sa.ForeignKeyConstraint(
            ["origin"], ["post.code"], name=op.f("fk_service_message_origin_post")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_service_message")),
        sa.UniqueConstraint("message_id", name=op.f("uq_service_message_message_id")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_service_message_list", "service_message", ["addressee", "seq"], unique=False
    )


def _upload() -> None:
    op.create_table(
        "upload",
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("slip", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", LONG, nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["origin"], ["post.code"], name=op.f("fk_upload_origin_post")),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_upload")),
        sa.UniqueConstraint("origin", "dispatch_id", name=op.f("uq_upload_origin_dispatch_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_upload_created_at"), "upload", ["created_at"], unique=False)


def _dispatch() -> None:
    op.create_table(
        "dispatch",
        sa.Column("seq", LONG, sa.Identity(always=False), nullable=False),
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("origin_card", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("caveats", sa.Text(), nullable=False),
        sa.Column("dtg", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", LONG, nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("register_year", sa.Integer(), nullable=False),
        sa.Column("register_number", sa.Integer(), nullable=False),
        sa.CheckConstraint("register_number >= 1", name=op.f("ck_dispatch_register_number")),
        sa.ForeignKeyConstraint(["origin"], ["post.code"], name=op.f("fk_dispatch_origin_post")),
        sa.ForeignKeyConstraint(
            ["origin_card"], ["card.fingerprint"], name=op.f("fk_dispatch_origin_card_card")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_dispatch")),
        sa.UniqueConstraint("dispatch_id", name=op.f("uq_dispatch_dispatch_id")),
        sa.UniqueConstraint(
            "register_year",
            "register_number",
            name=op.f("uq_dispatch_register_year_register_number"),
        ),
        sqlite_strict=True,
    )


def _addressee() -> None:
    op.create_table(
        "addressee",
        sa.Column("dispatch", LONG, autoincrement=False, nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("precedence", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("place", LONG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.CheckConstraint("delivery IN ('cipher', 'pouch')", name=op.f("ck_addressee_delivery")),
        sa.CheckConstraint("role IN ('action', 'info', 'copy')", name=op.f("ck_addressee_role")),
        sa.CheckConstraint(
            "state IN ('pending', 'fetched', 'delivered', 'deciphered', 'refused')",
            name=op.f("ck_addressee_state"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_addressee_number")),
        sa.ForeignKeyConstraint(
            ["dispatch"], ["dispatch.seq"], name=op.f("fk_addressee_dispatch_dispatch")
        ),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_addressee_post_post")),
        sa.PrimaryKeyConstraint("dispatch", "post", name=op.f("pk_addressee")),
        sa.UniqueConstraint(
            "origin", "post", "epoch", "number", name=op.f("uq_addressee_origin_post_epoch_number")
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_addressee_arrival", "addressee", ["post", "dispatch"], unique=False)
    op.create_index("ix_addressee_list", "addressee", ["post", "state", "place"], unique=False)


def _envelope() -> None:
    op.create_table(
        "envelope",
        sa.Column("dispatch", LONG, autoincrement=False, nullable=False),
        sa.Column("slip", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dispatch"], ["dispatch.seq"], name=op.f("fk_envelope_dispatch_dispatch")
        ),
        sa.PrimaryKeyConstraint("dispatch", name=op.f("pk_envelope")),
        sqlite_strict=True,
    )


def _receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("seq", LONG, sa.Identity(always=False), nullable=False),
        sa.Column("dispatch", LONG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('submitted', 'delivered', 'deciphered', 'refused')",
            name=op.f("ck_receipt_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["dispatch"], ["dispatch.seq"], name=op.f("fk_receipt_dispatch_dispatch")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_receipt")),
        sa.UniqueConstraint("dispatch", "kind", "post", name=op.f("uq_receipt_dispatch_kind_post")),
        sqlite_strict=True,
    )
