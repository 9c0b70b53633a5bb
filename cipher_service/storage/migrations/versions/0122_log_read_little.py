"""The log answers what is asked often from what it has to read anyway.

Entries are found by their outcome or their mandate where few have it, and what stands for a tile
without its hashes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0122_log_read_little"
down_revision = "0121_rectifications_announced"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both indexes anew, of the few, and another."""
    for name, few in (("outcome", "outcome != 'done'"), ("mandate", "mandate IS NOT NULL")):
        op.drop_index(f"ix_audit_entry_{name}", "audit_entry")
        op.create_index(
            f"ix_audit_entry_{name}",
            "audit_entry",
            [name, "seq"],
            unique=False,
            sqlite_where=sa.text(few),
            postgresql_where=sa.text(few),
        )
    op.create_index("ix_audit_tile_root", "audit_tile", ["level", "place", "root"], unique=False)
