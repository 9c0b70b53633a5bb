"""The session as its officer sees it: time left, prolonged, ended; shortcuts; the language kept."""

from datetime import timedelta

from playwright.sync_api import Page

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.identity import sessions
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import unit_of_work
from tests.console.conftest import Enter
from tests.console.support import check_page
from tests.console.test_signing import sample


def test_the_bar_warns_prolongs_and_then_nothing_is_left(ministry: Stage, enter: Enter) -> None:
    tab = enter("CHIEF-CNTC")
    tab.goto("/cles")
    bar = tab.page.locator("#session-fin")
    assert not bar.is_visible()
    _ends_in(tab.page, 200)
    bar.get_by_text("La session se ferme dans 3:").wait_for()
    check_page(tab, foreign=("Chef de la Cellule",))
    bar.get_by_role("button", name="Prolonger").click()
    bar.wait_for(state="hidden")
    engine = open_existing(ministry.settings.database)
    with unit_of_work(engine) as connection:
        sessions.end_sessions(connection, sample(ministry, "CHIEF-CNTC"), clock.now())
    engine.dispose()
    _ends_in(tab.page, 1)
    tab.page.wait_for_url("**/connexion")
    tab.page.get_by_label("Votre numéro").wait_for()


def test_a_browser_whose_clock_is_a_day_ahead_keeps_its_session(enter: Enter) -> None:
    tab = enter("CHIEF-CNTC")
    tab.page.clock.install(time=clock.now() + timedelta(days=1))
    tab.goto("/cles")
    tab.page.clock.run_for(3000)
    assert tab.page.url.endswith("/cles")
    assert not tab.page.locator("#session-fin").is_visible()


def _ends_in(page: Page, seconds: int) -> None:
    page.evaluate(
        """(seconds) => {
          const ends = new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19) + "Z";
          document.querySelector("[data-session-ends]").dataset.sessionEnds = ends;
        }""",
        seconds,
    )


def test_shortcuts_lead_around_and_can_be_switched_off(enter: Enter) -> None:
    tab = enter("CHIEF-CNTC")
    page = tab.page
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_role("link", name="Tous les raccourcis").click()
    page.wait_for_url("**/aide/raccourcis")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/actes")
    tab.goto("/aide/raccourcis")
    page.get_by_label("Raccourcis d’une lettre").uncheck()
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_timeout(200)
    assert page.url.endswith("/aide/raccourcis")


def test_the_language_goes_with_the_officer(enter: Enter) -> None:
    first = enter("ADMINISTRATOR")
    first.goto("/?lang=en")
    second = enter("ADMINISTRATOR", None)
    second.goto("/")
    assert second.page.locator("html").get_attribute("lang") == "en"
    second.goto("/?lang=fr")
    second.goto("/")
    assert second.page.locator("html").get_attribute("lang") == "fr"


def test_a_page_that_is_refused_keeps_the_language_that_it_was_asked_in(enter: Enter) -> None:
    """Or an alert would speak the other language on it."""
    tab = enter("AUDITOR")
    for language in ("en", "fr"):
        tab.goto(f"/depeches/nouvelle?lang={language}", status=403)
        answer = tab.page.request.get(f"{tab.origin}/depeches/alertes")
        assert answer.json()["hear"].startswith({"en": "I have", "fr": "J’ai"}[language])
