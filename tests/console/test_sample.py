"""What the demonstration leaves on its officers' desks, seen by each of them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cipher_service.administration.showing import enrol, gather, make_links
from cipher_service.administration.stage import Stage, stage
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from tests.console.conftest import POSTS, Enter
from tests.console.sealing_desk import allowed
from tests.console.support import check_registers
from tests.console.test_grants import grant


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A demonstration of its own: the others' tests count what lies on the desks."""
    with stage(tmp_path_factory.mktemp("sample") / "data", "fr", 1, console=True) as on:
        there, _roll = gather(on, POSTS)
        on.introduce(enrol(on, POSTS, there))
        make_links(on, POSTS)
        yield on


SEEN: dict[str, dict[str, tuple[str, ...]]] = {
    "CIPHER-CLERK": {
        "/depeches/": ("Z FLASH", "PARIS 0001", "PARIS 0003", "0002 de PARIS manque"),
        "/depeches/?tray=dechiffrees": ("LOME 0001", "LOME 0002", "Chiffreur A."),
    },
    "DRAFTER": {"/depeches/miennes": ("brouillon", "attend sa lecture", "attend le visa")},
    "DEPUTY-DIRECTOR": {"/depeches/a-viser": ("Rédacteur C.",)},
    "CHIEF-CIPHER-POUCH": {
        "/depeches/a-viser": ("SECRET",),
        "/actes": ("Faire partir une dépêche",),
    },
    "CHIEF-POUCH": {
        "/valises": ("en retard", "en route", "en confection"),
        "/valises/scelles": ("en stock", "18"),
        "/valises/departs": ("1/1", "0/1"),
        "/valises/depot": ("Lettre", "240"),
        "/valises/irregularites": ("valise retenue",),
    },
    "SECURITY-OFFICER": {"/droits": ("Chiffreur B.",)},
}


def test_each_role_finds_its_work(enter: Enter) -> None:
    for role, pages in SEEN.items():
        tab = enter(role)
        for path, texts in pages.items():
            tab.goto(path)
            shown = tab.page.locator("main").inner_text()
            assert [text for text in texts if text not in shown] == [], (role, path, shown)
            check_registers(tab.page)


ASKED = (
    "endorse_card",
    "open_file_key",
    "open_sealed",
    "open_bag_text",
    "sign_manifest",
    "sign_seal",
)


def test_all_that_the_custodian_did_was_granted_by_an_officer(ministry: Stage) -> None:
    engine = open_existing(ministry.settings.database)
    entry = audit_entry.c
    with reading(engine) as connection:
        rows = connection.execute(
            select(entry.action, entry.actor).where(
                entry.action.in_(ASKED), entry.outcome == "done"
            )
        ).all()
    engine.dispose()
    assert {row.action for row in rows} == set(ASKED)
    assert [row for row in rows if not row.actor.startswith("OFF-")] == []


def test_a_newcomer_grants_what_the_custodian_asks_with_a_key_in_software(enter: Enter) -> None:
    clerk = enter("CIPHER-CLERK")
    clerk.goto("/depeches/")
    clerk.page.locator("[data-line] a").first.click()
    assert "Permettre d’ouvrir" in grant(clerk)
    clerk.page.locator("#ouvrir").click()
    expect(clerk.page.locator(".app-document")).to_contain_text("Nos ressortissants sont à l'abri.")
    chief = enter("CHIEF-POUCH")
    chief.goto("/valises")
    chief.page.locator("main tbody tr a").first.click()
    allowed(chief)
    [where] = chief.page.get_by_role("link", name="Bordereau (PDF").all()
    answer = chief.page.request.get(f"{chief.origin}{where.get_attribute('href')}")
    assert answer.body().startswith(b"%PDF")
