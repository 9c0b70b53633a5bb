"""`cipher-service mandate`, `emergency`, `review` and `site`: the other books of article 12."""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from cipher_service.access import campaigns, emergencies, mandates, registers, sites, upkeep
from cipher_service.access.mandates import Draft
from cipher_service.access.sites import Wanted
from cipher_service.administration.acting import acting, looking, window
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal


def list_candidates(arguments: Namespace, terminal: Terminal) -> None:
    """Show the directors in the order of article 8, with the evidence and the ties."""
    with looking(arguments) as desk:
        found = mandates.candidates(desk.connection, desk.gate, desk.now)
    told = [each.evidence() for each in found]
    if terminal.as_json:
        terminal.show_json(told)
        return
    for one in told:
        tie = " =" if one["tied"] else ""
        dates = f"{one['grade_since']} {one['service_since']}"
        terminal.show(f"{one['officer']}  {one['grade']:<8} {dates}  {one['name']}{tie}")


def propose_mandate(arguments: Namespace, terminal: Terminal) -> None:
    """Write a mandate as a draft; only the Minister's signature makes it one."""
    with acting(arguments, terminal) as desk:
        draft = Draft(
            arguments.kind,
            arguments.holder,
            arguments.delegator,
            arguments.role.upper(),
            tuple(arguments.action),
            arguments.level,
            window(arguments, desk.now),
            arguments.act,
            arguments.reason,
        )
        number = mandates.propose(desk.connection, desk.gate, draft, arguments.by, desk.now)
        desk.found.resource = number
    _number(terminal, number)


def sign_mandate(arguments: Namespace, terminal: Terminal) -> None:
    """Make a mandate active, as the Minister."""
    with acting(arguments, terminal) as desk:
        mandates.sign(desk.connection, desk.gate, arguments.mandate, arguments.by, desk.now)
    tell_done(terminal, arguments.mandate)


def end_mandate(arguments: Namespace, terminal: Terminal) -> None:
    """End a mandate at once."""
    with acting(arguments, terminal) as desk:
        mandates.end(desk.connection, desk.gate, arguments.mandate, arguments.by, desk.now)
    tell_done(terminal, arguments.mandate)


def list_mandates(arguments: Namespace, terminal: Terminal) -> None:
    """Print the register of mandates."""
    with looking(arguments) as desk:
        rows = mandates.everything(desk.connection)
    _rows(terminal, rows, ("mandate_id", "state", "kind", "holder", "role", "level", "ends"))


def declare_emergency(arguments: Namespace, terminal: Terminal) -> None:
    """Declare an emergency on one dispatch; another person reviews it within 24 hours."""
    with acting(arguments, terminal) as desk:
        thing = registers.subject(desk.connection, arguments.dispatch)
        number = emergencies.declare(
            desk.connection,
            desk.gate,
            arguments.by,
            arguments.action,
            thing,
            arguments.reason,
            desk.now,
            opened=arguments.opened,
        )
    _number(terminal, str(number))


def review_emergency(arguments: Namespace, terminal: Terminal) -> None:
    """Review an emergency of another person."""
    with acting(arguments, terminal) as desk:
        emergencies.review(
            desk.connection, desk.gate, arguments.number, arguments.by, arguments.finding, desk.now
        )
    tell_done(terminal, str(arguments.number))


def list_emergencies(arguments: Namespace, terminal: Terminal) -> None:
    """Print the register of emergencies."""
    with looking(arguments) as desk:
        rows = emergencies.everything(desk.connection)
    _rows(terminal, rows, ("seq", "officer", "action", "object", "review_by", "finding"))


def open_review(arguments: Namespace, terminal: Terminal) -> None:
    """Open a review of every right in force."""
    with acting(arguments, terminal) as desk:
        number = campaigns.open_campaign(desk.connection, desk.gate, arguments.by, desk.now)
        desk.found.resource = number
    _number(terminal, number)


def list_review(arguments: Namespace, terminal: Terminal) -> None:
    """Print the lines of a review."""
    with looking(arguments) as desk:
        rows = campaigns.lines(desk.connection, arguments.review)
    _rows(terminal, rows, ("line", "officer", "kind", "right_name", "verdict"))


