"""What an officer lets the custodian do in their name: a grant, verified and remembered here only.

    grant = Grant(officer="OFF-000004", purpose=OPEN, rank=2, ...)
    challenge = grant_challenge(nonce, grant.digest)         # for the officer's security key
    token = custodian.open_grant(grant.encoded, nonce, response)

A *session* names neither a dispatch nor a request: it serves any act of its purpose up to its rank,
so many times, until it ends, and never above the roll's session rank, but for bags' lines. Above
that a grant names the dispatch to be opened, or the very request to be signed. A token is worth
nothing once the custodian stops, its officer's right to act ends, or anybody seals the keys.
"""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.act_rules import GRANT_SEATS
from keys.acts import NONCE_BYTES
from keys.custody.errors import (
    GrantMalformed,
    GrantMissing,
    GrantOfAnother,
    GrantTooLow,
    TooMuchWaiting,
)
from keys.records import FINGERPRINT, ULID
from keys.statements import encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keys.records import Record

OPEN: Final = "open"
BAG: Final = "bag"
SIGN: Final = "sign"
SEAL: Final = "seal"
ENDORSE: Final = "endorse"

PURPOSES: Final = {
    "open_file_key": OPEN,
    "rewrap_header": OPEN,
    "open_sealed": OPEN,
    "open_bag_text": BAG,
    "sign_manifest": SIGN,
    "sign_rerouting": SIGN,
    "endorse_card": ENDORSE,
    "sign_seal": SEAL,
    "sign_rectification": SEAL,
}
"""Which custodian's acts need a grant, and of what purpose."""

BY_TWO: Final = frozenset({"sign_seal", "sign_rectification", "endorse_card"})
"""Which of them two officers must grant."""

SESSION_SECONDS: Final = 12 * 3600
"""The longest session; what names a dispatch or a request lasts as long as a challenge."""
SINGLE_SECONDS: Final = 300
USES_MOST: Final = 500

_TYPE: Final = "depeche/v1 grant"
_ANSWER: Final = b"depeche/v1 grant-approval\0"
_OFFICER: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{1,31}")
_PURPOSE: Final = re.compile("|".join(GRANT_SEATS))
_TOKEN_BYTES: Final = 32
_GRANTS_MOST: Final = 1024


@dataclass(frozen=True)
class Grant:
    """What an officer puts their name to.

    Attributes:
        officer: number of the person.
        purpose: a key of `GRANT_SEATS`.
        rank: of the highest level that it covers.
        dispatch: the one dispatch that it is for, or None.
        request: hexadecimal `request_digest` of the one request that it is for, or None.
        uses: how many acts it covers.
        expires: UTC, whole seconds, excluded.
    """

    officer: str
    purpose: str
    rank: int
    dispatch: str | None
    request: str | None
    uses: int
    expires: datetime

    @property
    def is_session(self) -> bool:
        """Whether it covers whatever comes up to its rank."""
        return self.dispatch is None and self.request is None

    @classmethod
    def parse(cls, data: bytes) -> Grant:
        """Reads the canonical bytes.

        Raises:
            GrantMalformed: any other bytes.
        """
        return parse_statement(data, _read, GrantMalformed)

    @cached_property
    def encoded(self) -> bytes:
        """The canonical bytes.

        Raises:
            GrantMalformed: it holds what its readers would refuse.
        """
        return encode_statement(self, _object, _read, GrantMalformed)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of what is signed, 32 bytes (ACTS.md §6)."""
        return sha256(_TYPE.encode() + b"\0" + self.encoded).digest()


@dataclass(frozen=True)
class Wanted:
    """An act that asks for a grant.

    Attributes:
        purpose: which sort of grant.
        rank: of what the act touches; None where no level can be known.
        dispatch: which dispatch it is about, or None.
        request: hexadecimal digest of the request.
    """

    purpose: str
    rank: int | None
    dispatch: str | None
    request: str


def grant_challenge(nonce: bytes, digest: bytes) -> bytes:
    """Gives the challenge that a security key answers to give a grant (ACTS.md §6).

    Raises:
        ValueError: the nonce has another length than 32 bytes.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    return sha256(_ANSWER + nonce + digest).digest()


@dataclass
class _Open:
    grant: Grant
    used: set[str] = field(default_factory=set)


