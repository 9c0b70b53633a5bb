"""A sealed bordereau is put right in the console, under two officers' grants.

What stands is opened under the grant of the officer's session and shown in a form; what differs
when it comes back is drawn up as a rectification, which waits in the books as ciphertext. Its
author and another officer each have their security key answer for it; whoever comes second has it
signed and recorded. A custodian without officers signs none here: two do it by command.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Row
from starlette.responses import Response

from cipher_service.console.dispatches.granting import (
    Standing,
    asking_for_bag,
    put_to_rectify,
)
from cipher_service.console.dispatches.held import held_by, sealers
from cipher_service.console.pouches import sealing
from cipher_service.console.pouches.reading import ask, named, names_of, page, whole
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.pouches import carriage, correcting, rectifying, signing
from cipher_service.pouches.correcting import Waiting
from cipher_service.pouches.dossiers import Dossier
from cipher_service.pouches.entitlement import PACK, SEAL
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.rectifying import Correction, Stand
from cipher_service.pouches.repository import Closing
from keys import canonical
from keys.act_rules import GRANT_SEATS
from keys.age.files import encrypt
from keys.custody.bag_texts import RECTIFYING
from keys.custody.grants import SIGN
from keys.errors import KeysError
from pouch.locator import grouped_locator
from pouch.manifest import Manifest
from pouch.places import OF_BAG, OF_LINE, standing
from pouch.rectification import Rectification

_LINES: Final = 40
"""Lines that one form shows: their fields stay below those that a form may have."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rectification that waits, opened.

    Attributes:
        statement: what is put right.
        levels: of the bag's lines.
    """

    statement: Rectification
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Books:
    """What the books say of a closing's rectifications, unopened."""

    bag: str
    bordereau: str
    issued: list[Row[Any]]
    waiting: Waiting | None
    prepares: bool
    bag_told: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of the form: its name there, what it is, and what stands in it."""

    name: str
    what: str
    value: str


async def desk(
    visit: Visit, refusal: ServiceError | None = None, typed: dict[str, str] | None = None
) -> Response:
    """What stands in a sealed bordereau, to be put right; and what waits for a grant."""
    seal, custodian = named(visit), await sealing.custodian_stands(visit)
    books = await ask(visit, lambda office: _books(office, seal, visit.person.number))
    right: Manifest | None = None
    drawn: Drawn | None = None
    if custodian.granted and not custodian.trial:
        right = (await sealing.dossier(visit, seal)).right
        drawn = None if books.waiting is None else await _opened(visit, seal, books.waiting)
    signs = bool(visit.person.principal.functions & GRANT_SEATS[SIGN])
    may_announce = signs and books.bag_told
    untold = next((row for row in books.issued if row.announcement is None), None)
    first = _from(visit, right)
    granted = [] if books.waiting is None else _granted(visit, books.waiting)
    entries = [] if right is None else list(_entries(right, first, typed or {}))
    return page(
        visit,
        "rectify",
        refusal,
        seal=seal,
        books=books,
        custodian=custodian,
        names=await names_of(visit, _named(books, granted)),
        drawn=drawn,
        untold=untold,
        may_announce=may_announce,
        granted=granted,
        whole=[each for each in entries if "." not in each.name],
        lines=_by_line(entries),
        reason=(typed or {}).get("reason", ""),
        first_line=first,
        windows=[] if right is None else _windows(len(right.items)),
        first=_first(custodian, drawn=bool(drawn), announces=bool(untold) and may_announce),
    )


def _first(custodian: Standing, *, drawn: bool, announces: bool) -> str:
    """Return what comes first on the page."""
    if not custodian.granted:
        return "grant"
    if drawn:
        return "authorise"
    return "announce" if announces and not custodian.trial else "prepare"


async def prepare(visit: Visit) -> Response:
    """Draw up what differs from what stands, and lead to the page where it is granted."""
    fields = await visit.fields()
    typed, seal = dict(fields), named(visit)
    if len(typed) != len(fields) or "reason" not in typed:
        raise ServiceError("FORM_REFUSED")
    try:
        drawn = await _drawn(visit, seal, typed)
        return await _granting(visit, seal, drawn)
    except KeysError as error:
        return await desk(visit, ServiceError(error.code), typed)
    except ServiceError as error:
        return await desk(visit, error, typed)


async def grant(visit: Visit) -> Response:
    """Lead to the page where an officer grants the rectification that waits."""
    await visit.form()
    seal = named(visit)
    books = await ask(visit, lambda office: _books(office, seal, visit.person.number))
    if books.waiting is None:
        return await desk(visit, ServiceError("RECTIFICATION_OUTDATED", seal=seal))
    try:
        return await _granting(visit, seal, await _opened(visit, seal, books.waiting))
    except KeysError as error:
        return await desk(visit, ServiceError(error.code))
    except ServiceError as error:
        return await desk(visit, error)


async def _drawn(visit: Visit, seal: str, typed: dict[str, str]) -> Drawn:
    officer = visit.person.number

    def look(office: Office) -> Stand:
        with office.look() as sitting:
            return rectifying.stand_of(sitting, seal, officer, None)

    stand = await ask(visit, look)
    dossier = await sealing.dossier(visit, seal)
    correction = _correction(dossier.right, typed)
    drawn = _statement(stand, correction, dossier, visit)
    asking = asking_for_bag(visit, seal)
    body = rectifying.enclosed(RECTIFYING, drawn.levels, canonical.decode(drawn.statement.encode()))
    card = await visit.office.in_thread(asking.card)
    told = {"statement": drawn.statement.encode(), "body": encrypt(body, [card.recipient])}
    await visit.act("bag_rectify", {"seal": seal, **told})
    return drawn


def _statement(stand: Stand, correction: Correction, dossier: Dossier, visit: Visit) -> Drawn:
    sealed, right = dossier.kept.sealed, dossier.right
    statement = rectifying.drawn(stand, correction, sealed, right, visit.now)
    return Drawn(statement, tuple(rectifying.levels_of(right)))


def _correction(right: Manifest, typed: dict[str, str]) -> Correction:
    """Return what differs from what stands.

    Raises:
        ServiceError: FORM_REFUSED, RECTIFICATION_EMPTY.
    """
    changes = []
    for name, value in typed.items():
        if name == "reason":
            continue
        number, _, what = name.rpartition(".")
        line = int(number) if number.isdecimal() and len(number) < len("10000") else None
        known = OF_BAG if line is None else OF_LINE
        if what not in known or (line is None) != (number == ""):
            raise ServiceError("FORM_REFUSED")
        if line is not None and not 1 <= line <= len(right.items):
            raise ServiceError("FORM_REFUSED")
        text = " ".join(value.split())
        told = text.replace(" ", "") if what == "weight" else text
        if told != _text(standing(right, line, what)):
            changes.append(f"{name}={told}")
    if not changes:
        raise ServiceError("RECTIFICATION_EMPTY")
    return Correction(tuple(changes), " ".join(typed["reason"].split()))


async def _granting(visit: Visit, seal: str, drawn: Drawn) -> Response:
    asked = drawn.statement.encode()
    return visit.sign(await put_to_rectify(visit, seal, asked, partial(_signed, seal, drawn)))


async def _signed(seal: str, drawn: Drawn, visit: Visit) -> str:
    """Have the custodian sign once both grants stand; until then it waits for the other."""
    request, mine = correcting.request_of(drawn.statement), held_by(visit)
    books = await ask(visit, lambda office: _books(office, seal, visit.person.number))
    author = None if books.waiting is None else books.waiting.author
    others = [
        each
        for each in sealers(visit, request)
        if each.officer != mine.officer and author in (each.officer, mine.officer)
    ]
    if not others:
        return f"/valises/{seal}/rectificatif"
    other, statement = others[0], drawn.statement.encode()
    asking = asking_for_bag(visit, seal, other)
    made = await visit.office.in_thread(lambda: asking.sign_rectification(statement))
    told = {"statement": statement, "levels": list(drawn.levels), "other": other.officer}
    signatures = {"ed25519": made.ed25519, "mldsa65": made.mldsa65}
    await visit.act("bag_rectified", {"seal": seal, **told, **signatures})
    return f"/valises/{seal}"


async def _opened(visit: Visit, seal: str, waiting: Waiting) -> Drawn:
    """Open what waits, under the session's grant. Raises ServiceError RECTIFICATION_OUTDATED."""
    asking = asking_for_bag(visit, seal)
    text = await visit.office.in_thread(lambda: asking.open_bag_text(waiting.body))
    read = canonical.decode(text)
    statement = Rectification.parse(canonical.encode(read["rectification"]))
    if correcting.request_of(statement) != waiting.request:
        raise ServiceError("RECTIFICATION_OUTDATED", seal=seal)
    return Drawn(statement, tuple(read["levels"]))


