"""A new enrolment link for an officer who has lost both security keys: two others give it.

The security officer makes the link's secret and proposes its digest; the link serves from the
moment at which another officer has signed. Enrolling by it revokes the keys of before.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from cipher_service import clock
from cipher_service.directory import officers
from cipher_service.identity import approvals, passkey_book
from cipher_service.identity.approvals import Executor
from cipher_service.identity.carried import digest_of, new_secret
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.references import new_id
from cipher_service.storage.tables import identity as tables
from keys.act_rules import RULES
from keys.acts import Act

KIND = "officer.relink"


def executor() -> Executor:
    """Return what the act changes."""
    return Executor(_version, _perform)


def acts(now: Callable[[], datetime] = clock.now) -> dict[str, OfficerAct]:
    """Return the command by which it is proposed, to be guarded."""

    def propose(connection: Connection, officer: str, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"officer", "reason", "back"}`; give `{"ticket", "link": the secret}`.

        Refuses UNKNOWN_OFFICER, OFFICER_LEFT, ACT_MALFORMED.
        """
        subject, present = payload["officer"], now().replace(microsecond=0)
        officers.not_left(connection, subject)
        secret = new_secret()
        act = Act(
            id=new_id(present),
            kind=KIND,
            resource=f"officer/{subject}",
            version=_links(connection, subject),
            rank=0,
            parameters={"link": digest_of(secret)},
            proposer=officer,
            subjects=(subject,),
            authors=(),
            reason=payload["reason"],
            not_before=present,
            expires=present + timedelta(seconds=RULES[KIND].seconds),
        )
        ticket = approvals.ask(connection, officer, act.encoded, payload["back"], present)
        return {"ticket": ticket, "link": secret}

    return {"officer_relink": propose}


def _version(connection: Connection, act: Act) -> int:
    return _links(connection, act.subjects[0])


def _links(connection: Connection, officer: str) -> int:
    """Count the links that an officer was ever given: each outdates a proposal of before."""
    book = tables.enrolment_link
    count = connection.scalar(
        select(func.count()).select_from(book).where(book.c.officer == officer)
    )
    return int(count or 0)


def _perform(connection: Connection, act: Act, by: str, now: datetime) -> None:
    passkey_book.open_link(connection, act.subjects[0], act.parameters["link"], now, by=by)
