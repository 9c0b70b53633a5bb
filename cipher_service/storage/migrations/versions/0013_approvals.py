"""What officers are asked to sign, and the language in which they are spoken to."""

import sqlalchemy as sa
from alembic import op

revision = "0013_approvals"
down_revision = "0012_hot_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "approval",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("back", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("nonce", sa.LargeBinary(), nullable=True),
        sa.Column("credentials", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("given_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_approval_officer_officer")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_approval")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_approval_given_at"), "approval", ["given_at"], unique=False)
    op.create_table(
        "preference",
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.CheckConstraint("language IN ('fr', 'en')", name=op.f("ck_preference_language")),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_preference_officer_officer")
        ),
        sa.PrimaryKeyConstraint("officer", name=op.f("pk_preference")),
        sqlite_strict=True,
    )
