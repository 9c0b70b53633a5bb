"""Officers' security keys, challenges, sessions and enrolment links."""

import sqlalchemy as sa
from alembic import op

revision = "0006_identity"
down_revision = "0004_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _passkey()
    _challenge()
    _session()
    _enrolment_link()


def _passkey() -> None:
    op.create_table(
        "passkey",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column(
            "sign_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.CheckConstraint("sign_count >= 0", name=op.f("ck_passkey_sign_count")),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_passkey_officer_officer")
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_passkey")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_passkey_officer"), "passkey", ["officer"], unique=False)


def _challenge() -> None:
    op.create_table(
        "challenge",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=True),
        sa.Column("given_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('enrol', 'sign-in', 'step-up')", name=op.f("ck_challenge_purpose")
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_challenge_officer_officer")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_challenge")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_challenge_given_at"), "challenge", ["given_at"], unique=False)


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("passkey", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_session_officer_officer")
        ),
        sa.ForeignKeyConstraint(
            ["passkey"], ["passkey.credential_id"], name=op.f("fk_session_passkey_passkey")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session")),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_session_open",
        "session",
        ["officer"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _enrolment_link() -> None:
    op.create_table(
        "enrolment_link",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_enrolment_link_officer_officer")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_enrolment_link")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_enrolment_link_officer"), "enrolment_link", ["officer"], unique=False)
