"""Ceremonies of keys (decree 2013/112, article 12): agreed in the console, done at the terminal.

Sharing out the custodian's unseal key takes place at the custodian's own terminal, and no process
of the service ever sees a share. What this keeps is the agreement: both custodians of keys, a
third person and every holder sign the same bytes (who holds, whose card, how many suffice), each
with a security key, before the terminal is touched; then what became of it. Ending one here leaves
the keys as they are.

    wanted = Wanted(threshold, holders, second, third, reason)
    number = prepare(connection, gate, officer, wanted, before, now)
    confirm(connection, officer, number, signed, site, now)
    close(connection, officer, number, after, now)       # or abandon(connection, officer, ...)
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from cipher_service import clock
from cipher_service.access.acts import Gate, circumstances, require
from cipher_service.access.subjects import Key
from cipher_service.errors import ServiceError
from cipher_service.identity import passkey_book
from cipher_service.identity.passkey_book import Site
from cipher_service.identity.shared_acts import Signed
from cipher_service.references import new_id
from cipher_service.storage.tables.ceremonies import ceremony, ceremony_confirmation
from keys.canonical import decode, encode
from keys.custody import CustodyState
from keys.custody.shares import HOLDERS_MAX, THRESHOLD_LEAST
from keys.records import FINGERPRINT, POST

TYPE: Final = "cipher-service/v1 ceremony"
OPEN: Final = "open"
DONE: Final = "done"
ABANDONED: Final = "abandoned"
WATCHERS: Final = frozenset(
    {"CUSTODIAN-A", "CUSTODIAN-B", "CHIEF-CNTC", "SECRETARY-GENERAL", "AUDITOR"}
)
"""The functions that watch over every ceremony."""
_REASON_MOST: Final = 500
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who shall hold a share: the code and the fingerprint of the card it is enciphered to."""

    code: str
    officer: str
    card: str

    @property
    def text(self) -> str:
        """One line, as it is signed."""
        return f"{self.code} {self.officer} {self.card}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a custodian of keys proposes.

    Attributes:
        threshold: how many shares open the keys.
        holders: who holds a share.
        second: the other custodian of keys.
        third: the Head of the Cell or the Secretary-General.
        reason: in one line.
    """

    threshold: int
    holders: tuple[Holder, ...]
    second: str
    third: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A ceremony as it stands.

    Attributes:
        body: the bytes that everyone signs.
        conductors: both custodians of keys and the third person, the proposer first.
        confirmed: when each participant signed.
        seen: whether the custodian then showed another sharing than before; None while it is open,
            or when it did not answer.
    """

    number: str
    body: bytes
    state: str
    threshold: int
    holders: tuple[Holder, ...]
    conductors: tuple[str, ...]
    reason: str
    before: str
    made: datetime
    confirmed: Mapping[str, datetime]
    ended: datetime | None
    ended_by: str | None
    end_reason: str | None
    seen: bool | None

    @property
    def fingerprint(self) -> str:
        """What everyone compares and signs, hexadecimal SHA-256."""
        return fingerprint_of(self.body)

    @property
    def participants(self) -> tuple[str, ...]:
        """Everyone who must confirm, each once."""
        return tuple(dict.fromkeys((*self.conductors, *(one.officer for one in self.holders))))

    @property
    def agreed(self) -> bool:
        """Whether everyone has confirmed."""
        return set(self.participants) == set(self.confirmed)


def fingerprint_of(body: bytes) -> str:
    """Return the digest of a ceremony's bytes, as the page where officers sign shows it."""
    return sha256(TYPE.encode() + b"\0" + body).hexdigest()


def sharing(state: CustodyState) -> str:
    """Return how the unseal key is shared out, in one line; empty while the credential opens."""
    names = " ".join(sorted(state.holders))
    return f"{state.threshold}/{len(state.holders)} {names}" if names else ""


