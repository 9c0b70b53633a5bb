"""What the pouch bureau and those who sign look at is found without what is over.

Bags on the way without those that arrived, acts that wait without those that were done, what goes
by pouch without what goes by wire, and the seals on a bag without all others.
"""

import sqlalchemy as sa
from alembic import op

revision = "0123_what_is_not_over"
down_revision = "0122_read_little"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("ix_pouch_closing_stage", "pouch_closing", ["stage", "seal"], unique=False)
    waiting = ["state", "expires_at", "act_id"]
    op.create_index("ix_shared_act_waiting", "shared_act", waiting, unique=False)
    for name, book, columns, few in (
        ("ix_addressee_by_pouch", "addressee", ["dispatch", "post"], "delivery = 'pouch'"),
        (
            "ix_pouch_physical_seal_closing",
            "pouch_physical_seal",
            ["closing"],
            "closing IS NOT NULL",
        ),
    ):
        where = sa.text(few)
        op.create_index(
            name, book, columns, unique=False, sqlite_where=where, postgresql_where=where
        )
