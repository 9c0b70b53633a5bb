"""The posts: who sees them, how bad each is, and drawings that say what their tables say."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, insert

from cipher_service import clock
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.console.language import LANGUAGES, day
from cipher_service.console.posts import traffic
from cipher_service.console.posts.state import Edition, PostState, worst_first
from cipher_service.dispatches import openings
from cipher_service.dispatches.openings import Opening
from cipher_service.identity.demonstration import Demonstration
from cipher_service.references import new_id
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.headquarters import opened
from cipher_service.storage.tables.registers import void_numbers
from cipher_service.storage.unit_of_work import unit_of_work
from cipher_service.typography import NO_BREAK
from tests.console.conftest import Enter
from tests.console.support import check_page, check_quiet
from tests.support.ending_keys import ending_tomorrow

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KEY = Edition(
    number=1,
    fingerprint="aa" * 32,
    valid_from=NOW - timedelta(days=100),
    valid_until=NOW + timedelta(days=265),
    days=265,
    expired=False,
    endorsed=True,
    prekeys=50,
)
WELL = PostState(
    code="LOME",
    kind="embassy",
    name_fr="Ambassade",
    name_en="Embassy",
    city="Lomé",
    state="active",
    channels=(),
    edition=KEY,
    is_seat=False,
    sees_mail=True,
    sees_bags=True,
    heard=NOW - timedelta(hours=2),
    missing=0,
    bags=0,
    troubled=0,
)


def names(ministry: Stage) -> tuple[str, ...]:
    return tuple(one.name for one in Demonstration.of(ministry.settings).people())


def test_the_worst_post_comes_first_and_one_never_enrolled_last() -> None:
    posts = [
        replace(WELL, code="ABSENT", state="absent", edition=None, heard=None),
        replace(WELL, code="WELL"),
        replace(WELL, code="SOON", edition=replace(KEY, days=20)),
        replace(WELL, code="LATER", edition=replace(KEY, days=29)),
        replace(WELL, code="GAP", missing=1),
        replace(WELL, code="GONE", edition=replace(KEY, days=0, expired=True), missing=3),
    ]
    ordered = [post.code for post in worst_first(posts, NOW)]
    assert ordered == ["GONE", "GAP", "SOON", "LATER", "WELL", "ABSENT"]


@pytest.mark.parametrize(
    ("changed", "what", "grade"),
    [
        ({"edition": replace(KEY, days=6)}, "key", 2),
        ({"edition": replace(KEY, days=7)}, "key", 1),
        ({"edition": replace(KEY, days=29)}, "key", 1),
        ({"edition": replace(KEY, endorsed=False)}, "root", 2),
        ({"edition": replace(KEY, prekeys=9)}, "prekeys", 1),
        ({"edition": None}, "key", 2),
        ({"state": "suspended"}, "state", 2),
        ({"state": "pending"}, "state", 1),
        ({"heard": NOW - timedelta(days=1)}, "link", 1),
        ({"heard": NOW - timedelta(days=3)}, "link", 2),
        ({"heard": None}, "link", 1),
        ({"missing": 1}, "missing", 2),
        ({"troubled": 1}, "bags", 2),
    ],
)
def test_each_trouble_has_its_grade(changed: dict[str, Any], what: str, grade: int) -> None:
    assert replace(WELL, **changed).severities(NOW) == {what: grade}


def test_what_a_reader_may_not_see_is_no_trouble() -> None:
    blind = replace(WELL, sees_mail=False, sees_bags=False, heard=None, missing=4, troubled=2)
    assert WELL.severities(NOW) == blind.severities(NOW) == {}
    assert replace(WELL, edition=replace(KEY, days=30)).severities(NOW) == {}


def test_every_multiple_has_the_one_scale() -> None:
    days = (date(2026, 11, 21), date(2026, 11, 22))
    counts = {
        ("FLASH", days[0], True): 3,
        ("ROUTINE", days[1], True): 30,
        ("ROUTINE", days[1], False): 15,
    }
    drawn = traffic.draw(counts, ["FLASH", "ROUTINE"], days)
    flash, routine = drawn.multiples
    assert drawn.scale == 50
    assert (flash.came, flash.went, routine.came, routine.went) == (3, 0, 30, 15)
    assert routine.bars[1].up == pytest.approx(10 * flash.bars[0].up)
    assert routine.bars[1].down == pytest.approx(routine.bars[1].up / 2)
    assert all(bar.x + bar.width <= traffic.WIDTH for one in drawn.multiples for bar in one.bars)
    assert all(bar.up <= traffic.AXIS for one in drawn.multiples for bar in one.bars)
    assert not drawn.empty


def test_a_register_without_numbers_is_drawn_empty() -> None:
    drawn = traffic.draw({}, ["FLASH"], traffic.days_until(NOW))
    assert drawn.empty
    assert drawn.scale == 1
    assert len(drawn.days) == traffic.DAYS
    assert drawn.days[-1] == NOW.date()


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_pages_hold_in_both_languages(
    ministry: Stage, enter: Enter, width: int, height: int
) -> None:
    tab = enter("CHIEF-CIPHER-POUCH", width=width, height=height)
    for language in ("fr", "en"):
        for path in ("/postes/apercu", "/postes/LOME", "/postes/numeros"):
            tab.goto(f"{path}?lang={language}")
            check_page(tab, foreign=names(ministry))


def test_a_drawing_says_what_its_table_says_one_key_away(enter: Enter) -> None:
    tab = enter("CHIEF-CIPHER-POUCH")
    page = tab.page
    tab.goto("/postes/apercu")
    cells = page.locator("#dessin > li > a strong").all_inner_texts()
    assert cells == page.locator("#tableau tbody th").all_inner_texts()
    assert {"PARIS", "LOME"} < set(cells)
    for drawn, line in zip(
        page.locator("#dessin svg desc").all(), page.locator("#tableau tbody tr").all(), strict=True
    ):
        assert line.locator("td").last.inner_text() == drawn.text_content()
    page.keyboard.press("t")
    assert page.evaluate("document.activeElement.id") == "tableau"
    page.keyboard.press("t")
    assert page.evaluate("document.activeElement.id") == "dessin"
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/postes")
    page.locator("a[href='/postes/LOME']").click()
    expect(page.locator("#editions ~ table tbody tr")).to_have_count(1)


def test_days_of_numbers_are_written_as_days_are_elsewhere(
    ministry: Stage, enter: Enter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Rien à signaler.", "utf-8")
    chiffre(
        *("fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX"),
        *("--level", "NON-PROTEGE", "--precedence", "ROUTINE", str(text)),
    )
    page = enter("CHIEF-CIPHER-POUCH").page
    for language in LANGUAGES:
        page.goto(f"/postes/numeros?lang={language}")
        days = [
            day(each, language).replace(" ", NO_BREAK) for each in traffic.days_until(clock.now())
        ]
        assert page.locator("#tableau tbody th").all_inner_texts() == days[::-1]
        axis = page.locator("#dessin svg").first.locator("text").all_text_contents()
        assert axis[-2:] == [days[0], days[-1]]
    try:
        for zone in ("Africa/Douala", "America/New_York"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            assert day(date(2026, 11, 27), "fr") == "27 nov. 2026", "a day begins nowhere else"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_key_of_the_custodian_that_comes_to_its_end_is_told(
    ministry: Stage, enter: Enter
) -> None:
    tab = enter("CHIEF-CIPHER-POUCH")
    with ending_tomorrow(ministry.settings) as version:
        tab.goto("/postes")
        told = f"La version {version.number} de bureau/MINREX arrive à son terme"
        expect(tab.page.locator("main")).to_contain_text(told)
        check_page(tab, foreign=names(ministry))
    tab.goto("/postes")
    expect(tab.page.locator("main")).not_to_contain_text("bureau/MINREX")


def test_others_see_no_posts(enter: Enter) -> None:
    tab = enter("COURIER")
    for path in ("/postes", "/postes/apercu", "/postes/numeros", "/postes/LOME"):
        tab.goto(path, status=403)
    assert tab.page.locator("nav a[href='/postes']").count() == 0
    custodian = enter("CUSTODIAN-A")
    custodian.goto("/postes/LOME")
    custodian.goto("/postes/numeros", status=403)
    custodian.goto("/postes/ATLANTIS", status=404)


@pytest.fixture
def gap(ministry: Stage) -> Iterator[int]:
    """A number of LOME that never came, in a series that nobody else uses; gives its epoch."""
    epoch = 200099
    engine = open_existing(ministry.settings.database)
    opening = Opening(
        receiver=ministry.settings.headquarters,
        dispatch_id=new_id(clock.now()),
        manifest_hash="ab" * 32,
        origin="LOME",
        fingerprint="cd" * 32,
        epoch=epoch,
        number=2,
        level="NON-PROTEGE",
        subject=b"",
    )
    with unit_of_work(engine) as connection:
        openings.admit(connection, opening, clock.now())
    yield epoch
    with unit_of_work(engine) as connection:
        connection.execute(delete(opened).where(opened.c.dispatch_id == opening.dispatch_id))
    engine.dispose()


def test_an_officer_has_a_missing_number_asked_for_again(
    ministry: Stage, enter: Enter, gap: int
) -> None:
    auditor, chief = enter("AUDITOR"), enter("CHIEF-CIPHER-POUCH")
    page = chief.page
    asked = page.get_by_role("link", name="Numéros manquants à redemander")
    chief.goto("/")
    expect(asked).to_have_attribute("href", "/postes/numeros")
    chief.goto("/depeches/")
    page.get_by_role("link", name="Demander la répétition LOME").first.click()
    line = page.locator("#manquants ~ table tbody tr").filter(has_text="2000")
    expect(line).to_contain_text("à demander")
    for language in ("en", "fr"):
        chief.goto(f"/postes/numeros?lang={language}")
        check_page(chief, foreign=names(ministry))
    auditor.goto("/postes/numeros")
    expect(auditor.page.locator("#manquants ~ table")).to_contain_text("2000")
    assert auditor.page.get_by_role("button", name="Demander la répétition").count() == 0
    page.get_by_role("button", name="Demander la répétition").click()
    for _ in range(120):
        page.goto("/postes/numeros")
        if "à demander" not in line.inner_text():
            break
        page.wait_for_timeout(250)
    expect(line).to_contain_text("demandée")
    page.goto("/")
    expect(asked).to_have_count(0)
    heard = chiffre("fr", "service-message", "--identity", ministry.identity("LOME"))
    assert gap in [each["series"]["epoch"] for each in heard if each["series"]]
    check_quiet(chief)


def test_what_a_restore_cancelled_stands_where_numbers_are_listed(
    ministry: Stage, enter: Enter
) -> None:
    engine = open_existing(ministry.settings.database)
    mine = {"register/2001": (41, 140), "pouch_bordereau_2001": (7, 7), "chases/MINREX": (1, 9)}
    rows = [
        {"counter": name, "first": first, "last": last, "recorded_at": clock.text(NOW)}
        for name, (first, last) in mine.items()
    ]
    with unit_of_work(engine) as connection:
        connection.execute(insert(void_numbers), rows)
    try:
        tab = enter("AUDITOR")
        for language in ("en", "fr"):
            tab.goto(f"/postes/numeros?lang={language}")
            check_page(tab, foreign=names(ministry))
        lines = tab.page.locator("#annules ~ table tbody tr").filter(has_text="2001")
        told = sorted(" ".join(each.split()) for each in lines.all_inner_texts())
        assert [each.partition(" 22")[0] for each in told] == [
            "Bordereaux de valise 2001 000007",
            "Registre des dépêches 2001 000041 – 000140",
        ]
    finally:
        with unit_of_work(engine) as connection:
            connection.execute(delete(void_numbers).where(void_numbers.c.counter.in_(mine)))
        engine.dispose()