class Grants:
    """The grants of one custodian, in its memory; any number of threads may ask.

    Args:
        clock: gives the time, UTC, whole seconds.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[bytes, _Open] = {}

    def keep(self, grant: Grant) -> bytes:
        """Remembers a verified grant; gives its token, 32 random bytes.

        Raises:
            TooMuchWaiting: too many are open.
        """
        token = secrets.token_bytes(_TOKEN_BYTES)
        with self._lock:
            self._forget_ended()
            if len(self._open) >= _GRANTS_MOST:
                raise TooMuchWaiting("too many grants are open")
            self._open[sha256(token).digest()] = _Open(grant)
        return token

    def find(self, token: bytes) -> Grant:
        """Gives the grant of a token.

        Raises:
            GrantMissing: no token was given, or it is none of ours, ended or used up.
        """
        with self._lock:
            return self._found(token).grant

    def use(self, token: bytes, wanted: Wanted, session_rank: int) -> None:
        """Counts one act under a grant. The same request again is the same act.

        Args:
            token: what `keep` gave.
            wanted: what is to be done.
            session_rank: of the highest level that a session may cover.

        Raises:
            GrantMissing: as `find`.
            GrantOfAnother: it is for another purpose, dispatch or request.
            GrantTooLow: the act touches more than the grant covers.
        """
        with self._lock:
            found = self._found(token)
            require_covers(found.grant, wanted, session_rank)
            if wanted.request not in found.used and len(found.used) >= found.grant.uses:
                raise GrantMissing("the grant is used up")
            found.used.add(wanted.request)

    def close(self, token: bytes) -> None:
        """Forgets one grant; forgetting what is not there is forgetting."""
        with self._lock:
            self._open.pop(sha256(token).digest(), None)

    def close_all(self) -> None:
        """Forgets every grant."""
        with self._lock:
            self._open.clear()

    def _found(self, token: bytes) -> _Open:
        self._forget_ended()
        found = self._open.get(sha256(token).digest())
        if found is None:
            raise GrantMissing("an officer's grant is needed, and this is none that stands")
        return found

    def _forget_ended(self) -> None:
        now = self._clock()
        for name in [name for name, each in self._open.items() if each.grant.expires <= now]:
            del self._open[name]


def require_covers(grant: Grant, wanted: Wanted, session_rank: int) -> None:
    """Demands that a grant is for an act.

    Raises:
        GrantOfAnother, GrantTooLow: it is not.
    """
    if grant.purpose != wanted.purpose:
        raise GrantOfAnother(f"the grant is to {grant.purpose}, not to {wanted.purpose}")
    if grant.dispatch is not None and grant.dispatch != wanted.dispatch:
        raise GrantOfAnother(f"the grant is for {grant.dispatch}")
    if grant.request is not None and grant.request != wanted.request:
        raise GrantOfAnother("the grant is for another request")
    if wanted.rank is None:
        # Whose level cannot be known: what is signed is granted by itself; sealed texts come under
        # any session to open, and waybills under any for bags.
        if wanted.purpose not in (OPEN, BAG) and grant.request is None:
            raise GrantTooLow("a grant to sign this names the request")
        return
    if wanted.rank > grant.rank:
        raise GrantTooLow(f"the grant covers rank {grant.rank}, and this is of {wanted.rank}")
    # To open, the dispatch's own number is enough: the custodian reads it in the manifest. What is
    # to be signed does not exist before, so that only its bytes can be named.
    named = grant.request if wanted.purpose == SIGN else grant.request or grant.dispatch
    # A bag's line says what lies in it and not what that says: a session serves at any level.
    if wanted.rank > session_rank and named is None and wanted.purpose != BAG:
        raise GrantTooLow(f"above rank {session_rank} a grant is for one dispatch")


def _object(grant: Grant) -> dict[str, Any]:
    return {
        "v": 1,
        "type": _TYPE,
        "officer": grant.officer,
        "purpose": grant.purpose,
        "rank": grant.rank,
        "dispatch": grant.dispatch,
        "request": grant.request,
        "uses": grant.uses,
        "expires": canonical.text_from_time(grant.expires),
    }


def _read(record: Record) -> Grant:
    record.constant("v", 1)
    record.constant("type", _TYPE)
    grant = Grant(
        officer=record.text("officer", _OFFICER),
        purpose=record.text("purpose", _PURPOSE),
        rank=record.integer("rank"),
        dispatch=record.optional_text("dispatch", ULID),
        request=record.optional_text("request", FINGERPRINT),
        uses=record.integer("uses", least=1),
        expires=record.time("expires"),
    )
    record.close()
    if grant.uses > USES_MOST:
        raise ValueError(f"a grant covers at most {USES_MOST} acts")
    return grant
