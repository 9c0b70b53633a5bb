"""Sets of policies that two persons adopted."""

import sqlalchemy as sa
from alembic import op

revision = "0017_policy_sets"
down_revision = "0016_prekeys"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "policy_set",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("digest", "body", "adopted_at", "adopted_by", "approver")
        ),
        *(
            sa.ForeignKeyConstraint(
                [name], ["officer.officer_id"], name=op.f(f"fk_policy_set_{name}_officer")
            )
            for name in ("adopted_by", "approver")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_policy_set")),
        sqlite_strict=True,
    )
