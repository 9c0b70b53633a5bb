"""An officer's grants: asked for here, signed at the other origin, kept for the session.

To open, up to the roll's ceiling one grant serves the session; above it each dispatch has its own.
Bags' texts open under a grant of their own, which the session gives once. To sign, each grant is
for one manifest, whatever its level. What a session holds stands in `held`.
"""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.console.dispatches.desk import custodian_of, number_of, showing_of
from cipher_service.console.dispatches.held import Asked, Desk, Held, Then, held_by
from cipher_service.console.dispatches.warrants import AskingCustodian
from cipher_service.console.visit import Visit
from cipher_service.dispatches.office.showing import Showing
from cipher_service.errors import ServiceError
from keys import canonical
from keys.custody.grants import (
    BAG,
    OPEN,
    SEAL,
    SESSION_SECONDS,
    SIGN,
    SINGLE_SECONDS,
    USES_MOST,
    Grant,
)
from keys.custody.intents import request_digest

_MARGIN: Final = timedelta(seconds=30)  # the clocks of two processes may differ by a moment
_SESSION: Final = timedelta(seconds=SESSION_SECONDS) - _MARGIN
_SINGLE: Final = timedelta(seconds=SINGLE_SECONDS) - _MARGIN
_GRANTED: Final = "/depeches/autorisation"
_RETURN: Final = "/depeches/autorisation/prise"
_REFUSED_AT: Final = re.compile(
    r"/depeches/(?:brouillon/[0-9A-Z]{26}(?:/verifier)?|visa/[0-9A-Z]{26}(?:/refus)?)"
)

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the page of a dispatch says of the custodian: a trial one asks for nothing."""

    trial: bool
    granted: bool


async def standing(visit: Visit, dispatch: str | None, level: str | None) -> Standing:
    """Say whether the custodian demands grants, and whether one stands already."""
    founded = await _ask(visit, lambda custodian: custodian.state().founded)
    if not founded:
        return Standing(trial=True, granted=True)
    rank = None
    if level is not None:
        rank = _rank(json.loads(await _ask(visit, lambda custodian: custodian.officers())), level)
    return Standing(trial=False, granted=held_by(visit).covers(dispatch, rank))


async def standing_for_bags(visit: Visit) -> Standing:
    """Say whether the custodian demands a grant to open bags' texts, and whether one stands."""
    if not await _ask(visit, lambda custodian: custodian.state().founded):
        return Standing(trial=True, granted=True)
    return Standing(trial=False, granted=held_by(visit).bags is not None)


async def for_dispatch(visit: Visit) -> Response:
    """Have the opening of a dispatch granted: by a session's grant, or for it alone."""
    number = number_of(visit)
    await visit.form()

    def level(connection: Connection, gate: Gate) -> str:
        thing = registers.find(connection, gate.policies, visit.person.principal, number, visit.now)
        visit.demand(gate, "read", thing)
        return gate.scheme.levels[thing.level].code

    return await _put(visit, number, await visit.read(level), f"/depeches/{number}?fait=granted")


async def session(visit: Visit) -> Response:
    """What the session was granted, and the way to grant it."""
    stands = await standing(visit, None, None)
    return visit.page("dispatches/grant.html", standing=stands, back=_back(visit))


async def for_session(visit: Visit) -> Response:
    """Have the session granted, for what carries no level: drafts, subjects."""
    await visit.form()
    return await _put(visit, None, None, _back(visit) or _GRANTED)


def _back(visit: Visit) -> str:
    """Return the page of a draft or a release that an officer was refused at; empty for others."""
    asked = visit.request.query_params.get("retour", "")
    return asked if _REFUSED_AT.fullmatch(asked) else ""


async def for_bags(visit: Visit, back: str) -> Response:
    """Have the opening of bags' texts granted for the session, up to the officer's own level."""
    roll, mine = await _on_roll(visit)
    grant = Grant(
        officer=visit.person.number,
        purpose=BAG,
        rank=mine["rank"],
        dispatch=None,
        request=None,
        uses=USES_MOST,
        expires=_ends(visit, _SESSION),
    )
    return visit.sign(await _asked(visit, roll, mine, grant, partial(_on, back)))


