"""The registrar's commands about pouches, by name; `app` joins them with the others."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate, founded
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme, default_scheme
from cipher_service.pouches import custody, devices, makeup, repository
from cipher_service.pouches.custody import Judged
from cipher_service.pouches.entitlement import PACK, SEAL, bag_of, require
from cipher_service.pouches.makeup import NewLine
from cipher_service.storage.batch import Handler
from keys.errors import Refusal
from pouch.classes import Certification
from pouch.events import Event, read_event
from pouch.facts import Prepared, Sealed
from pouch.manifest import BagClass


class PouchDesk:
    """What the commands need: the markings and the time.

    Args:
        scheme: the ministry's markings.
        now: the clock.
    """

    def __init__(
        self, scheme: Scheme | None = None, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._scheme = scheme or default_scheme()
        self._gate = Gate(scheme=self._scheme)
        self._clock = now

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each method says what it takes and gives."""
        acts: dict[str, Handler] = {
            "pouch_device": self.enrol_device,
            "pouch_device_revoked": self.revoke_device,
            "pouch_events": self.record_events,
            "pouch_begin": self.begin,
            "pouch_line": self.add_line,
            "pouch_seal": self.seal,
        }
        return {name: _by_name(act) for name, act in acts.items()}

    def enrol_device(self, connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        """Take `{"post", "ed25519": bytes}`; give `{"device", "new"}`.

        Refuses DEVICE_OF_ANOTHER.
        """
        device, new = devices.enrol(connection, payload["post"], payload["ed25519"], self._now())
        return {"device": device, "new": new}

    def revoke_device(self, connection: Connection, payload: dict[str, Any]) -> None:
        """Take `{"post", "device"}`. Refuses NOT_FOUND."""
        devices.revoke(connection, payload["post"], payload["device"], self._now())

    def record_events(
        self, connection: Connection, payload: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Take `{"caller", "events": [[file, refusal], ...], "device", "clock"}`.

        `device` and `clock` say what time it is for the device that is being emptied; both may be
        None. Gives a `custody.Answer` as a map for each event. Refuses DEVICE_UNKNOWN.
        """
        now = self._now()
        if payload["device"] is not None:
            told = clock.parse(payload["clock"])
            devices.compare_clock(connection, payload["device"], told, now)
        judged = [Judged(body, refusal) for body, refusal in payload["events"]]
        caller = payload["caller"]
        return custody.record(connection, judged, caller=caller, now=now, gate=self._gate)

    def begin(self, connection: Connection, payload: dict[str, Any]) -> bool:
        """Take `{"caller", "event": file, "departure", "bag_class"}`; the event is `prepared`.

        Gives False when this very event is on record. Refusals: `makeup.begin`, EVENT_MALFORMED,
        DEVICE_UNKNOWN, SIGNATURE_INVALID, WRONG_EVENT, WRONG_PLACE, UNKNOWN_BAG_CLASS.
        """
        event = self._believed(connection, payload, Prepared)
        if makeup.is_on_record(connection, event):
            return False
        if payload["bag_class"] not in list(BagClass):
            raise ServiceError("UNKNOWN_BAG_CLASS")
        makeup.begin(
            connection,
            event,
            departure=payload["departure"],
            bag_class=BagClass(payload["bag_class"]),
            now=self._now(),
        )
        self._decide(connection, event.seal, event.officer, PACK)
        self._keep(connection, event, payload)
        return True

    def add_line(self, connection: Connection, payload: dict[str, Any]) -> bool:
        """Take `{"caller", "seal", "officer", "line": NewLine as a map}`; give whether it was new.

        Refusals: `makeup.add_line`; NOT_FOUND for a bag of another post; NOT_ALLOWED and
        UNKNOWN_OFFICER, as for the two other acts of make-up.
        """
        makeup.require_origin(connection, payload["seal"], payload["caller"])
        line = payload["line"]
        self._decide(
            connection, payload["seal"], payload["officer"], PACK, item_level=line["level"]
        )
        return makeup.add_line(
            connection,
            payload["seal"],
            NewLine(**line),
            officer=payload["officer"],
            scheme=self._scheme,
            now=self._now(),
        )

    def seal(self, connection: Connection, payload: dict[str, Any]) -> bool:
        """Take `{"caller", "event": file, "head", "nonce_sha256", "certifier", "absent"}`.

        `absent` lists the codes of `pouch.classes.PROHIBITED` that the certifier checked. Gives
        False when this very event is on record. Refusals: `makeup.seal_bag`, and as `begin`.
        """
        event = self._believed(connection, payload, Sealed)
        makeup.require_origin(connection, event.seal, payload["caller"])
        if makeup.is_on_record(connection, event):
            return False
        second = event.witness.officer if event.witness else None
        self._decide(connection, event.seal, event.officer, SEAL, second=second)
        self._decide(connection, event.seal, payload["certifier"], PACK)
        makeup.seal_bag(
            connection,
            event,
            head=payload["head"],
            nonce_sha256=payload["nonce_sha256"],
            certification=Certification(payload["certifier"], frozenset(payload["absent"])),
            now=self._now(),
        )
        self._keep(connection, event, payload)
        return True

    def _believed(
        self, connection: Connection, payload: dict[str, Any], facts: type[Prepared | Sealed]
    ) -> Event:
        event = read_event(payload["event"], custody.keys_in_force(connection))
        if not isinstance(event.facts, facts):
            raise ServiceError("WRONG_EVENT", kind=event.kind)
        if event.place != payload["caller"]:
            raise ServiceError("WRONG_PLACE", place=event.place)
        return event

    def _decide(
        self,
        connection: Connection,
        seal: str,
        officer: str,
        action: str,
        *,
        second: str | None = None,
        item_level: str | None = None,
    ) -> None:
        """Demand that an officer may do this; before there are officers, nobody is asked."""
        closing = repository.closing_of(connection, seal)
        if closing is None or not founded(connection):
            return
        bag = bag_of(connection, closing, self._scheme, officer=officer, second=second or "")
        require(
            connection,
            self._gate,
            officer,
            action,
            bag,
            self._now(),
            second=second,
            item_level=item_level,
        )

    def _keep(self, connection: Connection, event: Event, payload: dict[str, Any]) -> None:
        body, caller = payload["event"], payload["caller"]
        custody.keep(connection, event, body, caller=caller, now=self._now())

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)


def _by_name(act: Handler) -> Handler:
    """Let what `pouch/` and `keys/` refuse by name reach the caller under that name."""

    def named(connection: Connection, payload: Any) -> Any:
        try:
            return act(connection, payload)
        except Refusal as refusal:
            raise ServiceError(refusal.code) from refusal

    return named
