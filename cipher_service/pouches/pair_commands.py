"""Acts of two officers on bags, beyond sealing and opening: discharge, a bag found, the stock.

Each is asked by one, signed by both on the page where acts are signed, and done by the second's
signature; what happened to the bag or to the stock in between makes it void.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.identity.approvals import Executor
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.pouches import carriage, mishaps, seal_store, stock
from cipher_service.pouches.entitlement import LIST
from cipher_service.pouches.office import Office, seated
from cipher_service.pouches.office_commands import Answer, PouchOfficeDesk, counted_of
from cipher_service.references import new_id
from keys.act_rules import RULES
from keys.acts import Act

DISCHARGE: Final = "pouch.discharge"
FIND: Final = "pouch.find"
STOCK: Final = "pouch.stock"
TAKE_IN, ISSUE, VOID, DESTROY = "take-in", "issue", "void", "destroy"
MOVES: Final = (TAKE_IN, ISSUE, VOID, DESTROY)


class PairDesk(PouchOfficeDesk):
    """The bureau's acts, those of two officers among them."""

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            **super().acts(),
            "bag_ask_discharge": self.ask_discharge,
            "bag_ask_find": self.ask_find,
            "bag_ask_stock": self.ask_stock,
        }

    def executors(self) -> dict[str, Executor]:
        """Return what two officers' signatures have done, by kind of act."""
        return {
            **super().executors(),
            DISCHARGE: Executor(self._version, self._discharge),
            FIND: Executor(self._version, self._find),
            STOCK: Executor(lambda connection, _act: self._stand(connection), self._move),
        }

    def ask_discharge(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take what `bag_account` takes, and `back`; give `{"ticket"}` of the act that two sign."""
        names = ("nonce", "found", "damaged", "misdirected", "unlisted")
        parameters = {name: payload[name] for name in names}
        return self._asked(self.seated(connection), DISCHARGE, officer, payload, parameters)

    def ask_find(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "back"}`; give `{"ticket"}` of the act that two sign."""
        return self._asked(self.seated(connection), FIND, officer, payload, {})

    def ask_stock(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"move", "numbers", "count", "sort", "back"}`; give `{"ticket"}` likewise.

        Refuses SEAL_NUMBERS_MALFORMED, NOT_ALLOWED, UNKNOWN_OFFICER.
        """
        move = payload["move"]
        drawn = move == ISSUE
        parameters = {
            "move": move,
            "numbers": [] if drawn else list(stock.require_numbers(payload["numbers"])),
            "count": payload["count"] if drawn else 0,
            "sort": payload["sort"] if move == TAKE_IN else "",
        }
        office = self.seated(connection)
        with office.look() as sitting:
            sitting.require_house(officer, LIST, seal_store.STORE)
            act = Act(
                id=new_id(sitting.now),
                kind=STOCK,
                resource=f"pouch/{seal_store.STORE}",
                version=self._stand(connection),
                rank=0,
                parameters=parameters,
                proposer=officer,
                subjects=(),
                authors=(),
                reason=f"{STOCK} {move}",
                not_before=sitting.now,
                expires=sitting.now + timedelta(seconds=RULES[STOCK].seconds),
            )
            ticket = approvals.ask(connection, officer, act.encoded, payload["back"], sitting.now)
        return {"ticket": ticket}

    def _stand(self, connection: Connection) -> int:
        return stock.movements(connection, self._post)

    def _at(self, connection: Connection, now: datetime) -> Office:
        return seated(connection, self._post, self._gate, lambda: now, self._custodian)

    def _discharge(self, connection: Connection, act: Act, by: str, now: datetime) -> None:
        carriage.account(
            self._at(connection, now),
            act.resource.partition("/")[2],
            counted_of(act.parameters),
            nonce=act.parameters["nonce"],
            by=act.proposer,
            second=by,
        )

    def _find(self, connection: Connection, act: Act, by: str, now: datetime) -> None:
        office, seal = self._at(connection, now), act.resource.partition("/")[2]
        mishaps.recover(office, seal, by=act.proposer, second=by)

    def _move(self, connection: Connection, act: Act, by: str, now: datetime) -> None:
        told: Mapping[str, Any] = act.parameters
        office, numbers, first = self._at(connection, now), told["numbers"], act.proposer
        if told["move"] == TAKE_IN:
            seal_store.take_in(
                office, numbers, sort=told["sort"], strength=None, by=first, second=by
            )
        elif told["move"] == ISSUE:
            seal_store.issue(office, told["count"], by=first, second=by)
        elif told["move"] == VOID:
            seal_store.void(office, numbers, by=first, second=by)
        elif told["move"] == DESTROY:
            seal_store.destroy(office, numbers, by=first, second=by)
        else:
            raise ServiceError("FORM_REFUSED")
