"""Headers that open again at headquarters what came under a prekey that is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0140_kept_headers"
down_revision = "0120_rectifications_that_wait"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "kept_header",
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("label", name=op.f("pk_kept_header")),
        sqlite_strict=True,
    )
