"""Machines of auditors, each its auditor's, by a key of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0034_audit_machines"
down_revision = "0033_doors"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OFFICERS = ("auditor", "recorded_by", "approver", "revoked_by")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "audit_machine",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("thumbprint", sa.Text(), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("auditor", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('active', 'revoked')", name=op.f("ck_audit_machine_state")),
        *(
            sa.ForeignKeyConstraint(
                [name], ["officer.officer_id"], name=op.f(f"fk_audit_machine_{name}_officer")
            )
            for name in _OFFICERS
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_machine")),
        sa.UniqueConstraint("thumbprint", name=op.f("uq_audit_machine_thumbprint")),
        sqlite_strict=True,
    )
