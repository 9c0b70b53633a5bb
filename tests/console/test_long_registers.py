"""However many bags, discrepancies and routes there are, a page of them is short and leads on."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Response, expect
from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, insert, select, update

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.console.pouches import lateness
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import route_book
from cipher_service.pouches.shares import PAGE
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import unit_of_work
from pouch.locator import grouped_locator, new_bag
from pouch.manifest import Mode
from tests.console.conftest import Enter
from tests.console.first_load import check_travel
from tests.console.support import Tab, check_page
from tests.support.office import route

PAGED = 60_000
"""Bytes of a page of a list, as they travel."""
MANY = 2 * PAGE + 15
LATE = PAGE + 5


@dataclass
class Long:
    """Registers that this module filled: bags by their locators, cases by what they are about."""

    engine: Engine
    names: tuple[str, ...]
    bags: tuple[str, ...]
    late: frozenset[str]
    seals: tuple[str, ...]
    cases: tuple[str, ...]
    codes: tuple[str, ...]


@pytest.fixture(scope="module")
def long(ministry: Stage) -> Iterator[Long]:
    """Many lines, which are gone again once this module is through: others read the same lists."""
    engine = open_existing(ministry.settings.database)
    now = clock.now().replace(microsecond=0)
    codes = tuple(f"R-ZZ{number:03d}" for number in range(MANY))
    with unit_of_work(engine) as connection:
        for code in codes:
            assert route_book.insert_route(connection, route(code))
        bags = [_lay(connection, codes[0], number, now) for number in range(MANY)]
        cases = tuple(_dispute(connection, bags[0][0], number, now) for number in range(MANY))
    people = Demonstration.of(ministry.settings).people()
    yield Long(
        engine,
        tuple(one.name for one in people),
        tuple(grouped_locator(bag) for _, bag in bags),
        frozenset(grouped_locator(bag) for _, bag in bags[:LATE]),
        tuple(seal for seal, _ in bags),
        cases,
        codes,
    )
    book, steps = tables.discrepancy, tables.discrepancy_step
    ours = book.c.what.in_(cases)
    with unit_of_work(engine) as connection:
        gone: tuple[tuple[Table, ColumnElement[bool]], ...] = (
            (steps, steps.c.discrepancy.in_(select(book.c.discrepancy_id).where(ours))),
            (book, ours),
            (tables.closing, tables.closing.c.seal.in_([seal for seal, _ in bags])),
            (tables.bag, tables.bag.c.bag.in_([bag for _, bag in bags])),
            (tables.departure, tables.departure.c.route.in_(codes)),
            (tables.route, tables.route.c.code.in_(codes)),
        )
        for table, which in gone:
            connection.execute(delete(table).where(which))
    engine.dispose()


def _lay(connection: Connection, code: str, number: int, now: datetime) -> tuple[str, str]:
    """A bag: the first ones are late, each by an hour less than the one before."""
    seal, bag, departure = secrets.token_hex(16), new_bag(), f"{code}/{number:03d}"
    late = number < LATE
    due = now - timedelta(hours=LATE - number) if late else now + timedelta(days=1, hours=number)
    route_book.insert_departure(
        connection, departure, route=code, mode=Mode.COURIER,
        cut_off=due - timedelta(days=2), departs=due - timedelta(days=1), due=due,
    )  # fmt: skip
    connection.execute(
        insert(tables.bag).values(bag=bag, place="MINREX", since=clock.text(now), empty=0, cycles=0)
    )
    connection.execute(
        insert(tables.closing).values(
            seal=seal, bag=bag, departure=departure, bag_class="SECRET",
            opened_at=clock.text(now), packers="[]", seals="[]",
            stage="handed-over" if late else "prepared", lost=0, recalled=0,
        )
    )  # fmt: skip
    return seal, bag


def _dispute(connection: Connection, seal: str, number: int, now: datetime) -> str:
    what = f"EN TROP {number:03d}"
    connection.execute(
        insert(tables.discrepancy).values(
            discrepancy_id=secrets.token_hex(16), seal=seal, kind="over", what=what,
            severity="incident", state="reported", reporter="OFF-000001",
            reported_at=clock.text(now), state_at=clock.text(now),
            due=clock.text(now + timedelta(hours=number - 7, minutes=30)),
        )
    )  # fmt: skip
    return what


def walked(tab: Tab, path: str) -> Iterator[Response]:
    """Each page of a register as it is shown, until none follows."""
    answer = tab.goto(path)
    while True:
        assert len(answer.body()) <= PAGED, (tab.page.url, len(answer.body()))
        check_travel(tab.page, answer)
        yield answer
        going = tab.page.get_by_role("link", name="La suite de la liste", exact=True)
        if going.count() == 0:
            return
        with tab.page.expect_navigation() as moved:
            going.click()
        assert moved.value is not None
        answer = moved.value


def heads(tab: Tab) -> list[str]:
    """What begins the rows of the page's register."""
    rows = tab.page.locator("main tbody th").all_inner_texts()
    assert len(rows) <= PAGE
    return [" ".join(row.split()) for row in rows]


def check(tab: Tab, long: Long, path: str) -> None:
    for language in ("en", "fr"):
        tab.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
        check_page(tab, foreign=(*long.names, "cipher-service", "EN TROP"))


