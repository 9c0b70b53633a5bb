"""`cipher-service officers`: persons, their functions, habilitations and needs to know."""

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cipher_service.access import mandates, movements
from cipher_service.access.acts import circumstances, person, require
from cipher_service.access.authorising import matter_of
from cipher_service.access.principals import rank
from cipher_service.administration.acting import Desk, acting, day, looking, window
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance, checked_marking
from cipher_service.directory.officers import Identity
from cipher_service.directory.roles import default_roles
from cipher_service.identity import passkey_book, sessions
from cipher_service.settings import Settings


def list_officers(arguments: Namespace, terminal: Terminal) -> None:
    """List every person ever recorded."""
    with looking(arguments) as desk:
        told = [_shown(desk, officer.officer_id) for officer in officers.everyone(desk.connection)]
    if terminal.as_json:
        terminal.show_json(told)
        return
    for one in told:
        roles = ", ".join(one["functions"]) or "-"
        terminal.show(
            f"{one['officer']}  {one['state']:<9} {one['post']:<10} {one['name']}  {roles}"
        )


def show(arguments: Namespace, terminal: Terminal) -> None:
    """Show a person with everything held now."""
    with looking(arguments) as desk:
        told = _shown(desk, arguments.officer)
    if terminal.as_json:
        terminal.show_json(told)
        return
    for name, value in told.items():
        written = ", ".join(str(each) for each in value) if isinstance(value, list) else value
        terminal.show(f"{name:<14} {written}")


def list_roles(_arguments: Namespace, terminal: Terminal) -> None:
    """List the functions and the grades of the catalogue."""
    catalogue = default_roles()
    if terminal.as_json:
        terminal.show_json(
            {
                "functions": [asdict(role) for role in catalogue.roles.values()],
                "grades": [asdict(grade) for grade in catalogue.grades.values()],
            }
        )
        return
    french = terminal.language == "fr"
    for role in catalogue.roles.values():
        terminal.show(f"{role.code:<24} {role.fr if french else role.en}")
    for grade in catalogue.grades.values():
        terminal.show(f"{grade.code:<24} {grade.fr if french else grade.en}")


def list_habilitations(arguments: Namespace, terminal: Terminal) -> None:
    """Print the register of habilitations."""
    with looking(arguments) as desk:
        told = [asdict(each) for each in authorisations.habilitations(desk.connection)]
    if terminal.as_json:
        terminal.show_json(told)
        return
    for one in told:
        terminal.show(f"{one['officer']}  {one['level']:<20} {one['starts']} - {one['ends']}")


def add(arguments: Namespace, terminal: Terminal) -> None:
    """Record a person; the number alone is on standard output."""
    with acting(arguments, terminal) as desk:
        identity = Identity(
            arguments.name,
            arguments.grade.upper(),
            day(arguments.grade_since).date(),
            day(arguments.service_since).date(),
            arguments.unit,
            (arguments.post or desk.headquarters).upper(),
        )
        number = officers.add(desk.connection, identity, desk.now)
        desk.found.resource = number
        _require(desk, arguments, "person-record", number)
    if terminal.as_json:
        terminal.show_json({"officer": number})
    else:
        terminal.show(number)


def assign(arguments: Namespace, terminal: Terminal) -> None:
    """Give a function to a person."""
    with acting(arguments, terminal) as desk:
        _require(desk, arguments, "role-assign", arguments.officer)
        officers.assign(
            desk.connection,
            arguments.officer,
            arguments.role.upper(),
            window(arguments, desk.now),
            act=arguments.act,
            by=arguments.by,
        )
    _done(terminal, arguments)


def unassign(arguments: Namespace, terminal: Terminal) -> None:
    """Take a function away at once, and with it the mandates on it, which are told."""
    officer, role = arguments.officer, arguments.role.upper()
    with acting(arguments, terminal) as desk:
        _require(desk, arguments, "revoke", officer)
        officers.end_function(desk.connection, officer, role, desk.now)
        ended = mandates.end_lent(desk.connection, officer, role, arguments.by, desk.now)
    if terminal.as_json:
        terminal.show_json({"officer": officer, "done": True, "mandates": ended})
        return
    _done(terminal, arguments)
    for number in ended:
        Speaker(terminal).show("mandate_ended_with", mandate=number, role=role)


