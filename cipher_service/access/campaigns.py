"""Reviews of rights: each one is confirmed, or it ends (article 12, periodic review).

A campaign writes down every right in force, with a digest of the list. What is removed ends at
once; what nobody confirmed before the closing day ends then. With a function end its mandates.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, func, select, update

from cipher_service import clock
from cipher_service.access import mandates
from cipher_service.access.acts import Gate, anybody, circumstances, require
from cipher_service.access.subjects import Person
from cipher_service.directory.officers import OFFICERS, end_windows, in_force
from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.storage import counters
from cipher_service.storage.tables.access import campaign, campaign_line, site_access
from cipher_service.storage.tables.officers import function_held, habilitation, need_to_know
from keys.canonical import encode

LASTS = timedelta(days=30)
VERDICTS = ("confirmed", "removed")
CLOCK: Final = "clock"
"""Who acts, in the log, when nobody does."""
_NUMBERS = "campaign_number"
_BOOKS: dict[str, tuple[Table, str]] = {
    "function": (function_held, "role"),
    "habilitation": (habilitation, "level"),
    "need": (need_to_know, "object"),
    "site": (site_access, "place"),
}


def acts(gate: Gate, now: Callable[[], datetime] = clock.now) -> dict[str, OfficerAct]:
    """Return the commands by which an officer reviews in the console, to be guarded."""

    def opened(connection: Connection, officer: str, _payload: object) -> dict[str, str]:
        """Give `{"act": the campaign's number}`. Refuses as `open_campaign`."""
        return {"act": open_campaign(connection, gate, officer, now())}

    def answered(connection: Connection, officer: str, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"campaign", "line", "verdict"}`; give `{"act"}`. Refuses as `answer`."""
        number, line = payload["campaign"], payload["line"]
        answer(connection, gate, number, line, payload["verdict"], officer, now())
        return {"act": f"{number}/{line}"}

    return {"review_open": opened, "review_answer": answered}


def open_campaign(connection: Connection, gate: Gate, by: str, now: datetime) -> str:
    """Write down every right in force and ask for each; returns the campaign's number.

    Raises:
        ServiceError: NOT_ALLOWED: only the security officer reviews.
    """
    about_everyone = Person("", "")
    asked = circumstances(connection, gate, now)
    require(connection, gate, by, "recertify", about_everyone, asked)
    number = f"R-{counters.advance(connection, _NUMBERS):06}"
    rights = [
        {"officer": row.officer, "kind": kind, "seq": row.seq, "name": row.name}
        for kind, (book, name) in _BOOKS.items()
        for row in connection.execute(
            select(book.c.officer, book.c.seq, book.c[name].label("name"))
            .where(*_in_force(book, now))
            .order_by("seq")
        )
    ]
    connection.execute(
        campaign.insert().values(
            campaign_id=number,
            opened_at=clock.text(now),
            closes_at=clock.text(now + LASTS),
            opened_by=by,
            digest=hashlib.sha256(encode(rights)).hexdigest(),
        )
    )
    for line, right in enumerate(rights, 1):
        connection.execute(
            campaign_line.insert().values(
                campaign=number,
                line=line,
                officer=right["officer"],
                kind=right["kind"],
                right_seq=right["seq"],
                right_name=right["name"],
            )
        )
    return number


def answer(
    connection: Connection,
    gate: Gate,
    number: str,
    line: int,
    verdict: str,
    by: str,
    now: datetime,
) -> None:
    """Confirm a right or remove it; nobody answers for themselves.

    Raises:
        ServiceError: NOT_ALLOWED, whether there is such a line or not; NOT_FOUND, UNKNOWN_KIND,
            REVIEWED_ALREADY.
    """
    mine = (campaign_line.c.campaign == number, campaign_line.c.line == line)
    row = connection.execute(select(campaign_line).where(*mine)).one_or_none()
    about = anybody(connection, "" if row is None else row.officer)
    require(connection, gate, by, "recertify", about, circumstances(connection, gate, now))
    if row is None:
        raise ServiceError("NOT_FOUND")
    if verdict not in VERDICTS:
        raise ServiceError("UNKNOWN_KIND", kind=verdict)
    if row.verdict is not None:
        raise ServiceError("REVIEWED_ALREADY", seq=line)
    _settle(connection, row, verdict, by, now)


def close(connection: Connection, now: datetime) -> int:
    """Close the campaigns whose day has come; returns how many rights ended unanswered.

    Repeatable: the work of a clock, which needs nobody's leave to make things safer.
    """
    ended = 0
    for number in due(connection, now):
        for row in lines(connection, number):
            if row.verdict is None:
                _settle(connection, row, "unanswered", None, now)
                ended += 1
        closed = update(campaign).where(campaign.c.campaign_id == number)
        connection.execute(closed.values(closed_at=clock.text(now)))
    return ended


def due(connection: Connection, now: datetime) -> list[str]:
    """Return the numbers of the campaigns that should be closed now, in order."""
    waiting = select(campaign.c.campaign_id).where(
        campaign.c.closed_at.is_(None), campaign.c.closes_at <= clock.text(now)
    )
    return list(connection.scalars(waiting.order_by(campaign.c.campaign_id)))


def everything(connection: Connection) -> list[Row[Any]]:
    """Return the register of campaigns, the latest first; `asked` and `answered` count lines."""
    line = campaign_line.c
    counted = (
        select(
            campaign,
            func.count(line.line).label("asked"),
            func.count(line.verdict).label("answered"),
        )
        .outerjoin(campaign_line, line.campaign == campaign.c.campaign_id)
        .group_by(*campaign.c)
        .order_by(campaign.c.campaign_id.desc())
    )
    return list(connection.execute(counted))


def read(connection: Connection, number: str) -> Row[Any]:
    """Return a campaign. Raises ServiceError NOT_FOUND."""
    mine = select(campaign).where(campaign.c.campaign_id == number)
    row = connection.execute(mine).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    return row


def lines(connection: Connection, number: str) -> list[Row[Any]]:
    """Return the rights that a campaign asks about."""
    mine = select(campaign_line).where(campaign_line.c.campaign == number)
    return list(connection.execute(mine.order_by(campaign_line.c.line)))


def _settle(
    connection: Connection, row: Row[Any], verdict: str, by: str | None, now: datetime
) -> None:
    connection.execute(
        update(campaign_line)
        .where(campaign_line.c.campaign == row.campaign, campaign_line.c.line == row.line)
        .values(verdict=verdict, answered_by=by, answered_at=clock.text(now))
    )
    if verdict == "confirmed":
        return
    if row.kind == "site":
        site = update(site_access).where(site_access.c.seq == row.right_seq)
        connection.execute(site.values(state="revoked", state_at=clock.text(now)))
        counters.advance(connection, OFFICERS)
    else:
        book, _name = _BOOKS[row.kind]
        end_windows(connection, book, now, book.c.seq == row.right_seq)
        if row.kind == "function":
            mandates.end_lent(connection, row.officer, row.right_name, by or CLOCK, now)


def _in_force(book: Table, now: datetime) -> tuple[Any, ...]:
    more = (site_access.c.state == "granted",) if book is site_access else ()
    return (*in_force(book, now), *more)
