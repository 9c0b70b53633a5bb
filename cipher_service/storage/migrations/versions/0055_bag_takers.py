"""Who took each bag from another, as its events say; of bags before, from the events on record."""

import sqlalchemy as sa
from alembic import op

from keys.canonical import encode
from pouch.custody import takers_of
from pouch.events import parse_event

revision = "0055_bag_takers"
down_revision = "0051_refused_editions"
branch_labels = None
depends_on = None

_HANDED_OVER = sa.text(
    "SELECT seal FROM pouch_closing "
    "WHERE seal IN (SELECT seal FROM pouch_event WHERE kind = 'handed-over')"
)
_TOLD = sa.text("SELECT body FROM pouch_event WHERE seal = :seal ORDER BY seq")
_NOTE = sa.text("UPDATE pouch_closing SET takers = :takers WHERE seal = :seal")


def upgrade() -> None:
    """Make the column and fill it."""
    op.add_column("pouch_closing", sa.Column("takers", sa.Text(), nullable=True))
    connection = op.get_bind()
    for seal in connection.scalars(_HANDED_OVER).all():
        told = connection.scalars(_TOLD, {"seal": seal}).all()
        if takers := takers_of(parse_event(bytes(body))[0] for body in told):
            connection.execute(_NOTE, {"seal": seal, "takers": encode(sorted(takers)).decode()})
