"""The scanning page on a telephone: read offline, kept through a kill, handed over once."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserType,
    FilePayload,
    Route,
    expect,
)

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.pouches import device_book, devices
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import unit_of_work
from cipher_service.wire.pouches import EventsRequest
from keys import canonical
from keys.devices import device_id
from keys.records import Record
from pouch.enrolment import read_enrolment
from pouch.events import parse_event
from pouch.locator import grouped_locator
from tests.console import test_keyboard as keyboard
from tests.console.first_load import check_whole_scanning_page
from tests.console.scanning import (
    Phone,
    checked,
    film,
    kill,
    photograph,
    symbol,
    telephone,
    told_of,
)
from tests.console.sealed_bags import Bag, sealed_bag
from tests.console.support import check_accessible, check_html

AZERTY = dict(zip("0123456789", "à&é\"'(-è_ç", strict=True))
CONFORMS = ("CONFORME", "SEAL_GENUINE_BAG_CHECKED")
# How each verdict shakes the telephone, in milliseconds, and its tones, in hertz.
CONFORMS_FELT = ([[120]], [880])
VERIFY_FELT = ([[120, 80, 120]], [523, 523])
REFUSE_FELT = ([[300, 100, 300, 100, 300]], [196, 196, 196])


@pytest.fixture(scope="module")
def bag(ministry: Stage) -> Bag:
    return sealed_bag(ministry)


@pytest.fixture(scope="module")
def camera(bag: Bag, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of the label as it is printed."""
    return film(photograph(bag.pdf), tmp_path_factory.mktemp("film") / "label.mjpeg")


