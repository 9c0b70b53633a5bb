"""Make-up of a bag: pieces laid in by camera, hand scanner and keyboard, with a word and a tone."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, expect

from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage
from cipher_service.audit.journal import Journal
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import packing, planning
from cipher_service.pouches.office import Office
from cipher_service.storage.engine import open_existing
from pouch.digits import AZERTY
from pouch.manifest import BagClass
from tests.console.conftest import Enter
from tests.console.scanning import LAMP, Phone, film, photograph, telephone, try_lamp_and_lenses
from tests.console.sealed_bags import number_of
from tests.console.support import Tab, check_accessible, check_language, check_page, check_width
from tests.support.office import PIECE, carriage, route, timetable

NAMES = ("Agent", "Chef")
TAKEN, KNOWN, REFUSED = [880], [523, 523], [196, 196, 196]


@pytest.fixture(scope="module")
def office(ministry: Stage) -> Iterator[Office]:
    engine, settings = open_existing(ministry.settings.database), ministry.settings
    with custodian_of(settings) as custodian:
        journal = Journal(engine, settings.log_origin, "account/tests")
        yield Office(engine, custodian, settings.headquarters, journal)
    engine.dispose()


@pytest.fixture
def seal(ministry: Stage, office: Office) -> str:
    """A bag on the table, of a departure of its own."""
    chief, code = number_of(ministry, "CHIEF-POUCH"), f"R-{secrets.token_hex(4).upper()}"
    planning.add_route(office, route(code), by=chief)
    first, *_ = planning.plan(office, timetable(code), 2, by=chief)
    letter = carriage(1, number_of(ministry, "COURIER"))
    planning.entrust(office, first.departure, letter, by=chief)
    bag, agent = planning.add_bag(office, by=chief), number_of(ministry, "POUCH-AGENT")
    return packing.begin(office, first.departure, bag, BagClass.SECRET, by=agent)


def _handed_in(tab: Tab) -> tuple[str, bytes]:
    """Hand a letter in; give its number and what the browser prints of the page then."""
    page = tab.page
    tab.goto("/valises/depot")
    page.get_by_label("Pour le poste").select_option("PARIS")
    page.get_by_label("Numéro au registre").fill("2026/000777")
    page.get_by_label("Service expéditeur").fill("Cabinet")
    page.get_by_label("Destinataire").fill("Chancellerie")
    page.locator("#weight").fill("120")
    page.get_by_role("button", name="Déposer", exact=True).last.click()
    number = page.get_by_role("status").locator(".app-number").inner_text()
    return number, page.pdf(prefer_css_page_size=True)


def _texts(paper: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(paper)
    try:
        return [sheet.get_textpage().get_text_bounded() for sheet in document]
    finally:
        document.close()


def test_a_piece_is_laid_in_by_the_label_printed_for_it_by_scanner_and_by_keys(
    ministry: Stage, office: Office, enter: Enter, browser: Browser, seal: str, tmp_path: Path
) -> None:
    agent = enter("POUCH-AGENT")
    number, paper = _handed_in(agent)
    people = Demonstration.of(ministry.settings).people()
    check_page(agent, foreign=tuple(one.name for one in people))
    assert _texts(paper) == [number], "the label alone"
    others = [
        packing.hand_in(
            office, replace(PIECE, register=register), by=number_of(ministry, "POUCH-AGENT")
        )
        for register in ("2026/000778", "2026/000779")
    ]

    camera = film(photograph(paper), tmp_path / "label.mjpeg")
    with telephone(browser.browser_type, ministry, tmp_path / "browser", camera) as phone:
        phone.sign_in(ministry, "POUCH-AGENT")
        phone.page.goto(f"{phone.origin}/valises/{seal}/confection?lang=fr")
        phone.page.evaluate("window.stayed = true")
        _by_camera(phone, number)
        _by_scanner_and_keys(phone, number, *others)
        assert phone.page.evaluate("window.stayed"), "the page is never left"
        phone.quiet()


def _heard(phone: Phone, *tones: list[int]) -> None:
    """Wait until so many tones were heard since the page was opened, and no others."""
    wanted = [each for tone in tones for each in tone]
    phone.page.wait_for_function("(n) => signals.tones.length >= n", arg=len(wanted))
    assert phone.signals()[1] == wanted


def _by_camera(phone: Phone, number: str) -> None:
    page = phone.page
    phone.press("Lire à la caméra")
    expect(page.get_by_role("status").filter(has_text=f"{number} posée, ligne 1")).to_be_visible()
    expect(page.locator("#dedans")).to_have_text("1 pièce dans la valise")
    _heard(phone, TAKEN)
    check_accessible(page)
    check_width(page)
    check_language(page, NAMES)
    page.wait_for_timeout(500)  # the label stays in sight: read again and again, laid in once
    _heard(phone, TAKEN)
    phone.press("Éteindre la caméra")
    expect(page.locator("#camera video")).to_have_count(0)
    phone.press("Lire à la caméra")
    expect(page.get_by_text(f"{number} était déjà posée, ligne 1")).to_be_visible()
    _heard(phone, TAKEN, KNOWN)
    phone.press("Éteindre la caméra")


def _by_scanner_and_keys(phone: Phone, first: str, second: str, third: str) -> None:
    page, told = phone.page, (TAKEN, KNOWN)
    page.get_by_role("button", name="Lire à la caméra").focus()
    phone.scanned(second, dict(zip("0123456789", AZERTY, strict=True)))
    expect(page.get_by_text(f"{second} posée, ligne 2")).to_be_visible()
    _heard(phone, *told, TAKEN)
    page.get_by_label("Numéro collé sur la pièce").focus()
    page.keyboard.type(third)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{third} posée, ligne 3")).to_be_visible()
    page.keyboard.type(first)  # the field has the focus again
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{first} était déjà posée, ligne 1")).to_be_visible()
    _heard(phone, *told, TAKEN, TAKEN, KNOWN)
    phone.complaints.clear()
    page.get_by_label("Numéros des scellés posés").fill("MX-1")
    page.get_by_label("Numéro collé sur la pièce").fill(f"{int(first) + 1:010d}")
    page.keyboard.press("Enter")
    expect(page.locator(".app-refusal")).to_contain_text("mal lu")
    _heard(phone, *told, TAKEN, TAKEN, KNOWN, REFUSED)
    expect(page.get_by_label("Numéros des scellés posés")).to_have_value("MX-1")
    assert all("422" in each for each in phone.complaints)
    phone.complaints.clear()


def test_the_camera_has_its_lamp_and_its_lenses_here_as_on_the_scanning_page(
    ministry: Stage, browser: Browser, seal: str, tmp_path: Path, pictures: Path
) -> None:
    with telephone(browser.browser_type, ministry, tmp_path / "browser", lenses=2) as phone:
        phone.page.add_init_script(f"({LAMP})()")
        phone.sign_in(ministry, "POUCH-AGENT")
        phone.page.goto(f"{phone.origin}/valises/{seal}/confection?lang=fr")
        phone.press("Lire à la caméra")
        try_lamp_and_lenses(phone.page, pictures)
        check_accessible(phone.page)
        check_width(phone.page)
        check_language(phone.page, (*NAMES, "fake_device"))
        phone.enrol(ministry, "POUCH-AGENT")
        phone.answer("FR-1", "FR-2")
        expect(phone.view("aim")).to_be_visible()
        try_lamp_and_lenses(phone.page, pictures)
        phone.quiet()


def test_without_a_camera_or_a_service_the_page_says_what_to_do(enter: Enter, seal: str) -> None:
    agent = enter("POUCH-AGENT")
    page = agent.page
    agent.goto(f"/valises/{seal}/confection")
    page.get_by_role("button", name="Lire à la caméra").click()
    told = page.locator("#camera .app-refusal")
    expect(told).to_contain_text("La caméra n’est pas disponible")
    expect(told).to_contain_text("tapez les dix chiffres")
    check_accessible(page)
    page.context.set_offline(offline=True)
    page.get_by_label("Numéro collé sur la pièce").fill("0000000000")
    page.keyboard.press("Enter")
    expect(told).to_contain_text("Le service ne répond pas")
    expect(page.get_by_label("Numéro collé sur la pièce")).to_have_value("0000000000")


def test_the_camera_is_for_the_page_of_make_up_alone(enter: Enter, seal: str) -> None:
    agent = enter("POUCH-AGENT")
    for path, camera, workers in (
        ("/valises/depot", "camera=()", "worker-src 'none'"),
        (f"/valises/{seal}", "camera=()", "worker-src 'none'"),
        (f"/valises/{seal}/confection", "camera=(self)", "worker-src 'self'"),
    ):
        headers = agent.goto(path).headers
        assert camera in headers["permissions-policy"]
        assert workers in headers["content-security-policy"]
        assert "wasm-unsafe-eval" not in headers["content-security-policy"]


def test_the_last_piece_is_taken_out_and_seals_are_written_by_their_keys(
    ministry: Stage, office: Office, enter: Enter, seal: str
) -> None:
    """The field where pieces are read has the focus all along: it takes figures, no letters."""
    agent = number_of(ministry, "POUCH-AGENT")
    for register in ("2026/000780", "2026/000781"):
        piece = replace(PIECE, register=register)
        packing.scan(office, seal, packing.hand_in(office, piece, by=agent), by=agent)
    tab = enter("POUCH-AGENT")
    page = tab.page
    tab.goto(f"/valises/{seal}/confection")
    number = page.locator("#number")
    expect(number).to_be_focused()
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="1 pièce dans la valise")).to_be_visible()
    expect(number).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("#seals")).to_be_focused()
    assert (number.input_value(), page.locator("#seals").input_value()) == ("", "")
    number.fill("12")
    number.press("n")
    expect(number).to_be_focused()  # what is begun there is not left by a letter


def test_a_sealing_that_is_refused_loses_nothing_that_was_typed(
    ministry: Stage, office: Office, enter: Enter, seal: str
) -> None:
    agent, chief = number_of(ministry, "POUCH-AGENT"), number_of(ministry, "CHIEF-POUCH")
    piece = replace(PIECE, register="2026/000782")
    packing.scan(office, seal, packing.hand_in(office, piece, by=agent), by=agent)
    tab = enter("CHIEF-POUCH")
    page = tab.page
    tab.goto(f"/valises/{seal}/confection")
    typed = {"seals": "AB-000001 AB-000002", "weight": "lourd", "days": "12"}
    for name, value in typed.items():
        page.locator(f"#{name}").fill(value)
    page.locator("#certifier").select_option(chief)
    boxes = page.locator("input[name=absent]")
    for box in boxes.all()[:3]:
        box.check()
    tab.expected = (422,)
    for wrong in ({"weight": "lourd"}, {"weight": "1500", "days": "douze"}):
        for name, value in wrong.items():
            page.locator(f"#{name}").fill(value)
        page.get_by_role("button", name="Lire et signer").click()
        expect(page.locator(".app-refusal")).to_contain_text([*wrong.values()][-1])
        kept = {name: page.locator(f"#{name}").input_value() for name in typed}
        assert kept == {**typed, **wrong}
        assert page.locator("#certifier").input_value() == chief
        assert [box.is_checked() for box in boxes.all()][:4] == [True, True, True, False]
        expect(page.locator("#seals")).to_be_focused()
    check_page(tab, foreign=NAMES)
