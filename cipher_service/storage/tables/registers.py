"""Counters without gaps, and tokens that were used once."""

from sqlalchemy import Column, LargeBinary, Text

from cipher_service.storage.tables.columns import Long, at_least, table

counter = table(
    "counter",
    # `register/2026`, `arrivals/2026`, `directory`: a row is updated in the transaction that uses
    # its number, so that a rollback gives the number back and no other writer overtakes.
    Column("name", Text, primary_key=True),
    Column("value", Long, nullable=False),
    at_least("value", 0),
)

void_numbers = table(
    "void_numbers",
    # Numbers of a counter that a restore from a backup skipped: they may have been given before.
    Column("counter", Text, primary_key=True),
    Column("first", Long, primary_key=True, autoincrement=False),
    Column("last", Long, nullable=False),  # included
    Column("recorded_at", Text, nullable=False),
)

replay = table(
    "replay",
    # Of issuer and jti (`storage.replay.claim_of`), whatever the caller put into its jti. Alone it
    # is the key, so that a jti serves once whatever time is signed beside it. No second order is
    # kept: the rows of two minutes are few enough to be looked through when what expired goes.
    Column("claim", LargeBinary, primary_key=True),
    Column("expires", Long, nullable=False),  # seconds since 1970
    clustered=True,
)
