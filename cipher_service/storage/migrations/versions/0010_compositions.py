"""Dispatches of headquarters before they leave, and what officers did with each dispatch."""

import sqlalchemy as sa
from alembic import op

revision = "0010_compositions"
down_revision = "0009_pouch_bureau"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _composition()
    op.create_table(
        "dispatch_act",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(always=False),
            nullable=False,
        ),
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('opened', 'acknowledged', 'handed', 'assigned')",
            name=op.f("ck_dispatch_act_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_dispatch_act_officer_officer")
        ),
        sa.ForeignKeyConstraint(
            ["other"], ["officer.officer_id"], name=op.f("fk_dispatch_act_other_officer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_dispatch_act")),
        sqlite_strict=True,
    )
    op.create_index("ix_dispatch_act_dispatch", "dispatch_act", ["dispatch_id", "kind", "officer"])
    op.create_index("ix_dispatch_act_officer", "dispatch_act", ["officer", "kind"])
    op.create_table(
        "declassification",
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("caveats", sa.Text(), nullable=False),
        sa.Column("done_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["act"], ["shared_act.act_id"], name=op.f("fk_declassification_act_shared_act")
        ),
        sa.PrimaryKeyConstraint("act", name=op.f("pk_declassification")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_declassification_dispatch_id"), "declassification", ["dispatch_id"])


def _composition() -> None:
    texts = ("origin", "state", "kind", "level", "caveats", "releasable", "file", "precedence")
    more = ("addressees", "routing", "source", "relation")
    op.create_table(
        "composition",
        sa.Column("composition_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*texts, *more)),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("assigned", sa.Text(), nullable=False),
        sa.Column("enciphers", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("refused_by", sa.Text(), nullable=True),
        sa.Column("refusal", sa.LargeBinary(), nullable=True),
        sa.Column("dispatch_id", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _STAMPS),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'proposed', 'released', 'left', 'discarded')",
            name=op.f("ck_composition_state"),
        ),
        sa.CheckConstraint(
            "relation IN ('', 'reply', 'forward', 'attach')", name=op.f("ck_composition_relation")
        ),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_composition_edition")),
        sa.ForeignKeyConstraint(["origin"], ["post.code"], name=op.f("fk_composition_origin_post")),
        sa.ForeignKeyConstraint(
            ["act"], ["shared_act.act_id"], name=op.f("fk_composition_act_shared_act")
        ),
        *(
            sa.ForeignKeyConstraint(
                [name], ["officer.officer_id"], name=op.f(f"fk_composition_{name}_officer")
            )
            for name in ("author", "released_by", "refused_by")
        ),
        sa.PrimaryKeyConstraint("composition_id", name=op.f("pk_composition")),
        sa.UniqueConstraint("dispatch_id", name=op.f("uq_composition_dispatch_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_composition_author"), "composition", ["author"])
    op.create_index("ix_composition_tray", "composition", ["state", "assigned"])


_STAMPS = ("created_at", "saved_at", "state_at")
