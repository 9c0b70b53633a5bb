"""Books of article 12: handling of dispatches, emergencies, reviews of rights, outside accesses.

As for persons, nothing is deleted; states move on and windows end.
"""

from sqlalchemy import Column, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint

from cipher_service.storage.tables.columns import Long, one_of, table

handling = table(
    "handling",
    # Who wrote a dispatch, who is processing it, and in which file: what access turns on.
    Column("dispatch_id", Text, primary_key=True),
    Column("author", Text, nullable=False),  # an officer, or empty
    Column("assigned", Text, nullable=False),  # likewise
    Column("file", Text, nullable=False),  # likewise
    Column("releasable", Text, nullable=False),  # canonical JSON list of post codes
)

emergency = table(
    "emergency",
    # A break-glass act: reviewed by another person in time, or its author is frozen.
    Column("seq", Long, Identity(), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("declared_at", Text, nullable=False),
    Column("ends", Text, nullable=False),
    Column("review_by", Text, nullable=False),
    Column("reviewer", Text),
    Column("reviewed_at", Text),
    Column("finding", Text),
    one_of("finding", "justified", "unjustified", "unreviewed"),
    Index("ix_emergency_officer", "officer", "object"),
)

policy_set = table(
    # Sets of policies adopted by two persons; the newest is in force. Without one, the shipped set.
    "policy_set",
    Column("seq", Long, Identity(), primary_key=True),
    Column("digest", Text, nullable=False),  # SHA-256 of the text
    Column("body", Text, nullable=False),  # Cedar
    Column("adopted_at", Text, nullable=False),
    Column("adopted_by", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("approver", Text, ForeignKey("officer.officer_id"), nullable=False),
)

policy_comparison = table(
    # What a proposed set would change, as its proposal was proved: to be read, never believed.
    "policy_comparison",
    Column("act", Text, ForeignKey("shared_act.act_id"), primary_key=True),
    Column("digest", Text, nullable=False),  # of the proposed set
    Column("replaces", Text, nullable=False),  # digest of the set in force then
    Column("found", Text, nullable=False),  # JSON: broken, opened, closed, each in both languages
)

campaign = table(
    "campaign",
    Column("campaign_id", Text, primary_key=True),
    Column("opened_at", Text, nullable=False),
    Column("closes_at", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the rights as they were
    Column("closed_at", Text),
)

campaign_line = table(
    "campaign_line",
    Column("campaign", Text, ForeignKey("campaign.campaign_id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("right_seq", Long, nullable=False),
    Column("right_name", Text, nullable=False),
    Column("verdict", Text),
    Column("answered_by", Text),
    Column("answered_at", Text),
    one_of("kind", "function", "habilitation", "need", "site"),
    one_of("verdict", "confirmed", "removed", "unanswered"),
)

site_access = table(
    "site_access",
    # Cipher room, networks, applications: what doors and other systems ask about.
    Column("seq", Long, Identity(), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("starts", Text, nullable=False),
    Column("ends", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("visa", Text),  # the security officer who agreed
    Column("grantor", Text),
    Column("act", Text),
    Column("reviewed_at", Text),
    one_of("kind", "room", "network", "application"),
    one_of("state", "requested", "agreed", "granted", "refused", "revoked"),
    Index("ix_site_access_officer", "officer", "kind", "place"),
)

door = table(
    "door",
    # A machine that asks about one place; `jwk` is the P-256 key by which it is recognised.
    Column("seq", Long, Identity(), primary_key=True),
    Column("thumbprint", Text, nullable=False, unique=True),  # RFC 7638
    Column("jwk", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    Column("recorded_by", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("revoked_by", Text, ForeignKey("officer.officer_id")),
    one_of("kind", "room", "network", "application"),
    one_of("state", "active", "revoked"),
)

audit_machine = table(
    "audit_machine",
    # A machine by which an auditor reads the log and asks; `jwk` as a door's.
    Column("seq", Long, Identity(), primary_key=True),
    Column("thumbprint", Text, nullable=False, unique=True),
    Column("jwk", Text, nullable=False),
    Column("auditor", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    Column("recorded_by", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("approver", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("revoked_by", Text, ForeignKey("officer.officer_id")),
    one_of("state", "active", "revoked"),
)

inventory = table(
    "inventory",
    # The contradictory inventory of who leaves: leaver, successor, security officer.
    Column("seq", Long, Identity(), primary_key=True),
    Column("leaver", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("successor", Text, ForeignKey("officer.officer_id")),
    Column("reason", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    one_of("reason", "left", "moved"),
)

inventory_item = table(
    "inventory_item",
    Column("inventory", Long, ForeignKey("inventory.seq"), primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("note", Text, nullable=False),
)

inventory_signature = table(
    "inventory_signature",
    Column("inventory", Long, ForeignKey("inventory.seq"), primary_key=True, autoincrement=False),
    Column("officer", Text, ForeignKey("officer.officer_id"), primary_key=True),
    Column("quality", Text, nullable=False),
    Column("signed_at", Text, nullable=False),
    Column("reserves", Text, nullable=False),  # what this person found otherwise; empty: nothing
    one_of("quality", "leaver", "successor", "security"),
    UniqueConstraint("inventory", "quality"),
)
