"""The register of controlled items (registre ACSSI): what there is, who holds it, its history."""

from sqlalchemy import Column, ForeignKey, Identity, Index, Integer, LargeBinary, Text

from cipher_service.storage.tables.columns import Long, one_of, table

controlled_item = table(
    "controlled_item",
    Column("item", Long, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("designation", Text, nullable=False),  # what is written on it; never a secret
    Column("holder", Text, nullable=False),  # who answers for it now
    Column("receiver", Text),  # to whom it is under way, until they sign for it
    Column("state", Text, nullable=False),
    Column("entered_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),  # the last time that somebody had it in hand
    one_of("kind", "key", "token", "share", "device", "document"),
    one_of("state", "held", "under-way", "missing", "destroyed"),
    Index("ix_controlled_item_holder", "holder", "state"),
)

controlled_movement = table(
    "controlled_movement",
    # Appended, never changed.
    Column("seq", Long, Identity(), primary_key=True),
    Column("item", Long, ForeignKey("controlled_item.item"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("person", Text, nullable=False),  # who says so
    Column("other", Text),  # to whom, or the second witness
    Column("reference", Text, nullable=False),
    Column("record", LargeBinary),  # of a destruction: canonical JSON, signed by both witnesses
    Column("at", Text, nullable=False),
    one_of("kind", "entered", "sent", "received", "seen", "missed", "found", "destroyed"),
    Index("ix_controlled_movement_item", "item", "seq"),
)

controlled_compromise = table(
    "controlled_compromise",
    # An item that nobody may trust any more, whoever holds it.
    Column("item", Long, ForeignKey("controlled_item.item"), primary_key=True),
    Column("person", Text, nullable=False),  # who reported what compromised it
    Column("reference", Text, nullable=False),  # the discrepancy
    Column("at", Text, nullable=False),
)

controlled_inventory = table(
    "controlled_inventory",
    Column("inventory", Long, Identity(), primary_key=True),
    Column("occasion", Text, nullable=False),
    Column("holder", Text),  # of a hand-over: whose items; NULL for all
    Column("person", Text, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("at", Text, nullable=False),
    one_of("occasion", "annual", "hand-over", "other"),
)

card_carriage = table(
    "card_carriage",
    # Which cards' keys travel with a controlled item: in force once its receiver has signed for it.
    Column("fingerprint", Text, primary_key=True),  # no foreign key: the card may be enrolled later
    Column("item", Long, ForeignKey("controlled_item.item"), nullable=False, index=True),
)
