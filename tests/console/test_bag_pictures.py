"""Drawings of bags: how late each is and on which route, and the stops of a bag's route."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import select, update

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.console.pouches import lateness, picture, stations
from cipher_service.console.pouches.picture import Planned, Tick
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches.repository import Closing
from cipher_service.pouches.views import BagLine, Journey
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import unit_of_work
from pouch.custody import custody_of
from pouch.events import Event
from pouch.facts import INTACT, Facts, HandedOver, Lost, Seen
from pouch.manifest import BagClass, Mode
from tests.console.conftest import Enter
from tests.console.sealed_bags import sealed_bag
from tests.console.support import check_page
from tests.support.office import route

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
LINE = BagLine(
    seal="a",
    locator="0000",
    origin="PARIS",
    destination="MINREX",
    bag_class="SECRET",
    departure="D-1",
    route="R-HOME",
    stage="handed-over",
    due=NOW - timedelta(hours=10),
    late=True,
    silent=False,
    lost=False,
    recalled=False,
    lines=1,
    alarms=(),
    cases=0,
)
CLOSING = Closing(
    seal="a",
    bag="0" * 22,
    bag_class=BagClass.SECRET,
    opened=NOW,
    mode=Mode.COURIER,
    departure="D-1",
    cut_off=NOW,
    departs=NOW,
    due=NOW + timedelta(days=1),
    packers=(),
    manifest=None,
    seals=(),
    weight_g=None,
    rectified_g=None,
    nonce_sha256=None,
    stage="handed-over",
    lost=False,
    recalled=False,
    route=route(),
)


def told(place: str, facts: Facts, minutes: int) -> Event:
    at = NOW + timedelta(minutes=minutes)
    return Event("d", minutes, None, "0" * 22, "a", at, place, "OFF-1", None, facts)


def test_the_latest_bags_stand_first_and_all_bars_have_one_scale() -> None:
    lines = [
        replace(LINE, seal="punctual", late=False, due=NOW + timedelta(hours=1)),
        replace(LINE, seal="a little", due=NOW - timedelta(seconds=1)),
        LINE,
        replace(LINE, seal="worst", route="R-LOME", due=NOW - timedelta(hours=40)),
    ]
    worst, home = lateness.draw(lines, NOW)
    assert [(bar.bag.seal, bar.length) for bar in worst.bars] == [("worst", lateness.WIDTH)]
    assert [(bar.bag.seal, bar.y) for bar in home.bars] == [("a", 0), ("a little", lateness.ROW)]
    assert home.bars[0].length == lateness.WIDTH / 4
    assert 0 < home.bars[1].length < home.bars[0].length
    assert (worst.route, home.route, home.height) == ("R-LOME", "R-HOME", 2 * lateness.ROW)
    assert lateness.draw(lines[:1], NOW) == ()


@pytest.mark.parametrize(
    ("events", "passed", "here"),
    [
        ((), (), None),
        ((told("MINREX", HandedOver(1, INTACT), 1),), ("MINREX",), "MINREX"),
        # Nobody read it at NSI: it has passed there all the same.
        ((told("CDG", Seen(()), 2),), ("MINREX", "NSI", "CDG"), "CDG"),
        ((told("CDG", Seen(()), 2), told("PARIS", Lost(), 3)), ("MINREX", "NSI", "CDG"), "CDG"),
        ((told("CDG", Seen(()), 2), told("LOME", Seen(()), 3)), ("MINREX", "NSI", "CDG"), None),
    ],
)
def test_a_route_shows_what_is_passed_and_where_the_bag_was_last(
    events: tuple[Event, ...], passed: tuple[str, ...], here: str | None
) -> None:
    stops = stations.draw(CLOSING, events)
    assert [stop.place for stop in stops] == ["MINREX", "NSI", "CDG", "PARIS"]
    assert tuple(stop.place for stop in stops if stop.passed) == passed
    assert [stop.place for stop in stops if stop.here] == ([here] if here else [])
    planned = [(stop.planned - NOW, stop.earliest) for stop in stops]
    assert planned == [
        (timedelta(), False),
        (timedelta(minutes=40), True),
        (timedelta(minutes=400), True),
        (timedelta(days=1), False),
    ]


def _journey(stage: str, *events: Event) -> Journey:
    closing = replace(CLOSING, stage=stage)
    return Journey(LINE, closing, custody_of(()), events, (), (), None, announced=False)


def test_acts_at_one_place_within_a_short_time_have_one_label() -> None:
    packed = [told("MINREX", Seen(()), minutes) for minutes in (-3, -2, 0)]
    drawn = picture.draw(_journey("sealed", *packed), NOW)
    assert [(one.first.x, one.count) for one in drawn.labels if isinstance(one.first, Tick)] == [
        (drawn.ticks[0].x, 3)
    ]
    assert len(drawn.ticks) == 3
    assert [one.leaves for one in drawn.planned] == [True, False]
    later, away = told("MINREX", Seen(()), 12 * 60), told("NSI", Seen(()), -1)
    for events, labels in (((*packed, later), 2), ((packed[0], away, packed[2]), 3)):
        drawn = picture.draw(_journey("handed-over", *events), NOW)
        assert len(drawn.labels) == labels + 1, "and the arrival that is planned"


@pytest.mark.parametrize("seed", range(20))
def test_no_label_of_a_journey_lies_on_another_and_no_stroke_crosses_one(seed: int) -> None:
    dice = Random(seed)
    minutes = sorted(dice.choices(range(dice.choice((30, 1440))), k=seed))
    events = [told(dice.choice(("MINREX", "NSI", "CDG")), Seen(()), each) for each in minutes]
    drawn = picture.draw(_journey("handed-over", *events), NOW)
    for above in (True, False):
        row = [one for one in drawn.labels if one.above is above]
        edges = [0.0, *(one.x for one in row), picture.WIDTH]
        gaps = [right - left for left, right in pairwise(edges)]
        assert all(gap >= 140 for gap in gaps[1:-1])
        assert not row or min(gaps[0], gaps[-1]) >= 70
        assert [one.mark for one in row] == sorted(one.mark for one in row)
    named = {one.place for one in drawn.planned}
    assert named <= {one.first.place for one in drawn.labels if isinstance(one.first, Planned)}


def test_late_bags_are_seen_at_a_glance_and_told_in_the_table(
    ministry: Stage, enter: Enter
) -> None:
    bag = sealed_bag(ministry)
    names = tuple(one.name for one in Demonstration.of(ministry.settings).people())
    for width in (1280, 390):
        tab = enter("CHIEF-POUCH", width=width)
        link = tab.page.locator(f"a[href='/valises/{bag.seal}']")
        bar = tab.page.locator("#dessin").locator(link)
        tab.goto("/valises")
        assert bar.count() == 0
        code = _due_in(ministry, bag.seal, timedelta(days=-2, hours=-1))
        for language, late in (("en", "2 days late"), ("fr", "en retard de 2 jours")):
            tab.goto(f"/valises?lang={language}")
            assert late in (bar.get_attribute("aria-label") or "")
            row = tab.page.locator("#tableau tbody tr").filter(has=link)
            assert all(each in row.inner_text() for each in (late, code, "PARIS → MINREX"))
            assert code in tab.page.locator("#dessin li").filter(has=link).inner_text()
            check_page(tab, foreign=names)
        drawn = tab.page.locator("#dessin a").count()
        assert drawn == tab.page.locator("#tableau").get_by_text("en retard de").count()
        tab.page.keyboard.press("t")
        assert tab.page.evaluate("document.activeElement.id") == "tableau"
        bar.click()
        tab.page.wait_for_url(f"**/valises/{bag.seal}")
        check_page(tab, foreign=names)
        _due_in(ministry, bag.seal, timedelta(days=1))
        tab.goto("/valises")
        assert bar.count() == 0
        none = tab.page.get_by_text("Aucune valise en retard").count()
        assert none == (tab.page.locator("#dessin a").count() == 0)


def _due_in(on: Stage, seal: str, time: timedelta) -> str:
    """Let a bag be due at another time than was planned; give the code of its route."""
    book = tables.departure
    engine = open_existing(on.settings.database)
    try:
        with unit_of_work(engine) as connection:
            departure = connection.scalar(
                select(tables.closing.c.departure).where(tables.closing.c.seal == seal)
            )
            of_it = book.c.departure_id == departure
            connection.execute(update(book).where(of_it).values(due=clock.text(clock.now() + time)))
            return str(connection.scalar(select(book.c.route).where(of_it)))
    finally:
        engine.dispose()
