"""Mandates in the console: the order of article 8, a draft, the Minister's key, and the end."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cipher_service import clock
from cipher_service.access import mandates
from cipher_service.access.acts import Gate
from cipher_service.access.mandates import Draft
from cipher_service.administration.stage import Stage
from cipher_service.audit.questions import Wanted, every
from cipher_service.directory import officers as people
from cipher_service.directory.officers import Identity, Window
from cipher_service.directory.roles import default_roles
from cipher_service.storage.tables.officers import mandate
from tests.console.conftest import Enter
from tests.console.functions import Officers
from tests.console.passing_things import changing, mandates_gone, review_gone
from tests.console.sealed_bags import number_of
from tests.console.support import check_page
from tests.console.test_signing import names

ACT = "ARR-2026-77"
LENDER = Identity("Mme Lobé", "SAE", date(2020, 1, 1), date(2012, 5, 1), None, "MINREX")


@pytest.fixture(autouse=True)
def nothing_left(officers: Officers) -> Iterator[None]:
    yield
    mandates_gone(officers, ACT)


def state_of(officers: Officers, number: str) -> str:
    mine = select(mandate.c.state).where(mandate.c.mandate_id == number)
    with changing(officers) as connection:
        return str(connection.scalar(mine))


def test_the_cell_writes_the_minister_signs_and_one_person_ends(
    ministry: Stage, officers: Officers, enter: Enter
) -> None:
    foreign = (*names(ministry), "OFF-", ACT, *default_roles().roles, *default_roles().grades)
    chief, minister = enter("CHIEF-CNTC"), enter("MINISTER")
    chief.goto("/mandats")
    check_page(chief, foreign=foreign)
    page = chief.page
    for chosen in (
        "#kind",
        "#holder",
        "#delegator",
        "#role",
        "#level",
    ):  # nobody is led to the first of the list
        expect(page.locator(chosen)).to_have_value("")
        expect(page.locator(f"{chosen}:invalid")).to_have_count(1)
    page.get_by_label("Sorte").select_option("signature")
    page.locator("#holder").select_option(number_of(ministry, "DEPUTY-DIRECTOR"))
    page.locator("#delegator").select_option(number_of(ministry, "SECRETARY-GENERAL"))
    page.locator("#role").select_option("SECRETARY-GENERAL")
    page.get_by_role("button", name="Choisir parmi les actes de cette fonction").click()
    check_page(chief, foreign=foreign)
    expect(page.locator("#role")).to_have_value("SECRETARY-GENERAL")
    page.get_by_label("viser", exact=True).check()
    page.get_by_label("rédiger", exact=True).check()
    page.locator("#level").select_option("CONFIDENTIEL")
    page.get_by_label("Référence de l’acte").fill(ACT)
    chief.expected = (200, 409, 422)
    with page.expect_console_message(lambda message: "status of 4" in message.text):
        page.get_by_role("button", name="Écrire le projet").click()
    # A mandate has an end: the refusal says so, and keeps what was written.
    expect(page.get_by_label("Référence de l’acte")).to_have_value(ACT)
    expect(page.locator("#role")).to_have_value("SECRETARY-GENERAL")
    expect(page.get_by_label("viser", exact=True)).to_be_checked()
    last = clock.now() + timedelta(days=3)
    page.get_by_label("Dernier jour").fill(last.strftime("%Y-%m-%d"))
    page.get_by_role("button", name="Écrire le projet").click()
    page.wait_for_url("**/mandats/M-*")
    number = page.url.rpartition("/")[2]
    check_page(chief, foreign=foreign)
    expect(page.locator(".app-facts")).to_contain_text("Ceux-ci seulement\u00a0: rédiger, viser")
    expect(page.get_by_role("button", name="Lire et signer")).to_have_count(0)
    assert state_of(officers, number) == "proposed"

    minister.goto("/")
    minister.page.get_by_role("link", name="Mandats à signer").click()
    minister.page.get_by_role("link", name=number).click()
    minister.page.get_by_role("button", name="Lire et signer").click()
    expect(minister.page.get_by_text("Donner un mandat")).to_be_visible()
    expect(minister.page.locator("#acte dl")).to_contain_text(ACT)
    # In words, and the codes that are signed stand in the bytes below.
    for said in ("rédiger, viser", "délégation de signature", "Secrétaire Général"):
        expect(minister.page.locator("#acte dl")).to_contain_text(said)
    expect(minister.page.locator("#acte details")).to_contain_text('"actions":["draft","visa"]')
    minister.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    minister.page.wait_for_url(f"**/mandats/{number}")
    expect(minister.page.get_by_text("Signé par")).to_be_visible()
    assert state_of(officers, number) == "active"
    with changing(officers) as connection:
        told = every(connection, Wanted(actions=("mandate_sign",)), 10)
    signed = [one.said for one in told if one.said["resource"] == number]
    assert [one["actor"] for one in signed] == [number_of(ministry, "MINISTER")]

    chief.goto(f"/mandats/{number}")
    page.get_by_role("button", name="Terminer ce mandat").click()
    expect(page.get_by_role("button", name="Terminer ce mandat")).to_have_count(0)
    assert state_of(officers, number) == "ended"


def test_a_function_taken_away_is_told_with_the_mandates_that_end_with_it(
    ministry: Stage, officers: Officers, enter: Enter
) -> None:
    """Before the button, and after it; a review says it too."""
    now = clock.now()
    window = Window(now, now + timedelta(days=9))
    with changing(officers) as connection:
        lender = people.add(connection, LENDER, now)
        people.assign(connection, lender, "DRAFTER", window, act=ACT, by=None)
        draft = Draft(
            "signature", number_of(ministry, "COURIER"), lender, "DRAFTER", (), "SECRET",
            window, ACT,
        )  # fmt: skip
        number = mandates.propose(connection, Gate(), draft, number_of(ministry, "CHIEF-CNTC"), now)
        active = mandate.update().where(mandate.c.mandate_id == number)
        connection.execute(active.values(state="active"))
    foreign = (*names(ministry), LENDER.name, "OFF-", *default_roles().roles)
    tab = enter("SECURITY-OFFICER")
    tab.goto("/revues")
    tab.page.get_by_role("button", name="Ouvrir une revue").click()
    tab.page.wait_for_url("**/revues/R-*")
    review = tab.page.url.rpartition("/")[2]
    line = tab.page.get_by_role("row").filter(has_text=lender)
    expect(line).to_contain_text(f"met aussi fin aux mandats\u00a0: {number}")
    check_page(tab, foreign=foreign)
    review_gone(officers, review)
    for language in ("en", "fr"):
        tab.goto(f"/droits/{lender}/accorder?lang={language}")
        check_page(tab, foreign=foreign)
    row = tab.page.locator("tbody tr")
    expect(row).to_contain_text(f"Met aussi fin aux mandats\u00a0: {number}")
    row.get_by_role("button", name="Retirer").click()
    told = tab.page.locator("li", has_text=number)
    expect(told).to_contain_text("terminé")
    check_page(tab, foreign=foreign)
    assert state_of(officers, number) == "ended"
    tab.goto(f"/mandats/{number}")
    expect(tab.page.get_by_text("délégation de signature, terminé")).to_be_visible()


def test_a_draft_whose_days_have_passed_is_shown_and_not_offered(
    ministry: Stage, officers: Officers, enter: Enter
) -> None:
    now = clock.now()
    with changing(officers) as connection:
        draft = Draft(
            "signature", number_of(ministry, "COURIER"), number_of(ministry, "SECRETARY-GENERAL"),
            "SECRETARY-GENERAL", ("visa",), "SECRET", Window(now, now + timedelta(days=9)), ACT,
        )  # fmt: skip
        number = mandates.propose(connection, Gate(), draft, number_of(ministry, "CHIEF-CNTC"), now)
        past = mandate.update().where(mandate.c.mandate_id == number)
        window = Window(now - timedelta(days=9), now - timedelta(seconds=1))
        connection.execute(past.values(**window.columns()))
    tab = enter("MINISTER")
    for language, said in (("en", "Its last day has passed"), ("fr", "Son dernier jour est passé")):
        tab.goto(f"/mandats/{number}?lang={language}")
        expect(tab.page.get_by_role("status").filter(has_text=said)).to_be_visible()
        check_page(tab, foreign=(*names(ministry), ACT, "OFF-", *default_roles().roles))
    expect(tab.page.get_by_role("button", name="Lire et signer")).to_have_count(0)
    tab.goto("/")
    expect(tab.page.get_by_role("link", name="Mandats à signer")).to_have_count(0)
    answer = tab.page.request.post(
        f"{tab.origin}/mandats/{number}/signer",
        headers={"Origin": tab.origin, "Content-Type": "application/x-www-form-urlencoded"},
        max_redirects=0,
    )
    assert (answer.status, "est déjà passée" in answer.text()) == (409, True)
