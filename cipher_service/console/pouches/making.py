"""Hand-in, make-up with scan-to-add, and sealing by two (flow 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Row
from starlette.responses import Response

from cipher_service.console.guard import CAMERA
from cipher_service.console.pouches import labels, sealing, words
from cipher_service.console.pouches.reading import ask, named, names_of, page, whole
from cipher_service.console.scan import reading_files
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.pouches import carriage, handing_in, preparing, repository, views, waybills
from cipher_service.pouches.closing import Closure
from cipher_service.pouches.entitlement import PACK
from cipher_service.pouches.office import Office
from cipher_service.pouches.preparing import Waiting
from cipher_service.pouches.repository import Closing
from keys.errors import KeysError
from pouch.errors import LocatorWrong
from pouch.locator import grouped_locator, read_locator
from pouch.manifest import BagClass

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType(
    {"seals": "", "weight": "", "certifier": "", "days": "30", "absent": ()}
)

_PIECE = ("to", "register", "sender", "addressee", "kind", "level", "quantity", "weight")


@dataclass(frozen=True, slots=True)
class MakeUp:
    """A bag that is being made up: what lies in it, what waits for it, who could certify."""

    closing: Closing
    locator: str
    lines: list[Row[Any]]
    numbers: dict[int, str]
    waiting: list[Row[Any]]
    weight_g: int
    certifiers: list[tuple[str, str]]
    prepared: Waiting | None


async def hand_in_form(
    visit: Visit, refusal: ServiceError | None = None, number: str | None = None
) -> Response:
    """Where pieces are handed in, and what waits for a bag."""
    told = await ask(visit, lambda office: _counter(office, visit.person.number))
    label = None if number is None else labels.draw(number)
    return page(visit, "hand_in", refusal, number=number, label=label, **told)


async def hand_in(visit: Visit) -> Response:
    """Take a letter, a document or a parcel in."""
    form = await visit.form(*_PIECE, optional=("enclosure",))
    piece = {
        "destination": form["to"],
        **{name: form[name] for name in ("register", "sender", "addressee", "kind", "level")},
        "quantity": whole(form["quantity"]),
        "weight_g": whole(form["weight"]),
        "enclosure": form.get("enclosure") or None,
    }
    if form["kind"] not in words.ITEMS:
        raise ServiceError("FORM_REFUSED")
    return await _taken(visit, "bag_hand_in", piece)


async def hand_in_dispatch(visit: Visit) -> Response:
    """Take a dispatch in that is marked for the pouch."""
    form = await visit.form("dispatch_id", "post", "weight")
    told = {
        "dispatch_id": form["dispatch_id"],
        "post": form["post"],
        "weight_g": whole(form["weight"]),
    }
    return await _taken(visit, "bag_hand_in_dispatch", told)


async def begin(visit: Visit) -> Response:
    """Begin the make-up of a bag."""
    form = await visit.form("departure", "bag", "bag_class")
    if form["bag_class"] not in list(BagClass):
        raise ServiceError("FORM_REFUSED")
    try:
        bag = read_locator(form["bag"])
    except LocatorWrong as error:
        raise ServiceError(error.code) from error
    told = {"departure": form["departure"], "bag": bag, "bag_class": form["bag_class"]}
    made = await visit.act("bag_begin", told)
    return visit.go(f"/valises/{made['seal']}/confection")


async def make_up(
    visit: Visit,
    refusal: ServiceError | None = None,
    laid: dict[str, Any] | None = None,
    typed: Mapping[str, Any] = _NOTHING,
) -> Response:
    """The bag on the table: scan to add, then seal; what was refused stays typed."""
    seal = named(visit)
    bag = await ask(visit, lambda office: _make_up(office, seal, visit.person.number))
    custodian = await sealing.custodian_stands(visit)
    granted = sealing.standing_grants(visit, bag.prepared) if bag.prepared else []
    closer = bag.prepared.closer if bag.prepared else None
    reader, wasm = reading_files()
    visit.request.scope[CAMERA] = True
    return page(
        visit,
        "make_up",
        refusal,
        bag=bag,
        laid=laid,
        typed=typed,
        custodian=custodian,
        granted=granted,
        names=await names_of(visit, [closer, *granted]),
        first=_first(bag, granted=custodian.granted),
        reader=reader,
        wasm=wasm,
    )


async def scan(visit: Visit) -> Response:
    """Lay a piece in by its scanned or typed number."""
    form, seal = await visit.form("number"), named(visit)
    try:
        if (await sealing.custodian_stands(visit)).trial:
            laid = await visit.act("bag_scan", {"seal": seal, "number": form["number"]})
        else:
            laid = await sealing.scan(visit, seal, form["number"])
    except KeysError as error:
        return await make_up(visit, ServiceError(error.code))
    except ServiceError as error:
        return await make_up(visit, error)
    return await make_up(visit, laid=laid)


async def take_out(visit: Visit) -> Response:
    """Take the last piece out again."""
    try:
        await visit.act("bag_take_out", {"seal": named(visit)})
    except ServiceError as error:
        return await make_up(visit, error)
    return visit.go(f"/valises/{named(visit)}/confection")


async def ask_seal(visit: Visit) -> Response:
    """Go to the page where the sealing is signed; a witness signs after."""
    fields = await visit.fields()
    form = {name: value for name, value in fields if name != "absent"}
    if set(form) != {"seals", "weight", "certifier", "days"}:
        raise ServiceError("FORM_REFUSED")
    seal = named(visit)
    absent = sorted({value for name, value in fields if name == "absent"})
    typed = {**form, "absent": absent}
    try:
        told = {
            "seal": seal,
            "seals": form["seals"].split(),
            "weight_g": whole(form["weight"]),
            "certifier": form["certifier"],
            "absent": absent,
            "days": whole(form["days"]),
            "back": f"/valises/{seal}",
        }
        if not (await sealing.custodian_stands(visit)).trial:
            return await sealing.prepare(visit, seal, _closure(told))
        asked = await visit.act("bag_ask_seal", told)
    except KeysError as error:
        return await make_up(visit, ServiceError(error.code), typed=typed)
    except ServiceError as error:
        return await make_up(visit, error, typed=typed)
    return visit.sign(asked["ticket"])


def _closure(told: dict[str, Any]) -> Closure:
    numbers, absent = tuple(told["seals"]), frozenset(told["absent"])
    return Closure(numbers, told["weight_g"], told["certifier"], absent, told["days"])


def _first(bag: MakeUp, *, granted: bool) -> str:
    """Name the one act that comes next, whose button is the page's primary one."""
    if bag.prepared:
        return "authorise"
    if not granted:
        return "grant"
    return "seal" if bag.lines and not bag.waiting else "lay"


