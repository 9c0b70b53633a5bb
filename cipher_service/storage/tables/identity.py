"""Officers' security keys, and what a browser holds of a signed-in officer.

Secrets that a browser or a letter carries are kept as SHA-256 only: whoever reads the database can
use none of them.
"""

from sqlalchemy import Column, ForeignKey, LargeBinary, Text

from cipher_service.storage.tables.columns import Long, at_least, index_where, one_of, table

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

# One open session an officer.
index_where(session.c.ended_at.is_(None), "uq_session_open", session.c.officer, unique=True)

approval = table(
    # What is put before an officer on the page where acts are signed.
    "approval",
    Column("digest", Text, primary_key=True),
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False),
    Column("body", LargeBinary, nullable=False),  # canonical bytes of the statement
    Column("back", Text, nullable=False),  # path of the console
    Column("command", Text),  # what the signature completes; NULL for an act of several persons
    Column("payload", LargeBinary),  # of that command: canonical JSON; or what is shown, sealed
    Column("party", Text),  # NULL when the service verifies, else the custodian's RP ID
    Column("nonce", LargeBinary),  # the custodian's
    Column("credentials", Text),  # the custodian's: canonical JSON list of hex ids
    Column("answer", LargeBinary),  # for the custodian, until the flow takes it
    Column("given_at", Text, nullable=False, index=True),
)

own_key = table(
    "own_key",
    # A key that only its officer's browser holds, wrapped for each of their security keys.
    Column("key_id", Text, primary_key=True),  # hex SHA-256 of the recipient
    Column("officer", Text, ForeignKey("officer.officer_id"), nullable=False, index=True),
    Column("recipient", Text, nullable=False),
    Column("wrapped", Text, nullable=False),  # canonical JSON list, see `identity.own_keys`
    Column(
        "recovery", Text
    ),  # canonical JSON, see `identity.own_recovery`; NULL before it was asked
    Column("state", Text, nullable=False),
    Column("offered_at", Text, nullable=False),
    Column("settled_at", Text),
    one_of("state", "offered", "accepted", "replaced"),
)

preference = table(
    "preference",
    Column("officer", Text, ForeignKey("officer.officer_id"), primary_key=True),
    Column("language", Text, nullable=False),
    one_of("language", "fr", "en"),
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
