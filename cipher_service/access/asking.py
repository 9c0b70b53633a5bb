"""Would this person be allowed that? Asked of the books and the policies; nothing is done."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from cipher_service.access import emergencies, registers
from cipher_service.access.acts import Gate, circumstances, person
from cipher_service.access.decisions import Decision, decide
from cipher_service.access.shapes import OFFICER, shapes
from cipher_service.access.subjects import Book, Key, Resource
from cipher_service.errors import ServiceError

_NAMED = ("Dispatch", "Person", "Key", "Book")


def askable(action: str) -> bool:
    """Say whether a person does it, and to a thing that the books know by name."""
    known = shapes()
    return known.principals[action] == OFFICER and known.actions[action] in _NAMED


def would_be_allowed(
    connection: Connection,
    gate: Gate,
    officer: str,
    action: str,
    named: str,
    now: datetime,
    *,
    approver: str | None = None,
    third: str | None = None,
    proposer: str | None = None,
    opened: bool = False,
) -> Decision:
    """Decide as if the person asked now.

    Args:
        connection: reading.
        gate: what decides.
        officer: who would act.
        action: of the matrix, `askable`.
        named: the thing: a dispatch's id, an officer's number, a key's or a book's name.
        now: the present.
        approver: the second person.
        third: the third.
        proposer: who proposed it.
        opened: whether the officer has opened the dispatch.

    Raises:
        ServiceError: UNKNOWN_OFFICER; NOT_FOUND: no such dispatch.
    """
    asked = gate.principals.of(connection, officer, now)
    context = circumstances(
        connection, gate, now, approver=approver, third=third, proposer=proposer
    )
    context = replace(context, opened=opened)
    context = emergencies.under_emergency(connection, officer, action, named, context)
    return decide(gate.policies, asked, action, _thing(connection, action, named), context)


def _thing(connection: Connection, action: str, named: str) -> Resource:
    kind = shapes().actions[action]
    if kind == "Dispatch":
        return registers.subject(connection, named)
    if kind == "Person":
        return person(connection, named)
    if kind == "Key":
        return Key(named)
    if kind == "Book":
        return Book(named)
    raise ServiceError("NOT_FOUND")
