"""What auditors ask the log is answered from indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0015_audit_questions"
down_revision = "0014_void_numbers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mandate and the indexes."""
    op.add_column("audit_entry", sa.Column("mandate", sa.Text(), nullable=True))
    for name in ("action", "outcome", "time_us", "mandate"):
        op.create_index(f"ix_audit_entry_{name}", "audit_entry", [name, "seq"], unique=False)
