"""The newest sync pack of each post."""

import sqlalchemy as sa
from alembic import op

revision = "0008_sync_packs"
down_revision = "0006b_shared_acts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pouch_pack",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_pouch_pack_version")),
        sa.ForeignKeyConstraint(["post"], ["post.code"], name=op.f("fk_pouch_pack_post_post")),
        sa.PrimaryKeyConstraint("post", name=op.f("pk_pouch_pack")),
        sqlite_strict=True,
    )
