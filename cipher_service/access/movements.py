"""Who leaves and who moves: everything that ends, ends in one transaction (articles 8 and 12).

« rotation des personnels »: functions, habilitation, needs to know, mandates on either side,
accesses outside the service and every open session end together, and a contradictory inventory is
opened of what the person still holds. Leaver, successor and security officer sign it, each with
reserves. Who leaves for ever also loses every security key and an enrolment link that waits.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from cipher_service import clock
from cipher_service.access import mandates
from cipher_service.access.acts import Gate, circumstances, person, require
from cipher_service.directory import officers
from cipher_service.directory.officers import OFFICERS, end_windows
from cipher_service.errors import ServiceError
from cipher_service.identity import passkey_book, sessions
from cipher_service.storage import counters
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables import access as books
from cipher_service.storage.tables import officers as tables

QUALITIES = ("leaver", "successor", "security")


@dataclass(frozen=True, slots=True)
class Item:
    """A line of an inventory: what the person held when leaving."""

    kind: str
    matter: str
    note: str


def leave(
    connection: Connection,
    gate: Gate,
    officer_id: str,
    by: str | None,
    now: datetime,
    successor: str | None = None,
) -> int:
    """Record that a person leaves the service, for ever; returns the number of the inventory.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT, NOT_ALLOWED.
    """
    inventory = _end(connection, gate, officer_id, by, now, successor, "left")
    passkey_book.revoke_all(connection, officer_id, now)
    officers.set_state(connection, officer_id, "left", now)
    return inventory


def transfer(
    connection: Connection,
    gate: Gate,
    officer_id: str,
    unit: str | None,
    post: str,
    by: str | None,
    now: datetime,
    *,
    successor: str | None = None,
) -> int:
    """Move a person to another unit or post; the rights of the old one do not follow.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT, NOT_ALLOWED, UNKNOWN_UNIT, UNKNOWN_POST.
    """
    inventory = _end(connection, gate, officer_id, by, now, successor, "moved")
    officers.move(connection, officer_id, unit, post)
    return inventory


def sign(
    connection: Connection,
    inventory: int,
    officer_id: str,
    quality: str,
    reserves: str,
    now: datetime,
) -> None:
    """Sign an inventory in one quality; reserves say what this person found otherwise.

    Raises:
        ServiceError: NOT_FOUND, UNKNOWN_KIND, SIGNED_ALREADY, NOT_THE_SIGNATORY.
    """
    book = books.inventory
    row = connection.execute(select(book).where(book.c.seq == inventory)).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    if quality not in QUALITIES:
        raise ServiceError("UNKNOWN_KIND", kind=quality)
    known = {"leaver": row.leaver, "successor": row.successor}.get(quality)
    held = {each.role for each in officers.functions(connection, officer_id, now)}
    is_security = "SECURITY-OFFICER" in held and officer_id not in (row.leaver, row.successor)
    if officer_id != known and not (quality == "security" and is_security):
        raise ServiceError("NOT_THE_SIGNATORY", officer=officer_id, quality=quality)
    signature = insert_or_skip(books.inventory_signature, ["inventory", "quality"]).values(
        inventory=inventory,
        officer=officer_id,
        quality=quality,
        signed_at=clock.text(now),
        reserves=reserves.strip(),
    )
    if not inserts(connection, signature):
        raise ServiceError("SIGNED_ALREADY", quality=quality)


def items(connection: Connection, inventory: int) -> list[Item]:
    """Return the lines of an inventory."""
    book = books.inventory_item
    rows = connection.execute(
        select(book).where(book.c.inventory == inventory).order_by(book.c.line)
    )
    return [Item(row.kind, row.object, row.note) for row in rows]


def _end(
    connection: Connection,
    gate: Gate,
    officer_id: str,
    by: str | None,
    now: datetime,
    successor: str | None,
    reason: str,
) -> int:
    officers.not_left(connection, officer_id)
    about = person(connection, officer_id)
    require(connection, gate, by, "revoke", about, circumstances(connection, gate, now))
    if successor is not None:
        officers.read(connection, successor)
    held = _held(connection, officer_id, now)
    inventory = connection.scalar(
        books.inventory.insert()
        .values(
            leaver=officer_id,
            successor=successor,
            reason=reason,
            opened_at=clock.text(now),
            opened_by=by or "",
        )
        .returning(books.inventory.c.seq)
    )
    for line, item in enumerate(held, 1):
        connection.execute(
            books.inventory_item.insert().values(
                inventory=inventory, line=line, kind=item.kind, object=item.matter, note=item.note
            )
        )
    _end_rights(connection, officer_id, by, now)
    return int(inventory or 0)


def _end_rights(connection: Connection, officer_id: str, by: str | None, now: datetime) -> None:
    stamp = clock.text(now)
    for book in (tables.function_held, tables.habilitation, tables.need_to_know):
        end_windows(connection, book, now, book.c.officer == officer_id)
    mandates.end_of_person(connection, officer_id, by, now)
    site = books.site_access
    connection.execute(
        update(site)
        .where(site.c.officer == officer_id, site.c.state.in_(("requested", "agreed", "granted")))
        .values(state="revoked", state_at=stamp)
    )
    sessions.end_sessions(connection, officer_id, now)
    counters.advance(connection, OFFICERS)


def _held(connection: Connection, officer_id: str, now: datetime) -> list[Item]:
    """Return what must be handed over: functions, keys, dispatches in progress, accesses."""
    found = []
    for function in officers.functions(connection, officer_id, now):
        keys = function.role.startswith("CUSTODIAN-")
        found.append(Item("function", function.role, "rotate keys within 24 hours" if keys else ""))
    site, handled = books.site_access, books.handling
    granted = select(site).where(site.c.officer == officer_id, site.c.state == "granted")
    found += [Item(row.kind, row.place, "") for row in connection.execute(granted)]
    queue = select(handled.c.dispatch_id).where(handled.c.assigned == officer_id)
    found += [Item("dispatch", name, "in progress") for name in connection.scalars(queue)]
    return found