def prepare(
    connection: Connection, gate: Gate, officer: str, wanted: Wanted, before: str, now: datetime
) -> str:
    """Write down what shall be agreed on; returns the ceremony's number.

    Args:
        connection: inside a unit of work.
        gate: what decides.
        officer: a custodian of keys.
        wanted: what is proposed.
        before: how the unseal key is shared out now (`sharing`).
        now: the present.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, CEREMONY_MALFORMED.
    """
    context = circumstances(connection, gate, now, approver=wanted.second, third=wanted.third)
    require(connection, gate, officer, "key-export", Key("custodian"), context)
    _check(connection, gate, wanted, now)
    number = new_id(now)
    body = encode(
        {
            "type": TYPE,
            "v": 1,
            "ceremony": number,
            "operation": "custody split",
            "threshold": wanted.threshold,
            "holders": [holder.text for holder in wanted.holders],
            "conductors": [officer, wanted.second, wanted.third],
            "before": before,
            "reason": wanted.reason.strip(),
        }
    )
    connection.execute(
        ceremony.insert().values(ceremony_id=number, body=body, state=OPEN, made_at=clock.text(now))
    )
    return number


def confirm(
    connection: Connection, officer: str, body: bytes, signed: Signed, site: Site, now: datetime
) -> None:
    """Enter a participant's signature over the ceremony's bytes; a second one changes nothing.

    Raises:
        ServiceError: NOT_FOUND, CEREMONY_ENDED, FORM_REFUSED (other bytes), and as
            `passkey_book.step_up`.
    """
    found = _open(connection, officer, str(decode(body).get("ceremony", "")))
    if found.body != body:
        raise ServiceError("FORM_REFUSED")
    digest = bytes.fromhex(found.fingerprint)
    passkey_book.step_up(
        connection, officer, digest, signed.nonce, signed.response, site=site, now=now
    )
    if officer not in found.confirmed:
        connection.execute(
            ceremony_confirmation.insert().values(
                ceremony=found.number,
                officer=officer,
                at=clock.text(now),
                nonce=signed.nonce,
                response=signed.response,
            )
        )


def abandon(
    connection: Connection,
    officer: str,
    number: str,
    reason: str,
    state: CustodyState | None,
    now: datetime,
) -> None:
    """End a ceremony without its act; one participant suffices.

    Args:
        connection: inside a unit of work.
        officer: who takes part in it.
        number: of the ceremony.
        reason: in one line.
        state: the custodian's at this moment; None when it does not answer.
        now: the present.

    Raises:
        ServiceError: NOT_FOUND, CEREMONY_ENDED, REASON_MISSING.
    """
    found = _open(connection, officer, number)
    if not _is_line(reason):
        raise ServiceError("REASON_MISSING")
    seen = None if state is None else int(sharing(state) != found.before)
    _end(connection, number, officer, now, state=ABANDONED, reason=reason.strip(), seen=seen)


def close(
    connection: Connection, officer: str, number: str, state: CustodyState, now: datetime
) -> bool:
    """Write down that the terminal's act was done; tells whether the custodian's state changed.

    Splitting anew among the same holders changes nothing that can be seen from here: then the
    conductors' word stands in the record, and is called so.

    Raises:
        ServiceError: NOT_FOUND, CEREMONY_ENDED, CEREMONY_NOT_AGREED (somebody has not confirmed),
            CEREMONY_NOT_DONE (the custodian has other holders or another threshold).
    """
    found = _open(connection, officer, number)
    if officer not in found.conductors:
        raise ServiceError("NOT_FOUND")
    if not found.agreed:
        raise ServiceError("CEREMONY_NOT_AGREED")
    codes = {holder.code for holder in found.holders}
    if state.threshold != found.threshold or set(state.holders) != codes:
        raise ServiceError("CEREMONY_NOT_DONE")
    seen = sharing(state) != found.before
    _end(connection, number, officer, now, state=DONE, seen=int(seen))
    return seen


