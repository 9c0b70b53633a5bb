"""What the log tells of a rotation of the ministry's keys, with the proof of each entry."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from cipher_service.audit.publishing import proof_of
from cipher_service.audit.records import DONE
from cipher_service.storage.tables.audit import audit_entry
from keys import canonical
from keys.custody.book import Book
from keys.custody.lasting import lasting_kind
from keys.rotation_record import (
    CONFIRMED_MOST,
    CONFIRMED_NAMED,
    CONFIRMED_SIGNED,
    ROTATED,
    Entry,
    Rotation,
)

CONFIRMED = (CONFIRMED_SIGNED, CONFIRMED_NAMED)
CARRIED: Final = "restore_rotation"
"""A restored log's entry for each rotation that the log of before told of."""


def rotations_of(book: Book, own: str) -> list[Rotation]:
    """Return every rotation of the ministry's keys that a custodian tells, by key, in order.

    Args:
        book: the custodian's.
        own: what the bureau's key is called.
    """
    return [
        Rotation.of(book.of(each.key), each.number)
        for each in sorted(book.versions, key=lambda one: (one.key, one.number))
        if (each.key == own or lasting_kind(each.key) is not None)
        if each.number > 1 and each.history
    ]


def untold(connection: Connection, book: Book, own: str) -> list[Rotation]:
    """Return the rotations that a custodian tells and the log does not, as `rotations_of` does."""
    return [each for each in rotations_of(book, own) if not is_entered(connection, each)]


def unconfirmed(connection: Connection, book: Book, own: str) -> list[Rotation]:
    """Return those that the log tells and nobody has confirmed yet."""
    told = [each for each in rotations_of(book, own) if is_told(connection, each)]
    return [each for each in told if not confirmed(connection, each)]


def is_told(connection: Connection, rotation: Rotation) -> bool:
    """Tell whether an entry says that this rotation was done."""
    return bool(_rows(connection, rotation, (ROTATED,)))


def is_entered(connection: Connection, rotation: Rotation) -> bool:
    """Tell whether an entry names the version that came into force, whatever else it tells.

    Those of before there were records name its fingerprint alone, as does a restored log.
    """
    return _names(connection, rotation, (ROTATED, CARRIED))


def is_carried(connection: Connection, rotation: Rotation) -> bool:
    """Tell whether the log of before a restore told of a rotation."""
    return _names(connection, rotation, (CARRIED,))


def confirmed(connection: Connection, rotation: Rotation) -> set[str]:
    """Return who has confirmed a rotation."""
    return {str(row.actor) for row in _rows(connection, rotation, CONFIRMED)}


def entries_of(connection: Connection, rotation: Rotation) -> list[Entry] | None:
    """Return the entry of a rotation that is told, and those of whoever confirmed it.

    Each person counts once. None while an entry is under no signed head yet.

    Raises:
        LogDamaged: rows of the log are missing.
    """
    rows = _rows(connection, rotation, (ROTATED,))[:1]
    seen: set[str] = set()
    for row in _rows(connection, rotation, CONFIRMED):
        if row.actor not in seen and len(seen) < CONFIRMED_MOST:
            seen.add(row.actor)
            rows.append(row)
    entries = []
    for row in rows:
        proof = proof_of(connection, row.seq)
        if proof is None:
            return None
        entries.append(Entry(row.record, row.salt, proof))
    return entries


def _names(connection: Connection, rotation: Rotation, actions: tuple[str, ...]) -> bool:
    rows = _entered(connection, rotation, actions)
    return any(canonical.decode(row.record).get("card") == rotation.fingerprint for row in rows)


def _rows(
    connection: Connection, rotation: Rotation, actions: tuple[str, ...]
) -> list[Row[Any, Any, Any, Any]]:
    digest = rotation.digest
    found = _entered(connection, rotation, actions)
    return [row for row in found if canonical.decode(row.record).get("statement") == digest]


def _entered(
    connection: Connection, rotation: Rotation, actions: tuple[str, ...]
) -> Sequence[Row[Any, Any, Any, Any]]:
    entry = audit_entry.c
    asked = (
        select(entry.seq, entry.actor, entry.record, entry.salt)
        .where(entry.resource == rotation.key, entry.outcome == DONE, entry.action.in_(actions))
        .order_by(entry.seq)
    )
    return connection.execute(asked).all()
