"""Used tokens by their claim alone: one `jti` serves once, whatever time is signed beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0025_replay_by_claim"
down_revision = "0024_ceremonies"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table anew; a token used a moment ago stays used."""
    op.rename_table("replay", "replay_before")
    if op.get_bind().dialect.name == "postgresql":  # where a key's name is one of the database
        op.execute("ALTER TABLE replay_before RENAME CONSTRAINT pk_replay TO pk_replay_before")
    op.create_table(
        "replay",
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("expires", _LONG, nullable=False),
        sa.PrimaryKeyConstraint("claim", name=op.f("pk_replay")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO replay (claim, expires) "
        "SELECT claim, MAX(expires) FROM replay_before GROUP BY claim"
    )
    op.drop_table("replay_before")
