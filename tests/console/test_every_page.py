"""Every page without parameters, in both languages and on both screens; its HTML in each language.

A page is asked for as an officer whose navigation shows it, else as the head of the bureau; where
that one may not see it, its refusal is a page too. The tests of the flows check what is not here:
pages with parameters, and pages once work lies on them.
"""

import pytest

from cipher_service.administration.stage import Stage
from cipher_service.console.flows import FLOWS
from tests.console.conftest import Enter
from tests.console.support import (
    Tab,
    check_accessible,
    check_html,
    check_language,
    check_quiet,
    check_width,
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
}
"""Whom to ask as, where the navigation says who is served."""


def test_the_list_of_pages_is_not_empty() -> None:
    assert len(PATHS) > 5


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_whole_in_both_languages(ministry: Stage, enter: Enter, width: int) -> None:
    tabs: dict[str, Tab] = {}
    for path in PATHS:
        role = WHO.get(path, "CHIEF-CIPHER-POUCH")
        tab = tabs.get(role) or enter(role, width=width)
        tabs[role] = tab
        for language in ("fr", "en"):
            tab.expected = (200, 403, 404)
            response = tab.page.goto(f"{path}?lang={language}")
            assert response is not None
            assert response.status in tab.expected, f"{path}: {response.status}"
            assert tab.page.locator("form[action='/deconnexion'] button").is_visible(), path
            check_accessible(tab.page)
            check_width(tab.page)
            check_language(tab.page, (*names(ministry), "OFF-", "cipher-service "))
            if width > 400:
                check_html(tab.page)
        check_quiet(tab)
