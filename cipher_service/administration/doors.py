"""`cipher-service door`: the machines that ask who may enter, each bound to one place."""

from argparse import Namespace

from cipher_service.access import doors
from cipher_service.administration.acting import acting, looking
from cipher_service.administration.machines import read_key
from cipher_service.administration.rights import tell_done, tell_rows
from cipher_service.administration.words import Speaker
from cipher_service.client.terminal import Terminal
from cipher_service.directory.register import door_number


def add_door(arguments: Namespace, terminal: Terminal) -> None:
    """Take a door into service; its key is signed with what was typed.

    Raises:
        Misused: JWK_UNREADABLE.
    """
    key, place = read_key(arguments.jwk), f"{arguments.kind}/{arguments.place}"
    with acting(arguments, terminal, place, also={"client": key.thumbprint}) as desk:
        number = doors.record(
            desk.connection,
            desk.gate,
            key,
            arguments.kind,
            arguments.place,
            arguments.by,
            desk.now,
        )
        desk.found.resource = number
    if terminal.as_json:
        terminal.show_json({"door": number, "client": key.thumbprint})
    else:
        Speaker(terminal).show("door_added", door=number, place=place)


def revoke_door(arguments: Namespace, terminal: Terminal) -> None:
    """End a door at once."""
    with acting(arguments, terminal, arguments.door) as desk:
        doors.revoke(desk.connection, desk.gate, arguments.door, arguments.by, desk.now)
    tell_done(terminal, arguments.door)


def list_doors(arguments: Namespace, terminal: Terminal) -> None:
    """Print the register of doors."""
    with looking(arguments) as desk:
        rows = doors.everything(desk.connection)
    shown = ("state", "kind", "place", "recorded_by", "revoked_by", "thumbprint")
    tell_rows(
        terminal,
        [
            {"door": door_number(row.seq), **{name: getattr(row, name) for name in shown}}
            for row in rows
        ],
    )
