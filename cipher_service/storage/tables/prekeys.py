"""One-time prekeys of posts: each with its proof, free or taken by one sender for one dispatch."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text

from cipher_service.storage.tables.columns import Long, one_of, table

prekey = table(
    "prekey",
    Column("prekey_id", Text, primary_key=True),
    Column("post", Text, ForeignKey("post.code"), nullable=False),
    Column("card", Text, ForeignKey("card.fingerprint"), nullable=False),
    Column("expires", Text, nullable=False),
    Column("offer", LargeBinary, nullable=False),  # canonical JSON: prekey, proof, statement
    Column("state", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("taken_by", Text),  # the sending post
    Column("taken_for", Text),  # its dispatch
    Column("taken_at", Text),
    one_of("state", "free", "taken"),
    Index("ix_prekey_card", "card", "state", "expires"),
    Index("ix_prekey_taken", "taken_for", "taken_by"),
)

prekey_carriage = table(
    "prekey_carriage",
    # Which prekeys travel with a controlled item: of use once its receiver has signed for it.
    Column("prekey_id", Text, primary_key=True),  # no foreign key: the bundle may come later
    Column("item", Long, ForeignKey("controlled_item.item"), nullable=False, index=True),
)
