"""What officers were granted for their sessions, in this process's memory alone.

Tokens lie here by session: after a restart the officer signs again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from weakref import WeakKeyDictionary

from cipher_service.console.office import Office
from cipher_service.console.visit import Visit
from keys.custody.errors import GrantMissing
from keys.custody.grants import BAG, OPEN, SEAL, SIGN, Grant

Then = Callable[[Visit], Awaitable[str]]
"""What is done once the custodian has a grant; gives where the officer goes on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was put before an officer last.

    Attributes:
        grant: what they are to sign.
        nonce: the custodian's own.
        ticket: of the page where they sign.
        then: what follows.
        desk: the registrar's acts that ask and take.
    """

    grant: Grant
    nonce: bytes
    ticket: str
    then: Then
    desk: "Desk"


@dataclass(frozen=True, slots=True)
class Desk:
    """The registrar's acts that put a grant before an officer and take the answer.

    Attributes:
        ask: puts the statement that waits, or what comes along, before the officer.
        take: gives the answer.
        about: what both are told besides.
    """

    ask: str = "grant_ask"
    take: str = "grant_take"
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Held:
    """What one session was granted.

    Attributes:
        officer: number of the person; see `Granting`.
        ends: when the session ends at the latest.
        grants: to open, with the token of each; by dispatch, None for the session's own.
        bags: to open bags' texts, with its token.
        signing: tokens of grants to sign, by request.
        sealing: the last grant to seal, with its token.
        asked: what was put before the officer last.
        taking: what is done with the answer; gives where the officer goes on.
    """

    officer: str
    ends: datetime
    grants: dict[str | None, tuple[Grant, bytes]] = field(default_factory=dict)
    bags: tuple[Grant, bytes] | None = None
    signing: dict[str, bytes] = field(default_factory=dict)
    sealing: tuple[Grant, bytes] | None = None
    asked: Asked | None = None
    taking: asyncio.Task[str] | None = None

    def keep(self, grant: Grant, token: bytes) -> None:
        """Keep what the custodian gave."""
        if grant.purpose == SIGN:
            self.signing = {str(grant.request): token}  # an officer signs one at a time
        elif grant.purpose == SEAL:
            self.sealing = grant, token
        elif grant.purpose == BAG:
            self.bags = grant, token
        else:
            self.grants[grant.dispatch] = (grant, token)

    def token(self, purpose: str, request: str, dispatch: str | None) -> bytes:
        """Give the token of the narrowest grant; see `Granting`."""
        if purpose == SIGN and request in self.signing:
            return self.signing[request]
        if purpose == SEAL and self.sealing is not None and self.sealing[0].request == request:
            return self.sealing[1]
        if purpose == BAG and self.bags is not None:
            return self.bags[1]
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
    if held.bags is not None and held.bags[0].expires <= visit.now:
        held.bags = None
    for each in all_held.values():
        if each.sealing is not None and each.sealing[0].expires <= visit.now:
            each.sealing = None
        # What was put before an officer may hold the text that is to be signed.
        if each.asked is not None and each.asked.grant.expires <= visit.now:
            each.asked = None
    return held


def sealers(visit: Visit, request: str) -> list[Held]:
    """Return the sessions whose officers' grants for one seal stand here and now."""
    held_by(visit)  # which forgets what has ended
    found = _HELD[visit.office].values()
    return [one for one in found if one.sealing is not None and one.sealing[0].request == request]
