"""Photographs of bags and seals."""

import sqlalchemy as sa
from alembic import op

revision = "0021_photographs"
down_revision = "0020_dispatch_copies"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pouch_photograph",
        sa.Column("photograph_id", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "subject IN ('seals', 'bag', 'item')", name=op.f("ck_pouch_photograph_subject")
        ),
        sa.ForeignKeyConstraint(
            ["seal"],
            ["pouch_closing.seal"],
            name=op.f("fk_pouch_photograph_seal_pouch_closing"),
        ),
        sa.ForeignKeyConstraint(
            ["post"], ["post.code"], name=op.f("fk_pouch_photograph_post_post")
        ),
        sa.PrimaryKeyConstraint("photograph_id", name=op.f("pk_pouch_photograph")),
        sa.UniqueConstraint("seal", "sha256", name=op.f("uq_pouch_photograph_seal_sha256")),
        sqlite_strict=True,
    )
