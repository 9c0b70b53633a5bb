"""The registrar's commands about routes, departures and their letters, for signed-in officers."""

from collections.abc import Callable
from datetime import time, timedelta

from sqlalchemy import Connection

from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.pouches import carriage, planning
from cipher_service.pouches.office import Office
from cipher_service.pouches.office_commands import Answer
from cipher_service.pouches.planning import Timetable
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.pouches.waybills import Carriage
from pouch.alarms import Leg, Route
from pouch.classes import PRESETS
from pouch.locator import grouped_locator
from pouch.manifest import Carrier, Mode


class RoadDesk:
    """What the acts need.

    Args:
        seated: gives the bureau inside a transaction.
    """

    def __init__(self, seated: Callable[[Connection], Office]) -> None:
        self._seated = seated

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "bag_route": self.add_route,
            "bag_plan": self.plan,
            "bag_waybill": self.entrust,
            "bag_count": self.count,
        }

    def add_route(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"route", "legs": [[from, to, minutes]], "limits", "tolerance_g", "news_h"}`.

        Refuses LEGS_BROKEN, and as `planning.add_route`.
        """
        try:
            road = Route(
                tuple(
                    Leg(start, end, timedelta(minutes=least))
                    for start, end, least in payload["legs"]
                )
            )
        except ValueError as error:
            raise ServiceError("LEGS_BROKEN") from error
        record = RouteRecord(
            code=payload["route"],
            origin=road.places[0],
            destination=road.places[-1],
            route=road,
            limits=PRESETS[payload["limits"]],
            tolerance_g=payload["tolerance_g"],
            news=timedelta(hours=payload["news_h"]),
        )
        planning.add_route(self._seated(connection), record, by=officer)

    def plan(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"route", "mode", "days", "at": minutes, "cut_off_h", "takes_h", "weeks"}`.

        Gives `{"made"}`: how many departures are new.
        """
        table = Timetable(
            route=payload["route"],
            mode=Mode(payload["mode"]),
            days=frozenset(payload["days"]),
            at=time(*divmod(payload["at"], 60)),
            cut_off=timedelta(hours=payload["cut_off_h"]),
            takes=timedelta(hours=payload["takes_h"]),
        )
        office = self._seated(connection)
        return {"made": len(planning.plan(office, table, payload["weeks"], by=officer))}

    def entrust(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"departure", "carrier"}` and the other members of `Carriage`."""
        members = {name: each for name, each in payload.items() if name != "departure"}
        members["carrier"] = Carrier(**members["carrier"])
        members["itinerary"] = tuple(members["itinerary"])
        office = self._seated(connection)
        planning.entrust(office, payload["departure"], Carriage(**members), by=officer)

    def count(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"departure", "locators", "place"}`; give `{"missing", "over", "strangers"}`.

        Bags are named by their locators, in groups of four.
        """
        office = self._seated(connection)
        counted = carriage.count(
            office,
            payload["departure"],
            payload["locators"],
            by=officer,
            place=payload["place"],
        )
        with office.look() as sitting:
            return {
                "missing": [
                    grouped_locator(sitting.closing(one).bag) for one in counted.count.missing
                ],
                "over": [grouped_locator(sitting.closing(one).bag) for one in counted.count.over],
                "strangers": [grouped_locator(bag) for bag in counted.strangers],
            }
