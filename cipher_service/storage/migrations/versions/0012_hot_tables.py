"""Used tokens in the order of their expiry; what receipts of one commit share, kept once."""

import sqlalchemy as sa
from alembic import op

revision = "0012_hot_tables"
down_revision = "0011_log_witnesses"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables anew that a submission writes to most."""
    _replay()
    _receipt_seal()


def _replay() -> None:
    # The old one aside and not dropped at once: a token used a moment ago must stay used.
    op.rename_table("replay", "replay_before")
    op.drop_index("ix_replay_expires", "replay_before")
    if _on_postgresql():  # where the name of a key is one of the whole database
        op.execute("ALTER TABLE replay_before RENAME CONSTRAINT pk_replay TO pk_replay_before")
    op.create_table(
        "replay",
        sa.Column("expires", _LONG, autoincrement=False, nullable=False),
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("expires", "claim", name=op.f("pk_replay")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO replay (expires, claim) SELECT expires, claim FROM replay_before")
    op.drop_table("replay_before")


def _receipt_seal() -> None:
    op.create_table(
        "receipt_seal",
        sa.Column("seq", _LONG, autoincrement=False, nullable=False),
        sa.Column("shared", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_receipt_seal")),
        sqlite_strict=True,
    )
    # Said in SQL: Alembic would copy the whole table on SQLite, and forget that it is STRICT.
    kind = "BIGINT" if _on_postgresql() else "INTEGER"
    op.execute(
        f"ALTER TABLE receipt ADD COLUMN seal {kind} "
        "CONSTRAINT fk_receipt_seal_receipt_seal REFERENCES receipt_seal (seq)"
    )


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
