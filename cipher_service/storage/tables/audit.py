"""The audit log: entries, the tree over them, and its signed heads. Rows are only ever added.

`audit_log` alone changes: its one row says how far the log has come, and whoever holds it is the
only one who appends. Triggers refuse every change and removal in `audit_entry`, `audit_tile` and
`audit_checkpoint`.
"""

from typing import Final

from sqlalchemy import Column, ColumnElement, Index, Integer, LargeBinary, Text, literal_column

from cipher_service.storage.tables.columns import Long, at_least, index_where, one_of, table

audit_log = table(
    "audit_log",
    Column("origin", Text, primary_key=True),  # the log's name in its checkpoints
    Column("size", Long, nullable=False),
    Column("peaks", LargeBinary, nullable=False),  # 32 bytes for each bit set in `size`
    Column("trouble", Text),  # why its head is not signed any more: a refusal's code
    at_least("size", 0),
)

audit_entry = table(
    "audit_entry",
    Column("seq", Long, primary_key=True, autoincrement=False),  # from 0, without gaps
    Column("time_us", Long, nullable=False),  # microseconds since 1970
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text),
    Column("outcome", Text, nullable=False),
    Column("mandate", Text),  # under which the actor acted
    Column("record", LargeBinary, nullable=False),  # canonical JSON
    Column("salt", LargeBinary, nullable=False),
    Column("entry", LargeBinary, nullable=False),  # the commitment that is in the tree
    one_of("outcome", "intended", "done", "refused", "failed"),
    Index("ix_audit_entry_actor", "actor", "seq"),
    Index("ix_audit_entry_resource", "resource", "seq"),
    Index("ix_audit_entry_action", "action", "seq"),
    Index("ix_audit_entry_time_us", "time_us", "seq"),
)
NOT_DONE: Final[ColumnElement[bool]] = audit_entry.c.outcome != literal_column("'done'")
"""Of the few entries that an index finds by their outcome: a query for others names it as well.

Nearly all entries are of acts that were done. An index of those too would be written with each,
and taken by SQLite for whatever else is asked of acts that were done, which reads the whole log.
"""
index_where(NOT_DONE, "ix_audit_entry_outcome", audit_entry.c.outcome, audit_entry.c.seq)
index_where(
    audit_entry.c.mandate.is_not(None),
    "ix_audit_entry_mandate",
    audit_entry.c.mandate,
    audit_entry.c.seq,
)

audit_tile = table(
    "audit_tile",
    # Full tiles: partial ones are made of what is below them.
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("place", Long, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),  # 256 of 32 bytes
    Column("root", LargeBinary, nullable=False),  # what stands for it one level above
    # In the row it lies behind the hashes: SQLite would read those too.
    Index("ix_audit_tile_root", "level", "place", "root"),
)

audit_checkpoint = table(
    "audit_checkpoint",
    Column("size", Long, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),  # as the custodian signed it
    Column("signed_at", Text, nullable=False),
)

audit_witness = table(
    "audit_witness",
    # The cosigning keys of posts, each as its post's card vouches for it.
    Column("post", Text, primary_key=True),
    Column("card", Text, primary_key=True),  # fingerprint
    Column("vkey", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the signed statement (keys/LOG.md §9)
    Column("recorded_at", Text, nullable=False),
)

audit_cosignature = table(
    "audit_cosignature",
    Column("size", Long, primary_key=True, autoincrement=False),  # of the head that was cosigned
    Column("post", Text, primary_key=True),
    Column("card", Text, nullable=False),  # whose witness key signed
    Column("line", Text, nullable=False),  # of the note, newline included
    Column("recorded_at", Text, nullable=False),
    Index("ix_audit_cosignature_post", "post", "size"),
)
