"""Posts cosign the log's heads; why a head is not signed is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0011_log_witnesses"
down_revision = "0010_compositions"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and the column."""
    op.add_column("audit_log", sa.Column("trouble", sa.Text(), nullable=True))
    op.create_table(
        "audit_witness",
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("post", "card", name=op.f("pk_audit_witness")),
        sqlite_strict=True,
    )
    op.create_table(
        "audit_cosignature",
        sa.Column("size", _LONG, autoincrement=False, nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", "post", name=op.f("pk_audit_cosignature")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_audit_cosignature_post", "audit_cosignature", ["post", "size"], unique=False
    )
