"""Headers of rerouted envelopes, apart from the payload that they share with another envelope."""

import sqlalchemy as sa
from alembic import op

revision = "0080_rerouted_headers"
down_revision = "0070_pouch_rectifications"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; what was rerouted before stays a whole file of its own."""
    op.create_table(
        "rerouted_header",
        sa.Column("dispatch", _LONG, autoincrement=False, nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("starts", _LONG, nullable=False),
        sa.CheckConstraint("starts >= 1", name=op.f("ck_rerouted_header_starts")),
        sa.ForeignKeyConstraint(
            ["dispatch"], ["dispatch.seq"], name=op.f("fk_rerouted_header_dispatch_dispatch")
        ),
        sa.PrimaryKeyConstraint("dispatch", name=op.f("pk_rerouted_header")),
        sqlite_strict=True,
    )
    op.create_index("ix_rerouted_header_payload", "rerouted_header", ["payload"], unique=False)
