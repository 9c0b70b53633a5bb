"""The bag's weight beside each rectification: a closing put right twice has two right ones."""

import sqlalchemy as sa
from alembic import op

revision = "0071_rectified_weights"
down_revision = "0080_rerouted_headers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column; of those on record the last of a closing gave the weight that it has."""
    op.add_column("pouch_rectification", sa.Column("weight_g", sa.Integer(), nullable=True))
    book = sa.table(
        "pouch_rectification", sa.column("seal"), sa.column("ordinal"), sa.column("weight_g")
    )
    closing = sa.table("pouch_closing", sa.column("seal"), sa.column("rectified_g"))
    others = book.alias()
    last = sa.select(sa.func.max(others.c.ordinal)).where(others.c.seal == book.c.seal)
    weight = sa.select(closing.c.rectified_g).where(closing.c.seal == book.c.seal)
    op.execute(
        book.update()
        .where(book.c.ordinal == last.scalar_subquery())
        .values(weight_g=weight.scalar_subquery())
    )
