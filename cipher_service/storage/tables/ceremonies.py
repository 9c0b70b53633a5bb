"""Ceremonies of keys: what was to be done at the terminal, who confirmed it, how it ended."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Text

from cipher_service.storage.tables.columns import one_of, table

ceremony = table(
    "ceremony",
    Column("ceremony_id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # canonical bytes: what every participant signs
    Column("state", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("ended_by", Text, ForeignKey("officer.officer_id")),
    Column("reason", Text),  # of an abandoned one
    Column("seen", Integer),  # whether the custodian then showed another sharing
    one_of("state", "open", "done", "abandoned"),
)

ceremony_confirmation = table(
    "ceremony_confirmation",
    Column("ceremony", Text, ForeignKey("ceremony.ceremony_id"), primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), primary_key=True),
    Column("at", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),  # the security key's, to be verified anew
)
