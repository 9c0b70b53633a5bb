"""What waits to be sealed under officers' grants, and signatures made after the body was kept."""

import sqlalchemy as sa
from alembic import op

revision = "0028_pouch_preparations"
down_revision = "0027_draft_attachments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column."""
    op.add_column("pouch_sealed", sa.Column("sealer", sa.Text(), nullable=True))
    op.create_table(
        "pouch_preparation",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("departure", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=True),
        sa.Column("closer", sa.Text(), nullable=True),
        sa.Column("claims", sa.LargeBinary(), nullable=True),
        sa.Column("head", sa.LargeBinary(), nullable=True),
        sa.Column("nonce_sha256", sa.Text(), nullable=True),
        sa.Column("certifier", sa.Text(), nullable=True),
        sa.Column("absent", sa.Text(), nullable=True),
        sa.Column("waybill", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("granted", sa.Text(), nullable=False),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_pouch_preparation_ordinal")),
        sa.ForeignKeyConstraint(
            ["seal"], ["pouch_closing.seal"], name=op.f("fk_pouch_preparation_seal_pouch_closing")
        ),
        sa.ForeignKeyConstraint(
            ["departure"],
            ["pouch_departure.departure_id"],
            name=op.f("fk_pouch_preparation_departure_pouch_departure"),
        ),
        sa.ForeignKeyConstraint(
            ["closer"], ["officer.officer_id"], name=op.f("fk_pouch_preparation_closer_officer")
        ),
        sa.PrimaryKeyConstraint("seal", name=op.f("pk_pouch_preparation")),
        sa.UniqueConstraint("number", name=op.f("uq_pouch_preparation_number")),
        sa.UniqueConstraint(
            "departure", "ordinal", name=op.f("uq_pouch_preparation_departure_ordinal")
        ),
        sqlite_strict=True,
    )
