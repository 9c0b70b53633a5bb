"""The ministry's organisation (decree 2013/112, articles 8-16), its posts and their cards."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint

from cipher_service.storage.tables.columns import Long, at_least, index_where, one_of, table

unit = table(
    "unit",
    Column("code", Text, primary_key=True),
    Column("parent", Text, ForeignKey("unit.code")),
    Column("article", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name_fr", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("position", Integer, nullable=False),  # the decree's order
)

staffing = table(
    "staffing",
    Column("unit", Text, ForeignKey("unit.code"), primary_key=True),
    Column("function", Text, primary_key=True),
    Column("name_fr", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("headcount", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    at_least("headcount", 1),
)

post = table(
    "post",
    Column("code", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name_fr", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("country", Text, nullable=False),  # ISO 3166-1 alpha-2
    Column("state", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    one_of("kind", "headquarters", "embassy", "mission", "consulate"),
    one_of("state", "absent", "pending", "active", "suspended"),
)

channel = table(
    "channel",
    # A way by which a post can be reached (article 12: networks, satellite links and others).
    Column("post", Text, ForeignKey("post.code"), primary_key=True),
    Column("medium", Text, primary_key=True),
    Column("level", Text, nullable=False),  # the highest level that it may carry
    Column("position", Integer, nullable=False),  # the first is tried first
)

card = table(
    "card",
    Column("fingerprint", Text, primary_key=True),
    Column("post", Text, ForeignKey("post.code"), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("valid_from", Text, nullable=False),
    Column("valid_until", Text, nullable=False),
    Column("previous", Text),
    Column("body", LargeBinary, nullable=False),  # the card's canonical JSON, as it was received
    Column("state", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("state_at", Text, nullable=False),
    at_least("edition", 1),
    one_of("state", "pending", "active", "superseded", "withdrawn"),
    Index("ix_card_post_edition", "post", "edition"),
)
# Two cards in force for one post would split its mail between two keys.
index_where(card.c.state == "active", "uq_card_in_force", card.c.post, unique=True)

endorsement = table(
    "endorsement",
    # What the ministry's root says of a card, once two persons compared its fingerprint.
    Column("card", Text, ForeignKey("card.fingerprint"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

root_introduction = table(
    "root_introduction",
    # The root's public keys, signed by the bureau's card, which the custodian names.
    Column("card", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

enrolment_code = table(
    "enrolment_code",
    Column("code_hash", Text, primary_key=True),  # the code itself is never stored
    Column("post", Text, ForeignKey("post.code"), nullable=False, index=True),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text),
    Column("used_for", Text),  # fingerprint of the card it brought in
    Column("item", Long),  # the controlled item that it travels with; NULL: told in person
)

api_key = table(
    "api_key",
    # The P-256 key of a post's client: in force exactly as long as the card it enrolled with.
    Column("thumbprint", Text, primary_key=True),  # RFC 7638
    Column("card", Text, ForeignKey("card.fingerprint"), nullable=False),
    Column("jwk", Text, nullable=False),
    UniqueConstraint("card"),
)
