"""Every page without parameters, in both languages and on both screens.

A page is loaded once in each language and then made narrow: what the service sends does not depend
on the screen. It is asked for as an officer whose navigation shows it, else as the head of the
bureau; where that one may not see it, its refusal is a page too. The tests of the flows check what
is not here: pages with parameters, and pages once work lies on them.
"""

import pytest

from cipher_service.administration.stage import Stage
from cipher_service.console.flows import FLOWS
from tests.console.conftest import Enter
from tests.console.first_load import check_first_load
from tests.console.support import WIDE, Tab, check_html, check_on_both_screens, check_quiet
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
}
"""Whom to ask as, where the navigation says who is served."""


def test_the_list_of_pages_is_not_empty() -> None:
    assert len(PATHS) > 5


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_is_whole_on_both_screens(ministry: Stage, enter: Enter, language: str) -> None:
    tabs: dict[str, Tab] = {}
    for path in PATHS:
        role = WHO.get(path, "CHIEF-CIPHER-POUCH")
        tab = tabs.get(role) or enter(role, language)
        tabs[role] = tab
        tab.expected = (200, 403, 404)
        tab.page.set_viewport_size(WIDE)
        response = tab.page.goto(f"{path}?lang={language}")
        assert response is not None
        assert response.status in tab.expected, f"{path}: {response.status}"
        assert tab.page.locator("form[action='/deconnexion'] button").is_visible(), path
        assert tab.page.locator("html").get_attribute("lang") == language, path
        check_on_both_screens(tab.page, (*names(ministry), "OFF-", "cipher-service "))
        check_html(tab.page, response.text())
        check_first_load(tab.page, response.body())
        check_quiet(tab)