def test_bags_are_paged_and_what_is_late_stands_first(
    long: Long, enter: Enter, pictures: Path
) -> None:
    tab = enter("CHIEF-POUCH")
    met: list[str] = []
    for number, _ in enumerate(walked(tab, "/valises")):
        told = tab.page.locator("main").inner_text()
        counted = re.search(r"(\d+) valises en cours · (\d+) à regarder", told)
        assert counted, "both counts stay in sight"
        assert int(counted[1]) >= MANY
        assert int(counted[2]) >= LATE
        assert tab.page.locator("#dessin a").count() == (0 if number else lateness.MOST)
        if not number:
            many = re.search(r"les 12 plus en retard, sur (\d+)", told)
            assert many
            assert int(many[1]) >= LATE
            tab.page.screenshot(path=pictures / "bags.png", full_page=True)
        shown = heads(tab)
        assert not set(shown) & set(met)
        met += shown
    assert set(long.bags) <= set(met)
    places = [met.index(each) for each in long.bags]
    assert places == sorted(places), "the latest first, then what is due next"
    pressing = [row in long.late for row in met if row in long.bags]
    assert pressing == sorted(pressing, reverse=True)
    check(tab, long, "/valises")
    tab.page.get_by_role("link", name="La suite de la liste").click()
    tab.page.get_by_role("link", name="Revenir à la première valise").wait_for()
    check(tab, long, tab.page.url.removeprefix(tab.origin))
    tab.page.get_by_role("link", name="Revenir à la première valise").click()
    expect(tab.page.locator("main tbody th").first).to_have_text(met[0])
    tab.goto("/valises?apres=9")
    tab.page.get_by_text("Aucune valise après celle-ci.", exact=True).wait_for()
    check_page(tab, foreign=long.names)


def test_a_bag_discharged_between_two_pages_hides_no_other(long: Long, enter: Enter) -> None:
    tab = enter("CHIEF-POUCH")
    tab.goto("/valises")
    first = heads(tab)
    last = max(number for number, bag in enumerate(long.bags) if bag in first)
    book = tables.closing
    gone = update(book).where(book.c.seal == long.seals[last])
    with unit_of_work(long.engine) as connection:
        connection.execute(gone.values(stage="accounted"))
    try:
        tab.page.get_by_role("link", name="La suite de la liste").click()
        tab.page.get_by_role("link", name="Revenir à la première valise").wait_for()
        assert heads(tab)[0] == long.bags[last + 1]
    finally:
        with unit_of_work(long.engine) as connection:
            connection.execute(gone.values(stage="handed-over"))


def test_discrepancies_are_paged_and_an_act_leads_back_to_its_page(
    long: Long, enter: Enter, pictures: Path
) -> None:
    tab = enter("CHIEF-POUCH")
    met: list[str] = []
    for number, _ in enumerate(walked(tab, "/valises/irregularites")):
        told = tab.page.locator("main").inner_text()
        counted = re.search(r"(\d+) irrégularités ouvertes · (\d+) en retard", told)
        assert counted
        assert int(counted[1]) >= MANY
        assert int(counted[2]) >= 7
        if not number:
            tab.page.screenshot(path=pictures / "cases.png", full_page=True)
        shown = heads(tab)
        met += shown
    about = [row.removeprefix("quantité excédentaire ") for row in met]
    assert all(about.count(each) == 1 for each in long.cases)
    places = [about.index(each) for each in long.cases]
    assert places == sorted(places), "the soonest due first"
    check(tab, long, "/valises/irregularites")
    tab.page.get_by_role("link", name="La suite de la liste").click()
    tab.page.get_by_role("link", name="Revenir à la première irrégularité").wait_for()
    there = tab.page.url
    row = tab.page.locator("tbody tr", has_text=long.cases[PAGE + 10])
    row.get_by_role("button", name="Marquer avisée", exact=True).click()
    tab.page.wait_for_load_state()
    assert tab.page.url == there, "the clerk stays where they were"
    tab.goto("/valises/irregularites?apres=9")
    tab.page.get_by_text("Aucune irrégularité après celle-ci.", exact=True).wait_for()
    check_page(tab, foreign=long.names)


def test_routes_are_paged_and_found_by_their_code(long: Long, enter: Enter, pictures: Path) -> None:
    tab = enter("CHIEF-POUCH")
    met: list[str] = []
    for number, _ in enumerate(walked(tab, "/valises/itineraires")):
        assert re.search(r"\d+ itinéraires", tab.page.locator("main").inner_text())
        if not number:
            tab.page.screenshot(path=pictures / "routes.png", full_page=True)
        shown = heads(tab)
        options = tab.page.locator("#route option").all_inner_texts()
        assert options == shown, "a timetable is entered for a route of the page"
        met += shown
    assert met == sorted(met)
    assert len(met) == len(set(met))
    assert set(long.codes) <= set(met)
    tab.page.locator("#depuis").fill("r-zz05")
    tab.page.get_by_role("button", name="Aller", exact=True).click()
    expect(tab.page.locator("main tbody th").first).to_have_text("R-ZZ050")
    check(tab, long, tab.page.url.removeprefix(tab.origin))
    tab.page.get_by_role("link", name="Revenir au premier itinéraire").click()
    expect(tab.page.locator("main tbody th").first).to_have_text(met[0])
    tab.goto("/valises/itineraires?depuis=~")
    tab.page.get_by_text("Aucun itinéraire à partir de ce code.", exact=True).wait_for()
    check_page(tab, foreign=long.names)
