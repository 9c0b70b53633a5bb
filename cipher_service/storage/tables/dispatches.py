"""Dispatches as the service may know them: what the slip says, never what the envelope holds."""

from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    literal_column,
)

from cipher_service.storage.tables.columns import Long, at_least, index_where, one_of, table

dispatch = table(
    "dispatch",
    # Order of arrival. The register's counter is locked first, so commits happen in this order.
    Column("seq", Long, Identity(), primary_key=True),
    Column("dispatch_id", Text, nullable=False),
    Column("origin", Text, ForeignKey("post.code"), nullable=False),
    Column("origin_card", Text, ForeignKey("card.fingerprint"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("caveats", Text, nullable=False),  # canonical JSON list
    Column("dtg", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", Long, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("register_year", Integer, nullable=False),
    Column("register_number", Integer, nullable=False),
    UniqueConstraint("dispatch_id"),
    UniqueConstraint("register_year", "register_number"),
    at_least("register_number", 1),
)

envelope = table(
    "envelope",
    # Apart from `dispatch`, so that lists stay dense.
    Column("dispatch", Long, ForeignKey("dispatch.seq"), primary_key=True, autoincrement=False),
    Column("slip", LargeBinary, nullable=False),  # canonical JSON, as its origin signed it
    Column("signature", LargeBinary, nullable=False),  # Ed25519 over the slip
    Column("body", LargeBinary),  # NULL: a file named by its hash, or a `rerouted_header`
)

rerouted_header = table(
    "rerouted_header",
    # A rerouted envelope: its own header, over a payload that lies in the file of another one.
    Column("dispatch", Long, ForeignKey("dispatch.seq"), primary_key=True, autoincrement=False),
    Column("header", LargeBinary, nullable=False),
    Column(
        "payload", Text, nullable=False
    ),  # what the file is named by; it stays while we are here
    Column("starts", Long, nullable=False),  # bytes of that file before the payload
    at_least("starts", 1),
    Index("ix_rerouted_header_payload", "payload"),
)

addressee = table(
    "addressee",
    Column("dispatch", Long, ForeignKey("dispatch.seq"), primary_key=True, autoincrement=False),
    Column("post", Text, ForeignKey("post.code"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("precedence", Text, nullable=False),
    Column("delivery", Text, nullable=False),
    Column("epoch", Integer),
    Column("number", Integer),
    # Where the line stands in its addressee's list: precedence first, then arrival, in one number.
    Column("place", Long, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    one_of("role", "action", "info", "copy"),
    one_of("delivery", "cipher", "pouch"),
    one_of("state", "pending", "fetched", "delivered", "deciphered", "refused"),
    at_least("number", 1),
    UniqueConstraint("origin", "post", "epoch", "number"),
    Index("ix_addressee_list", "post", "state", "place"),
    Index("ix_addressee_arrival", "post", "dispatch"),
)
BY_POUCH: Final[ColumnElement[bool]] = addressee.c.delivery == literal_column("'pouch'")
"""Few; in the words of their index, without which SQLite does not take it."""
index_where(BY_POUCH, "ix_addressee_by_pouch", addressee.c.dispatch, addressee.c.post)

receipt_seal = table(
    "receipt_seal",
    # What the ministry's receipts of one commit share: the root over them and its signatures.
    Column("seq", Long, primary_key=True, autoincrement=False),  # the first dispatch it covers
    Column("shared", LargeBinary, nullable=False),
)

receipt = table(
    "receipt",
    Column("seq", Long, Identity(), primary_key=True),
    Column("dispatch", Long, ForeignKey("dispatch.seq"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("post", Text, nullable=False),  # who receipts; headquarters for `submitted`
    Column("recorded_at", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # NULL: the body is whole; else `keys.receipts.whole_receipt` makes it so.
    Column("seal", Long, ForeignKey("receipt_seal.seq")),
    one_of("kind", "submitted", "delivered", "deciphered", "refused"),
    UniqueConstraint("dispatch", "kind", "post"),
)

service_message = table(
    "service_message",
    Column("seq", Long, Identity(), primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("origin", Text, ForeignKey("post.code"), nullable=False),
    Column("addressee", Text, ForeignKey("post.code"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("message_id"),
    Index("ix_service_message_list", "addressee", "seq"),
)

upload = table(
    "upload",
    # A large envelope on its way: the signed slip came first, the bytes lie in the spool.
    Column("upload_id", Text, primary_key=True),
    Column("origin", Text, ForeignKey("post.code"), nullable=False),
    Column("dispatch_id", Text, nullable=False),
    Column("slip", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", Long, nullable=False),
    Column("created_at", Text, nullable=False, index=True),
    UniqueConstraint("origin", "dispatch_id"),
)