def habilitate(arguments: Namespace, terminal: Terminal) -> None:
    """Grant an habilitation that another person proposed, with the security officer."""
    with acting(arguments, terminal) as desk:
        level, _caveats = checked_marking(desk.gate.scheme, arguments.level, arguments.caveat)
        context = circumstances(
            desk.connection,
            desk.gate,
            desk.now,
            approver=arguments.approver,
            proposer=arguments.proposer,
        )
        if arguments.proposer is not None:
            about = person(desk.connection, arguments.officer)
            asked = circumstances(desk.connection, desk.gate, desk.now)
            propose = "habilitation-propose"
            require(desk.connection, desk.gate, arguments.proposer, propose, about, asked)
        about = person(desk.connection, arguments.officer, rank(desk.gate.scheme, level))
        require(desk.connection, desk.gate, arguments.by, "habilitation-grant", about, context)
        authorisations.habilitate(
            desk.connection,
            arguments.officer,
            Clearance(
                level,
                tuple(arguments.caveat),
                window(arguments, desk.now),
                day(arguments.trained_until),
            ),
            act=arguments.act,
            proposer=arguments.proposer,
            grantor=arguments.by,
            now=desk.now,
        )
    _done(terminal, arguments)


def withdraw(arguments: Namespace, terminal: Terminal) -> None:
    """End a person's habilitation at once."""
    with acting(arguments, terminal) as desk:
        _require(desk, arguments, "revoke", arguments.officer)
        authorisations.withdraw_habilitation(desk.connection, arguments.officer, desk.now)
    _done(terminal, arguments)


def need(arguments: Namespace, terminal: Terminal) -> None:
    """Let a person know of a dispatch, of a post's traffic, or of a file."""
    with acting(arguments, terminal) as desk:
        about = matter_of(desk.connection, arguments.kind, arguments.matter)
        context = circumstances(desk.connection, desk.gate, desk.now)
        require(desk.connection, desk.gate, arguments.by, "grant-need", about, context)
        authorisations.grant_need(
            desk.connection,
            arguments.officer,
            arguments.kind,
            arguments.matter,
            window(arguments, desk.now),
            reason=arguments.reason,
            by=arguments.by,
        )
    _done(terminal, arguments)


def officer_link(arguments: Namespace, terminal: Terminal) -> None:
    """Print a link by which a person enrols two security keys; who has keys needs a second person.

    Raises:
        Refused: CONSOLE_MISSING.
    """
    origin = Settings.load(Path(arguments.data)).console_origin
    if not origin:
        raise Refused("CONSOLE_MISSING")
    with acting(arguments, terminal) as desk:
        present = bool(_keys(desk, arguments.officer))
        # Whoever gets a link can act as that person: for one who has keys, as giving a function.
        _require(desk, arguments, "role-assign" if present else "person-record", arguments.officer)
        secret = passkey_book.make_link(
            desk.connection, arguments.officer, desk.now, by=arguments.by
        )
    link = f"{origin}/inscription#{secret}"
    if terminal.as_json:
        terminal.show_json({"officer": arguments.officer, "link": link})
        return
    Speaker(terminal).say("officer_link")
    terminal.show(link)


def sign_out(arguments: Namespace, terminal: Terminal) -> None:
    """End a person's session everywhere at once; one person suffices."""
    with acting(arguments, terminal) as desk:
        _require(desk, arguments, "revoke", arguments.officer)
        sessions.end_sessions(desk.connection, arguments.officer, desk.now)
    _done(terminal, arguments)


def revoke_key(arguments: Namespace, terminal: Terminal) -> None:
    """Take one security key of a person away at once, with the session that it opened.

    The last one stays: without keys a person's name would be believed (`presence`) while a founder
    has none.

    Raises:
        Refused: OFFICER_KEY_UNKNOWN, OFFICER_LAST_KEY.
    """
    with acting(arguments, terminal) as desk:
        _require(desk, arguments, "revoke", arguments.officer)
        held = _keys(desk, arguments.officer)
        if arguments.key not in held:
            raise Refused("OFFICER_KEY_UNKNOWN", officer=arguments.officer)
        if len(held) == 1:
            raise Refused("OFFICER_LAST_KEY", officer=arguments.officer)
        passkey_book.revoke_key(desk.connection, arguments.officer, arguments.key, desk.now)
    _done(terminal, arguments)