def list_due(arguments: Namespace, terminal: Terminal) -> None:
    """Print what ends within 60 days, and the emergencies that await their review."""
    with looking(arguments) as desk:
        found = [asdict(each) for each in upkeep.reminders(desk.connection, desk.now)]
    if terminal.as_json:
        terminal.show_json(found)
        return
    if not found:
        Speaker(terminal).show("review_nothing_due")
    for one in found:
        said = "  ".join(str(one[name]) for name in ("ends", "kind", "officer", "name"))
        terminal.show(f"{one['step']:>2} d  {said}")


def answer_review(arguments: Namespace, terminal: Terminal) -> None:
    """Confirm a right, or remove it at once."""
    with acting(arguments, terminal) as desk:
        campaigns.answer(
            desk.connection,
            desk.gate,
            arguments.review,
            arguments.line,
            arguments.verdict,
            arguments.by,
            desk.now,
        )
    tell_done(terminal, arguments.review)


def request_site(arguments: Namespace, terminal: Terminal) -> None:
    """Ask for an access outside the service, for another person."""
    with acting(arguments, terminal) as desk:
        wanted = Wanted(
            arguments.officer,
            arguments.kind,
            arguments.place,
            arguments.level,
            arguments.reason,
            window(arguments, desk.now),
        )
        number = sites.request(desk.connection, desk.gate, wanted, arguments.by, desk.now)
    _number(terminal, str(number))


def agree_site(arguments: Namespace, terminal: Terminal) -> None:
    """Give the security officer's visa."""
    with acting(arguments, terminal) as desk:
        sites.agree(desk.connection, desk.gate, arguments.number, arguments.by, desk.now)
    tell_done(terminal, str(arguments.number))


def grant_site(arguments: Namespace, terminal: Terminal) -> None:
    """Grant what was asked and agreed."""
    with acting(arguments, terminal) as desk:
        sites.grant(
            desk.connection, desk.gate, arguments.number, arguments.by, arguments.act, desk.now
        )
    tell_done(terminal, str(arguments.number))


def refuse_site(arguments: Namespace, terminal: Terminal) -> None:
    """Refuse a request, or take an access away at once."""
    with acting(arguments, terminal) as desk:
        sites.refuse(desk.connection, desk.gate, arguments.number, arguments.by, desk.now)
    tell_done(terminal, str(arguments.number))


def ask_site(arguments: Namespace, terminal: Terminal) -> None:
    """Answer a door or an application: status 0 may enter, 1 may not.

    Raises:
        Refused: MAY_NOT_ENTER.
    """
    with looking(arguments) as desk:
        answer = sites.may_enter(
            desk.connection,
            desk.gate,
            arguments.officer,
            arguments.kind,
            arguments.place,
            desk.now,
        )
    if not answer:
        raise Refused("MAY_NOT_ENTER", officer=arguments.officer, place=arguments.place)
    tell_done(terminal, arguments.officer)


def list_sites(arguments: Namespace, terminal: Terminal) -> None:
    """Print the register of accesses outside the service."""
    with looking(arguments) as desk:
        rows = sites.everything(desk.connection)
    _rows(terminal, rows, ("seq", "state", "officer", "kind", "place", "level", "ends"))


def _number(terminal: Terminal, number: str) -> None:
    if terminal.as_json:
        terminal.show_json({"number": number})
    else:
        terminal.show(number)


def tell_done(terminal: Terminal, number: str) -> None:
    """Say that what bears this number is done."""
    if terminal.as_json:
        terminal.show_json({"number": number, "done": True})
    else:
        Speaker(terminal).show("right_done", number=number)


def _rows(terminal: Terminal, rows: Iterable[Row[Any]], names: tuple[str, ...]) -> None:
    tell_rows(terminal, [{name: getattr(row, name) for name in names} for row in rows])


def tell_rows(terminal: Terminal, told: list[dict[str, Any]]) -> None:
    """Show the lines of a register, as JSON or one below the other."""
    if terminal.as_json:
        terminal.show_json(told)
        return
    for one in told:
        terminal.show("  ".join("-" if each is None else str(each) for each in one.values()))
