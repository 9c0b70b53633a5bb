"""The audit log, whose rows no statement changes or removes."""

import sqlalchemy as sa
from alembic import op

revision = "0004_audit"
down_revision = "0007_pouches"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_APPEND_ONLY = ("audit_entry", "audit_tile", "audit_checkpoint")


def upgrade() -> None:
    """Make the tables and their guards."""
    _log()
    _entry()
    _tile_and_checkpoint()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", _LONG, nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_audit_log_size")),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_audit_log")),
        sqlite_strict=True,
    )


def _entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("seq", _LONG, autoincrement=False, nullable=False),
        sa.Column("time_us", _LONG, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('intended', 'done', 'refused', 'failed')",
            name=op.f("ck_audit_entry_outcome"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entry")),
        sqlite_strict=True,
    )
    op.create_index("ix_audit_entry_actor", "audit_entry", ["actor", "seq"], unique=False)
    op.create_index("ix_audit_entry_resource", "audit_entry", ["resource", "seq"], unique=False)


def _tile_and_checkpoint() -> None:
    op.create_table(
        "audit_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", _LONG, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "place", name=op.f("pk_audit_tile")),
        sqlite_strict=True,
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", _LONG, autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_checkpoint")),
        sqlite_strict=True,
    )


def _guard_sqlite() -> None:
    for name in _APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {name}_no_{act.lower()} BEFORE {act} ON {name} "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    for name in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        )
