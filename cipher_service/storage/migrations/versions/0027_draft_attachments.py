"""Attachments of what is written and not sent yet."""

import sqlalchemy as sa
from alembic import op

revision = "0027_draft_attachments"
down_revision = "0026_carried_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns: what was written before encloses nothing."""
    op.add_column("composition", sa.Column("attachments", sa.LargeBinary(), nullable=True))
    op.add_column("composition", sa.Column("enclosed", sa.Text(), nullable=True))
