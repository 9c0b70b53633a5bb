"""The headquarters bureau's own books."""

import sqlalchemy as sa
from alembic import op

revision = "0003_headquarters"
down_revision = "0002_dispatches"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _draft()
    _annulled()
    _intent()
    _opened()
    _series()
    _allotted()


def _draft() -> None:
    op.create_table(
        "draft",
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("drafter", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", name=op.f("pk_draft")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_draft_drafter"), "draft", ["drafter"], unique=False)


def _annulled() -> None:
    op.create_table(
        "annulled",
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["origin"], ["post.code"], name=op.f("fk_annulled_origin_post")),
        sa.ForeignKeyConstraint(
            ["receiver"], ["post.code"], name=op.f("fk_annulled_receiver_post")
        ),
        sa.PrimaryKeyConstraint("receiver", "origin", "epoch", "number", name=op.f("pk_annulled")),
        sqlite_strict=True,
    )


def _intent() -> None:
    op.create_table(
        "intent",
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("register_year", sa.Integer(), nullable=False),
        sa.Column("register_number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("drafter", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.Text(), nullable=True),
        sa.Column("manifest_hash", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'issued', 'cancelled')", name=op.f("ck_intent_state")
        ),
        sa.ForeignKeyConstraint(["origin"], ["post.code"], name=op.f("fk_intent_origin_post")),
        sa.PrimaryKeyConstraint("dispatch_id", name=op.f("pk_intent")),
        sa.UniqueConstraint(
            "origin",
            "register_year",
            "register_number",
            name=op.f("uq_intent_origin_register_year_register_number"),
        ),
        sqlite_strict=True,
    )


def _opened() -> None:
    op.create_table(
        "opened",
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("manifest_hash", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("register_year", sa.Integer(), nullable=False),
        sa.Column("register_number", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["receiver"], ["post.code"], name=op.f("fk_opened_receiver_post")),
        sa.PrimaryKeyConstraint("dispatch_id", name=op.f("pk_opened")),
        sa.UniqueConstraint(
            "receiver",
            "origin",
            "epoch",
            "number",
            name=op.f("uq_opened_receiver_origin_epoch_number"),
        ),
        sa.UniqueConstraint(
            "receiver",
            "register_year",
            "register_number",
            name=op.f("uq_opened_receiver_register_year_register_number"),
        ),
        sqlite_strict=True,
    )


def _series() -> None:
    op.create_table(
        "series",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=True),
        sa.CheckConstraint("last >= 0", name=op.f("ck_series_last")),
        sa.ForeignKeyConstraint(["origin"], ["post.code"], name=op.f("fk_series_origin_post")),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_series_post_post")),
        sa.PrimaryKeyConstraint("origin", "post", "epoch", name=op.f("pk_series")),
        sqlite_strict=True,
    )


def _allotted() -> None:
    op.create_table(
        "allotted",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("allotted_at", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('allotted', 'issued', 'cancelled')", name=op.f("ck_allotted_state")
        ),
        sa.ForeignKeyConstraint(
            ["dispatch_id"], ["intent.dispatch_id"], name=op.f("fk_allotted_dispatch_id_intent")
        ),
        sa.ForeignKeyConstraint(["origin"], ["post.code"], name=op.f("fk_allotted_origin_post")),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_allotted_post_post")),
        sa.PrimaryKeyConstraint("origin", "post", "epoch", "number", name=op.f("pk_allotted")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_allotted_dispatch_id"), "allotted", ["dispatch_id"], unique=False)
