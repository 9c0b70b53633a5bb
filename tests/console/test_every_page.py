"""Every page without parameters, in both languages and on both screens.

A page is loaded once in each language and then made narrow: what the service sends does not depend
on the screen. It is asked for as an officer whose navigation shows it, else as the head of the
bureau. `test_fresh_ministry` looks at them empty, `test_refused_pages` refused; the tests of the
flows check what is not here: pages with parameters, and pages once work lies on them.
"""

import re
from dataclasses import astuple

import pytest

from cipher_service.administration.stage import Stage
from cipher_service.console.flows import FLOWS
from cipher_service.console.refusals import TABLE
from tests.console.conftest import Enter
from tests.console.first_load import check_first_load
from tests.console.named_things import NOWHERE
from tests.console.support import (
    NARROW,
    NARROWEST,
    WIDE,
    Tab,
    check_html,
    check_on_both_screens,
    check_quiet,
)
from tests.console.test_signing import names

# What answers with no whole page, or only with what is after a #; each has its own test.
NO_PAGES = {
    *(
        "/depeches/flux",
        "/depeches/alertes",
        "/depeches/liste",
        "/journal.json",
        "/droits.csv",
        "/inscription",
    ),
    "/journal/questions.json",
    *("/scan/", "/scan/sw.js", "/scan/offline.js", "/scan/pack"),
    "/depeches/autorisation/prise",
}
PATHS = sorted(
    {
        page.path
        for flow in FLOWS
        for page in flow.pages
        if page.method == "GET" and "{" not in page.path and page.path not in NO_PAGES
    }
)
WHO = {
    place.path: min(place.functions) for flow in FLOWS for place in flow.places if place.functions
} | {"/ceremonies/nouvelle": "CUSTODIAN-A"}
"""Whom to ask as, where the navigation says who is served."""
# What shows another page of the list: without a departure the departures answer, or a refusal, and
# whoever is signed in is led home.
LEAD_ELSEWHERE = {
    *("/valises/comptage", "/valises/comptage.pdf", "/valises/lettre", "/valises/lettre.pdf"),
    "/connexion",
}


def test_the_list_of_pages_is_not_empty() -> None:
    assert len(PATHS) > 5
    assert set(PATHS) > LEAD_ELSEWHERE


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_is_whole_on_both_screens(ministry: Stage, enter: Enter, language: str) -> None:
    tabs: dict[str, Tab] = {}
    for path in PATHS:
        if path in LEAD_ELSEWHERE:
            continue
        role = WHO.get(path, "CHIEF-CIPHER-POUCH")
        tab = tabs.get(role) or enter(role, language)
        tabs[role] = tab
        tab.page.set_viewport_size(WIDE)
        response = tab.goto(f"{path}?lang={language}")
        assert tab.page.locator("form[action='/deconnexion'] button").is_visible(), path
        assert tab.page.locator("html").get_attribute("lang") == language, path
        check_on_both_screens(tab.page, (*names(ministry), "OFF-", "cipher-service "))
        check_html(tab.page, response.text())
        check_first_load(tab.page, response)
        check_quiet(tab)


# Lays the words of each refusal into the page of one; gives those that are wider than the screen.
_LAID = """(all) => Object.entries(all).filter(([code, words]) => {
  const places = document.querySelectorAll(
    ".app-refusal__cause, .app-refusal__effect, .app-refusal__remedy, .app-refusal__code");
  [...words, code].forEach((text, place) => { places[place].textContent = text; });
  return document.documentElement.scrollWidth > innerWidth;
}).map(([code]) => code)"""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_refusal_can_be_read_on_every_screen(
    ministry: Stage, enter: Enter, language: str
) -> None:
    tab = enter("CHIEF-CIPHER-POUCH", language)
    answer = tab.goto(f"/depeches/{NOWHERE}?lang={language}", status=404)
    check_on_both_screens(tab.page, names(ministry))
    check_html(tab.page, answer.text())
    said = {code: astuple(row.fr if language == "fr" else row.en) for code, row in TABLE.items()}
    # What a refusal names is a number, a code or what was typed.
    long = {
        code: [re.sub(r"\{\w+\}", "M" * 32, text) for text in words] for code, words in said.items()
    }
    for width in (WIDE["width"], NARROW["width"], NARROWEST):
        tab.page.set_viewport_size({**WIDE, "width": width})
        assert tab.page.evaluate(_LAID, long) == [], width
    check_quiet(tab)


def test_a_page_is_printed_without_its_menu_and_without_addresses(enter: Enter) -> None:
    tab = enter("CHIEF-CIPHER-POUCH")
    tab.goto("/postes")
    page = tab.page
    page.emulate_media(media="print")
    assert not page.locator(".app-side").is_visible()
    behind = "all => all.map((one) => getComputedStyle(one, '::after').content)"
    assert set(page.locator("a").evaluate_all(behind)) == {"none"}
    box = page.locator("main").bounding_box()
    assert box
    assert box["width"] == WIDE["width"]
