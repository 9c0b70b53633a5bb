"""What each command of a post is to the policies: decided in the transaction that does it.

A command that stands in no row here is a defect, and keeps the registrar from starting. What is
done to one bag is decided in its bureau (`pouches`), which knows the bag's way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service.access import machines
from cipher_service.access.deployed import in_force
from cipher_service.access.machines import Envelope, Message, Service, Thing, Viewer, post_of
from cipher_service.directory.register import DirectoryReader
from cipher_service.dispatches.shown import envelope_of, handed_in
from cipher_service.identity.commands import May
from cipher_service.pouches.counter import command as at_counter

Payload = dict[str, Any]

_COUNTER: Final = at_counter("")
_UNSEEN: Final = frozenset({machines.ACKNOWLEDGE, machines.COUNTER})
"""What a post may not do to a thing, it may not see either."""

_SERVICES: Final[Mapping[str, str]] = {
    "admit": "reading",
    "prove_number": "numbers",
    "take_in_prekeys": "prekeys",
    "give_prekeys": "prekeys",
    "cosign": "log",
    **dict.fromkeys(
        (
            *("pouch_device", "pouch_device_revoked", "pouch_events", "pouch_begin"),
            *("pouch_line", "pouch_seal", "pouch_differences", "pouch_photograph", "pouch_pack"),
            *("pouch_photographer", "pouch_empties_notice"),
        ),
        "bags",
    ),
}


class PostDecisions:
    """Decides commands of posts.

    Args:
        directory: this process's reader.
    """

    def __init__(self, directory: DirectoryReader) -> None:
        self._directory = directory

    def covering(self, commands: Iterable[str]) -> May:
        """Return what decides these commands. Raises ValueError for one that stands in no row."""
        bare = [name for name in commands if name not in _SEEN and not name.startswith(_COUNTER)]
        unknown = [name for name in bare if name not in _SERVICES]
        if unknown:
            raise ValueError(f"no policy speaks of {', '.join(unknown)}")
        return self._may

    def _may(self, connection: Connection, command: str, payloads: Sequence[Payload]) -> None:
        """Refuse what a post may not do; the entry of what it did says by which policies.

        What is given here at once is done together, with nothing in between: the policies in force
        are asked for once.

        Raises:
            ServiceError: NOT_ALLOWED; NOT_FOUND for what it may not see.
        """
        directory, policies = self._directory.current(connection), in_force(connection)
        for payload in payloads:
            viewer = Viewer(policies, post_of(directory, payload["post"]))
            action, thing = _about(connection, command, payload["act"])
            let = viewer.require_visible if action in _UNSEEN else viewer.require
            payload["decision"] = let(action, thing).ruling()


def _about(connection: Connection, command: str, act: Payload) -> tuple[str, Thing]:
    if command.startswith(_COUNTER):
        return machines.COUNTER, Service("counter")
    if command in _SEEN:
        action, thing = _SEEN[command]
        return action, thing(connection, act)
    return machines.USE, Service(_SERVICES[command])


def _handed_in(_connection: Connection, act: Payload) -> Envelope:
    return handed_in(act)


def _on_record(connection: Connection, act: Payload) -> Envelope:
    return envelope_of(connection, act["dispatch_id"])


def _spoken(_connection: Connection, act: Payload) -> Message:
    return Message(act["sender"], act["to"])


_SEEN: Final[Mapping[str, tuple[str, Callable[[Connection, Payload], Thing]]]] = {
    "submit": (machines.SUBMIT, _handed_in),
    "submit_upload": (machines.SUBMIT, _handed_in),
    "open_upload": (machines.SUBMIT, _handed_in),
    "record_receipt": (machines.ACKNOWLEDGE, _on_record),
    "mark_fetched": (machines.ACKNOWLEDGE, _on_record),
    "post_service_message": (machines.SPEAK, _spoken),
}
