"""Who would stand in for the Secretary-General in the console: the order of article 8."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.directory import authorisations
from cipher_service.directory import officers as books
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Identity, Window
from cipher_service.directory.roles import default_roles
from cipher_service.storage.tables.officers import function_held, habilitation
from tests.console.conftest import Enter
from tests.console.functions import Officers
from tests.console.passing_things import changing, mandates_gone
from tests.console.sealed_bags import number_of
from tests.console.support import check_page
from tests.console.test_signing import names

ACT = "ARR-2026-79"
REASON = "M. Eto est en mission"
SENIORITY = ["M. Eto", "M. Mbarga", "Mme Abena"]
GRADES = (
    ("Mme Abena", "CAE", 2018, 2000),
    ("M. Mbarga", "MP", 2012, 2001),
    ("M. Eto", "MP", 2009, 2004),
)
"""The highest grade (MP) comes first, and in it the longest; not the longest in service."""


@pytest.fixture
def directors(officers: Officers) -> Iterator[list[str]]:
    """Directors in service and habilitated, of these tests alone."""
    now = clock.now().replace(microsecond=0)
    window = Window(now - timedelta(days=1), now + timedelta(days=90))
    made = []
    with changing(officers) as connection:
        for name, grade, since, entered in GRADES:
            dates = date(since, 1, 1), date(entered, 1, 1)
            one = Identity(name, grade, *dates, None, officers.on.settings.headquarters)
            number = books.add(connection, one, now)
            books.assign(connection, number, "DIRECTOR", window, act="DEC-1", by=None)
            cleared = Clearance("SECRET", (), window, now + timedelta(days=90))
            authorisations.habilitate(
                connection, number, cleared, act="H-1", proposer=None, grantor=None, now=now
            )
            made.append(number)
    yield made
    mandates_gone(officers, ACT)
    with changing(officers) as connection:
        for number in made:
            books.set_state(connection, number, "left", clock.now())
            for book in (function_held, habilitation):
                connection.execute(delete(book).where(book.c.officer == number))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_order_of_article_8_is_shown_with_what_it_rests_on(
    ministry: Stage, directors: list[str], enter: Enter, language: str
) -> None:
    people = tuple(name for name, *_ in GRADES)
    foreign = (*names(ministry), *people, "OFF-", *default_roles().roles)
    chief = enter("CHIEF-CNTC", language)
    chief.goto("/mandats")
    told = chief.page.locator("section[aria-labelledby=ordre] li").all_inner_texts()
    assert [next(name for name in people if name in line) for line in told] == SENIORITY
    grade = default_roles().grades["MP"]
    for said in (grade.fr if language == "fr" else grade.en, "2009", "2004"):
        assert said in told[0]
    check_page(chief, foreign=foreign)
    page = chief.page
    page.locator("#kind").select_option("interim")
    page.locator("#holder").select_option(directors[1])
    page.locator("#delegator").select_option(number_of(ministry, "SECRETARY-GENERAL"))
    page.locator("#role").select_option("SECRETARY-GENERAL")
    page.locator("#level").select_option("SECRET")
    page.locator("#until").fill((clock.now() + timedelta(days=3)).strftime("%Y-%m-%d"))
    page.locator("#act").fill(ACT)
    write = page.locator("form[action='/mandats'] button:not([name])")
    chief.expected = (200, 409, 422)
    with page.expect_console_message(lambda message: "status of 4" in message.text):
        write.click()
    # Another than the first takes a reason.
    expect(page.locator("#act")).to_have_value(ACT)
    page.locator("#reason").fill(REASON)
    write.click()
    page.wait_for_url("**/mandats/M-*")
    kept = page.locator("main ol li").all_inner_texts()
    assert [next(name for name in people if name in line) for line in kept] == SENIORITY
    check_page(chief, foreign=(*foreign, REASON, ACT))
