"""Routes, letters and departures: refused by name with nothing written, shown page by page."""

from datetime import timedelta

import pytest

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.errors import ServiceError
from cipher_service.pouches import planning, roads
from cipher_service.pouches.office import seated
from cipher_service.pouches.road_desk import RoadDesk
from cipher_service.pouches.roads import DepartureLine
from cipher_service.storage.unit_of_work import unit_of_work
from tests.support.ministry import HEADQUARTERS, custody
from tests.support.office import PouchBureau, route, timetable

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
        each
        for each in roads.routes(bureau.office, by=bureau.chief, since="R-L").lines
        if each.route.code == "R-LOME"
    )
    assert {"made": len(line.planned)} == made
    assert {(each.departs.hour, each.departs.minute) for each in line.planned} == {(10, 15)}


def test_departures_come_a_page_at_a_time_and_what_is_late_is_counted(
    bureau: PouchBureau,
) -> None:
    planning.add_route(bureau.office, route("R-TWIN"), by=bureau.chief)
    planning.plan(bureau.office, timetable("R-TWIN"), 2, by=bureau.chief)  # the same hours
    whole = roads.departures(bureau.office, by=bureau.chief)
    assert (whole.total, whole.following, whole.late) == (len(whole.lines), "", 0)
    assert whole.total > 20  # of two weeks, whatever the hour: three pages
    paged: list[DepartureLine] = []
    after, pages = "", 0
    while pages == 0 or after:
        page = roads.departures(bureau.office, by=bureau.chief, after=after, most=10)
        assert page.total == whole.total
        paged, after, pages = [*paged, *page.lines], page.following, pages + 1
    assert (tuple(paged), pages) == (whole.lines, -(-whole.total // 10))
    order = [(line.departs, line.departure) for line in paged]
    assert order == sorted(order)

    last = whole.lines[-1].departure
    beyond = roads.departures(bureau.office, by=bureau.chief, after=last, most=10)
    assert (beyond.lines, beyond.following, beyond.total) == ((), "", whole.total)
    with pytest.raises(ServiceError, match="DEPARTURE_UNKNOWN"):
        roads.departures(bureau.office, by=bureau.chief, after="R-NONE/1", most=10)
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        roads.departures(bureau.office, by=bureau.courier, most=10)

    # Of two that close at one hour, one has a letter for a bag that nobody sealed.
    first = whole.lines[0]
    bureau.now = clock.parse(first.cut_off) + timedelta(minutes=1)
    shut = roads.departures(bureau.office, by=bureau.chief, most=1)
    closed = [line for line in roads.departures(bureau.office, by=bureau.chief).lines if line.late]
    assert [(line.departure, line.open) for line in closed] == [(bureau.departure, False)]
    assert (shut.late, shut.total) == (1, whole.total), "it is counted on whatever page"


@pytest.mark.parametrize(
    ("open_", "packages", "sealed", "waiting", "late"),
    [
        (True, 2, 0, 3, False),
        (False, 2, 1, 0, True),
        (False, 1, 1, 3, False),
        (False, None, 0, 0, False),
        (False, None, 1, 0, True),
        (False, None, 0, 1, True),
    ],
)
def test_a_departure_is_late_once_closed_while_something_stays(
    open_: bool, packages: int | None, sealed: int, waiting: int, late: bool
) -> None:
    line = DepartureLine(
        "R-X/1", "R-X", "LOME", "courier", "", "", "", open_, packages, sealed, waiting
    )
    assert line.late is late
