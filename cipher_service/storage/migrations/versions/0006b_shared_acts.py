"""Acts of several persons, their signatures, and that each was done once."""

import sqlalchemy as sa
from alembic import op

revision = "0006b_shared_acts"
down_revision = "0006_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "shared_act",
        sa.Column("act_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("refused_by", sa.Text(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'refused', 'done')", name=op.f("ck_shared_act_state")
        ),
        sa.ForeignKeyConstraint(
            ["refused_by"], ["officer.officer_id"], name=op.f("fk_shared_act_refused_by_officer")
        ),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_shared_act")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_shared_act_resource"), "shared_act", ["resource"], unique=False)
    op.create_table(
        "act_signature",
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["act"], ["shared_act.act_id"], name=op.f("fk_act_signature_act_shared_act")
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_act_signature_officer_officer")
        ),
        sa.PrimaryKeyConstraint("act", "officer", name=op.f("pk_act_signature")),
        sqlite_strict=True,
    )
    op.create_table(
        "act_execution",
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("executed_by", sa.Text(), nullable=False),
        sa.Column("executed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["act"], ["shared_act.act_id"], name=op.f("fk_act_execution_act_shared_act")
        ),
        sa.ForeignKeyConstraint(
            ["executed_by"],
            ["officer.officer_id"],
            name=op.f("fk_act_execution_executed_by_officer"),
        ),
        sa.PrimaryKeyConstraint("act", name=op.f("pk_act_execution")),
        sqlite_strict=True,
    )
