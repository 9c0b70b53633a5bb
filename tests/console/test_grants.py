"""Opening in the console before a custodian that has officers: real processes, software keys."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cipher_service.administration.sample import make_officers
from cipher_service.administration.stage import Stage, chiffre, stage
from cipher_service.identity.demonstration import Demonstration
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.tables.dispatches import receipt
from cipher_service.storage.unit_of_work import reading
from tests.console.conftest import Enter
from tests.console.support import Tab, check_page, come_back, primary
from tests.console.test_dispatches import enclose
from tests.support.sample_roll import found_sample

NAMES = ("Chef", "Chiffreur", "Rédacteur", "Sous-Directeur", "Ministre", "Secrétaire", "Agent")
ON_ROLL = ("MINISTER", "DRAFTER", "CIPHER-CLERK")
TEXT = "Signez mardi."
CHART = b"%PDF-1.7\n" + bytes(range(256)) * 800  # an envelope that the blob store holds


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A demonstration whose custodian has some of the sample's officers on its roll."""
    with stage(tmp_path_factory.mktemp("founded") / "data", "fr", 1, console=True) as on:
        on.introduce({post: on.enrol(post) for post in ("PARIS", "LOME")})
        make_officers(on.settings, ("PARIS", "LOME"))
        found_sample(on.settings, ON_ROLL)
        yield on


