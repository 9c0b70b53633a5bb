"""The headquarters bureau's own books: numbers it allotted, dispatches it opened, its drafts.

Subjects and drafts are age ciphertext to the bureau's card: the database holds nothing legible.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)

from cipher_service.storage.tables.columns import at_least, one_of, table

intent = table(
    "intent",
    # A departure: recorded with its numbers before anything is signed, settled afterwards.
    Column("dispatch_id", Text, primary_key=True),
    Column("origin", Text, ForeignKey("post.code"), nullable=False),
    Column("register_year", Integer, nullable=False),
    Column("register_number", Integer, nullable=False),  # the bureau's own departure register
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("drafter", Text, nullable=False),
    Column("authority", Text, nullable=False),  # who released it
    Column("subject", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    Column("state", Text, nullable=False),
    Column("reason", Text),  # why it was cancelled, a code
    Column("created_at", Text, nullable=False),
    Column("settled_at", Text),
    Column("manifest_hash", Text),
    one_of("state", "open", "issued", "cancelled"),
    UniqueConstraint("origin", "register_year", "register_number"),
)

series = table(
    "series",
    # The last number allotted to an addressee, and the manifest that the next one names.
    Column("origin", Text, ForeignKey("post.code"), primary_key=True),
    Column("post", Text, ForeignKey("post.code"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("last", Integer, nullable=False),
    Column("previous", Text),  # hash of the manifest issued last; NULL before the first
    at_least("last", 0),
)

allotted = table(
    "allotted",
    # Every number of a series is here for ever: allotted, issued, or cancelled with its reason.
    Column("origin", Text, ForeignKey("post.code"), primary_key=True),
    Column("post", Text, ForeignKey("post.code"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("dispatch_id", Text, ForeignKey("intent.dispatch_id"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("allotted_at", Text, nullable=False),
    Column("settled_at", Text),
    one_of("state", "allotted", "issued", "cancelled"),
)

opened = table(
    "opened",
    # The arrival register: what the bureau deciphered, in the order in which it did.
    Column("dispatch_id", Text, primary_key=True),
    Column("manifest_hash", Text, nullable=False),
    Column("receiver", Text, ForeignKey("post.code"), nullable=False),
    Column("origin", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),  # the sender's card
    Column("epoch", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("level", Text, nullable=False),
    Column("subject", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    Column("register_year", Integer, nullable=False),
    Column("register_number", Integer, nullable=False),
    Column("opened_at", Text, nullable=False),
    UniqueConstraint("receiver", "origin", "epoch", "number"),
    UniqueConstraint("receiver", "register_year", "register_number"),
)

kept_header = table(
    "kept_header",
    # What opens a dispatch again whose one-time prekey the custodian destroyed: a header for the
    # bureau's edition key, of use to the custodian alone.
    Column("label", Text, primary_key=True),  # the manifest's hash in base64, as headers have it
    Column("header", LargeBinary, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

annulled = table(
    "annulled",
    # A number that its origin declared cancelled: used, and never a dispatch (ACP 127, 424b).
    Column("receiver", Text, ForeignKey("post.code"), primary_key=True),
    Column("origin", Text, ForeignKey("post.code"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("message_id", Text, nullable=False),  # the service message that says so
    Column("recorded_at", Text, nullable=False),
)

draft = table(
    "draft",
    Column("draft_id", Text, primary_key=True),
    Column("drafter", Text, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),  # age ciphertext to the bureau's card
    Column("edition", Integer, nullable=False),  # a save of an older edition is refused
    Column("created_at", Text, nullable=False),
    Column("saved_at", Text, nullable=False),
)
