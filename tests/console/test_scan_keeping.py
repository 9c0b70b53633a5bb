"""What a telephone is given to keep: too much, ill written, or where its browser keeps nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.console import scan
from cipher_service.pouches import device_book
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading
from cipher_service.wire.pouches import EVENTS_MOST
from keys import canonical
from pouch.events import Event, sign_event
from pouch.facts import Received
from pouch.manifest import SEALS_MAX, WEIGHT_MAX_G
from tests.console.scanning import Phone, checked, telephone_of

ASSETS = Path(scan.__file__).parent / "assets/src/scan"
# A browser whose user refused that pages keep anything: asking is refused already.
REFUSED = """
const refuse = () => { throw new DOMException("refused", "SecurityError"); };
Object.defineProperty(window, "localStorage", { get: refuse });
IDBFactory.prototype.open = refuse;
"""
# A browser that lets a page open its store and has no room for anything in it.
FULL = """() => {
  window.before = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
}"""


@pytest.fixture
def fresh(ministry: Stage, browser: Browser) -> Iterator[Phone]:
    """A telephone that is not yet in service, its officer signed in."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    phone = Phone(context, ministry.settings.console_origin)
    phone.sign_in(ministry, "CHIEF-POUCH")
    yield phone
    context.close()


def _devices(on: Stage) -> set[str]:
    engine = open_existing(on.settings.database)
    try:
        with reading(engine) as connection:
            return {row.device_id for row in device_book.devices(connection)}
    finally:
        engine.dispose()


def test_a_browser_without_room_is_named_before_the_ministry_knows_the_telephone(
    ministry: Stage, fresh: Phone
) -> None:
    known = _devices(ministry)
    fresh.open()
    expect(fresh.view("enrolment")).to_be_visible()
    fresh.page.evaluate(FULL)
    fresh.press("Mettre en service")
    told = fresh.page.locator(".scan-message[data-code=NOT_KEPT]")
    expect(told).to_contain_text("Ce navigateur ne garde rien")
    checked(fresh)
    assert _devices(ministry) == known
    fresh.page.evaluate("() => { IDBObjectStore.prototype.put = window.before }")
    fresh.take_in_here(ministry)
    assert len(_devices(ministry)) == len(known) + 1


def test_a_browser_that_refuses_to_keep_anything_says_so_on_a_whole_page(fresh: Phone) -> None:
    fresh.context.add_init_script(REFUSED)
    fresh.open()
    told = fresh.page.locator(".scan-message[data-code=NOT_KEPT]")
    expect(told).to_contain_text("permettez le stockage")
    expect(fresh.page.locator(".scan-count")).to_have_text("Rien n’est gardé ici")
    fresh.press("Mettre en service")
    expect(told).to_be_visible()
    fresh.press("EN, English")
    expect(fresh.page.locator(".scan-count")).to_have_text("Nothing is kept here")
    fresh.page.locator(".scan-count").click()
    expect(told).to_contain_text("allow storage")
    fresh.press("FR, français")
    fresh.quiet()


def test_whoever_is_in_the_header_stays_there_when_it_says_another_thing(
    ministry: Stage, browser: Browser
) -> None:
    with telephone_of(browser, ministry, "CHIEF-POUCH") as phone:
        phone.kept_offline()
        english = phone.page.get_by_role("button", name="EN, English")
        english.focus()
        for offline, line in ((True, "offline"), (False, "online")):
            phone.context.set_offline(offline=offline)
            expect(phone.page.locator(f".scan-line--{line}")).to_be_visible()
            expect(english).to_be_focused()


def test_an_ill_formed_place_is_refused_in_words_and_the_one_before_stays(
    ministry: Stage, browser: Browser
) -> None:
    with telephone_of(browser, ministry, "CHIEF-POUCH") as phone:
        place = phone.page.get_by_label("Lieu des lectures")
        for wrong in ("Yaoundé", "X", "A" * 17):
            _open_queue(phone)
            place.fill(wrong)
            phone.press("Garder")
            expect(phone.page.locator("#wrong")).to_contain_text("de 2 à 16 lettres sans accent")
            expect(place).to_be_focused()
            expect(place).to_have_attribute("aria-invalid", "true")
            expect(place).to_have_value(wrong)
        checked(phone)
        _open_queue(phone)
        expect(place).to_have_value("MINREX")
        place.fill(" dla ")
        phone.press("Garder")
        expect(phone.view("question")).to_be_visible()
        _open_queue(phone)
        expect(place).to_have_value("DLA")
        phone.quiet()


def _open_queue(phone: Phone) -> None:
    phone.open()
    phone.page.locator(".scan-count").click()
    expect(phone.view("queue")).to_be_visible()


def test_a_weight_that_no_bag_has_is_not_signed(ministry: Stage, browser: Browser) -> None:
    with telephone_of(browser, ministry, "CHIEF-POUCH") as phone:
        phone.answer("FR-1234", weight=str(WEIGHT_MAX_G + 1))
        expect(phone.page.locator("#wrong")).to_contain_text("2 000 000 au plus")
        phone.answer("FR-1234", weight=str(WEIGHT_MAX_G))
        expect(phone.view("aim")).to_be_visible()


def test_as_many_readings_as_are_sent_at_once_fit_one_body_however_long() -> None:
    told = re.search(r"const AT_ONCE = (\d+);", (ASSETS / "exchange.ts").read_text("utf-8"))
    assert told
    assert int(told[1]) <= EVENTS_MOST
    envelope = {"clock": {"device": "f" * 64, "time": clock.text(clock.now())}}
    around = len(canonical.encode({**envelope, "events": []}))
    most = around + EVENTS_MOST * (len(_longest()) + 1)
    assert most <= scan.EVENTS_BODY, most


def _longest() -> bytes:
    """The longest event of one person that pouch/CUSTODY.md allows: none that a telephone tells."""
    seals = tuple(f"{number:X}".rjust(20, "Z") for number in range(SEALS_MAX))
    event = Event(
        device="f" * 64,
        counter=2**53 - 1,
        previous="f" * 64,
        bag="9" * 22,
        seal="f" * 32,
        at=clock.now().replace(microsecond=0),
        place="Z" * 16,
        officer="Z" * 40,
        witness=None,
        facts=Received(seals=seals, condition="damaged", weight_g=WEIGHT_MAX_G),
    )
    return sign_event(event, lambda _message: bytes(64))