@pytest.fixture(scope="module")
def arrivals(ministry: Stage, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two confidential dispatches for headquarters, then a secret one."""
    text = tmp_path_factory.mktemp("texts") / "texte.txt"
    text.write_text(TEXT, "utf-8")
    return [
        chiffre(
            "fr", "send", "--identity", ministry.identity("PARIS"), "--to", "MINREX", "--level",
            level, "--precedence", "ROUTINE", "--subject", "Accord", str(text),
        )["id"]
        for level in ("CONFIDENTIEL", "CONFIDENTIEL", "SECRET")
    ]  # fmt: skip


def grant(tab: Tab) -> str:
    """Grant the opening of the dispatch that a tab shows; give what was shown to be signed."""
    return signed(tab, "Autoriser l’ouverture")


def signed(tab: Tab, button: str) -> str:
    """Sign at the other origin what a button leads to; give what was shown there."""
    tab.page.get_by_role("button", name=button).click()
    tab.page.locator("#acte dl").first.wait_for()
    shown = tab.page.locator("#acte").inner_text()
    tab.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    come_back(tab, "depeches/**")
    return shown


def opened(tab: Tab) -> None:
    tab.page.locator("#ouvrir").click()
    expect(tab.page.locator(".app-document")).to_contain_text(TEXT)


def entries(ministry: Stage, number: str) -> list[tuple[str, str]]:
    engine = open_existing(ministry.settings.database)
    entry = audit_entry.c
    with reading(engine) as connection:
        rows = connection.execute(
            select(entry.action, entry.outcome)
            .where(
                entry.resource == number,
                entry.actor.like("OFF-%"),
                entry.action != "dispatch_card",  # each look at its page
            )
            .order_by(entry.seq)
        ).all()
    engine.dispose()
    return [(row.action, row.outcome) for row in rows]


def test_one_grant_serves_the_session_and_above_it_each_dispatch_has_its_own(
    enter: Enter, ministry: Stage, arrivals: list[str]
) -> None:
    tab = enter("MINISTER")
    tab.goto(f"/depeches/{arrivals[0]}")
    expect(tab.page.locator("#ouvrir")).to_be_hidden()
    expect(tab.page.get_by_text("Installation d’essai")).to_have_count(0)
    check_page(tab, foreign=NAMES)
    shown = grant(tab)
    assert "Permettre d’ouvrir" in shown
    assert "Confidentiel" in shown
    assert arrivals[0] not in shown
    expect(tab.page.get_by_text("Votre autorisation est donnée")).to_be_visible()
    opened(tab)
    assert entries(ministry, arrivals[0]) == [
        ("dispatch_open", "intended"),
        ("open_file_key", "intended"),
        ("open_file_key", "done"),
        ("dispatch_open", "done"),
    ]
    tab.goto(f"/depeches/{arrivals[1]}")
    opened(tab)
    tab.goto(f"/depeches/{arrivals[2]}")
    expect(tab.page.locator("#ouvrir")).to_be_hidden()
    assert arrivals[2] in grant(tab)
    opened(tab)


def test_without_a_grant_the_custodian_refuses_and_the_origin_is_told_nothing(
    enter: Enter, ministry: Stage, arrivals: list[str]
) -> None:
    tab = enter("MINISTER")  # a session of its own
    tab.goto(f"/depeches/{arrivals[0]}")
    tab.expected = (403,)
    tab.page.locator("#ouvrir").evaluate("(button) => button.click()")
    refusal = tab.page.locator("#refus")
    expect(refusal).to_contain_text("GRANT_MISSING")
    expect(refusal).to_contain_text("Signez-la")
    assert ("open_file_key", "intended") not in entries(ministry, arrivals[0])[4:]
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        kinds = set(connection.scalars(select(receipt.c.kind)))
    engine.dispose()
    assert "refused" not in kinds


def test_an_officer_whom_the_custodian_does_not_know_is_told_so(
    enter: Enter, arrivals: list[str]
) -> None:
    tab = enter("DEPUTY-DIRECTOR")
    tab.goto(f"/depeches/{arrivals[0]}")
    tab.expected = (403,)
    tab.page.get_by_role("button", name="Autoriser l’ouverture").click()
    expect(tab.page.get_by_text("Le dépositaire ne vous connaît pas")).to_be_visible()
    expect(tab.page.get_by_text("OFFICER_NOT_ON_ROLL")).to_be_visible()


def test_a_draft_opens_under_the_grant_of_the_session(enter: Enter) -> None:
    tab = enter("DRAFTER")
    page = tab.page
    tab.goto("/depeches/nouvelle")
    page.get_by_label("PARIS").select_option(label="Pour action")
    page.get_by_label("Niveau").select_option(label="Confidentiel")
    page.get_by_label("Objet").fill("Accord")
    page.get_by_label("Texte de la dépêche").fill(TEXT)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Brouillon enregistré, chiffré")).to_be_visible()
    tab.expected = (403,)
    page.keyboard.press("Control+Enter")  # the check shows what the custodian opens
    expect(page.get_by_text("GRANT_MISSING")).to_be_visible()
    check_page(tab, foreign=NAMES)
    checked = page.url.removeprefix(tab.origin)
    assert primary(page) == "Autorisation de séance"
    page.get_by_role("button", name="Autorisation de séance").click()
    page.wait_for_url("**/autorisation?*")
    check_page(tab, foreign=NAMES)
    signed(tab, "Signer l’autorisation")
    page.wait_for_url(f"{tab.origin}{checked}")
    expect(page.locator("#qui")).to_be_visible()
    tab.goto("/depeches/miennes")
    page.get_by_text("brouillon").first.click()
    expect(page.get_by_label("Texte de la dépêche")).to_have_value(TEXT)


def test_a_grant_leads_back_to_drafts_and_releases_alone(enter: Enter) -> None:
    tab = enter("CIPHER-CLERK")
    for elsewhere in ("//example.org", "https://example.org", "/droits", "/depeches/visa/../../"):
        tab.goto(f"/depeches/autorisation?{urlencode({'retour': elsewhere})}")
        form = tab.page.locator("main form")
        assert form.get_attribute("action") == "/depeches/autorisation"


def test_a_released_dispatch_leaves_on_the_officers_key_who_saw_its_very_bytes(
    enter: Enter, ministry: Stage, tmp_path: Path
) -> None:
    people = Demonstration.of(ministry.settings).people()
    clerk_number = next(one.officer for one in people if one.role == "CIPHER-CLERK")
    author = enter("DRAFTER")
    page = author.page
    author.goto("/depeches/autorisation")
    signed(author, "Signer l’autorisation")
    author.goto("/depeches/nouvelle")
    page.get_by_label("LOME").select_option(label="Pour action")
    page.get_by_label("Niveau").select_option(label="Diffusion restreinte")
    page.get_by_label("Objet").fill("Escale")
    page.get_by_label("Texte de la dépêche").fill(TEXT)
    enclose(page, ("Route.pdf", CHART))
    page.get_by_role("button", name="Vérifier").click()
    page.locator("#qui").select_option(clerk_number)
    page.get_by_role("button", name="Soumettre").click()
    page.get_by_text("attend sa lecture").first.click()
    page.wait_for_url("**/visa/*")
    where = page.url.removeprefix(author.origin)

    clerk = enter("CIPHER-CLERK")
    clerk.goto("/depeches/autorisation")
    signed(clerk, "Signer l’autorisation")
    clerk.goto(where)
    opened(clerk)
    clerk.page.get_by_role("link", name="J’ai lu").click()
    signed(clerk, "Viser le départ et signer")
    expect(clerk.page.get_by_text("Il vous reste à la faire signer")).to_be_visible()
    clerk.hosts.clear()  # it has been at the other origin
    check_page(clerk, foreign=NAMES)
    page.reload()
    expect(page.get_by_text("En attente de qui la fait partir")).to_be_visible()
    shown = signed(clerk, "Faire signer et partir")
    for said in ("Faire signer une dépêche", "LOME 0001", "Escale", "DIFFUSION-RESTREINTE"):
        assert said in shown
    expect(clerk.page.get_by_text("La dépêche est signée, chiffrée et partie")).to_be_visible()
    expect(clerk.page.get_by_text("Partie. Visée par")).to_be_visible()
    chiffre(
        "fr", "fetch", "--identity", ministry.identity("LOME"), "--all", "--decipher",
        "-o", str(tmp_path / "lome"),
    )  # fmt: skip
    [message] = (tmp_path / "lome").glob("*/message.txt")
    assert message.read_text("utf-8") == TEXT
    [chart] = (tmp_path / "lome").glob("*/attachments/001-Route.pdf")
    assert chart.read_bytes() == CHART
