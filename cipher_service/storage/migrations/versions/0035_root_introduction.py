"""The root, as each edition of the bureau's card introduced it."""

import sqlalchemy as sa
from alembic import op

revision = "0035_root_introduction"
down_revision = "0034_audit_machines"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "root_introduction",
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("card", name=op.f("pk_root_introduction")),
        sqlite_strict=True,
    )
