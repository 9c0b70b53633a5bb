"""What a proposed set of policies would change, beside its proposal."""

import sqlalchemy as sa
from alembic import op

revision = "0050_policy_comparisons"
down_revision = "0046_bag_sides"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "policy_comparison",
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["act"], ["shared_act.act_id"], name=op.f("fk_policy_comparison_act_shared_act")
        ),
        sa.PrimaryKeyConstraint("act", name=op.f("pk_policy_comparison")),
        sqlite_strict=True,
    )
