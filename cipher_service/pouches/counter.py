"""What a machine of headquarters' pouch bureau may do by itself, and what only an officer does.

A scanner at the counter, or a programme of the mail room, takes pieces in, lays them into a bag,
takes the last one out, counts bags and reports what it sees: each in the name of an officer whom
the policies judge, and none of it binds the ministry. Whatever does is an officer's: sealing,
opening, handing over, receiving, the discharge, loss and recall, destruction, the stock of seals,
and taking a device into service, whose signature would then count as an officer's word. A machine
that asks for these is refused by name, and the refusal is recorded.

Laying a piece in opens it, since its line is written anew. A custodian with officers opens it on an
officer's grant, which no machine holds: the piece stays where it waits, and an officer lays it in.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NoReturn

from sqlalchemy import Connection

from cipher_service.errors import ServiceError
from cipher_service.pouches import carriage
from cipher_service.pouches.commands import PouchDesk
from cipher_service.pouches.findings import FindingsDesk
from cipher_service.pouches.office_commands import Answer, PouchOfficeDesk
from cipher_service.storage.batch import Handler
from keys.custody.errors import GrantMissing
from keys.errors import Refusal

OFFICERS_ALONE: Final = frozenset(
    {
        *("seal", "open", "discharge", "hand-over", "receive", "destroy"),
        *("lose", "find", "recall", "case", "seals", "waybill", "route"),
    }
)
"""Acts at the counter that no machine does."""
_OF_DEVICES: Final = ("pouch_device", "pouch_begin", "pouch_line", "pouch_seal")
"""A post's acts that stand on devices' signatures; headquarters' officers have the console."""


class Counter:
    """The commands of headquarters' machines.

    Args:
        desk: does the same for signed-in officers.
        headquarters: its post code.
    """

    def __init__(self, desk: PouchOfficeDesk, headquarters: str) -> None:
        self._desk = desk
        self._post = headquarters

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name.

        They take `{"caller", "officer", "told": payload}`; those of officers alone refuse
        OFFICER_NEEDED. That they are headquarters' alone is a policy (`posts-counter`).
        """
        acts: Mapping[str, Callable[[Connection, str, Answer], Answer]] = {
            "hand-in": self._desk.hand_in,
            "hand-in-dispatch": self._desk.hand_in_dispatch,
            "scan": self.scan,
            "take-out": self._desk.take_out,
            "count": self.count,
            "report": self._desk.report,
        }
        return {
            **{command(name): self._guarded(act) for name, act in acts.items()},
            **{command(name): partial(self._refuse, name) for name in OFFICERS_ALONE},
        }

    def for_officers(self, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
        """Return posts' commands, those on devices' signatures closed to headquarters' machines."""
        closed = {name: self._closed(name, handlers[name]) for name in _OF_DEVICES}
        return {**handlers, **closed}

    def scan(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "number"}`; give `packing.Laid` as a map.

        Refuses LAYING_NEEDS_OFFICER before a custodian with officers, unless it lies there already;
        else as `packing.scan`.
        """
        try:
            return self._desk.scan(connection, officer, payload)
        except GrantMissing as refusal:
            raise ServiceError("LAYING_NEEDS_OFFICER", number=payload["number"]) from refusal

    def count(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"departure", "locators", "place"}`; give `{"missing", "over", "strangers"}`."""
        counted = carriage.count(
            self._desk.seated(connection),
            payload["departure"],
            payload["locators"],
            by=officer,
            place=payload["place"],
        )
        return {
            "missing": list(counted.count.missing),
            "over": list(counted.count.over),
            "strangers": list(counted.strangers),
        }

    def _guarded(self, act: Callable[[Connection, str, Answer], Answer]) -> Handler:
        def guarded(connection: Connection, payload: dict[str, Any]) -> Answer:
            try:
                return act(connection, payload["officer"], payload["told"])
            except Refusal as refusal:
                raise ServiceError(refusal.code) from refusal

        return guarded

    def _closed(self, name: str, handler: Handler) -> Handler:
        def closed(connection: Connection, payload: dict[str, Any]) -> Any:
            if payload.get("caller", payload.get("post")) == self._post:
                raise ServiceError("OFFICER_NEEDED", act=name)
            return handler(connection, payload)

        return closed

    def _refuse(self, name: str, _connection: Connection, _payload: dict[str, Any]) -> NoReturn:
        raise ServiceError("OFFICER_NEEDED", act=name)


def commands_of_clients(
    desk: PouchDesk, office: PouchOfficeDesk, headquarters: str
) -> dict[str, Handler]:
    """Return all commands about bags that an API's clients have: posts' and the counter's."""
    counter = Counter(office, headquarters)
    posts = {**desk.handlers(), **FindingsDesk().handlers()}
    return {**counter.for_officers(posts), **counter.handlers()}


def command(act: str) -> str:
    """Return the registrar's name for an act at the counter."""
    return f"counter_{act.replace('-', '_')}"
