"""What the ministry's root says of cards."""

import sqlalchemy as sa
from alembic import op

revision = "0018_endorsements"
down_revision = "0017_policy_sets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "endorsement",
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["card"], ["card.fingerprint"], name=op.f("fk_endorsement_card_card")
        ),
        sa.PrimaryKeyConstraint("card", name=op.f("pk_endorsement")),
        sqlite_strict=True,
    )