def _books(office: Office, seal: str, officer: str) -> _Books:
    with office.look() as sitting:
        found = carriage.seen(sitting, seal, officer)
        sitting.require(officer, PACK, found)
        row = signing.row_of(sitting.connection, found.seal)
        if row is None:
            raise ServiceError("NOT_SEALED_HERE", seal=seal)
        return _Books(
            bag=grouped_locator(found.bag),
            bordereau=row.number,
            issued=rectifying.rows_of(sitting.connection, found.seal),
            waiting=correcting.find(sitting.connection, found.seal),
            prepares=_prepares(sitting, found, officer),
            bag_told=row.announcement is not None,
        )


def _prepares(sitting: Sitting, found: Closing, officer: str) -> bool:
    """Say whether there is somebody with whom this officer may put a bordereau right."""
    try:
        sitting.require_paired(officer, SEAL, found)
    except ServiceError:
        return False
    return True


def _named(books: _Books, granted: list[str]) -> Iterator[str]:
    yield from granted
    if books.waiting is not None:
        yield books.waiting.author
    for row in books.issued:
        yield from (row.first, row.second)


def _granted(visit: Visit, waiting: Waiting) -> list[str]:
    return sorted(each.officer for each in sealers(visit, waiting.request))


def _entries(right: Manifest, first: int, typed: dict[str, str]) -> Iterator[Entry]:
    """Give the fields of the bag as a whole, then those of the lines that the form shows."""
    last = min(first + _LINES - 1, len(right.items))
    for line in (None, *range(first, last + 1)):
        for what in OF_BAG if line is None else OF_LINE:
            name = what if line is None else f"{line}.{what}"
            yield Entry(name, what, typed.get(name, _text(standing(right, line, what))))


def _by_line(entries: list[Entry]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {}
    for each in entries:
        number, dot, _ = each.name.rpartition(".")
        if dot:
            found.setdefault(int(number), []).append(each)
    return found


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _from(visit: Visit, right: Manifest | None) -> int:
    """Return the first line that the form shows, as the address names it."""
    wanted = whole(visit.request.query_params.get("de", "1"))
    return 1 if right is None or not 1 <= wanted <= len(right.items) else wanted


def _windows(lines: int) -> list[tuple[int, int]]:
    starts = range(1, lines + 1, _LINES)
    return [(each, min(each + _LINES - 1, lines)) for each in starts]
