"""The pouch bureau's pages in a real browser: make-up by scanner, sealing by two, blind receipt."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

import pypdfium2
import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from cipher_service import clock
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage
from cipher_service.audit.inquiry import holes
from cipher_service.audit.journal import Journal
from cipher_service.audit.ledger import size_and_origin
from cipher_service.directory import controlled
from cipher_service.directory.compromises import compromise
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import carriage, planning, seal_store
from cipher_service.pouches.office import Office
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.digits import AZERTY
from pouch.facts import INTACT
from pouch.locator import grouped_locator
from tests.console import photographed
from tests.console import test_keyboard as keyboard
from tests.console.conftest import Enter
from tests.console.discharged import discharged_by_keys, received_by_keys
from tests.console.support import Tab, check_page, primary
from tests.support import inbound
from tests.support.bags import NONCE
from tests.support.epcis import official
from tests.support.office import PouchBureau, route, timetable
from tests.support.office import carriage as waybill


@dataclass
class Desk:
    """The bureau of the running demonstration, and its officers by function."""

    engine: Engine
    office: Office
    people: dict[str, str]
    names: tuple[str, ...]
    now: datetime = field(default_factory=lambda: clock.now().replace(microsecond=0))
    seals: tuple[str, ...] = ()
    departure: str = ""

    @property
    def chief(self) -> str:
        return self.people["CHIEF-POUCH"]

    @property
    def courier(self) -> str:
        return self.people["COURIER"]


@pytest.fixture(scope="module")
def desk(ministry: Stage) -> Iterator[Desk]:
    people = Demonstration.of(ministry.settings).people()
    engine = open_existing(ministry.settings.database)
    with custodian_of(ministry.settings) as custodian:
        journal = Journal(engine, ministry.settings.log_origin, "account/tests")
        office = Office(engine, custodian, ministry.settings.headquarters, journal)
        made = Desk(
            engine,
            office,
            {one.role: one.officer for one in people},
            tuple(one.name for one in people),
        )
        planning.add_route(office, route(), by=made.chief)
        first, *_ = planning.plan(office, timetable("R-PARIS"), 2, by=made.chief)
        made.departure = first.departure
        planning.entrust(office, made.departure, waybill(2, made.courier), by=made.chief)
        pair = {"by": made.chief, "second": made.people["POUCH-AGENT"]}
        numbers = [f"MX-{number:06d}" for number in range(100, 110)]
        seal_store.take_in(office, numbers, sort="plastic", strength="S", **pair)
        made.seals = seal_store.issue(office, 6, **pair)
        planning.add_bag(office, by=made.chief)
        yield made
    engine.dispose()


def check(tab: Tab, desk: Desk) -> None:
    """Every page in both languages."""
    texts = (*desk.names, "Direction des Nations unies", "cipher-service")
    check_page(tab, foreign=texts)
    path = tab.page.url.removeprefix(tab.origin)
    tab.goto(f"{path}?lang=en")
    check_page(tab, foreign=texts)
    tab.goto(f"{path}?lang=fr")


def press(tab: Tab, name: str) -> None:
    tab.page.get_by_role("button", name=name, exact=True).click()


@pytest.fixture(autouse=True)
def dated_in_order(ministry: Stage) -> Iterator[None]:
    """Hold each test to entries of the log that are dated in their order."""
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        before, _ = size_and_origin(connection)
    yield
    with reading(engine) as connection:
        assert [hole for hole in holes(connection) if hole.get("entry", before) >= before] == []
    engine.dispose()


def returned(tab: Tab, seal: str) -> None:
    """Wait until the page where acts are signed has led back, and see the bag anew."""
    tab.page.wait_for_url(f"{tab.origin}/valises/{seal}")
    tab.hosts.clear()
    tab.goto(f"/valises/{seal}")


def signed_by(first: Tab, second: Tab, act: str) -> None:
    """Two officers sign what the first has just asked."""
    press(first, "Signer avec la clé logicielle")
    first.page.get_by_text("D’autres doivent encore signer").wait_for()
    second.goto("/actes")
    assert "pouch/" not in second.page.locator("main").inner_text()
    second.page.get_by_role("link", name=act).first.click()
    press(second, "Lire et signer")
    press(second, "Signer avec la clé logicielle")
    second.page.get_by_text("Signé, et fait").wait_for()


def test_a_bag_is_made_up_by_scanner_and_sealed_by_two(
    desk: Desk, enter: Enter, pictures: Path
) -> None:
    agent = enter("POUCH-AGENT")
    agent.goto("/valises/depot")
    agent.page.get_by_label("Pour le poste").select_option("PARIS")
    agent.page.get_by_label("Niveau").select_option("SECRET")
    for label, value in (
        ("Numéro au registre de l’expéditeur", "2026/000412"),
        ("Service expéditeur", "Direction des Nations unies"),
        ("Destinataire", "Chancellerie"),
    ):
        agent.page.get_by_label(label).fill(value)
    agent.page.locator("#weight").fill("240")
    press(agent, "Déposer")
    number = agent.page.get_by_role("status").locator(".app-number").inner_text()
    assert re.fullmatch(r"\d{10}", number)

    agent.goto("/valises/departs")
    agent.page.locator("#departure").select_option(desk.departure)
    agent.page.get_by_label("Ce que la valise peut contenir").select_option("SECRET")
    press(agent, "Commencer")
    agent.page.wait_for_url("**/confection")
    seal = agent.page.url.split("/")[-2]
    expect(agent.page.locator("#number")).to_be_focused()
    assert primary(agent.page) == "Poser dans la valise"
    # A scanner set to another keyboard types other signs, and Enter.
    agent.page.keyboard.type(number.translate(str.maketrans("0123456789", AZERTY)))
    agent.page.keyboard.press("Enter")
    agent.page.get_by_role("status").get_by_text("ligne 1").wait_for()
    agent.expected = (422,)
    agent.page.locator("#number").fill(number[:-1] + str((int(number[-1]) + 1) % 10))
    agent.page.keyboard.press("Enter")
    agent.page.locator(".app-refusal").get_by_text("mal lu").wait_for()
    agent.goto(f"/valises/{seal}/confection")
    agent.page.screenshot(path=pictures / "make-up.png", full_page=True)
    waits = agent.page.get_by_text("Rien d’autre n’attend").count() == 0
    assert primary(agent.page) == ("Poser dans la valise" if waits else "Lire et signer")
    check(agent, desk)

    chief = enter("CHIEF-POUCH")
    chief.goto(f"/valises/{seal}/confection")
    chief.page.get_by_label("Numéros des scellés posés").fill(" ".join(desk.seals[:2]))
    chief.page.get_by_label("Poids de la valise fermée").fill("1500")
    chief.page.get_by_label("Qui répond du contenu").select_option(desk.chief)
    for box in chief.page.locator("input[name=absent]").all():
        box.check()
    press(chief, "Lire et signer")
    witness = enter("CHIEF-CIPHER-POUCH")
    signed_by(chief, witness, "Sceller une valise")

    returned(chief, seal)
    chief.page.screenshot(path=pictures / "journey.png", full_page=True)
    check(chief, desk)
    assert chief.page.locator("#tableau tbody tr").count() == 2
    assert primary(chief.page) == "Enregistrer la remise"
    assert "scellée" in chief.page.locator("main").inner_text()
    for path in ("etiquette.pdf", "bordereau.pdf"):
        answer = chief.page.request.get(f"{chief.origin}/valises/{seal}/{path}")
        assert answer.ok
        assert len(pypdfium2.PdfDocument(answer.body())) == (2 if path.startswith("e") else 1)
    told = chief.page.request.get(f"{chief.origin}/valises/{seal}/epcis.json").json()
    assert told["type"] == "EPCISDocument"
    assert "https://127.0.0.1/bag/" in json.dumps(told), "the ministry's own name"
    agent.goto(f"/valises/{seal}/confection", status=409)
    agent.page.get_by_text("scellée", exact=False).first.wait_for()

    _on_its_way(chief, desk, seal, pictures)
    told = chief.page.request.get(f"{chief.origin}/valises/{seal}/epcis.json").json()
    assert official()(told) == []


def _on_its_way(chief: Tab, desk: Desk, seal: str, pictures: Path) -> None:
    chief.goto(f"/valises/{seal}")
    chief.page.get_by_label("À qui").select_option(desk.courier)
    press(chief, "Enregistrer la remise")
    chief.page.get_by_text("en route").first.wait_for()
    chief.page.keyboard.press("d")  # by keys alone
    expect(chief.page.get_by_label("Ce qui est constaté")).to_be_focused()
    keyboard.choose(chief.page, chief.page.get_by_label("Ce qui est constaté"), "bag-detained")
    keyboard.press(chief.page, chief.page.get_by_role("button", name="Signaler", exact=True))
    chief.page.locator("#irregularites ~ ul").get_by_text("valise retenue").wait_for()
    diamond = chief.page.get_by_role("link", name="Irrégularité : valise retenue")
    diamond.click()
    chief.page.wait_for_url("**#*")
    case = chief.page.url.partition("#")[2]
    assert "valise retenue" in chief.page.locator(f"#{case}").inner_text()
    now = clock.now()
    with unit_of_work(desk.engine) as connection:
        item = controlled.enter(connection, "token", "Jeton <7>", "GARDE", "PV 1", now)
        reference = case.removeprefix("cas-")
        compromise(connection, item, person="AGENT", reference=reference, now=now)
    chief.page.reload()
    told = chief.page.get_by_role("region", name="Irrégularités").inner_text()
    assert f"compromis avec la valise · objet contrôlé {item} du registre · Jeton <7>" in told
    assert f"Chef de la Valise ({desk.chief})" in chief.page.locator("#tableau").inner_text()
    chief.page.screenshot(path=pictures / "journey-late.png", full_page=True)
    chief.goto(f"/valises/{seal}")
    check(chief, desk)
    chief.goto("/valises")
    check(chief, desk)
    chief.goto("/")
    assert chief.page.get_by_role("link", name="Irrégularités ouvertes").count() == 1
    chief.goto(f"/valises/{seal}")
    chief.page.get_by_label("Ce qui est constaté").select_option("loss")
    press(chief, "Signaler")
    chief.page.get_by_role("heading", name="Retrouvée").wait_for()
    assert primary(chief.page) == "Lire et signer", "as found; a hand-over comes after"
    check(chief, desk)
    press(chief, "Lire et signer")
    chief.page.get_by_text("Constater qu’une valise est retrouvée").wait_for()


def test_the_sealer_alone_and_the_packer_seal_nothing(desk: Desk, enter: Enter) -> None:
    planning.add_bag(desk.office, by=desk.chief)
    agent = enter("POUCH-AGENT")
    agent.goto("/valises/departs")
    agent.page.locator("#departure").select_option(desk.departure)
    agent.page.get_by_label("Ce que la valise peut contenir").select_option("SECRET")
    press(agent, "Commencer")
    agent.page.wait_for_url("**/confection")
    assert agent.page.get_by_role("button", name="Lire et signer").count() == 0, "it is empty"


def test_a_bag_is_handed_in_made_up_and_sealed_by_keys_alone(desk: Desk, enter: Enter) -> None:
    planning.add_bag(desk.office, by=desk.chief)
    agent = enter("POUCH-AGENT")
    page = agent.page
    keyboard.press(page, page.get_by_role("link", name="Dépôt pour la valise"))
    keyboard.choose(page, page.get_by_label("Pour le poste"), "PARIS")
    for label, value in (
        ("Numéro au registre de l’expéditeur", "2026/000413"),
        ("Service expéditeur", "Cabinet"),
        ("Destinataire", "Chancellerie"),
    ):
        keyboard.write(page, page.get_by_label(label), value)
    keyboard.write(page, page.locator("#weight"), "120")
    page.keyboard.press("Enter")
    number = page.get_by_role("status").locator(".app-number").inner_text()
    keyboard.press(page, page.get_by_role("link", name="Départs et confection"))
    keyboard.choose(page, page.locator("#departure"), desk.departure)
    keyboard.choose(page, page.get_by_label("Ce que la valise peut contenir"), "SECRET")
    keyboard.press(page, page.get_by_role("button", name="Commencer"))
    page.wait_for_url("**/confection")
    seal = page.url.split("/")[-2]
    expect(page.locator("#number")).to_be_focused()  # for a scanner
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("ligne 1").wait_for()

    chief = enter("CHIEF-POUCH")
    page = chief.page
    chief.goto(f"/valises/{seal}/confection")
    keyboard.write(page, page.get_by_label("Numéros des scellés"), " ".join(desk.seals[2:4]))
    keyboard.write(page, page.get_by_label("Poids de la valise fermée"), "900")
    keyboard.choose(page, page.get_by_label("Qui répond du contenu"), desk.chief)
    for box in page.locator("input[name=absent]").all():
        keyboard.press(page, box, "Space")
    keyboard.press(page, page.get_by_role("button", name="Lire et signer"))
    keyboard.sign(page, chief.origin)

    witness = enter("CHIEF-CIPHER-POUCH")
    page = witness.page
    keyboard.go(page, "s", "/actes")
    act = page.get_by_role("row").filter(has_text=seal).get_by_role("link")
    keyboard.press(page, act)
    keyboard.press(page, page.get_by_role("button", name="Lire et signer"))
    keyboard.sign(page, witness.origin)
    chief.goto(f"/valises/{seal}")
    assert "scellée" in chief.page.locator("main").inner_text()


def test_a_bag_is_received_blindly_opened_by_two_and_discharged(desk: Desk, enter: Enter) -> None:
    head, clerk = desk.people["HEAD-OF-POST"], desk.people["POST-CIPHER-CLERK"]
    made = inbound.sent_from_paris(cast("PouchBureau", desk), people=(head, clerk, clerk))
    made.hand_to_courier()
    carriage.hand_over(
        desk.office, inbound.SEAL, by=desk.courier, to=desk.people["POUCH-AGENT"], condition=INTACT
    )
    agent = enter("POUCH-AGENT")
    agent.goto("/valises/reception")
    agent.expected = (404,)
    agent.page.get_by_label("Repère sur l’étiquette").fill("1234")
    press(agent, "Continuer")
    agent.page.locator(".app-refusal").wait_for()
    agent.goto("/valises/reception")
    # Received by keys alone.
    page = agent.page
    keyboard.write(page, page.get_by_label("Repère sur"), grouped_locator(inbound.BAG))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{inbound.SEAL}/reception")
    check(agent, desk)
    shown = page.content()
    assert not any(number in shown for number in inbound.SEALS), "nothing expected is told before"
    received_by_keys(agent, desk.names)
    agent.page.get_by_role("heading", name="À vérifier").wait_for()
    result = agent.page.locator("main").inner_text()
    known = (*inbound.SEALS, "PA-000009", grouped_locator(inbound.BAG))
    assert all(number in result for number in known)
    assert result.count(str(inbound.WEIGHT)) == 2, "as weighed, and as sealed"
    assert "numéro de scellé différent" in result
    _photographed(agent, desk)

    chief, second = enter("CHIEF-POUCH"), enter("CHIEF-CIPHER-POUCH")
    chief.goto(f"/valises/{inbound.SEAL}")
    assert primary(chief.page) == "Lire et signer"
    press(chief, "Lire et signer")
    signed_by(chief, second, "Ouvrir une valise")
    returned(chief, inbound.SEAL)
    answer = chief.page.request.post(
        f"{chief.origin}/valises/{inbound.SEAL}/verification",
        form={"nonce": NONCE, "unlisted": "0", "damaged-x": "on"},
        headers={"Origin": chief.origin},
    )
    assert answer.status == 400
    chief.goto(f"/valises/{inbound.SEAL}/verification")
    check(chief, desk)
    discharged_by_keys(chief, second, desk.names)
    returned(chief, inbound.SEAL)
    assert "pièce manquante 2" in chief.page.locator("main").inner_text()
    last = chief.page.locator("#tableau tbody tr").last.inner_text()
    assert all(officer in last for officer in (desk.chief, desk.people["CHIEF-CIPHER-POUCH"]))
    chief.goto("/valises/irregularites")
    row = chief.page.locator("tbody tr", has_text="pièce manquante")
    keyboard.press(chief.page, row.get_by_role("button", name="Marquer avisée"))
    chief.page.locator("tbody tr", has_text="pièce manquante").get_by_text(
        "avisée"
    ).first.wait_for()
    _papers(chief, desk)
    agent.goto("/valises")
    assert inbound.SEAL not in agent.page.content(), "what is discharged is no longer under way"


def _photographed(agent: Tab, desk: Desk) -> None:
    agent.goto(f"/valises/{inbound.SEAL}/photographies")
    agent.page.get_by_text("Aucune photographie").wait_for()
    check(agent, desk)
    agent.expected = (422,)
    photographed.choose(agent, b"no photograph")
    agent.page.locator(".app-refusal").get_by_text("PHOTOGRAPH_UNREADABLE").wait_for()
    data = photographed.camera()
    photographed.add(agent, inbound.SEAL, data)
    kept = photographed.looked_at(agent)
    assert b"Longchamp" in data
    assert b"Longchamp" not in kept
    check(agent, desk)
    photographed.choose(agent, data)
    agent.page.get_by_text("était déjà gardée").wait_for()
    agent.goto(f"/valises/{inbound.SEAL}/photographies/01M8AWN7GG6T2Q9709HQ771G16", status=404)


def _papers(chief: Tab, desk: Desk) -> None:
    """Each paper of an arrival: refused in words where the books have nothing for it."""
    page, there = chief.page, f"/valises/{inbound.SEAL}/papiers"
    chief.goto(there)
    check(chief, desk)
    page.locator("#irregularite-number").fill("CRI-2026-014")
    for name in ("circumstances", "effect", "measures"):
        page.locator(f"#{name}").fill("Une pièce manque ; Paris est interrogé.")
    with page.expect_download() as saved:
        press(chief, "Imprimer le compte rendu (PDF)")
    said = "".join(
        each.get_textpage().get_text_bounded() for each in pypdfium2.PdfDocument(saved.value.path())
    )
    assert "CRI-2026-014" in said
    assert "Paris est interrogé" in said
    page.locator("#decharge-number").fill("DEC-2026-007")
    with page.expect_download() as saved:
        press(chief, "Imprimer la décharge (PDF)")
    assert saved.value.suggested_filename == "decharge.pdf"
    chief.expected = (404, 409)
    page.locator("#destruction-number").fill("PV-2026-001")
    page.locator("#reason").fill("Pièce compromise")
    press(chief, "Imprimer le procès-verbal (PDF)")
    page.locator(".app-refusal").wait_for()
    assert page.url.endswith("/papiers/destruction")


def test_the_register_of_seals_is_compared_with_the_table_and_moved_by_two(
    desk: Desk, enter: Enter, pictures: Path
) -> None:
    tab = enter("CHIEF-POUCH")
    tab.goto("/valises/scelles")
    check(tab, desk)
    press(tab, "Comparer au registre")
    tab.page.get_by_text("ne s’accordent pas").wait_for()
    told = tab.page.locator(".app-refusal .app-number--long").inner_text().split()
    tab.page.get_by_label("Scellés délivrés et non posés").fill("\n".join(told).lower())
    press(tab, "Comparer au registre")
    tab.page.get_by_text("Le registre est en ordre").wait_for()
    tab.page.get_by_label("Scellés délivrés et non posés").fill("\n".join([*told, "zz-000001"]))
    press(tab, "Comparer au registre")
    tab.page.get_by_text("Montrés, et inconnus du registre").wait_for()
    assert tab.page.locator(".app-refusal .app-number--long").inner_text() == "ZZ-000001"
    check(tab, desk)

    mark = f"NV-{secrets.token_hex(4).upper()}"
    tab.page.get_by_label("Numéros des scellés").fill(mark)
    press(tab, "Lire et signer")
    signed_by(tab, enter("CHIEF-CIPHER-POUCH"), "Déplacer des scellés")
    tab.page.wait_for_url(f"{tab.origin}/valises/scelles")
    tab.hosts.clear()
    tab.goto("/valises/scelles")
    assert "en stock" in tab.page.locator("tbody tr", has_text=mark).inner_text()
    tab.page.screenshot(path=pictures / "seals.png", full_page=True)
    check(tab, desk)


def test_a_phone_shows_what_is_under_way(desk: Desk, enter: Enter, pictures: Path) -> None:
    tab = enter("CHIEF-POUCH", width=390, height=844)
    for path in ("/valises", "/valises/departs"):
        tab.goto(path)
        check_page(tab, foreign=(*desk.names, "cipher-service"))
        tab.page.screenshot(path=pictures / f"{path.strip('/').replace('/', '-')}.png")
