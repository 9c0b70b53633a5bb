"""A bag made up and sealed before a custodian that has officers: each opening and seal is granted.

Pieces, waybill and papers open under the grant of the officer's session. What is to be signed is
drawn up in this process and waits in the books; the closer and a witness each have their security
key answer for it, and whoever comes second has it signed and recorded.
"""

from functools import partial

from starlette.responses import Response

from cipher_service.console.dispatches.granting import (
    Standing,
    asking_for_bag,
    for_bags,
    put_to_seal,
    standing_for_bags,
)
from cipher_service.console.dispatches.held import held_by, sealers
from cipher_service.console.pouches.reading import ask, named
from cipher_service.console.visit import Visit
from cipher_service.pouches import (
    carriage,
    closing,
    dossiers,
    handing_in,
    makeup,
    packing,
    preparing,
    repository,
    signing,
)
from cipher_service.pouches.closing import Closure
from cipher_service.pouches.dossiers import Dossier, Unopened
from cipher_service.pouches.entitlement import PACK
from cipher_service.pouches.makeup import NewLine
from cipher_service.pouches.office import Office
from cipher_service.pouches.preparing import Waiting
from cipher_service.pouches.signing import Kept
from keys.custody.errors import CustodianUnavailable
from keys.custody.intents import request_digest
from pouch.bordereau import commit


async def custodian_stands(visit: Visit) -> Standing:
    """Say whether the custodian demands grants for bags, and whether the session has one.

    Of one that does not answer nothing is said here: the act that needs it is refused by name.
    """
    try:
        return await standing_for_bags(visit)
    except CustodianUnavailable:
        return Standing(trial=True, granted=True)


async def allow(visit: Visit) -> Response:
    """Lead to the page where an officer grants the opening of bags' texts for their session."""
    await visit.form()
    seal = named(visit)

    def sealed(office: Office) -> bool:
        with office.look() as sitting:
            return carriage.seen(sitting, seal, visit.person.number).manifest is not None

    back = f"/valises/{seal}" if await ask(visit, sealed) else f"/valises/{seal}/confection"
    return await for_bags(visit, back)


async def scan(visit: Visit, seal: str, scanned: str) -> dict[str, object]:
    """Open a piece under the session's grant and lay it in; say what lies there now."""
    number, officer = handing_in.read_number(scanned), visit.person.number

    def look(office: Office) -> tuple[packing.Laid, bytes, int]:
        with office.look() as sitting:
            row = packing.fitting(sitting, seal, number, officer)
            lines = len(repository.lines_of(sitting.connection, seal))
            there = row.seal == seal
            line = row.line if there else lines + 1
            return packing.laid(row, line, new=not there), bytes(row.body), line

    laid, body, line = await ask(visit, look)
    if laid.new:
        asking = asking_for_bag(visit, seal)

        def opened() -> NewLine:
            return packing.line_of(handing_in.open_piece(body, asking), line, asking.card())

        made = await visit.office.in_thread(opened)
        members = {name: getattr(made, name) for name in makeup.NewLine.__slots__}
        await visit.act("bag_lay", {"seal": seal, "number": number, "line": members})
    return {"number": number, "line": line, "new": laid.new}


async def prepare(visit: Visit, seal: str, closure: Closure) -> Response:
    """Take the number, draw up what is to be signed, and lead to the page where it is granted."""
    officer = visit.person.number
    await visit.act("bag_number", {"seal": seal, "certifier": closure.certifier})

    def look(office: Office) -> closing.Outline:
        with office.look() as sitting:
            return closing.outline_of(sitting, seal, closure, by=officer, second=None)

    outline, asking = await ask(visit, look), asking_for_bag(visit, seal)

    def drawn() -> dict[str, object]:
        made = closing.draw_up(outline, closure, asking)
        return {
            "number": made.manifest.number,
            "claims": signing.claims(made.manifest),
            "head": commit(made.manifest)[0],
            "nonce_sha256": made.manifest.nonce_sha256,
            "certifier": closure.certifier,
            "absent": sorted(closure.absent),
            "body": signing.enclose(made.manifest, made.nonce, asking.card()),
        }

    await visit.act("bag_prepare", {"seal": seal, **await visit.office.in_thread(drawn)})
    return await _granting(visit, seal)


async def grant(visit: Visit) -> Response:
    """Lead to the page where an officer grants the seal that waits."""
    await visit.form()
    return await _granting(visit, named(visit))


def standing_grants(visit: Visit, waiting: Waiting) -> list[str]:
    """Return the officers whose grants for what waits stand here and now."""
    return sorted(each.officer for each in sealers(visit, _request(waiting)))


async def kept(visit: Visit, seal: str) -> Kept:
    """Open what was signed at a closing, under the session's grant."""
    found, asking = await _unopened(visit, seal), asking_for_bag(visit, seal)
    return await visit.office.in_thread(
        lambda: signing.open_kept(found.sealed, found.cards, asking)
    )


async def dossier(visit: Visit, seal: str) -> Dossier:
    """Open it with all that put it right, under the same."""
    found, asking = await _unopened(visit, seal), asking_for_bag(visit, seal)
    return await visit.office.in_thread(lambda: dossiers.opened(found, asking))


async def _unopened(visit: Visit, seal: str) -> Unopened:
    officer = visit.person.number

    def look(office: Office) -> Unopened:
        with office.look() as sitting:
            sitting.require(officer, PACK, sitting.closing(seal))
            return dossiers.unopened(sitting, seal)

    return await ask(visit, look)


async def _granting(visit: Visit, seal: str) -> Response:
    waiting = await _waiting(visit, seal)
    ticket = await put_to_seal(visit, seal, waiting.claims, partial(_sealed, seal))
    return visit.sign(ticket)


async def _sealed(seal: str, visit: Visit) -> str:
    """Have the custodian sign once both grants stand; until then the bag waits for the other."""
    waiting, mine = await _waiting(visit, seal), held_by(visit)
    others = [
        each
        for each in sealers(visit, _request(waiting))
        if each.officer != mine.officer and waiting.closer in (each.officer, mine.officer)
    ]
    if not others:
        return f"/valises/{seal}/confection"
    other = others[0]
    asking = asking_for_bag(visit, seal, other)
    signed = await visit.office.in_thread(lambda: asking.sign_seal(waiting.claims))
    told = {"cose": signed.cose, "ed25519": signed.full.ed25519, "mldsa65": signed.full.mldsa65}
    await visit.act("bag_seal", {"seal": seal, "other": other.officer, **told})
    return f"/valises/{seal}"


async def _waiting(visit: Visit, seal: str) -> Waiting:
    def look(office: Office) -> Waiting:
        with office.look() as sitting:
            found = carriage.seen(sitting, seal, visit.person.number)
            return preparing.current(sitting.connection, found)

    return await ask(visit, look)


def _request(waiting: Waiting) -> str:
    return request_digest("sign_seal", waiting.claims)
