"""What a post found in a bag that it received: differences of its lines, and photographs.

A post's custody events tell that not all was there, never what: the lines are named here, by their
numbers alone, and open the same cases as at headquarters. A photograph comes as ciphertext to the
bureau's card.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate, founded
from cipher_service.access.deployed import in_force
from cipher_service.access.machines import REPORT_BAG, Post, Viewer
from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, outcomes, photographing, repository
from cipher_service.pouches.carriage import Counted, item_differences
from cipher_service.pouches.entitlement import HAND_OVER, LIST, bag_of, require, seen_by_posts
from cipher_service.pouches.repository import Closing
from cipher_service.storage.batch import Handler
from pouch.facts import Accounted, Opened


@dataclass(frozen=True)
class FindingsDesk:
    """Commands that posts send.

    Attributes:
        gate: what decides.
        now: the clock.
    """

    gate: Gate = field(default_factory=Gate)
    now: Callable[[], datetime] = clock.now

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each method says what it takes and gives."""
        return {
            "pouch_differences": self.differ,
            "pouch_photographer": self.may_photograph,
            "pouch_photograph": self.photograph,
        }

    def differ(self, connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        """Take `{"caller", "seal", "officer", "found", "damaged", "misdirected", "unlisted"}`.

        Gives `{"differences": [[kind, line], ...], "new": how many opened a case}`. Refuses
        NOT_FOUND, RECEIPT_MISSING, BAG_NOT_OPEN, LINE_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
        """
        closing = self._mine(connection, payload, HAND_OVER)
        held = outcomes.receipt_of(connection, closing.seal)
        if held is None or held.post != payload["caller"]:
            raise ServiceError("RECEIPT_MISSING", seal=closing.seal)
        if closing.stage not in (Opened.kind, Accounted.kind):
            raise ServiceError("BAG_NOT_OPEN", seal=closing.seal)
        counted = Counted(
            dict(payload["found"]),
            frozenset(payload["damaged"]),
            frozenset(payload["misdirected"]),
            payload["unlisted"],
        )
        found = item_differences(connection, closing.seal, counted)
        opened = cases.open_cases(
            connection,
            closing.seal,
            closing.bag_class,
            found,
            reporter=payload["officer"],
            now=self._moment(),
        )
        return {"differences": [[each.kind, each.what] for each in found], "new": len(opened)}

    def may_photograph(self, connection: Connection, payload: dict[str, Any]) -> None:
        """Take `{"caller", "seal", "officer"}`; refuse as `photograph` before it is decoded."""
        self._mine(connection, payload, LIST)

    def photograph(self, connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        """Take `{"caller", "seal", "officer", "subject", "sha256", "body": ciphertext}`.

        `sha256` is of the file as it came: the same twice is one photograph. Gives
        `{"photograph": id, "new"}`. Refuses
        NOT_FOUND, PHOTOGRAPHS_MANY, NOT_ALLOWED, UNKNOWN_OFFICER.
        """
        closing = self._mine(connection, payload, LIST)
        return photographing.keep(
            connection,
            closing,
            post=payload["caller"],
            officer=payload["officer"],
            subject=payload["subject"],
            sha256=payload["sha256"],
            body=payload["body"],
            now=self._moment(),
        )

    def _mine(self, connection: Connection, payload: dict[str, Any], action: str) -> Closing:
        closing = repository.closing_of(connection, payload["seal"])
        if closing is None:
            raise ServiceError("NOT_FOUND")
        viewer = Viewer(in_force(connection), Post(payload["caller"]))
        viewer.require_visible(REPORT_BAG, seen_by_posts(closing))
        if founded(connection):
            officer = payload["officer"]
            bag = bag_of(connection, closing, self.gate.scheme, officer=officer)
            require(connection, self.gate, officer, action, bag, self._moment())
        return closing

    def _moment(self) -> datetime:
        return self.now().replace(microsecond=0)
