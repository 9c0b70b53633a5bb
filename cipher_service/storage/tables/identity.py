"""Officers' security keys, and what a browser holds of a signed-in officer.

Secrets that a browser or a letter carries are kept as SHA-256 only: whoever reads the database can
use none of them.
"""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text

from cipher_service.storage.tables.columns import Long, at_least, one_of, table

passkey = table(
    "passkey",
    Column("credential_id", Text, primary_key=True),  # lower-case hex
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False),  # COSE_Key
    Column("model", Text, nullable=False),  # AAGUID
    Column("sign_count", Long, nullable=False),
    Column("added_at", Text, nullable=False),
    Column("used_at", Text),
    Column("revoked_at", Text),
    at_least("sign_count", 0),
)

challenge = table(
    "challenge",
    # Used up by deleting it: the one transaction whose DELETE found it may go on.
    Column("digest", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("officer", Text, ForeignKey("officer.officer_id")),  # NULL: nobody is known yet
    Column("given_at", Text, nullable=False, index=True),
    one_of("purpose", "enrol", "sign-in", "step-up"),
)

session = table(
    "session",
    Column("digest", Text, primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("passkey", Text, ForeignKey("passkey.credential_id"), nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("ended_at", Text),
)

Index(
    "uq_session_open",  # one open session an officer
    session.c.officer,
    unique=True,
    sqlite_where=session.c.ended_at.is_(None),
    postgresql_where=session.c.ended_at.is_(None),
)

enrolment_link = table(
    "enrolment_link",
    Column("digest", Text, primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False, index=True),
    Column("made_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("made_by", Text),  # NULL at the founding
    Column("ended_at", Text),  # used, or replaced by a newer one
)