@pytest.fixture(scope="module")
def desk(ministry: Stage, browser: Browser) -> Iterator[Phone]:
    """A telephone without a camera, in service at the ministry."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    phone = Phone(context, ministry.settings.console_origin)
    phone.enrol(ministry, "CHIEF-POUCH")
    yield phone
    context.close()


def _photograph(phone: Phone, picture: bytes) -> None:
    file = FilePayload(name="label.png", mimeType="image/png", buffer=picture)
    phone.page.locator("#photo").set_input_files(file)


def test_a_label_read_offline_survives_a_kill_and_is_handed_over_once(
    ministry: Stage, browser: Browser, bag: Bag, camera: Path, tmp_path: Path
) -> None:
    chromium = browser.browser_type
    _read_offline_and_die(chromium, ministry, bag, camera, tmp_path / "phone")
    assert "received" not in [event.kind for event in told_of(ministry, bag.seal)]
    with telephone(chromium, ministry, tmp_path / "phone", camera) as phone:
        phone.context.set_offline(offline=True)
        phone.open()
        phone.pending(1)
        phone.context.set_offline(offline=False)
        phone.pending(0)
        phone.page.locator(".scan-count").click()
        expect(phone.view("queue").locator("li[data-state=recorded]")).to_have_count(1)
        checked(phone)
        phone.press("Transmettre et actualiser")
        expect(phone.view("queue").get_by_role("button").first).to_be_enabled()
        phone.quiet()

        told = [event for event in told_of(ministry, bag.seal) if event.kind == "received"]
        assert [(event.counter, event.place) for event in told] == [(1, "MINREX")]

        phone.press("Retour à la lecture")
        phone.answer(*bag.numbers)
        assert phone.verdict() == ("REFUSER", "CLONE_SUSPECTED"), "the pack tells the arrival"
        phone.quiet()


def _read_offline_and_die(
    chromium: BrowserType, ministry: Stage, bag: Bag, camera: Path, folder: Path
) -> None:
    with telephone(chromium, ministry, folder, camera) as phone:
        phone.enrol(ministry, "CHIEF-POUCH")
        phone.kept_offline()
        expect(phone.page.locator(".scan-line--online")).to_be_visible()
        phone.context.set_offline(offline=True)
        phone.open()
        expect(phone.page.locator(".scan-line--offline")).to_be_visible()
        phone.answer(*bag.numbers)
        assert phone.verdict() == CONFORMS
        assert phone.page.locator("body").get_attribute("data-signal") == "CONFORMS"
        checked(phone)
        phone.press("Consigner l’arrivée")
        expect(phone.view("recorded")).to_be_visible()
        phone.pending(1)
        phone.quiet()
        kill(folder)


def test_a_scanner_under_azerty_types_the_very_seal(ministry: Stage, desk: Phone) -> None:
    other = sealed_bag(ministry)
    desk.open()
    desk.page.reload()
    desk.pending(0)
    desk.answer(*other.numbers)
    expect(desk.view("aim")).to_be_visible()
    expect(desk.page.locator(".scan-message[data-code=CAMERA_REFUSED]")).to_be_visible()
    checked(desk)
    desk.scanned(other.text, AZERTY)
    assert desk.verdict() == CONFORMS
    assert desk.signals() == CONFORMS_FELT

    desk.open()
    first, second = other.numbers
    desk.answer(first, second[:-1] + ("8" if second.endswith("7") else "7"))
    desk.scanned(other.text)
    assert desk.verdict() == ("À VÉRIFIER", "SEAL_NUMBER_NEAR_MISS")
    assert desk.signals() == VERIFY_FELT
    checked(desk)
    desk.press("Recommencer")  # what was typed wrong is read again, and nothing was recorded
    expect(desk.view("question")).to_be_visible()
    desk.pending(0)

    desk.open()
    desk.answer(*other.numbers, condition="Rompus")
    desk.scanned(other.locator, AZERTY)
    assert desk.verdict() == ("À VÉRIFIER", "LOCATOR_ANNOUNCED")

    # Wherever the focus is: a label's digits are its seal, a written locator stays a locator.
    for text, verdict in (
        (other.text, CONFORMS),
        (other.locator, ("À VÉRIFIER", "LOCATOR_ANNOUNCED")),
    ):
        desk.open()
        desk.answer(*other.numbers)
        desk.page.get_by_label("Localisateur (24 chiffres)").focus()
        desk.page.keyboard.press("Enter")  # some scanners begin with one
        desk.typed(text, AZERTY)
        assert desk.verdict() == verdict
    desk.quiet()


def test_hostile_symbols_are_no_seals_and_do_nothing(desk: Phone) -> None:
    for text in (
        "<img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "https://example.org/" + "a" * 900,
        "0123456789" + "9" * 170,
        "\u202e0123456789",
    ):
        desk.open()
        desk.answer("CM-48213")
        _photograph(desk, symbol(text))
        assert desk.verdict() == ("REFUSER", "SEAL_DAMAGED"), text
        assert desk.signals() == REFUSE_FELT
    desk.open()
    desk.answer("CM-48213")
    _photograph(desk, b"\x89PNG\r\n")
    expect(desk.page.locator(".scan-message[data-code=NOTHING_SEEN]")).to_be_visible()
    desk.quiet()


def test_a_locator_shows_its_wrong_digit_and_an_unknown_bag(desk: Phone) -> None:
    for digits, expected in (
        ("0000 0000 0000 0000 0000 0000", ("À VÉRIFIER", "LOCATOR_WRONG")),
        ("0000 0000 0000 0000 0000 0098", ("REFUSER", "LOCATOR_UNANNOUNCED")),
    ):
        desk.open()
        desk.answer("CM-48213")
        desk.page.get_by_label("Localisateur (24 chiffres)").fill(digits)
        desk.press("Chercher ce sac")
        assert desk.verdict() == expected
        checked(desk)
    desk.quiet()


def test_the_blind_question_takes_no_silence_for_an_answer(desk: Phone) -> None:
    desk.open()
    desk.press("Continuer")
    expect(desk.page.locator("#wrong")).not_to_be_empty()
    expect(desk.page.get_by_label("Numéro du scellé 1")).to_be_focused()
    told = desk.page.get_by_text("une étiquette recopiée se trahit là")
    expect(told).to_be_hidden()
    desk.page.get_by_text("Aide de cet écran").click()
    expect(told).to_be_visible()
    check_accessible(desk.page)
    check_html(desk.page)
    desk.page.get_by_label("Absents").check()
    desk.press("Continuer")
    expect(desk.view("aim")).to_be_visible()


def test_a_locator_is_judged_and_the_queue_looked_at_by_keys_alone(desk: Phone) -> None:
    desk.open()
    page = desk.page
    keyboard.write(page, page.get_by_label("Numéro du scellé 1"), "CM-48213")
    keyboard.press(page, page.get_by_label("Intacts"), "Space")
    keyboard.press(page, page.get_by_role("button", name="Continuer"))
    keyboard.write(page, page.get_by_label("Localisateur (24 chiffres)"), "0" * 22 + "98")
    page.keyboard.press("Enter")
    assert desk.verdict() == ("REFUSER", "LOCATOR_UNANNOUNCED")
    keyboard.press(page, page.get_by_role("button", name="Recommencer"))
    expect(desk.view("question")).to_be_visible()
    keyboard.press(page, page.locator(".scan-count"))
    expect(desk.view("queue")).to_be_visible()
    assert keyboard.walk(page) == []
    send = page.get_by_role("button", name="Transmettre et actualiser")
    desk.context.set_offline(offline=True)
    keyboard.press(page, send)
    told = page.locator(".scan-message[data-code=NO_NETWORK]")
    expect(told).to_be_in_viewport()
    expect(send).to_be_focused()
    desk.context.set_offline(offline=False)
    keyboard.press(page, page.get_by_role("button", name="Retour à la lecture"))
    expect(desk.view("question")).to_be_visible()


def test_all_that_a_telephone_fetches_fits_a_satellite_line(desk: Phone) -> None:
    desk.open()
    check_whole_scanning_page(desk.page)


def test_who_has_no_business_with_bags_takes_no_telephone_into_service(
    ministry: Stage, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR")
    phone = Phone(context, ministry.settings.console_origin)
    phone.open()
    phone.press("Mettre en service")
    expect(phone.page.locator(".scan-message[data-code=SESSION_ENDED]")).to_be_visible()
    checked(phone)
    phone.sign_in(ministry, "AUDITOR")
    phone.open()
    phone.press("Mettre en service")
    expect(phone.page.locator(".scan-message[data-code=NOT_ALLOWED]")).to_be_visible()
    phone.quiet()
    context.close()


# A telephone that is slow to read its queue.
_SLOW_TO_READ = """() => {
  const all = IDBObjectStore.prototype.getAll;
  IDBObjectStore.prototype.getAll = function (...asked) {
    const end = performance.now() + 700;
    const linger = () => { if (performance.now() < end) this.get(0).onsuccess = linger; };
    linger();
    return all.apply(this, asked);
  };
}"""


def test_who_went_back_to_reading_is_not_fetched_to_the_queue_again(desk: Phone) -> None:
    desk.open()
    expect(desk.view("question")).to_be_visible()
    desk.page.locator(".scan-count").click()
    expect(desk.view("queue")).to_be_visible()
    desk.page.evaluate(_SLOW_TO_READ)
    desk.press("EN, English")
    desk.press("Retour à la lecture")
    expect(desk.view("question")).to_be_visible()
    desk.page.wait_for_timeout(1500)
    expect(desk.view("question")).to_be_visible()
    desk.press("FR, français")
    desk.quiet()


def test_a_revoked_telephone_keeps_what_it_told_and_gives_it_out_as_a_file(
    ministry: Stage, browser: Browser
) -> None:
    bag = sealed_bag(ministry)
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    phone = Phone(context, ministry.settings.console_origin)
    engine = open_existing(ministry.settings.database)
    with unit_of_work(engine) as connection:
        before = {row.device_id for row in device_book.devices(connection)}
    phone.enrol(ministry, "CHIEF-POUCH")
    phone.kept_offline()
    phone.knows(bag)
    with unit_of_work(engine) as connection:
        [new] = [row for row in device_book.devices(connection) if row.device_id not in before]
        devices.revoke(connection, new.post, new.device_id, clock.now())
    engine.dispose()
    phone.answer(*bag.numbers)
    phone.scanned(bag.text)
    phone.press("Consigner l’arrivée")
    expect(phone.page.locator(".scan-message[data-code=DEVICE_UNKNOWN]")).to_be_visible()
    phone.pending(1)
    phone.page.locator(".scan-count").click()
    with phone.page.expect_download() as download:
        phone.press("Exporter la file")
    exported = json.loads(Path(download.value.path()).read_bytes())
    told = read_enrolment(Record(exported.pop("device"), "device"))
    assert (told.post, device_id(told.ed25519)) == ("MINREX", new.device_id)
    (document,) = EventsRequest.model_validate(exported).events
    event, _ = parse_event(canonical.encode(document))
    assert (event.kind, event.bag) == ("received", bag.bag)
    assert not [told for told in told_of(ministry, bag.seal) if told.kind == "received"]
    context.close()


def test_without_wasm_and_with_a_clock_a_day_ahead_a_photograph_is_judged_and_handed_over(
    ministry: Stage, bag: Bag, browser: Browser
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="fr-FR", service_workers="block"
    )
    kept_away: list[str] = []

    def keep_away(route: Route) -> None:
        kept_away.append(route.request.url)
        route.abort()

    context.route("**/*.wasm", keep_away)
    phone = Phone(context, ministry.settings.console_origin)
    phone.sign_in(ministry, "CHIEF-POUCH")
    phone.page.clock.set_system_time(clock.now() + timedelta(days=1))
    phone.take_in(ministry)
    expect(phone.page.locator(".scan-status:not([data-pack='0'])")).to_be_visible()
    phone.answer(*bag.numbers, condition="Abîmés")
    picture = io.BytesIO()
    photograph(bag.pdf).save(picture, "PNG")
    _photograph(phone, picture.getvalue())
    word, _ = phone.verdict()
    assert kept_away, "the decoder without wasm read it"
    assert word != "CONFORME", "seals that were reported damaged never conform"
    assert phone.page.locator(".scan-facts").first.inner_text().count(grouped_locator(bag.bag)) == 1
    phone.page.locator(".scan-verdict .scan-button--main").click()
    expect(phone.view("recorded")).to_contain_text("À éclaircir")
    phone.pending(0)
    offsets = _clock_offsets(ministry)
    assert any(abs(offset - 86_400) < 120 for offset in offsets)
    context.close()


def _clock_offsets(ministry: Stage) -> list[int]:
    engine = open_existing(ministry.settings.database)
    try:
        with unit_of_work(engine) as connection:
            return [row.clock_offset or 0 for row in device_book.devices(connection)]
    finally:
        engine.dispose()


def test_signing_out_of_the_console_takes_nothing_from_the_telephone(
    ministry: Stage, browser: Browser
) -> None:
    bag = sealed_bag(ministry)
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    phone = Phone(context, ministry.settings.console_origin)
    phone.enrol(ministry, "CHIEF-POUCH")
    phone.kept_offline()
    phone.knows(bag)
    context.route("**/scan/events", lambda route: route.abort())
    phone.answer(*bag.numbers)
    phone.scanned(bag.text)
    phone.press("Consigner l’arrivée")
    phone.pending(1)
    phone.page.goto(f"{phone.origin}/?lang=fr")
    phone.page.locator("form[action='/deconnexion'] button").click()
    expect(phone.page).to_have_url(f"{phone.origin}/connexion")
    phone.open()
    phone.pending(1)
    context.unroute("**/scan/events")
    phone.page.locator(".scan-count").click()
    phone.press("Transmettre et actualiser")
    phone.pending(0)
    assert [event.kind for event in told_of(ministry, bag.seal)][-1] == "received"
    context.close()
