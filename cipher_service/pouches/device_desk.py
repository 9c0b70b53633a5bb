"""The registrar's commands of devices that ask by themselves: the telephones of `/scan/`.

The console's process has checked the signature under the request (`devices.recognise`); whether the
device may still act is asked of the very transaction that carries the act. What a device tells was
signed by it event by event, so that a robbed console can neither invent nor change any of it.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.pouches import device_book
from cipher_service.pouches.commands import PouchDesk
from cipher_service.pouches.packs import Packs
from cipher_service.storage.batch import Handler

DeviceAct = Callable[[Connection, str, Any], Any]


class DeviceDesk:
    """Commands that take `{"post", "client": device, "act": payload}`.

    Args:
        desk: records what is told.
        packs: makes the pack of the device's post.
    """

    def __init__(self, desk: PouchDesk, packs: Packs) -> None:
        self._desk = desk
        self._packs = packs

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each refuses DEVICE_UNKNOWN for one that was revoked."""
        return {
            "device_events": _guarded(self._events),
            "device_pack": _guarded(lambda connection, post, _: self._pack(connection, post)),
        }

    def take_in(
        self, connection: Connection, officer: str, payload: dict[str, Any]
    ) -> dict[str, Any]:
        """Take `{"ed25519": bytes}` from a signed-in officer; give `{"device", "post", "new"}`.

        The device becomes one of the post where the officer serves. Refuses DEVICE_OF_ANOTHER.
        """
        post = officers.read(connection, officer).identity.post
        answer = self._desk.enrol_device(connection, {"post": post, "ed25519": payload["ed25519"]})
        return {**answer, "post": post}

    def _events(self, connection: Connection, post: str, payload: dict[str, Any]) -> Any:
        """Take the payload of `pouch_events` without its caller."""
        return self._desk.record_events(connection, {**payload, "caller": post})

    def _pack(self, connection: Connection, post: str) -> Any:
        return self._packs.command(connection, {"post": post})


def _guarded(act: DeviceAct) -> Handler:
    def guarded(connection: Connection, payload: dict[str, Any]) -> Any:
        found = device_book.device_of(connection, payload["client"])
        if found is None or found.state != "active" or found.post != payload["post"]:
            raise ServiceError("DEVICE_UNKNOWN", device=payload["client"])
        return act(connection, found.post, payload["act"])

    return guarded
