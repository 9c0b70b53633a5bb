"""The pages of empty bags (announced, late, missing) and of telephones (what is compared once)."""

import secrets
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import expect

from cipher_service import clock
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage
from cipher_service.directory.register import DirectoryReader
from cipher_service.pouches import devices, makeup
from cipher_service.pouches.empties_book import EmptiesDesk
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import unit_of_work
from keys.endorsement import read_introduction, root_fingerprint
from keys.identity import load_identity
from pouch.empties_notice import EmptiesNotice, make_notice
from pouch.locator import grouped_locator, locator, new_bag
from pouch.papers.bag import grouped_fingerprint
from tests.console.conftest import Enter
from tests.console.support import Tab, check_page


def _count(tab: Tab, number: str, *locators: str) -> None:
    tab.page.get_by_label("Poste qui renvoie").select_option("PARIS")
    tab.page.get_by_label("Numéro de son bordereau").fill(number)
    tab.page.get_by_label("Repères des sacs comptés").fill("\n".join(locators))
    tab.page.get_by_role("button", name="Reprendre ces sacs").click()


def test_what_posts_announced_is_shown_late_and_missing(
    ministry: Stage, enter: Enter, pictures: Path
) -> None:
    settings, now = ministry.settings, clock.now().replace(microsecond=0)
    identity = load_identity(Path(ministry.identity("PARIS")), lambda: b"")
    engine = open_existing(settings.database)
    bags = sorted(new_bag() for _ in range(3))
    desk = EmptiesDesk(DirectoryReader(), settings.headquarters)

    def announced(number: str, days: int, *named: str) -> None:
        notice = EmptiesNotice(
            number=number,
            post="PARIS",
            card=identity.card.fingerprint,
            to=settings.headquarters,
            sent=now - timedelta(days=20),
            due=now + timedelta(days=days),
            bags=named,
        )
        body = make_notice(notice, sign=identity.sign)
        with unit_of_work(engine) as connection:
            for each in named:
                makeup.add_bag(connection, each, place="PARIS", now=now - timedelta(days=40))
            desk.announce(connection, {"caller": "PARIS", "body": body})

    announced("SV 1/2026", 10, *bags[:2])
    announced("SV 2/2026", -1, bags[2])
    tab = enter("CHIEF-POUCH")
    tab.goto("/")
    waiting = tab.page.get_by_role("link", name="Bordereaux de sacs vides attendus").first
    expect(waiting).to_be_visible()
    tab.goto("/valises/sacs-vides")
    rows = tab.page.locator("#annonces ~ table tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text(f"{grouped_locator(bags[2])} en retard")
    expect(rows.nth(1)).to_contain_text(f"{grouped_locator(bags[0])} en route")
    tab.page.screenshot(path=pictures / "empties.png", full_page=True)

    tab.expected = (404, 422)
    nowhere = locator("0" * 22)
    _count(tab, "SV 1/2026", grouped_locator(bags[0]), nowhere)
    expect(tab.page.locator(".app-refusal[role=alert]")).to_contain_text("Sac inconnu")
    typed = tab.page.get_by_label("Repères des sacs comptés")
    expect(typed).to_have_value(f"{grouped_locator(bags[0])}\n{nowhere}")
    _count(tab, "SV 1/2026", "4820 1937")
    expect(tab.page.locator(".app-refusal[role=alert]")).to_contain_text("Repère mal lu")
    _count(tab, "SV 1/2026", " ")
    expect(tab.page.locator(".app-refusal[role=alert]")).to_contain_text("Aucun sac compté")
    _count(tab, "sv  1/2026", grouped_locator(bags[0]))
    told = tab.page.get_by_role("status").filter(has_text="repris")
    expect(told).to_contain_text("Sacs vides de PARIS repris : 1.")
    expect(told).to_contain_text(grouped_locator(bags[1]))
    expect(rows.nth(1)).to_contain_text(f"{grouped_locator(bags[0])} revenu")
    expect(rows.nth(1)).to_contain_text(f"{grouped_locator(bags[1])} manque")
    tab.page.screenshot(path=pictures / "empties-counted.png", full_page=True)
    check_page(tab, foreign=("cipher-service", "Chef de la Valise"))
    tab.goto("/valises/sacs-vides?lang=en")
    check_page(tab, foreign=("cipher-service", "Chef de la Valise"))
    tab.goto("/valises/sacs-vides?lang=fr")
    _count(tab, "SV 1/2026", *map(locator, bags[:2]))
    expect(told).to_contain_text("repris : 1.")
    _count(tab, "SV 2/2026", locator(bags[2]))
    expect(told).to_contain_text("repris : 1.")
    tab.goto("/valises/sacs-vides")
    expect(rows).to_have_count(0)
    engine.dispose()


def test_who_takes_a_telephone_into_service_reads_the_fingerprint_to_compare(
    ministry: Stage, enter: Enter, pictures: Path
) -> None:
    with custodian_of(ministry.settings) as custodian:
        root = read_introduction(custodian.root_introduction(), custodian.card())
    grouped = grouped_fingerprint(root_fingerprint(root))
    engine = open_existing(ministry.settings.database)
    key = secrets.token_bytes(32)
    with unit_of_work(engine) as connection:
        device, _ = devices.enrol(connection, ministry.settings.headquarters, key, clock.now())
    tab = enter("POUCH-AGENT")
    tab.goto("/valises/telephones")
    expect(tab.page.locator("#racine ~ p").first).to_have_text(grouped)
    row = tab.page.locator("tbody tr", has_text=device[:16])
    expect(row).to_contain_text("en service")
    check_page(tab, foreign=("Agent de la valise",))
    with unit_of_work(engine) as connection:
        devices.revoke(connection, ministry.settings.headquarters, device, clock.now())
    tab.goto("/valises/telephones?lang=en")
    expect(row).to_contain_text("out of service")
    check_page(tab, foreign=("Agent de la valise",))
    tab.page.screenshot(path=pictures / "telephones.png", full_page=True)
    tab.goto("/valises/telephones?lang=fr")
    engine.dispose()