def suspend(arguments: Namespace, terminal: Terminal) -> None:
    """Freeze a person at once; one person suffices."""
    with acting(arguments, terminal) as desk:
        _require(desk, arguments, "revoke", arguments.officer)
        officers.set_state(desk.connection, arguments.officer, "suspended", desk.now)
    _done(terminal, arguments)


def resume(arguments: Namespace, terminal: Terminal) -> None:
    """End a freeze; that takes two, as giving a function does."""
    with acting(arguments, terminal) as desk:
        _require(desk, arguments, "role-assign", arguments.officer)
        officers.set_state(desk.connection, arguments.officer, "active", desk.now)
    _done(terminal, arguments)


def leave(arguments: Namespace, terminal: Terminal) -> None:
    """Record that a person leaves: everything ends at once, and the inventory is shown."""
    with acting(arguments, terminal) as desk:
        number = movements.leave(
            desk.connection,
            desk.gate,
            arguments.officer,
            arguments.by,
            desk.now,
            arguments.successor,
        )
        held = movements.items(desk.connection, number)
    _show_inventory(terminal, number, held)


def transfer(arguments: Namespace, terminal: Terminal) -> None:
    """Move a person; the rights of the old post end at once, and the inventory is shown."""
    with acting(arguments, terminal) as desk:
        number = movements.transfer(
            desk.connection,
            desk.gate,
            arguments.officer,
            arguments.unit,
            arguments.post.upper(),
            arguments.by,
            desk.now,
            successor=arguments.successor,
        )
        held = movements.items(desk.connection, number)
    _show_inventory(terminal, number, held)


def _require(desk: Desk, arguments: Namespace, action: str, officer: str) -> None:
    context = circumstances(
        desk.connection, desk.gate, desk.now, approver=getattr(arguments, "approver", None)
    )
    about = person(desk.connection, officer)
    require(desk.connection, desk.gate, arguments.by, action, about, context)


def _keys(desk: Desk, officer_id: str) -> list[str]:
    held = passkey_book.keys_of(desk.connection, officer_id)
    return [key.credential_id for key in held if key.revoked is None]


def _shown(desk: Desk, officer_id: str) -> dict[str, Any]:
    known = officers.read(desk.connection, officer_id)
    now = desk.gate.principals.of(desk.connection, officer_id, desk.now)
    cleared = authorisations.habilitation(desk.connection, officer_id, desk.now)
    return {
        "officer": officer_id,
        "name": known.identity.name,
        "state": known.state,
        "grade": known.identity.grade,
        "post": known.identity.post,
        "unit": known.identity.unit or "",
        "functions": sorted(now.functions),
        "habilitation": cleared.level if cleared else "",
        "caveats": sorted(now.caveats),
        "until": cleared.ends if cleared else "",
        "trained_until": cleared.trained_until if cleared else "",
        "needs": [
            f"{each.kind}:{each.matter}"
            for each in authorisations.needs(desk.connection, officer_id, desk.now)
        ],
        "mandates": [mandate.mandate_id for mandate in now.mandates],
        "keys": _keys(desk, officer_id),
    }


def _show_inventory(terminal: Terminal, number: int, held: list[movements.Item]) -> None:
    if terminal.as_json:
        terminal.show_json({"inventory": number, "items": [asdict(item) for item in held]})
        return
    Speaker(terminal).show("inventory_opened", number=number, count=len(held))
    for item in held:
        terminal.show(f"  {item.kind:<12} {item.matter}  {item.note}".rstrip())


def _done(terminal: Terminal, arguments: Namespace) -> None:
    if terminal.as_json:
        terminal.show_json({"officer": arguments.officer, "done": True})
    else:
        Speaker(terminal).show("officer_done", officer=arguments.officer)
