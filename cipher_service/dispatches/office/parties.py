"""Who can take the next step of a dispatch: asked of the policies for each person, not of a list.

At CONFIDENTIEL and above three persons are needed: the author, a clerk who has read it and proposes
its departure, and an authority who has read it and releases it. Below, the author and one other; so
too in an emergency, where the other is one of those to whom the policies permit it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.subjects import Circumstances, Dispatch, Principal, held_for
from cipher_service.directory.officers import in_force, lending
from cipher_service.dispatches.office.compositions import Composition
from cipher_service.storage.tables import officers as tables
from keys.act_rules import GRANT_SEATS, RULES

PAIR_FROM: Final = 2
"""The rank from which two persons besides the author release a dispatch (CONFIDENTIEL)."""

_PROPOSERS, _RELEASERS = RULES["dispatch.release"].seats_at(PAIR_FROM)
_SENDERS: Final = GRANT_SEATS["sign"]
_ALONE: Final = frozenset({"MINISTER", "MINISTER-DELEGATE", "CIPHER-CLERK"}) | _RELEASERS


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who can be asked: their number, name and the functions that make it so."""

    officer: str
    name: str
    functions: tuple[str, ...]


def takers(connection: Connection, gate: Gate, known: Composition, now: datetime) -> list[Party]:
    """Return who can read a submission and propose its release, or make it alone.

    Alone below CONFIDENTIEL, from there up in an emergency.
    """
    thing = known.thing(gate.scheme)
    alone = thing.level < PAIR_FROM
    context = Circumstances(now, opened=True, break_glass=not alone)
    found = []
    for party, principal in _persons(connection, gate, _ALONE | _PROPOSERS, now):
        read = replace(thing, assigned=party.officer)
        able = _able(gate, principal, "read", read, Circumstances(now))
        if alone or not set(party.functions) & _PROPOSERS:
            able = able and _able(gate, principal, "release", thing, context)
        if able and party.officer != known.author:
            found.append(party)
    return found


def may_urge(principal: Principal, gate: Gate, known: Composition, now: datetime) -> bool:
    """Say whether a person may declare an emergency to release this alone, at this level."""
    thing = known.thing(gate.scheme)
    context = Circumstances(now, opened=True, break_glass=True)
    return thing.level >= PAIR_FROM and _able(gate, principal, "release", thing, context)


def proposes(party_functions: Collection[str]) -> bool:
    """Say whether one of these functions proposes releases by two."""
    return bool(_PROPOSERS & set(party_functions))


def releasers(connection: Connection, gate: Gate, known: Composition, now: datetime) -> list[Party]:
    """Return who can read and release what the clerk of a composition proposes."""
    thing = known.thing(gate.scheme)
    clerk = gate.principals.of(connection, known.enciphers, now)
    found = []
    for party, principal in _persons(connection, gate, _RELEASERS, now):
        read = replace(thing, assigned=party.officer)
        context = approval(party.officer, held_for(principal, thing.level), now)
        if (
            party.officer not in (known.author, known.enciphers)
            and _able(gate, principal, "read", read, Circumstances(now))
            and _able(gate, clerk, "release", thing, context)
        ):
            found.append(party)
    return found


def senders(connection: Connection, gate: Gate, known: Composition, now: datetime) -> list[Party]:
    """Return who can read what was released and have the custodian sign it; never its author."""
    thing = known.thing(gate.scheme)
    return [
        party
        for party, principal in _persons(connection, gate, _SENDERS, now)
        if party.officer != known.author
        and _able(
            gate, principal, "read", replace(thing, assigned=party.officer), Circumstances(now)
        )
    ]


def approval(approver: str, functions: frozenset[str], now: datetime) -> Circumstances:
    """Return the circumstances of a release by two who have both read what they release."""
    return Circumstances(now, approver=approver, approver_functions=functions, opened=True)


def _persons(
    connection: Connection, gate: Gate, functions: Collection[str], now: datetime
) -> list[tuple[Party, Principal]]:
    held, mandate, person = tables.function_held, tables.mandate, tables.officer
    numbers = set(
        connection.scalars(
            select(held.c.officer).where(held.c.role.in_(functions), *in_force(held, now))
        )
    )
    numbers |= set(
        connection.scalars(
            select(mandate.c.holder).where(mandate.c.role.in_(functions), *lending(now))
        )
    )
    rows = connection.execute(
        select(person.c.officer_id, person.c.name)
        .where(person.c.officer_id.in_(numbers), person.c.state == "active")
        .order_by(person.c.name, person.c.officer_id)
    )
    found = []
    for row in rows:
        principal = gate.principals.of(connection, row.officer_id, now)
        roles = {*principal.functions, *(each.function for each in principal.mandates)}
        party = Party(row.officer_id, row.name, tuple(sorted(roles & set(functions))))
        found.append((party, principal))
    return found


def _able(
    gate: Gate, principal: Principal, action: str, thing: Dispatch, context: Circumstances
) -> bool:
    return decide(gate.policies, principal, action, thing, context).allowed
