"""Acts that need several persons: what was proposed, who signed it, and that it was done once."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text

from cipher_service.storage.tables.columns import one_of, table

shared_act = table(
    "shared_act",
    Column("act_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("resource", Text, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),  # canonical bytes (keys/ACTS.md): what is signed
    Column("state", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("refused_by", Text, ForeignKey("officer.officer_id")),
    Column("refusal", Text),
    one_of("state", "open", "refused", "done"),
    Index("ix_shared_act_waiting", "state", "expires_at", "act_id"),
)

act_signature = table(
    "act_signature",
    Column("act", Text, ForeignKey("shared_act.act_id"), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), primary_key=True),
    Column("digest", Text, nullable=False),  # what the security key signed
    Column("signed_at", Text, nullable=False),
)

act_execution = table(
    # Its key is the single execution: of two at one time, the database lets one in.
    "act_execution",
    Column("act", Text, ForeignKey("shared_act.act_id"), primary_key=True),
    Column("executed_by", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("executed_at", Text, nullable=False),
)
