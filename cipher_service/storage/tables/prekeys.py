"""One-time prekeys of posts: each with its proof, free or taken by one sender for one dispatch."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text

from cipher_service.storage.tables.columns import Long, index_where, one_of, table

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
    # With the identifier, so that no offer is read until one is given.
    Index("ix_prekey_card", "card", "state", "expires", "prekey_id"),
    Index("ix_prekey_taken", "taken_for", "taken_by", "card"),
)
index_where(
    prekey.c.taken_by.is_not(None),
    "ix_prekey_taker",
    prekey.c.card,
    prekey.c.taken_by,
    prekey.c.expires,
    prekey.c.taken_for,
)

prekey_carriage = table(
    "prekey_carriage",
    # Which prekeys travel with a controlled item: of use once its receiver has signed for it.
    Column("prekey_id", Text, primary_key=True),  # no foreign key: the bundle may come later
    Column("item", Long, ForeignKey("controlled_item.item"), nullable=False, index=True),
)