async def taken(visit: Visit) -> Response:
    """Bring the custodian what the officer signed, and go on; asked twice, the same once."""
    held = held_by(visit)
    asked, held.asked = held.asked, None
    if asked is not None:
        held.taking = asyncio.create_task(_take(visit, held, asked))
    taking = held.taking
    if taking is None:
        raise ServiceError("TICKET_UNKNOWN")
    try:
        # A browser that comes again meanwhile neither ends it nor does it twice.
        return visit.go(await asyncio.shield(taking))
    finally:
        if taking.done() and taking.exception() is not None:
            held.taking = None


async def _take(visit: Visit, held: Held, asked: Asked) -> str:
    answer = await visit.act(asked.desk.take, {**asked.desk.about, "ticket": asked.ticket})
    response = bytes(answer["response"])
    token = await _ask(
        visit,
        lambda custodian: custodian.open_grant(asked.grant.encoded, asked.nonce, response),
    )
    held.keep(asked.grant, token)
    return await asked.then(visit)


def asking_for(visit: Visit, about: str) -> AskingCustodian:
    """Return the custodian as the visit's officer asks it, under their session's grants.

    Args:
        visit: the officer's request.
        about: number of the dispatch or composition.
    """
    return _asking(visit, {"composition": about})


def asking_for_bag(visit: Visit, seal: str, other: Held | None = None) -> AskingCustodian:
    """Return the same for a bag; `other` is the session of the second officer of its seal."""
    about = {"bag": seal} if other is None else {"bag": seal, "other": other.officer}
    return _asking(visit, about, other)


def asking_for_photograph(visit: Visit, seal: str, photograph: str) -> AskingCustodian:
    """Return the same for one photograph of a bag."""
    return _asking(visit, {"bag": seal, "photograph": photograph})


def _asking(visit: Visit, about: dict[str, str], other: Held | None = None) -> AskingCustodian:
    return AskingCustodian(custodian_of(visit.office), visit, about, held_by(visit), other)


def showing_for(visit: Visit, about: str) -> Showing:
    """Return what opens for the visit's officer; see `asking_for`."""
    return showing_of(visit.office, asking_for(visit, about))


async def put_to_sign(visit: Visit, manifest: bytes, dispatch: str, level: str, then: Then) -> str:
    """Put a manifest before the officer; give the ticket of the page where they sign it.

    Args:
        visit: the officer's request.
        manifest: the bytes that the custodian shall sign.
        dispatch: its number.
        level: code of its level.
        then: what follows once the custodian has the grant.

    Raises:
        ServiceError: OFFICER_NOT_ON_ROLL, LEVEL_UNKNOWN, NOT_FOUND, NOT_AWAITED, FORM_REFUSED.
        KeysError: the custodian does not answer.
    """
    roll, mine = await _on_roll(visit)
    grant = Grant(
        officer=visit.person.number,
        purpose=SIGN,
        rank=_rank(roll, level),
        dispatch=dispatch,
        request=request_digest("sign_manifest", manifest),
        uses=1,
        expires=_ends(visit, _SINGLE),
    )
    return await _asked(visit, roll, mine, grant, then, beside=manifest)


async def put_to_seal(visit: Visit, seal: str, claims: bytes, then: Then) -> str:
    """Put the claims of a bag's seal before the officer; give the ticket of the page to sign.

    Args:
        visit: the officer's request.
        seal: the closing; the registrar takes its claims from the books.
        claims: the same, as this page knows them.
        then: what follows once the custodian has the grant.

    Raises:
        ServiceError: OFFICER_NOT_ON_ROLL, PREPARATION_OUTDATED, NOT_ALLOWED, FORM_REFUSED.
        KeysError: the custodian does not answer.
    """
    desk = Desk("bag_grant_ask", "bag_grant_take", {"seal": seal})
    return await _by_two(visit, request_digest("sign_seal", claims), then, desk)


