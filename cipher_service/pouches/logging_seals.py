"""Each seal that headquarters makes stands in the log, and a device can be shown so.

The entry says nothing but the hash of the seal's message, so that it may be opened to whoever holds
the label. It is written in the transaction that keeps the seal; once a signed head stands above it,
the sync packs prove it (`pouch.logged`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.audit.ledger import append_beside, latest_note, record_of, tree
from cipher_service.audit.records import DONE, Event
from cipher_service.storage.tables.audit import audit_entry
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Note
from keys.merkle import inclusion_path_of
from pouch.logged import ACTION, Logged
from pouch.seal import read_seal

_ACTOR: Final = "service"
"""No person: who sealed stands in the entry of the act itself."""
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Proofs:
    """What a pack tells of the log.

    Attributes:
        by_seal: the proof of each closing's seal that a signed head stands above.
        roots: the root of that head by its size; empty without proofs.
        checkpoint: the head as it was signed; b"" without proofs.
    """

    by_seal: dict[str, Logged]
    roots: dict[int, bytes]
    checkpoint: bytes


def enter(connection: Connection, symbol: str) -> None:
    """Append the entry of a seal, whose text is given, to the log that is there."""
    moment = int(clock.now().timestamp() * _MICROSECONDS)
    append_beside(connection, Event(moment, _ACTOR, ACTION, DONE, resource=_named(symbol)))


def proofs_of(connection: Connection, symbols: Mapping[str, str]) -> Proofs:
    """Return the proofs of seals, given as texts by their closings, under the last signed head.

    Seals from before the log told of them have none.

    Raises:
        LogDamaged: rows of the log are missing.
    """
    size, note = latest_note(connection)
    found: dict[str, Logged] = {}
    for seal, symbol in symbols.items():
        seq = connection.scalar(
            select(audit_entry.c.seq)
            .where(audit_entry.c.resource == _named(symbol), audit_entry.c.action == ACTION)
            .order_by(audit_entry.c.seq)
            .limit(1)
        )
        if seq is None or seq >= size:
            continue
        record, salt = record_of(connection, seq)
        path = inclusion_path_of(seq, size, tree(connection, size).range_root)
        found[seal] = Logged(record, salt, int(seq), size, path)
    if not found:
        return Proofs({}, {}, b"")
    return Proofs(found, {size: Checkpoint.parse(Note.parse(note).text).root}, note)


def _named(symbol: str) -> str:
    return sha256(read_seal(symbol).message.encode()).hexdigest()
