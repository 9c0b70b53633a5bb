"""The edition of a departure that somebody refused, until it leaves."""

import sqlalchemy as sa
from alembic import op

revision = "0051_refused_editions"
down_revision = "0050_policy_comparisons"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "refused_edition",
        sa.Column("composition_id", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("marking", sa.Text(), nullable=False),
        sa.Column("routing", sa.Text(), nullable=False),
        sa.Column("enclosed", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("refused_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["composition_id"],
            ["composition.composition_id"],
            name=op.f("fk_refused_edition_composition_id_composition"),
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_refused_edition_officer_officer")
        ),
        sa.PrimaryKeyConstraint("composition_id", "officer", name=op.f("pk_refused_edition")),
        sqlite_strict=True,
    )
