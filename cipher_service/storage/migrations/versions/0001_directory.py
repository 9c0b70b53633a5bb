"""Counters, used tokens, the organisation, its posts and their cards."""

import sqlalchemy as sa
from alembic import op

revision = "0001_directory"
down_revision = None
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _counter()
    _post()
    _replay()
    _unit()
    _card()
    _channel()
    _enrolment_code()
    _staffing()
    _api_key()


def _counter() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", LONG, nullable=False),
        sa.CheckConstraint("value >= 0", name=op.f("ck_counter_value")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
        sqlite_strict=True,
    )


def _post() -> None:
    op.create_table(
        "post",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_fr", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('headquarters', 'embassy', 'mission', 'consulate')", name=op.f("ck_post_kind")
        ),
        sa.CheckConstraint(
            "state IN ('absent', 'pending', 'active', 'suspended')", name=op.f("ck_post_state")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_post")),
        sqlite_strict=True,
    )


def _replay() -> None:
    op.create_table(
        "replay",
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("expires", LONG, nullable=False),
        sa.PrimaryKeyConstraint("claim", name=op.f("pk_replay")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_replay_expires"), "replay", ["expires"], unique=False)


def _unit() -> None:
    op.create_table(
        "unit",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_fr", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["unit.code"], name=op.f("fk_unit_parent_unit")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_unit")),
        sqlite_strict=True,
    )


def _card() -> None:
    op.create_table(
        "card",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'active', 'superseded', 'withdrawn')", name=op.f("ck_card_state")
        ),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_card_edition")),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_card_post_post")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_card")),
        sqlite_strict=True,
    )
    op.create_index("ix_card_post_edition", "card", ["post", "edition"], unique=False)
    op.create_index(
        "uq_card_in_force",
        "card",
        ["post"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )


def _channel() -> None:
    op.create_table(
        "channel",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_channel_post_post")),
        sa.PrimaryKeyConstraint("post", "medium", name=op.f("pk_channel")),
        sqlite_strict=True,
    )


def _enrolment_code() -> None:
    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.Column("used_for", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_enrolment_code_post_post")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrolment_code")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_enrolment_code_post"), "enrolment_code", ["post"], unique=False)


def _staffing() -> None:
    op.create_table(
        "staffing",
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("name_fr", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("headcount", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("headcount >= 1", name=op.f("ck_staffing_headcount")),
        sa.ForeignKeyConstraint(["unit"], ["unit.code"], name=op.f("fk_staffing_unit_unit")),
        sa.PrimaryKeyConstraint("unit", "function", name=op.f("pk_staffing")),
        sqlite_strict=True,
    )


def _api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("thumbprint", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["card"], ["card.fingerprint"], name=op.f("fk_api_key_card_card")),
        sa.PrimaryKeyConstraint("thumbprint", name=op.f("pk_api_key")),
        sa.UniqueConstraint("card", name=op.f("uq_api_key_card")),
        sqlite_strict=True,
    )
