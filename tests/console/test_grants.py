"""Opening in the console before a custodian that has officers: real processes, software keys."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cipher_service import clock
from cipher_service.administration.sample import make_officers
from cipher_service.administration.stage import Stage, chiffre, stage
from cipher_service.identity.demonstration import Demonstration
from cipher_service.identity.site import site_of
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.tables.dispatches import receipt
from cipher_service.storage.tables.identity import passkey
from cipher_service.storage.unit_of_work import reading
from keys.custody import read_credential
from keys.custody.roll import Officer, Roll
from keys.custody.roll_file import RollFile
from keys.passkeys import Passkey, RelyingParty
from tests.console.conftest import Enter
from tests.console.support import Tab, check_page

NAMES = ("Chef", "Chiffreur", "Rédacteur", "Sous-Directeur", "Ministre", "Secrétaire", "Agent")
ON_ROLL = ("MINISTER", "DRAFTER")
TEXT = "Signez mardi."


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A demonstration whose custodian has some of the sample's officers on its roll."""
    with stage(tmp_path_factory.mktemp("founded") / "data", "fr", 1, console=True) as on:
        on.introduce({post: on.enrol(post) for post in ("PARIS", "LOME")})
        make_officers(on.settings, ("PARIS", "LOME"))
        found(on)
        yield on


def found(ministry: Stage) -> None:
    """Write the roll that a founding ceremony with the sample's keys would leave."""
    settings, now = ministry.settings, clock.now().replace(microsecond=0)
    engine = open_existing(settings.database)
    officers: dict[str, Officer] = {}
    with reading(engine) as connection:
        for person in Demonstration.of(settings).people():
            if person.role not in ON_ROLL or person.role in {one.name for one in officers.values()}:
                continue
            rows = connection.execute(select(passkey).where(passkey.c.officer == person.officer))
            passkeys = tuple(
                Passkey(bytes.fromhex(row.credential_id), row.public_key, row.model, 0)
                for row in rows
            )
            officers[person.officer] = Officer(
                id=person.officer,
                name=person.role,
                functions=frozenset({person.role}),
                rank=3,
                starts=now - timedelta(days=1),
                ends=now + timedelta(days=300),
                version=1,
                revoked=False,
                passkeys=passkeys,
            )
    engine.dispose()
    party = RelyingParty(settings.party_id, (settings.approval_origin,))
    roll = Roll(party, site_of(settings).policy, session_rank=2, founded=True, officers=officers)
    RollFile(settings.custodian_store, read_credential(settings.custodian_credential)).write(roll)


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
    """Ask for the grant, sign it at the other origin with the sample's key; give what was shown."""
    tab.page.get_by_role("button", name="Autoriser l’ouverture").click()
    shown = tab.page.locator("#acte dl").inner_text()
    tab.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    tab.page.get_by_role("link", name="Revenir").first.click()
    tab.page.wait_for_url(f"{tab.origin}/depeches/**")
    return shown


def opened(tab: Tab) -> None:
    tab.page.locator("#ouvrir").click()
    expect(tab.page.locator(".app-document")).to_contain_text(TEXT, timeout=10_000)


def entries(ministry: Stage, number: str) -> list[tuple[str, str]]:
    engine = open_existing(ministry.settings.database)
    entry = audit_entry.c
    with reading(engine) as connection:
        rows = connection.execute(
            select(entry.action, entry.outcome)
            .where(entry.resource == number, entry.actor.like("OFF-%"))
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
    tab.goto("/depeches/autorisation")
    check_page(tab, foreign=NAMES)
    page.get_by_role("button", name="Signer l’autorisation").click()
    page.get_by_role("button", name="Signer avec la clé logicielle").click()
    page.get_by_role("link", name="Revenir").first.click()
    expect(page.get_by_text("a votre autorisation pour cette séance")).to_be_visible()
    tab.goto("/depeches/miennes")
    page.get_by_text("brouillon").first.click()
    expect(page.get_by_label("Texte de la dépêche")).to_have_value(TEXT, timeout=10_000)
