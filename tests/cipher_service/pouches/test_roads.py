"""The officers' commands about routes and letters refuse by name, and write nothing then."""

import pytest

from cipher_service.access.acts import Gate
from cipher_service.errors import ServiceError
from cipher_service.pouches import roads
from cipher_service.pouches.office import seated
from cipher_service.pouches.road_desk import RoadDesk
from cipher_service.storage.unit_of_work import unit_of_work
from tests.support.ministry import HEADQUARTERS, custody
from tests.support.office import PouchBureau

ROUTE = {
    "route": "R-LOME",
    "legs": [[HEADQUARTERS, "NSI", 40], ["NSI", "LOME", 120]],
    "limits": "UN",
    "tolerance_g": 200,
    "news_h": 24,
}
TABLE = {
    "route": "R-LOME", "mode": "courier", "days": [0, 3], "at": 615, "cut_off_h": 4,
    "takes_h": 5, "weeks": 2,
}  # fmt: skip


def act(bureau: PouchBureau, name: str, payload: dict[str, object], by: str = "") -> object:
    desk = RoadDesk(
        lambda connection: seated(connection, HEADQUARTERS, Gate(), lambda: bureau.now, custody())
    )
    with unit_of_work(bureau.engine) as connection:
        return desk.acts()[name](connection, by or bureau.chief, payload)


def test_a_route_and_its_timetable(bureau: PouchBureau) -> None:
    act(bureau, "bag_route", ROUTE)
    for payload, code in (
        (ROUTE, "ROUTE_KNOWN"),
        ({**ROUTE, "route": "R-X", "legs": [["A1", "B1", 1], ["C1", "D1", 1]]}, "LEGS_BROKEN"),
        ({**ROUTE, "route": "R-X", "legs": [["XX", "LOME", 1]]}, "ROUTE_END_UNKNOWN"),
        ({**ROUTE, "route": "R-X", "legs": [["LOME", "YY", 1]]}, "ROUTE_END_UNKNOWN"),
    ):
        with pytest.raises(ServiceError, match=code):
            act(bureau, "bag_route", payload)
    # Today's departure may be past its cut-off.
    made = act(bureau, "bag_plan", TABLE)
    assert made in ({"made": 3}, {"made": 4})
    assert act(bureau, "bag_plan", TABLE) == {"made": 0}
    with pytest.raises(ServiceError, match="TIMETABLE_EMPTY"):
        act(bureau, "bag_plan", {**TABLE, "days": []})
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        act(bureau, "bag_route", {**ROUTE, "route": "R-Y"}, by=bureau.courier)
    (line,) = (
        each for each in roads.routes(bureau.office, by=bureau.chief) if each.route.code == "R-LOME"
    )
    assert {"made": len(line.planned)} == made
    assert {(each.departs.hour, each.departs.minute) for each in line.planned} == {(10, 15)}
