"""A review of rights in the console: opened and answered by the security officer alone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.directory.officers import Window
from cipher_service.directory.roles import default_roles
from cipher_service.storage.tables.access import campaign
from cipher_service.storage.tables.officers import need_to_know
from tests.console.conftest import Enter
from tests.console.functions import Officers
from tests.console.passing_things import changing, review_gone
from tests.console.sealed_bags import number_of
from tests.console.support import check_page
from tests.console.test_signing import names

MATTER = "DOSSIER-REVU"


@pytest.fixture
def needs(officers: Officers) -> Iterator[list[int]]:
    """Two needs to know of these tests alone; afterwards neither they nor any review is left."""
    now = clock.now()
    window = Window(now - timedelta(days=1), now + timedelta(days=30))
    made = []
    with changing(officers) as connection:
        for matter in (MATTER, f"{MATTER}-2"):
            row = need_to_know.insert().values(
                officer=number_of(officers.on, "COURIER"),
                kind="file",
                object=matter,
                reason="Essai",
                **window.columns(),
            )
            made.append(int(connection.scalar(row.returning(need_to_know.c.seq)) or 0))
    yield made
    with changing(officers) as connection:
        left = list(connection.scalars(select(campaign.c.campaign_id)))
        connection.execute(need_to_know.delete().where(need_to_know.c.seq.in_(made)))
    for number in left:
        review_gone(officers, number)


def test_each_right_is_confirmed_or_ends_at_once(
    ministry: Stage, officers: Officers, enter: Enter, needs: list[int]
) -> None:
    foreign = (*names(ministry), "OFF-", MATTER, *default_roles().roles)
    tab = enter("SECURITY-OFFICER")
    tab.goto("/revues")
    expect(tab.page.get_by_text("Aucune revue n’a été ouverte.")).to_be_visible()
    check_page(tab, foreign=foreign)
    tab.page.get_by_role("button", name="Ouvrir une revue").click()
    tab.page.wait_for_url("**/revues/R-*")
    check_page(tab, foreign=foreign)
    own = tab.page.get_by_role("row").filter(has_text=number_of(ministry, "SECURITY-OFFICER"))
    expect(own.first).to_contain_text("attend une autre personne que vous")
    for matter, button, said in (
        (f"{MATTER}-2", "Confirmer", "confirmé"),
        (MATTER, "Retirer", "retiré"),
    ):
        line = tab.page.get_by_role("row").filter(has=tab.page.get_by_text(matter, exact=True))
        line.get_by_role("button", name=button).click()
        expect(line).to_contain_text(said)
    tab.goto("/revues")
    expect(tab.page.get_by_role("row").last).to_contain_text("2 / ")
    with changing(officers) as connection:
        ends = dict(
            connection.execute(
                select(need_to_know.c.seq, need_to_know.c.ends).where(need_to_know.c.seq.in_(needs))
            ).all()
        )
    removed, confirmed = needs
    assert clock.parse(ends[removed]) <= clock.now() < clock.parse(ends[confirmed])
    tab.goto("/")
    tab.page.get_by_role("link", name="Droits à confirmer ou à retirer").click()
    tab.page.wait_for_url("**/revues")
