"""Handling of dispatches, emergencies, reviews of rights, outside accesses, inventories."""

import sqlalchemy as sa
from alembic import op

revision = "0005b_access_books"
down_revision = "0005_access"
branch_labels = None
depends_on = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _campaign()
    _handling()
    _campaign_line()
    _emergency()
    _inventory()
    _site_access()
    _inventory_item()
    _inventory_signature()


def _campaign() -> None:
    op.create_table(
        "campaign",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("closes_at", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign")),
        sqlite_strict=True,
    )


def _handling() -> None:
    op.create_table(
        "handling",
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("assigned", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("releasable", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dispatch_id", name=op.f("pk_handling")),
        sqlite_strict=True,
    )


def _campaign_line() -> None:
    op.create_table(
        "campaign_line",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("right_seq", _LONG, nullable=False),
        sa.Column("right_name", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('function', 'habilitation', 'need', 'site')",
            name=op.f("ck_campaign_line_kind"),
        ),
        sa.CheckConstraint(
            "verdict IN ('confirmed', 'removed', 'unanswered')",
            name=op.f("ck_campaign_line_verdict"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign"], ["campaign.campaign_id"], name=op.f("fk_campaign_line_campaign_campaign")
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_campaign_line_officer_officer")
        ),
        sa.PrimaryKeyConstraint("campaign", "line", name=op.f("pk_campaign_line")),
        sqlite_strict=True,
    )


def _emergency() -> None:
    op.create_table(
        "emergency",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("review_by", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=True),
        sa.Column("reviewed_at", sa.Text(), nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "finding IN ('justified', 'unjustified', 'unreviewed')",
            name=op.f("ck_emergency_finding"),
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_emergency_officer_officer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_emergency")),
        sqlite_strict=True,
    )
    op.create_index("ix_emergency_officer", "emergency", ["officer", "object"], unique=False)


def _inventory() -> None:
    op.create_table(
        "inventory",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("leaver", sa.Text(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.CheckConstraint("reason IN ('left', 'moved')", name=op.f("ck_inventory_reason")),
        sa.ForeignKeyConstraint(
            ["leaver"], ["officer.officer_id"], name=op.f("fk_inventory_leaver_officer")
        ),
        sa.ForeignKeyConstraint(
            ["successor"], ["officer.officer_id"], name=op.f("fk_inventory_successor_officer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_inventory")),
        sqlite_strict=True,
    )


def _site_access() -> None:
    op.create_table(
        "site_access",
        sa.Column("seq", _LONG, sa.Identity(always=False), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("visa", sa.Text(), nullable=True),
        sa.Column("grantor", sa.Text(), nullable=True),
        sa.Column("act", sa.Text(), nullable=True),
        sa.Column("reviewed_at", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('room', 'network', 'application')", name=op.f("ck_site_access_kind")
        ),
        sa.CheckConstraint(
            "state IN ('requested', 'agreed', 'granted', 'refused', 'revoked')",
            name=op.f("ck_site_access_state"),
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_site_access_officer_officer")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_site_access")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_site_access_officer", "site_access", ["officer", "kind", "place"], unique=False
    )


def _inventory_item() -> None:
    op.create_table(
        "inventory_item",
        sa.Column("inventory", _LONG, autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inventory"], ["inventory.seq"], name=op.f("fk_inventory_item_inventory_inventory")
        ),
        sa.PrimaryKeyConstraint("inventory", "line", name=op.f("pk_inventory_item")),
        sqlite_strict=True,
    )


def _inventory_signature() -> None:
    op.create_table(
        "inventory_signature",
        sa.Column("inventory", _LONG, autoincrement=False, nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.Text(), nullable=False),
        sa.Column("reserves", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "quality IN ('leaver', 'successor', 'security')",
            name=op.f("ck_inventory_signature_quality"),
        ),
        sa.ForeignKeyConstraint(
            ["inventory"],
            ["inventory.seq"],
            name=op.f("fk_inventory_signature_inventory_inventory"),
        ),
        sa.ForeignKeyConstraint(
            ["officer"], ["officer.officer_id"], name=op.f("fk_inventory_signature_officer_officer")
        ),
        sa.PrimaryKeyConstraint("inventory", "officer", name=op.f("pk_inventory_signature")),
        sa.UniqueConstraint(
            "inventory", "quality", name=op.f("uq_inventory_signature_inventory_quality")
        ),
        sqlite_strict=True,
    )