async def _taken(visit: Visit, command: str, told: dict[str, Any]) -> Response:
    try:
        taken = await visit.act(command, told)
    except ServiceError as error:
        return await hand_in_form(visit, error)
    return await hand_in_form(visit, number=taken["number"])


def _counter(office: Office, officer: str) -> dict[str, Any]:
    with office.look() as sitting:
        sitting.require_house(officer, PACK, "hand-in")
        return {
            "waiting": handing_in.waiting(sitting.connection),
            "dispatches": handing_in.due_by_pouch(sitting.connection, office.post),
            "posts": waybills.destinations(sitting.connection, office.post),
        }


def _make_up(office: Office, seal: str, officer: str) -> MakeUp:
    with office.look() as sitting:
        closing = carriage.seen(sitting, seal, officer)
        if closing.manifest is not None:
            raise ServiceError("BAG_SEALED", seal=seal)
        sitting.require(officer, PACK, closing)
        lines = repository.lines_of(sitting.connection, seal)
        return MakeUp(
            closing=closing,
            locator=grouped_locator(closing.bag),
            lines=lines,
            numbers=handing_in.numbers_in(sitting.connection, seal),
            waiting=handing_in.waiting(sitting.connection, closing.route.destination),
            weight_g=sum(line.weight_g for line in lines),
            certifiers=views.certifiers(sitting, closing),
            prepared=preparing.find(sitting.connection, seal),
        )
