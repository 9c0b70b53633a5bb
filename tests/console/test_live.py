"""Lists renew themselves: what came is there, and whoever was reading is where they were."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.console.dispatches import live
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.identity import session
from cipher_service.storage.unit_of_work import reading
from tests.console.conftest import Enter
from tests.console.support import check_accessible, check_page, check_width
from tests.console.test_signing import names, sample

ROLE = "DEPUTY-DIRECTOR"
LINE = 32
"""Pixels of a line of mail on a telephone, with its share of the space around."""


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "texte.txt"
    file.write_text("Arrivée pendant que la liste est ouverte.", "utf-8")
    return file


def sent(ministry: Stage, text: Path, precedence: str = "ROUTINE") -> str:
    return str(
        chiffre(
            "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX", "--level",
            "CONFIDENTIEL", "--precedence", precedence, "--subject", "Essai", str(text),
        )["id"]
    )  # fmt: skip


def link(number: str) -> str:
    return f'tr[data-line="{number}"] a[href="/depeches/{number}"]'


def test_on_a_telephone_urgency_and_level_stand_on_one_line(
    enter: Enter, ministry: Stage, text: Path
) -> None:
    number = sent(ministry, text)
    tab = enter(ROLE, width=390)
    tab.goto("/depeches/")
    cells = tab.page.locator(f'tr[data-line="{number}"] td.app-tagged')
    urgency, level = cells.nth(0).bounding_box(), cells.nth(1).bounding_box()
    assert urgency
    assert level
    assert level["y"] < urgency["y"] + urgency["height"] / 2
    assert level["x"] >= urgency["x"] + urgency["width"]
    labels = cells.evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one, '::before').content)"
    )
    assert labels == ["none", "none"]
    # The number beside them, then when it came and that it is sealed, then who has it: three lines.
    box = tab.page.locator(f'tr[data-line="{number}"]').bounding_box()
    assert box
    assert box["height"] <= 4 * LINE
    check_accessible(tab.page)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_arrives_shows_itself_and_moves_nobody(
    enter: Enter, ministry: Stage, text: Path, width: int
) -> None:
    first = sent(ministry, text)
    tab = enter(ROLE, width=width)
    page = tab.page
    tab.goto("/depeches/")
    row = page.locator(f'tr[data-line="{first}"]')
    page.locator(link(first)).focus()
    row.evaluate("(one) => { one.setAttribute('aria-selected', 'true'); one.mine = true; }")
    page.evaluate("window.stayed = true")
    count = page.locator(".app-tabs a[aria-current] .app-number")
    before = int(count.inner_text())

    second = sent(ministry, text, "URGENT")  # before the first, in the list's order
    came = page.locator(f'tr[data-line="{second}"]')
    expect(came).to_be_visible()
    expect(came).to_have_class("app-unread app-new")
    expect(page.locator("#nouvelles")).to_have_text("Une ligne nouvelle dans cette liste.")
    expect(count).to_have_text(str(before + 1))
    # The page was not loaded anew; row, focus and selection are the very same.
    assert page.evaluate("window.stayed") is True
    expect(page.locator(link(first))).to_be_focused()
    assert row.evaluate("(one) => one.mine === true")
    expect(row).to_have_attribute("aria-selected", "true")
    lines = page.locator("tr[data-line]").evaluate_all(
        "(all) => all.map((one) => one.dataset.line)"
    )
    assert lines.index(second) < lines.index(first)
    page.keyboard.press("k")
    page.keyboard.press("j")
    expect(page.locator(link(first))).to_be_focused()
    check_page(tab, foreign=names(ministry))


def test_a_search_goes_on_and_a_line_that_goes_leaves_the_focus_beside_it(
    enter: Enter, ministry: Stage, text: Path
) -> None:
    first = sent(ministry, text)
    tab = enter(ROLE, "en")
    page = tab.page
    tab.goto("/depeches/")
    page.keyboard.press("/")
    page.keyboard.type("nothing has this")
    second = sent(ministry, text)
    came = page.locator(f'tr[data-line="{second}"]')
    expect(came).to_be_attached()
    expect(came).to_be_hidden()
    expect(page.locator("#nouvelles")).to_have_text("One new line in this list.")
    expect(page.get_by_label("Search this list")).to_be_focused()
    page.get_by_label("Search this list").fill("")
    expect(came).to_be_visible()

    page.locator(link(second)).focus()
    minister = enter("MINISTER")
    minister.goto(f"/depeches/{second}")
    minister.page.locator("#ouvrir").click()
    expect(minister.page.locator("#clair")).to_be_visible()
    expect(came).to_have_count(0)
    expect(page.locator(link(first))).to_have_count(1)
    assert page.evaluate("Boolean(document.activeElement.closest('tr[data-line]'))")
    check_page(tab, foreign=names(ministry))


def test_a_page_that_renews_itself_keeps_no_session_open(
    enter: Enter, ministry: Stage, text: Path
) -> None:
    tab = enter(ROLE)
    tab.goto("/depeches/")
    engine, officer = open_existing(ministry.settings.database), sample(ministry, ROLE)

    def ends() -> list[str]:
        with reading(engine) as connection:
            rows = connection.execute(session.select().where(session.c.officer == officer)).all()
        return sorted(str(row._mapping) for row in rows)

    before = ends()
    number = sent(ministry, text)
    expect(tab.page.locator(f'tr[data-line="{number}"]')).to_be_visible()
    assert ends() == before
    tab.expected = (404,)
    assert tab.page.request.get("/depeches/liste?liste=autre").status == 404
    assert tab.page.request.get("/depeches/flux?liste=autre").status == 404
    assert tab.page.request.get("/depeches/flux?liste=arrivees&tray=autre").status == 404
    engine.dispose()


def test_a_lost_link_is_told_and_the_list_is_brought_up_to_date_after_it(
    enter: Enter, ministry: Stage, text: Path
) -> None:
    tab = enter(ROLE)
    page = tab.page
    page.route("**/depeches/flux*", lambda route: route.abort())
    tab.goto("/depeches/")
    lost = page.locator("#liaison [data-lost]")
    expect(lost).to_contain_text("Liaison interrompue")
    check_accessible(page)
    number = sent(ministry, text)
    page.unroute("**/depeches/flux*")
    expect(page.locator(f'tr[data-line="{number}"]')).to_be_visible()  # nobody loaded the page anew
    expect(lost).to_be_empty()
    tab.complaints.clear()  # Chromium tells each try that was cut


def test_a_lost_link_is_said_on_every_page_and_moves_nothing(enter: Enter) -> None:
    tab = enter(ROLE)
    page = tab.page
    cut = [False]
    page.route("**/depeches/flux*", lambda route: route.abort() if cut[0] else route.continue_())
    places = (
        "() => [...document.querySelectorAll('main, h1, footer, .app-side')]"
        ".map((one) => one.getBoundingClientRect().top)"
    )
    for path, width in (("/postes/apercu", 1280), ("/aide/raccourcis", 390)):
        cut[0] = False
        page.set_viewport_size({"width": width, "height": 800})
        tab.goto(f"{path}?lang=fr")
        said = page.locator("#liaison [data-lost]")
        expect(said).to_be_empty()
        before = page.evaluate(places)
        cut[0] = True
        page.evaluate("dispatchEvent(new Event('pagehide'))")  # the stream that is open ends
        page.get_by_role("button", name="Essayer maintenant").or_(said).first.wait_for(
            state="attached"
        )
        page.evaluate("document.querySelector('#liaison button').click()")
        expect(said).to_contain_text(re.compile(r"depuis \d\d h \d\d\s: .* Rien n’est perdu"))
        assert page.evaluate(places) == before
        check_accessible(page)
        check_width(page)
        # Whoever does not want to wait asks again at once.
        cut[0] = False
        page.get_by_role("button", name="Essayer maintenant").click()
        expect(said).to_be_empty()
        expect(page.get_by_role("button", name="Essayer maintenant")).to_be_hidden()
    tab.complaints.clear()  # Chromium tells each try that was cut


def test_whoever_was_in_the_last_alert_goes_on_at_the_heading_once_it_is_gone(
    enter: Enter, ministry: Stage, text: Path
) -> None:
    sent(ministry, text, "FLASH")
    tab = enter(ROLE)
    page = tab.page
    tab.goto("/postes")
    bar = page.locator("#alertes .app-alert")
    bar.first.locator("a").focus()
    page.evaluate("dispatchEvent(new Event('pagehide'))")  # the stream that is open ends
    for form in bar.locator("form").evaluate_all("all => all.map((one) => one.action)"):
        answer = page.request.post(form, headers={"Origin": tab.origin}, form={})
        assert answer.ok, answer.text()  # as from another window of the same browser
    expect(bar.first).to_be_visible()
    page.evaluate("document.querySelector('#liaison button').click()")
    expect(bar).to_have_count(0)
    expect(page.locator("#travail h1")).to_be_focused()
    check_accessible(page)


def test_a_list_is_read_again_only_when_the_log_has_grown(ministry: Stage) -> None:
    asked: list[int] = []
    found = {"lines": [1]}

    def shown(*_given: object) -> dict[str, object]:
        asked.append(1)
        return dict(found)

    engine = open_existing(ministry.settings.database)
    watched = live.Watched(shown, live.mark_of(found))
    with reading(engine) as connection:
        gate = Gate()
        assert not watched.changed(connection, gate, clock.now())
        found["lines"] = [1, 2]
        looks = [watched.changed(connection, gate, clock.now()) for _ in range(2 * live.PAUSE)]
        assert looks == [False] * len(looks)  # nobody has done anything that is in the log
        assert len(asked) == 1
        other = live.Watched(shown, live.mark_of({"lines": [1]}))
        assert [other.changed(connection, gate, clock.now()) for _ in range(2)] == [True, False]
    engine.dispose()
