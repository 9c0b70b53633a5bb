"""Persons, their functions, habilitations, mandates and needs to know."""

import sqlalchemy as sa
from alembic import op

revision = "0005_access"
down_revision = "0003_headquarters"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _officer()
    _absence()
    _function_held()
    _habilitation()
    _mandate()
    _need_to_know()


def _officer() -> None:
    op.create_table(
        "officer",
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("grade_since", sa.Text(), nullable=False),
        sa.Column("service_since", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'suspended', 'left')", name=op.f("ck_officer_state")
        ),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_officer_post_post")),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_officer")),
        sqlite_strict=True,
    )


def _absence() -> None:
    op.create_table(
        "absence",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_absence_officer_officer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_absence")),
        sa.UniqueConstraint("officer", "starts", name=op.f("uq_absence_officer_starts")),
        sqlite_strict=True,
    )


def _function_held() -> None:
    op.create_table(
        "function_held",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=True),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_function_held_officer_officer")
        ),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_function_held_post_post")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_function_held")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_function_held_officer"), "function_held", ["officer"], unique=False)


def _habilitation() -> None:
    op.create_table(
        "habilitation",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("caveats", sa.Text(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("trained_until", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=True),
        sa.Column("grantor", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_habilitation_officer_officer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_habilitation")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_habilitation_officer"), "habilitation", ["officer"], unique=False)


def _mandate() -> None:
    op.create_table(
        "mandate",
        sa.Column("mandate_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("delegator", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=True),
        sa.Column("signer", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('signature', 'interim')", name=op.f("ck_mandate_kind")),
        sa.CheckConstraint(
            "state IN ('proposed', 'active', 'ended')", name=op.f("ck_mandate_state")
        ),
        sa.ForeignKeyConstraint(
            ["delegator"], ["officer.officer_id"], name=op.f("fk_mandate_delegator_officer")
        ),
        sa.ForeignKeyConstraint(
            ["holder"], ["officer.officer_id"], name=op.f("fk_mandate_holder_officer")
        ),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_mandate_post_post")),
        sa.PrimaryKeyConstraint("mandate_id", name=op.f("pk_mandate")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_mandate_holder"), "mandate", ["holder"], unique=False)


def _need_to_know() -> None:
    op.create_table(
        "need_to_know",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('dispatch', 'post', 'file')", name=op.f("ck_need_to_know_kind")
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_need_to_know_officer_officer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_need_to_know")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_need_to_know_officer", "need_to_know", ["officer", "kind", "object"], unique=False
    )
