"""What is asked often is answered without reading what is not asked for.

Entries of the log are found by their outcome or their mandate where few have it, what stands for a
tile without its hashes, the prekey that goes next without a look at all that are free or were, and
bags whose receiver is to be told without those of whom all were told.
"""

import sqlalchemy as sa
from alembic import op

revision = "0122_read_little"
down_revision = "0121_rectifications_announced"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes anew."""
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
    for name, columns in (
        ("card", ["card", "state", "expires", "prekey_id"]),
        ("taken", ["taken_for", "taken_by", "card"]),
    ):
        op.drop_index(f"ix_prekey_{name}", "prekey")
        op.create_index(f"ix_prekey_{name}", "prekey", columns, unique=False)
    op.create_index(
        "ix_pouch_sealed_untold",
        "pouch_sealed",
        ["number"],
        unique=False,
        sqlite_where=sa.text("announcement IS NULL"),
        postgresql_where=sa.text("announcement IS NULL"),
    )
    op.create_index(
        "ix_prekey_taker",
        "prekey",
        ["card", "taken_by", "expires", "taken_for"],
        unique=False,
        sqlite_where=sa.text("taken_by IS NOT NULL"),
        postgresql_where=sa.text("taken_by IS NOT NULL"),
    )
