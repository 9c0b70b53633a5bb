"""A ceremony of keys: agreed by everyone on the same bytes, done at the terminal, then recorded."""

import json
import re
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import expect

from cipher_service.administration.stage import Stage, chiffre
from cipher_service.audit.questions import Wanted, every
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading
from tests.console.conftest import Enter
from tests.console.support import Tab, check_accessible, check_page, check_width
from tests.console.test_dispatches import sign
from tests.console.test_signing import names, sample

ROLES = ("CUSTODIAN-A", "CUSTODIAN-B", "CHIEF-CNTC", "COURIER", "CIPHER-CLERK")
HOLDERS = {"GARDE-A": "COURIER", "GARDE-B": "CIPHER-CLERK", "GARDE-C": "CUSTODIAN-B"}


@pytest.fixture
def cards(tmp_path: Path) -> dict[str, str]:
    """The holders' cards' fingerprints."""
    found = {}
    for code in HOLDERS:
        made = chiffre(
            "fr",
            "identity",
            "new",
            "--post",
            code,
            "--out",
            str(tmp_path / code),
            "--no-passphrase",
        )
        found[code] = str(made["fingerprint"])
    return found


def propose(tab: Tab, ministry: Stage, cards: dict[str, str]) -> None:
    tab.goto("/ceremonies/nouvelle")
    page, tab.expected = tab.page, (200, 422)
    for row, (code, role) in enumerate(HOLDERS.items()):
        page.locator(f"#code-{row}").fill(code)
        page.locator(f"#officer-{row}").select_option(sample(ministry, role))
        page.locator(f"#card-{row}").fill(cards[code])
    for chosen, role in (("#second", "CUSTODIAN-B"), ("#third", "CHIEF-CNTC")):
        page.locator(chosen).select_option(sample(ministry, role))
    page.get_by_label("Motif").fill("Un porteur est parti")
    page.get_by_role("button", name="Soumettre").click()


def test_everyone_signs_the_same_bytes_and_only_the_terminal_shares_out(
    ministry: Stage, enter: Enter, cards: dict[str, str]
) -> None:
    tabs = {role: enter(role) for role in ROLES}
    first, foreign = tabs["CUSTODIAN-A"], (*names(ministry), "Un porteur", "GARDE-", "chiffre ")
    propose(first, ministry, {**cards, "GARDE-C": cards["GARDE-A"]})
    expect(first.page.get_by_text("Ce partage ne peut pas être proposé ainsi")).to_be_visible()
    expect(first.page.locator("#code-1")).to_have_value("GARDE-B")
    for field in ("code", "card"):
        first.page.locator(f"#{field}-2").fill("")
    # A holder without a card is not left out in silence.
    with first.page.expect_console_message(lambda message: "status of 422" in message.text):
        first.page.get_by_role("button", name="Soumettre").click()
    propose(first, ministry, cards)
    address = first.page.url.removeprefix(first.origin)
    shown = re.sub(r"\s", "", first.page.locator("#accord ~ dl dd").last.inner_text())
    for language in ("en", "fr"):
        first.goto(f"{address}?lang={language}")
        check_page(first, foreign=(*foreign, "cipher-service "))
    expect(first.page.get_by_text("custody split")).to_have_count(0)
    enter("POUCH-AGENT").goto(address, status=404)
    for place, (role, tab) in enumerate(tabs.items()):
        tab.goto("/")
        tab.page.get_by_role("link", name="Cérémonies de clés à confirmer").click()
        tab.page.locator("main tbody a").first.click()
        tab.page.get_by_role("button", name="Lire et confirmer").click()
        if not place:
            check_accessible(tab.page)
            check_width(tab.page)
            held = tab.page.locator("#acte dd", has_text="GARDE-A").inner_text()
            assert [one.split()[0] for one in held.splitlines()] == list(HOLDERS), "one a line"
        signed = tab.page.get_by_text("SHA-256").inner_text()
        assert re.sub(r"SHA-256|\s", "", signed) == shown, role
        sign(tab)
    first.hosts.clear()
    first.goto(address)
    expect(
        first.page.get_by_text("custody split --threshold 2 --holder GARDE-A.card")
    ).to_be_visible()
    drawn = f"custody record --reason … -o proces-verbal.json --holder {next(iter(cards))}.card"
    expect(first.page.get_by_text(drawn)).to_be_visible()
    check_page(first, foreign=(*foreign, "cipher-service "))
    first.expected = (200, 409)
    first.page.get_by_role("button", name="C’est fait").click()
    expect(first.page.get_by_text("Le dépositaire ne montre pas ce partage")).to_be_visible()
    first.goto(address)
    first.page.get_by_label("Abandonner").fill("Essai du soir")
    first.page.get_by_role("button", name="Abandonner").click()
    expect(first.page.get_by_text("le partage d’avant, qui reste en vigueur")).to_be_visible()
    check_page(first, foreign=(*foreign, "Essai"))
    record = first.page.request.get(f"{address}/proces-verbal.json").json()
    assert record["fingerprint"] == shown
    assert {each["officer"] for each in record["signatures"]} == {
        sample(ministry, role) for role in ROLES
    }
    assert json.loads(record["statement"])["threshold"] == 2
    paper = first.page.request.get(f"{address}/proces-verbal.pdf").body()
    text = pypdfium2.PdfDocument(paper)[0].get_textpage().get_text_range()
    assert "GARDE-B" in text
    assert "Essai du soir" in text
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        said = every(connection, Wanted(actor=sample(ministry, "CUSTODIAN-A")), 200)
    engine.dispose()
    looked = {one.said["resource"] for one in said if one.said["action"] == "ceremony_read"}
    number = address.strip("/")
    assert looked >= {number, f"{number}/proces-verbal.json", f"{number}/proces-verbal.pdf"}
