"""The second store: where it is and how far it has come; what a transaction has yet to tell it."""

from sqlalchemy import Column, Identity, Integer, LargeBinary, Text

from cipher_service.storage.tables.columns import Long, at_least, table

second_store = table(
    "second_store",
    # At most one row, only where a second store was begun.
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("folder", Text, nullable=False),  # absolute, on another disk or host
    Column("name", Text, nullable=False),  # of our folder in it: 32 hex digits
    Column("data", Text, nullable=False),  # where the envelopes' bodies are, absolute
    Column("key", LargeBinary, nullable=False),  # of backups; public
    Column("secret", LargeBinary, nullable=False),  # 32 bytes that chain the records
    Column("position", Long, nullable=False),  # of the last record, 0 before the first
    Column("segment", Long, nullable=False),  # position of the first record of its file
    Column("length", Long, nullable=False),  # bytes of that file up to it
    Column("digest", Text, nullable=False),  # of the last record
    at_least("position", 0),
)

second_store_change = table(
    "second_store_change",
    # Which rows the running transaction touched, noted by triggers; told and taken away before it
    # ends.
    Column("seq", Long, Identity(), primary_key=True),
    Column("subject", Text, nullable=False),  # name of the table
    Column("key", Text, nullable=False),  # JSON: the primary key's values
)
