"""The access matrix: who holds what, what changed, why; seen by those who answer for it alone."""

import csv
import io
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from cipher_service import clock
from cipher_service.access.matrix import default_matrix
from cipher_service.administration.stage import Stage
from cipher_service.console.rights import _inert
from cipher_service.identity.demonstration import Demonstration
from tests.console.conftest import Enter
from tests.console.support import check_page


def names(ministry: Stage) -> tuple[str, ...]:
    return tuple(one.name for one in Demonstration.of(ministry.settings).people())


def place(action: str) -> int:
    return list(default_matrix().rows).index(action) + 1


def officer(ministry: Stage, role: str) -> str:
    return next(
        one.officer for one in Demonstration.of(ministry.settings).people() if one.role == role
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_pages_hold_in_both_languages(
    ministry: Stage, enter: Enter, width: int, height: int
) -> None:
    tab = enter("SECURITY-OFFICER", width=width, height=height)
    clerk = officer(ministry, "CIPHER-CLERK")
    today = f"{clock.now():%Y-%m-%d}"
    paths = (
        *(f"/droits?jour={today}&depuis={today}&", f"/droits/{clerk}?"),
        f"/droits/{clerk}?acte={place('read')}&objet=01KAMV6R8P3ZDFWQ5XJ9T2C4EN&",
        f"/droits/{clerk}?acte={place('audit-read')}&objet=audit&",
    )
    for language in ("fr", "en"):
        for path in paths:
            tab.goto(f"{path}lang={language}")
            check_page(tab, foreign=names(ministry))


def test_what_was_given_since_a_day_is_shown(enter: Enter) -> None:
    tab = enter("AUDITOR")
    before = clock.now() - timedelta(days=40)
    tab.goto(f"/droits?lang=fr&depuis={before:%Y-%m-%d}")
    changed = tab.page.locator("#changements ~ table tbody tr").all_inner_texts()
    assert any("gagné" in line and "Chiffreur" in line for line in changed)
    assert not any("perdu" in line for line in changed)
    tab.goto(f"/droits?jour={before:%Y-%m-%d}")
    held = tab.page.locator("tbody td[data-label=Fonctions]").all_inner_texts()
    assert set(held) == {""}
    tab.goto(f"/droits?jour={before:%d/%m/%Y}")
    held = tab.page.locator("tbody td[data-label=Fonctions]").all_inner_texts()
    assert set(held) == {""}
    for language, form in (("en", "DD/MM/YYYY, for"), ("fr", "JJ/MM/AAAA, par")):
        tab.goto(f"/droits?lang={language}&jour={before:%d/%m/%Y}")
        hint = tab.page.locator("#jour-hint").inner_text()
        assert hint.startswith(form)
        assert tab.page.locator("#jour").input_value() == f"{before:%d/%m/%Y}"
        assert tab.page.locator("#jour").get_attribute("type") == "text", "no browser's calendar"
    tab.goto("/droits?jour=31/02/2026")
    assert "jour" in tab.page.locator("#travail [role=alert]").inner_text()
    tab.goto("/droits?jour=2026-02-31")
    assert "jour" in tab.page.locator("#travail [role=alert]").inner_text()


def test_it_says_why_yes_and_why_no(ministry: Stage, enter: Enter) -> None:
    tab = enter("CHIEF-CNTC")
    page = tab.page
    tab.goto("/droits?lang=fr")
    auditor = officer(ministry, "AUDITOR")
    page.locator(f"a[href='/droits/{auditor}']").first.click()
    allowed = page.locator("tbody th", has_text="lire le journal")
    denied = page.locator("#non li")
    expect(allowed).to_have_count(1)
    assert "lire le journal" not in denied.all_inner_texts()
    assert "faire partir" in denied.all_inner_texts()
    expect(page.locator("tbody th", has_text="faire partir")).to_have_count(0)
    page.get_by_label("Acte").select_option(label="lire le journal")
    page.get_by_label("Sur quoi").fill("audit")
    page.keyboard.press("Enter")
    page.wait_for_url("**objet=audit**")
    assert "Oui" in page.get_by_role("status").inner_text()
    assert page.get_by_text("[audit-read]").count() == 1
    tab.goto(f"/droits/{officer(ministry, 'CIPHER-CLERK')}?acte={place('audit-read')}&objet=audit")
    assert "Non" in page.get_by_role("status").inner_text()
    tab.goto(f"/droits/{auditor}?acte={place('read')}&objet=nothing")
    assert page.locator("#travail [role=alert]").count() == 1


def test_the_table_is_inert_and_whole(enter: Enter) -> None:
    tab = enter("MINISTER")
    answer = tab.page.request.get(f"{tab.origin}/droits.csv?lang=fr")
    assert answer.headers["content-type"].startswith("text/csv")
    first, *lines = list(csv.reader(io.StringIO(answer.text())))
    assert first[0] == "Officier"
    assert len(lines) > 10
    assert {len(line) for line in lines} == {7}
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_is_no_formula(first: str) -> None:
    hostile = f'{first}HYPERLINK("https://evil.example";"Nom")'
    assert _inert(hostile) == f"'{hostile}"
    out = io.StringIO()
    csv.writer(out).writerow(map(_inert, ("OFF-000001", hostile, 'a "quoted", name\n')))
    [read] = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert read == ["OFF-000001", f"'{hostile}", 'a "quoted", name\n']


def test_others_do_not_see_it(enter: Enter, ministry: Stage) -> None:
    tab = enter("CIPHER-CLERK")
    for path in ("/droits", "/droits.csv", f"/droits/{officer(ministry, 'MINISTER')}"):
        tab.goto(path, status=403)
    assert tab.page.locator("nav a[href='/droits']").count() == 0
    auditor = enter("AUDITOR")
    auditor.goto("/droits/OFF-999999", status=404)
    auditor.goto("/journal?acte=rights_read&issue=refuse")
    assert auditor.page.locator("tbody tr").count() >= 3
