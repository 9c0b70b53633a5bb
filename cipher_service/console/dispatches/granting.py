"""An officer's grant to open: asked for here, signed at the other origin, kept for the session.

Up to the roll's ceiling one grant serves the session; above it each dispatch has its own. Tokens
lie in this process's memory only, by session: after a restart the officer signs again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.console.dispatches.desk import custodian_of, number_of, showing_of
from cipher_service.console.dispatches.warrants import AskingCustodian
from cipher_service.console.office import Office
from cipher_service.console.visit import Visit
from cipher_service.dispatches.office.showing import Showing
from cipher_service.errors import ServiceError
from keys import canonical
from keys.custody.errors import GrantMissing
from keys.custody.grants import OPEN, SESSION_SECONDS, SINGLE_SECONDS, USES_MOST, Grant

_MARGIN: Final = timedelta(seconds=30)  # the clocks of two processes may differ by a moment
_SESSION: Final = timedelta(seconds=SESSION_SECONDS) - _MARGIN
_SINGLE: Final = timedelta(seconds=SINGLE_SECONDS) - _MARGIN
_RETURN: Final = "/depeches/autorisation/prise"

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class _Asked:
    grant: Grant
    nonce: bytes
    ticket: str
    back: str


@dataclass(slots=True)
class Held:
    """What one session was granted.

    Attributes:
        officer: number of the person; see `Granting`.
        ends: when the session ends at the latest.
        grants: with the token of each; by dispatch, None for the session's own.
    """

    officer: str
    ends: datetime
    grants: dict[str | None, tuple[Grant, bytes]] = field(default_factory=dict)
    asked: _Asked | None = None

    def token(self, purpose: str, request: str, dispatch: str | None) -> bytes:
        """Give the token of the narrowest grant; see `Granting`."""
        del request
        for name in (dispatch, None):
            if purpose == OPEN and name in self.grants:
                return self.grants[name][1]
        raise GrantMissing(f"the session of {self.officer} was not granted to {purpose}")

    def covers(self, dispatch: str | None, rank: int | None) -> bool:
        """Say whether a grant stands for a dispatch; the custodian judges again."""
        own = self.grants.get(dispatch), self.grants.get(None)
        return any(each is not None and (rank is None or rank <= each[0].rank) for each in own)

    def forget(self, dispatch: str | None) -> None:
        """Forget what the custodian no longer takes."""
        for name in (dispatch, None):
            self.grants.pop(name, None)


_HELD: Final[WeakKeyDictionary[Office, dict[str, Held]]] = WeakKeyDictionary()


def held_by(visit: Visit) -> Held:
    """Return what the visit's session holds."""
    person, all_held = visit.person, _HELD.setdefault(visit.office, {})
    for name in [name for name, each in all_held.items() if each.ends <= visit.now]:
        del all_held[name]
    name = sha256(person.token.encode()).hexdigest()
    held = all_held.setdefault(name, Held(person.number, person.last))
    for about in [each for each, (grant, _) in held.grants.items() if grant.expires <= visit.now]:
        del held.grants[about]
    return held


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
    return visit.page("dispatches/grant.html", standing=await standing(visit, None, None))


async def for_session(visit: Visit) -> Response:
    """Have the session granted, for what carries no level: drafts, subjects."""
    await visit.form()
    return await _put(visit, None, None, "/depeches/autorisation")


async def taken(visit: Visit) -> Response:
    """Bring the custodian what the officer signed, and go on."""
    held = held_by(visit)
    asked, held.asked = held.asked, None
    if asked is None:
        raise ServiceError("TICKET_UNKNOWN")
    answer = await visit.act("grant_take", {"ticket": asked.ticket})
    response = bytes(answer["response"])
    token = await _ask(
        visit,
        lambda custodian: custodian.open_grant(asked.grant.encoded, asked.nonce, response),
    )
    held.grants[asked.grant.dispatch] = (asked.grant, token)
    return visit.go(asked.back)


def showing_for(visit: Visit, about: str) -> Showing:
    """Return what opens for the visit's officer, under their session's grants.

    Args:
        visit: the officer's request.
        about: number of the dispatch or composition.
    """
    custodian = custodian_of(visit.office)
    asking = AskingCustodian(custodian, visit, about, held_by(visit))
    return showing_of(visit.office, asking)


async def _put(visit: Visit, dispatch: str | None, level: str | None, back: str) -> Response:
    roll = json.loads(await _ask(visit, lambda custodian: custodian.officers()))
    number = visit.person.number
    mine = next((each for each in roll["officers"] if each["id"] == number), None)
    if mine is None:
        raise ServiceError("OFFICER_NOT_ON_ROLL", officer=number)
    ceiling = roll["session_rank"]
    rank = 0 if level is None else _rank(roll, level)
    single = rank > ceiling
    lasts = _SINGLE if single else _SESSION
    grant = Grant(
        officer=number,
        purpose=OPEN,
        rank=rank if single else min(ceiling, mine["rank"]),
        dispatch=dispatch if single else None,
        request=None,
        uses=1 if single else USES_MOST,
        expires=min(visit.now + lasts, visit.person.last).replace(microsecond=0),
    )
    nonce = await _ask(visit, lambda custodian: custodian.officer_challenge())
    names = [canonical.bytes_from_text(each["id"]).hex() for each in mine["passkeys"]]
    asked = {
        "grant": grant.encoded,
        "nonce": nonce,
        "party": roll["party"]["id"],
        "credentials": names,
        "back": _RETURN,
    }
    ticket = await visit.act("grant_ask", asked)
    held_by(visit).asked = _Asked(grant, nonce, ticket, back)
    return visit.sign(ticket)


def _rank(roll: dict[str, Any], level: str) -> int:
    try:
        return int(roll["levels"].index(level))
    except ValueError:
        raise ServiceError("LEVEL_UNKNOWN") from None


async def _ask(visit: Visit, question: Callable[[Any], Given]) -> Given:
    custodian = custodian_of(visit.office)
    return await visit.office.in_thread(lambda: question(custodian))
