"""What waits to be sealed under two officers' grants, once the custodian has officers.

    taken = take(connection, closing, now)            # the bordereau's number, once for a closing
    keep(connection, closing, waiting)                # what was drawn up; nobody granted it yet
    waiting = current(connection, closing)            # as long as the books are those of then
    finish(connection, closing.seal)                  # the seal is on record

A closing keeps its number whatever is drawn up anew: what is cut short anywhere loses none and
takes no second one. Its place among the bags of its departure is free again while it is void.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select, update

from cipher_service.errors import ServiceError
from cipher_service.pouches import repository, waybills
from cipher_service.pouches.repository import Closing
from cipher_service.storage import counters
from cipher_service.storage.tables.pouches import preparation, sealed
from keys import canonical
from pouch.bordereau import digest_of
from pouch.claims import Claims, read_claims

_VOID: Final = ("ordinal", "closer", "claims", "body")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What two officers are to grant.

    Attributes:
        number: of the bordereau.
        closer: who closes the bag.
        claims: what the custodian is to sign, as `pouch.claims` has it.
        head: hash of the manifest without its lines, 32 bytes.
        nonce_sha256: hash of the secret inside the bag, 64 hexadecimal digits.
        certifier: who answers for the contents.
        absent: codes of `pouch.classes.PROHIBITED` that the certifier checked.
        body: manifest and secret, as ciphertext to the bureau's card.
        granted: the officers whose security keys answered for these claims.
    """

    number: str
    closer: str
    claims: bytes
    head: bytes
    nonce_sha256: str
    certifier: str
    absent: frozenset[str]
    body: bytes
    granted: tuple[str, ...] = ()

    @property
    def said(self) -> Claims:
        """The claims, read."""
        return read_claims(self.claims)


def next_number(connection: Connection, closing: Closing, now: datetime) -> tuple[str, int]:
    """Return the number that a closing's bordereau has or would take, and which bag it is.

    Raises:
        ServiceError: WAYBILL_MISSING; BAGS_ALL_SEALED: the waybill names no further bag.
    """
    packages = waybills.packages_of(connection, closing.departure)
    held = _row(connection, closing.seal)
    if held is not None and held.ordinal is not None:
        return str(held.number), int(held.ordinal)
    used: set[int] = set()
    for book in (sealed, preparation):
        query = select(book.c.ordinal).where(book.c.departure == closing.departure)
        used.update(each for each in connection.scalars(query) if each is not None)
    free = sorted(set(range(1, packages + 1)) - used)
    if not free:
        raise ServiceError("BAGS_ALL_SEALED", departure=closing.departure, packages=packages)
    last = counters.read(connection, _counter(now.year))
    return f"VAL {now.year}-{last + 1:06d}" if held is None else str(held.number), free[0]


def take_number(connection: Connection, seal: str, number: str) -> None:
    """Take a bordereau's number for a closing that has none yet.

    Raises:
        ServiceError: BUSY: somebody took it meanwhile.
    """
    if _row(connection, seal) is not None:
        return
    year = int(number.split()[1].partition("-")[0])
    if f"VAL {year}-{counters.advance(connection, _counter(year)):06d}" != number:
        raise ServiceError("BUSY")


def take(connection: Connection, closing: Closing, now: datetime) -> tuple[str, int]:
    """Take number and place of a closing, or find those that it has. Refusals: `next_number`."""
    number, ordinal = next_number(connection, closing, now)
    take_number(connection, closing.seal, number)
    if _row(connection, closing.seal) is None:
        connection.execute(
            preparation.insert().values(
                seal=closing.seal, departure=closing.departure, number=number, granted=_list(())
            )
        )
    _change(connection, closing.seal, ordinal=ordinal)
    return number, ordinal


