"""Tokens that may be used once (RFC 7519 `jti`): a claim has exactly one winner.

`claim` writes all claims of a batch in the transaction that carries the acts they belong to, so
that a proof is used up exactly when the act is durable.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete

from cipher_service.storage.statements import Statement, Value, insert_or_skip
from cipher_service.storage.tables.registers import replay

_CLAIM = Statement(insert_or_skip(replay, ["claim"]), ["claim", "expires"])
_TIMED: Final = re.compile(r"([0-9a-f]{12})-[A-Za-z0-9_-]{24}", re.ASCII)
_FORGET = Statement(delete(replay).where(replay.c.expires < bindparam("now")))


def claim_of(issuer: str, jti: str) -> bytes:
    """Return the 32 or 38 bytes under which a token's use is remembered.

    A name that begins with its time (`chiffre`'s do: 12 hexadecimal digits, a hyphen, 24 letters of
    base64url) has that time in front, so that what is used in one moment lies side by side in the
    table. Any other is found by its digest alone; either is the token's only place.
    """
    digest = hashlib.sha256(
        f"{len(issuer)}:{issuer}{jti}".encode("utf-8", "surrogatepass")
    ).digest()
    timed = _TIMED.fullmatch(jti)
    return digest if timed is None else bytes.fromhex(timed[1]) + digest


def claim(connection: Connection, claims: Sequence[tuple[bytes, int]]) -> list[bool]:
    """Use up tokens; the answer says, for each, whether this call was the first.

    Args:
        connection: inside a unit of work.
        claims: (claim, expiry in seconds since 1970). The expiry is when the token is refused for
            its age anyway.
    """
    return [
        _CLAIM.run(connection, {"claim": token, "expires": expires}).rowcount == 1
        for token, expires in claims
    ]


def claim_all(connection: Connection, claims: Sequence[tuple[bytes, int]]) -> bool:
    """Use up tokens at once; False when one of them was used before: undo the others then."""
    rows: list[dict[str, Value]] = [
        {"claim": token, "expires": expires} for token, expires in claims
    ]
    return not rows or _CLAIM.run_many(connection, rows) == len(rows)


def forget_expired(connection: Connection, now: datetime) -> int:
    """Drop claims whose tokens are refused for their age; returns how many."""
    return int(_FORGET.run(connection, {"now": int(now.timestamp())}).rowcount)