def read(connection: Connection, number: str) -> Ceremony:
    """Return a ceremony. Raises ServiceError NOT_FOUND."""
    row = connection.execute(select(ceremony).where(ceremony.c.ceremony_id == number)).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    return _ceremony(connection, row)


def sees(one: Ceremony, officer: str, functions: Collection[str]) -> bool:
    """Say whether somebody takes part in a ceremony, or holds a function that watches over all."""
    return officer in one.participants or not WATCHERS.isdisjoint(functions)


def everyone(connection: Connection) -> list[Ceremony]:
    """Return every ceremony, the latest first."""
    rows = connection.execute(select(ceremony).order_by(ceremony.c.ceremony_id.desc())).all()
    return [_ceremony(connection, row) for row in rows]


def signatures(connection: Connection, number: str) -> list[dict[str, Any]]:
    """Return what an outsider verifies anew: of each, `officer`, `at`, `nonce`, `response`."""
    book = ceremony_confirmation
    rows = connection.execute(
        select(book).where(book.c.ceremony == number).order_by(book.c.at, book.c.officer)
    )
    return [
        {
            "officer": row.officer,
            "at": row.at,
            "nonce": bytes(row.nonce).hex(),
            "response": bytes(row.response).decode("utf-8"),
        }
        for row in rows
    ]


def _check(connection: Connection, gate: Gate, wanted: Wanted, now: datetime) -> None:
    holders = wanted.holders
    whole = (
        THRESHOLD_LEAST <= wanted.threshold <= len(holders) <= HOLDERS_MAX
        and all(POST.fullmatch(one.code) and FINGERPRINT.fullmatch(one.card) for one in holders)
        and all(
            len({getattr(one, name) for one in holders}) == len(holders)
            for name in ("code", "officer", "card")
        )
        and _is_line(wanted.reason)
    )
    if not whole:
        raise ServiceError("CEREMONY_MALFORMED")
    for one in holders:
        if not gate.principals.of(connection, one.officer, now).active:
            raise ServiceError("CEREMONY_MALFORMED")


def _is_line(text: str) -> bool:
    return len(text) <= _REASON_MOST and bool(text.strip()) and bool(_LINE.fullmatch(text.strip()))


def _open(connection: Connection, officer: str, number: str) -> Ceremony:
    connection.execute(  # its row is the lock
        update(ceremony).where(ceremony.c.ceremony_id == number).values(state=ceremony.c.state)
    )
    found = read(connection, number)
    if officer not in found.participants:
        raise ServiceError("NOT_FOUND")
    if found.state != OPEN:
        raise ServiceError("CEREMONY_ENDED")
    return found


def _end(connection: Connection, number: str, officer: str, now: datetime, **values: Any) -> None:
    connection.execute(
        update(ceremony)
        .where(ceremony.c.ceremony_id == number)
        .values(ended_at=clock.text(now), ended_by=officer, **values)
    )


def _ceremony(connection: Connection, row: Row[Any]) -> Ceremony:
    book = ceremony_confirmation
    confirmed = connection.execute(
        select(book.c.officer, book.c.at).where(book.c.ceremony == row.ceremony_id)
    )
    agreed = decode(bytes(row.body))
    return Ceremony(
        number=row.ceremony_id,
        body=bytes(row.body),
        state=row.state,
        threshold=agreed["threshold"],
        holders=tuple(Holder(*text.split(" ")) for text in agreed["holders"]),
        conductors=tuple(agreed["conductors"]),
        reason=agreed["reason"],
        before=agreed["before"],
        made=clock.parse(row.made_at),
        confirmed={officer: clock.parse(at) for officer, at in confirmed},
        ended=None if row.ended_at is None else clock.parse(row.ended_at),
        ended_by=row.ended_by,
        end_reason=row.reason,
        seen=None if row.seen is None else bool(row.seen),
    )
