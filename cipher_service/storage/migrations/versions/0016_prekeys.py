"""One-time prekeys of posts."""

import sqlalchemy as sa
from alembic import op

revision = "0016_prekeys"
down_revision = "0015_audit_questions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "prekey",
        sa.Column("prekey_id", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.Column("offer", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("taken_for", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('free', 'taken')", name=op.f("ck_prekey_state")),
        sa.ForeignKeyConstraint(["card"], ["card.fingerprint"], name=op.f("fk_prekey_card_card")),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_prekey_post_post")),
        sa.PrimaryKeyConstraint("prekey_id", name=op.f("pk_prekey")),
        sqlite_strict=True,
    )
    op.create_index("ix_prekey_card", "prekey", ["card", "state", "expires"], unique=False)
    op.create_index("ix_prekey_taken", "prekey", ["taken_for", "taken_by"], unique=False)
