"""Notices of empty bags that posts sent home."""

import sqlalchemy as sa
from alembic import op

revision = "0045_empties_notices"
down_revision = "0036_carried_codes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pouch_empties_notice",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post"], ["post.code"], name=op.f("fk_pouch_empties_notice_post_post")
        ),
        sa.PrimaryKeyConstraint("post", "number", name=op.f("pk_pouch_empties_notice")),
        sqlite_strict=True,
    )
    op.create_table(
        "pouch_empties_line",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("bag", sa.Text(), nullable=False),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ended IN ('returned', 'used-again')", name=op.f("ck_pouch_empties_line_ended")
        ),
        sa.ForeignKeyConstraint(
            ["post", "number"],
            ["pouch_empties_notice.post", "pouch_empties_notice.number"],
            name=op.f("fk_pouch_empties_line_post_pouch_empties_notice"),
        ),
        sa.ForeignKeyConstraint(
            ["bag"], ["pouch_bag.bag"], name=op.f("fk_pouch_empties_line_bag_pouch_bag")
        ),
        sa.PrimaryKeyConstraint("post", "number", "bag", name=op.f("pk_pouch_empties_line")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_pouch_empties_line_bag", "pouch_empties_line", ["bag", "ended"], unique=False
    )