async def put_to_rectify(visit: Visit, seal: str, statement: bytes, then: Then) -> str:
    """Put a rectification before the officer; give the ticket of the page to sign.

    Args:
        visit: the officer's request.
        seal: the closing.
        statement: what the custodian shall sign; the registrar knows its digest.
        then: what follows once the custodian has the grant.

    Raises:
        ServiceError: OFFICER_NOT_ON_ROLL, RECTIFICATION_OUTDATED, NOT_ALLOWED, FORM_REFUSED.
        KeysError: the custodian does not answer.
    """
    about = {"seal": seal, "statement": statement}
    desk = Desk("bag_rectify_ask", "bag_rectify_take", about)
    return await _by_two(visit, request_digest("sign_rectification", statement), then, desk)


async def _by_two(visit: Visit, request: str, then: Then, desk: Desk) -> str:
    """Put one of the two grants before the officer that a request of the pouch bureau needs."""
    roll, mine = await _on_roll(visit)
    grant = Grant(
        officer=visit.person.number,
        purpose=SEAL,
        rank=0,
        dispatch=None,
        request=request,
        uses=1,
        expires=_ends(visit, _SINGLE),
    )
    return await _asked(visit, roll, mine, grant, then, desk)


async def _put(visit: Visit, dispatch: str | None, level: str | None, back: str) -> Response:
    roll, mine = await _on_roll(visit)
    ceiling = roll["session_rank"]
    rank = 0 if level is None else _rank(roll, level)
    single = rank > ceiling
    grant = Grant(
        officer=visit.person.number,
        purpose=OPEN,
        rank=rank if single else min(ceiling, mine["rank"]),
        dispatch=dispatch if single else None,
        request=None,
        uses=1 if single else USES_MOST,
        expires=_ends(visit, _SINGLE if single else _SESSION),
    )
    return visit.sign(await _asked(visit, roll, mine, grant, partial(_on, back)))


async def _on(back: str, _visit: Visit) -> str:
    return back


async def _asked(
    visit: Visit,
    roll: dict[str, Any],
    mine: dict[str, Any],
    grant: Grant,
    then: Then,
    desk: Desk | None = None,
    beside: bytes | None = None,
) -> str:
    nonce = await _ask(visit, lambda custodian: custodian.officer_challenge())
    names = [canonical.bytes_from_text(each["id"]).hex() for each in mine["passkeys"]]
    asked = {
        "grant": grant.encoded,
        "nonce": nonce,
        "party": roll["party"]["id"],
        "credentials": names,
        "back": _RETURN,
    }
    if desk is None:
        desk = Desk()
        asked["beside"] = beside
    ticket = await visit.act(desk.ask, {**asked, **desk.about})
    held_by(visit).asked = Asked(grant, nonce, ticket, then, desk)
    return str(ticket)


async def _on_roll(visit: Visit) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the custodian's roll and the officer's line on it."""
    roll = json.loads(await _ask(visit, lambda custodian: custodian.officers()))
    number = visit.person.number
    mine = next((each for each in roll["officers"] if each["id"] == number), None)
    if mine is None:
        raise ServiceError("OFFICER_NOT_ON_ROLL", officer=number)
    return roll, mine


def _ends(visit: Visit, lasts: timedelta) -> datetime:
    return min(visit.now + lasts, visit.person.last).replace(microsecond=0)


def _rank(roll: dict[str, Any], level: str) -> int:
    try:
        return int(roll["levels"].index(level))
    except ValueError:
        raise ServiceError("LEVEL_UNKNOWN") from None


async def _ask(visit: Visit, question: Callable[[Any], Given]) -> Given:
    custodian = custodian_of(visit.office)
    return await visit.office.in_thread(lambda: question(custodian))