def keep(connection: Connection, closing: Closing, waiting: Waiting) -> None:
    """Keep what was drawn up in place of anything before; whoever granted that grants anew.

    Raises:
        ServiceError: PREPARATION_OUTDATED: its number was not taken, or the claims are not those
            of the lines, the waybill and the bag as they are on record.
    """
    held = _row(connection, closing.seal)
    if held is None or held.ordinal is None or held.number != waiting.number:
        raise ServiceError("PREPARATION_OUTDATED", seal=closing.seal)
    _require_of_books(connection, closing, waiting.said, waiting.head, held.ordinal)
    waybill = waybills.body_of(connection, closing.departure)
    _change(
        connection,
        closing.seal,
        closer=waiting.closer,
        claims=waiting.claims,
        head=waiting.head,
        nonce_sha256=waiting.nonce_sha256,
        certifier=waiting.certifier,
        absent=_list(waiting.absent),
        waybill=sha256(waybill).hexdigest(),
        body=waiting.body,
        granted=_list(()),
    )


def find(connection: Connection, seal: str) -> Waiting | None:
    """Return what waits for grants; None where nothing was drawn up, or it is void."""
    row = _row(connection, seal)
    if row is None or row.claims is None:
        return None
    return Waiting(
        number=row.number,
        closer=row.closer,
        claims=bytes(row.claims),
        head=bytes(row.head),
        nonce_sha256=row.nonce_sha256,
        certifier=row.certifier,
        absent=frozenset(canonical.decode(row.absent.encode())),
        body=bytes(row.body),
        granted=tuple(canonical.decode(row.granted.encode())),
    )


def current(connection: Connection, closing: Closing) -> Waiting:
    """Return what waits for grants, if the books still say what it was drawn up from.

    Raises:
        ServiceError: PREPARATION_OUTDATED.
    """
    found, row = find(connection, closing.seal), _row(connection, closing.seal)
    if found is None or row is None:
        raise ServiceError("PREPARATION_OUTDATED", seal=closing.seal)
    _require_of_books(connection, closing, found.said, found.head, row.ordinal)
    waybill = sha256(waybills.body_of(connection, closing.departure)).hexdigest()
    if waybill != row.waybill:
        raise ServiceError("PREPARATION_OUTDATED", seal=closing.seal)
    return found


def grant(connection: Connection, seal: str, waiting: Waiting, officer: str) -> None:
    """Note that an officer's security key answered for what waits."""
    _change(connection, seal, granted=_list({*waiting.granted, officer}))


def void(connection: Connection, seal: str) -> None:
    """Let what was drawn up count no more, since the bag's lines change; its number stays."""
    _change(connection, seal, **dict.fromkeys(_VOID), granted=_list(()))


def finish(connection: Connection, seal: str) -> None:
    """Forget what waited: the closing is on record with its number."""
    connection.execute(delete(preparation).where(preparation.c.seal == seal))


def _require_of_books(
    connection: Connection, closing: Closing, said: Claims, head: bytes, ordinal: int | None
) -> None:
    lines = repository.lines_of(connection, closing.seal)
    route = closing.route
    packages = waybills.packages_of(connection, closing.departure)
    leaves = [bytes.fromhex(line.commitment) for line in lines]
    books = (closing.seal, closing.bag, closing.bag_class, closing.mode, route.destination)
    claimed = (said.seal, said.bag, said.bag_class, said.mode, said.destination)
    counted = (said.ordinal, said.packages, said.items, said.witness, said.issuer)
    if (
        claimed != books
        or counted != (ordinal, packages, len(lines), None, route.origin)
        or not leaves
        or said.digest != digest_of(head, leaves)
    ):
        raise ServiceError("PREPARATION_OUTDATED", seal=closing.seal)


def _row(connection: Connection, seal: str) -> Row[Any] | None:
    book = preparation
    return connection.execute(select(book).where(book.c.seal == seal)).one_or_none()


def _change(connection: Connection, seal: str, **values: Any) -> None:
    connection.execute(update(preparation).where(preparation.c.seal == seal).values(**values))


def _list(members: Iterable[str]) -> str:
    return canonical.encode(sorted(members)).decode("ascii")


def _counter(year: int) -> str:
    return f"pouch_bordereau_{year}"
