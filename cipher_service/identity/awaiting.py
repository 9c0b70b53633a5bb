"""Which acts wait, and for whom: a view of the books that locks nothing.

It says who could sign by function and by what the act concerns; whether a person really may is
judged when they ask to sign (`shared_acts.require_signable`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity.shared_acts import open_acts, signers
from cipher_service.storage.tables import acts as act_tables
from cipher_service.storage.tables import officers as books
from keys.act_rules import Seat
from keys.acts import Act


@dataclass(frozen=True, slots=True)
class Waiting:
    """An act that waits.

    Attributes:
        act: what.
        signers: numbers of those who have signed.
        mine: this person could sign.
        awaited: names of those who could, without those who have signed.
    """

    act: Act
    signers: tuple[str, ...]
    mine: bool
    awaited: tuple[str, ...]


def waiting(
    connection: Connection, officer: str, held: Iterable[str], now: datetime
) -> list[Waiting]:
    """Return the acts that a person could sign, proposed or signed; what lapses first is first.

    Args:
        connection: reading.
        officer: the person.
        held: codes of the person's functions, mandates included.
        now: the present.
    """
    functions, found = frozenset(held), []
    for act in open_acts(connection, now):
        signed = tuple(signers(connection, act.id))
        mine = officer not in signed and _could(act, officer, functions)
        if mine or officer in signed or officer == act.proposer:
            found.append(Waiting(act, signed, mine, _awaited(connection, act, signed, now)))
    return found


def require_seen(connection: Connection, act_id: str, officer: str, now: datetime) -> None:
    """Demand that an act, whatever became of it, stands before this person as in `waiting`.

    Raises:
        ServiceError: UNKNOWN_ACT: there is none, or it is among others alone.
    """
    book = act_tables.shared_act
    body = connection.scalar(select(book.c.body).where(book.c.act_id == act_id))
    if body is not None:
        act = Act.parse(bytes(body))
        known = officer == act.proposer or officer in signers(connection, act_id)
        if known or _could(act, officer, _held(connection, officer, now)):
            return
    raise ServiceError("UNKNOWN_ACT", act=act_id)


def _held(connection: Connection, officer: str, now: datetime) -> frozenset[str]:
    """Return the codes of a person's functions, those of mandates in force included."""
    mandate = books.mandate
    lent = connection.scalars(
        select(mandate.c.role).where(mandate.c.holder == officer, *officers.lending(now))
    )
    return frozenset((*lent, *(one.role for one in officers.functions(connection, officer, now))))


def _could(act: Act, officer: str, functions: frozenset[str]) -> bool:
    concerned = act.authors if act.rule.subject_may else (*act.authors, *act.subjects)
    if officer in concerned or officer == act.proposer:
        return False
    return any(_takes(seat, functions) for seat in act.seats[1:])


def _takes(seat: Seat, functions: frozenset[str]) -> bool:
    return not seat or bool(seat & functions)


def _awaited(
    connection: Connection, act: Act, signed: tuple[str, ...], now: datetime
) -> tuple[str, ...]:
    wanted = frozenset[str]().union(*act.seats[1:])
    held = books.function_held
    numbers = connection.scalars(
        select(held.c.officer)
        .where(held.c.role.in_(wanted), *officers.in_force(held, now))
        .order_by(held.c.officer)
        .distinct()
    )
    return tuple(
        officers.read(connection, number).identity.name
        for number in numbers
        if number not in signed and number not in (*act.subjects, *act.authors)
    )
