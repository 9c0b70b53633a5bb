"""A bag handed over between two telephones without network, by codes that they show each other."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, FilePayload, expect

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.storage.batch import Request
from cipher_service.storage.engine import open_existing
from keys import canonical
from keys.devices import device_id
from pouch.events import Witness
from pouch.facts import INTACT, HandedOver
from pouch.hand_over import make_answer, make_half, read_answer, read_half
from pouch.locator import grouped_locator
from tests.console.scanning import (
    Phone,
    checked,
    film,
    symbol,
    telephone,
    telephone_of,
    told_of,
)
from tests.console.sealed_bags import Bag, number_of, sealed_bag
from tests.support.bags import Device, enrolment_of
from tests.support.pouches import make_batches


def screen(phone: Phone) -> Image.Image:
    """The code that a telephone shows, as another one's camera sees its screen."""
    shown = Image.open(io.BytesIO(phone.page.locator(".scan-code").screenshot()))
    picture = Image.new("RGB", (1280, 720), (140, 140, 140))
    picture.paste(shown.resize((680, 680)), (300, 20))
    return picture


def photo(phone: Phone, picture: Image.Image | bytes) -> None:
    """Photograph what the other telephone shows."""
    if isinstance(picture, Image.Image):
        sink = io.BytesIO()
        picture.save(sink, "PNG")
        picture = sink.getvalue()
    file = FilePayload(name="code.png", mimeType="image/png", buffer=picture)
    phone.page.locator("#photo").set_input_files(file)


def begin(phone: Phone, act: str) -> None:
    phone.page.locator(".scan-count").click()
    phone.press("Remise sans réseau")
    expect(phone.view("handing")).to_be_visible()
    phone.press(act)


def refused(phone: Phone, code: str) -> None:
    expect(phone.page.locator(f".scan-message[data-code={code}]")).to_be_visible()


def alone(phone: Phone, bag: Bag) -> None:
    """In service, with a pack that announces the bag, and out of reach."""
    phone.kept_offline()
    phone.knows(bag)
    phone.context.set_offline(offline=True)


def handed_over(on: Stage, bag: Bag) -> list[Any]:
    return [event for event in told_of(on, bag.seal) if event.kind == "handed-over"]


def test_two_telephones_hand_a_bag_over_without_network_and_either_delivers_it(
    ministry: Stage, browser: Browser, tmp_path: Path
) -> None:
    bag, chromium = sealed_bag(ministry), browser.browser_type
    giver_folder, taker_folder = tmp_path / "giver", tmp_path / "taker"
    filmed = tmp_path / "code.mjpeg"
    with telephone(chromium, ministry, giver_folder) as giver:
        giver.enrol(ministry, "HEAD-OF-POST")  # before the taker's pack, which then tells of it
    with telephone(chromium, ministry, taker_folder) as taker:
        taker.enrol(ministry, "POUCH-AGENT")
        alone(taker, bag)
        begin(taker, "Je prends une valise")
        expect(taker.view("taker")).to_be_visible()
        checked(taker)
        film(screen(taker), filmed)
    with telephone(chromium, ministry, giver_folder, filmed) as giver:
        giver.open()
        alone(giver, bag)
        begin(giver, "Je remets une valise")
        expect(giver.view("giving")).to_be_visible()
        expect(giver.view("giving")).to_contain_text(number_of(ministry, "POUCH-AGENT"))
        giver.page.locator("#bag").select_option(bag.seal)
        giver.page.get_by_label("Abîmés").check()
        checked(giver)
        giver.page.locator("#bag").select_option(bag.seal)
        giver.page.get_by_label("Abîmés").check()
        giver.press("Signer la remise")
        expect(giver.view("half")).to_be_visible()
        checked(giver)
        giver.pending(1)
        half = film(screen(giver), tmp_path / "half.mjpeg")
        with telephone(chromium, ministry, taker_folder, half) as taker:
            taker.context.set_offline(offline=True)
            taker.open()
            begin(taker, "Je prends une valise")
            taker.press("Lire ce qu’il me montre")
            expect(taker.view("taking")).to_be_visible()
            for told in (grouped_locator(bag.bag), number_of(ministry, "HEAD-OF-POST"), "Abîmés"):
                expect(taker.view("taking")).to_contain_text(told)
            checked(taker)
            taker.press("Je la prends dans cet état")
            expect(taker.view("answer")).to_be_visible()
            checked(taker)
            taker.pending(1)
            answer = screen(taker)
            giver.press("Lire sa réponse")
            refused(giver, "HAND_OVER_MALFORMED")  # the camera still sees the taker's first code
            photo(giver, answer)
            expect(giver.view("handed")).to_be_visible()
            checked(giver)
            assert handed_over(ministry, bag) == []
            taker.context.set_offline(offline=False)
            taker.pending(0)
            taker.quiet()
        [event] = handed_over(ministry, bag)
        assert (event.facts.ordinal, event.facts.condition) == (1, "damaged")
        assert event.officer == number_of(ministry, "HEAD-OF-POST")
        assert event.witness.officer == number_of(ministry, "POUCH-AGENT")
        giver.context.set_offline(offline=False)
        giver.pending(0)  # delivered a second time, it is the same
        expect(giver.page.locator(".scan-status[data-conflicts='0']")).to_be_visible()
        giver.quiet()
    assert handed_over(ministry, bag) == [event]


def shown(phone: Phone) -> Any:
    """What stands in the code that a telephone shows."""
    found = zxingcpp.read_barcodes(screen(phone))
    return canonical.decode(found[0].text.encode())


def test_a_half_that_its_taker_delivered_waits_no_more(ministry: Stage, browser: Browser) -> None:
    """The giver never read the answer; what the telephone showed is read by the other reader."""
    bag = sealed_bag(ministry)
    second = Device(f"second {bag.numbers[0][3:-1]}")
    clerk = number_of(ministry, "POST-CIPHER-CLERK")
    with telephone_of(browser, ministry, "HEAD-OF-POST") as giver:
        alone(giver, bag)
        begin(giver, "Je remets une valise")
        code = {"taker": canonical.decode(enrolment_of(second, "PARIS", clerk))}
        photo(giver, symbol(canonical.encode(code).decode()))
        giver.page.locator("#bag").select_option(bag.seal)
        giver.press("Signer la remise")
        giver.pending(1)
        told = shown(giver)
        half = read_half(
            canonical.encode(told),
            known=frozenset({told["half"]["statement"]["device"]}),
            own=second.id,
            bags={bag.seal: bag.bag},
        )
        file = read_answer(make_answer(half, second.sign), half, second.public)
        engine = open_existing(ministry.settings.database)
        brought = {"caller": "PARIS", "events": [[file, None]], "device": None, "clock": None}
        [outcome] = make_batches(engine, clock.now).run([Request("pouch_events", brought)])
        engine.dispose()
        assert outcome.refusal is None
        giver.context.set_offline(offline=False)
        giver.pending(0)
        giver.quiet()
    assert [event.id for event in handed_over(ministry, bag)] == [half.event.id]


def test_no_code_that_is_edited_replayed_or_of_another_is_signed(
    ministry: Stage, browser: Browser
) -> None:
    bag = sealed_bag(ministry)
    desk, rogue = Device(f"desk {bag.numbers[0][3:-1]}"), Device("rogue")
    with telephone_of(browser, ministry, "POUCH-AGENT") as taker:
        alone(taker, bag)
        begin(taker, "Je prends une valise")
        own = shown(taker)
        key = canonical.bytes_from_text(own["taker"]["ed25519"])
        mine = (device_id(key), own["taker"]["officer"])

        def half(
            giver: Device = desk, to: tuple[str, str] = mine, number: str = bag.bag
        ) -> dict[str, Any]:
            told = Device(giver.name).tell(
                HandedOver(1, INTACT), officer="HEAD", place="PARIS", seal=bag.seal, bag=number
            )  # the second person is named below
            event = replace(told, witness=Witness(*to))
            made: dict[str, Any] = canonical.decode(make_half(event, giver.public, giver.sign))
            return made

        edited = half()
        edited["half"]["statement"]["facts"]["condition"] = "damaged"
        for code, wrong in (
            ("HAND_OVER_MALFORMED", own),
            ("HAND_OVER_FORGED", edited),
            ("HAND_OVER_UNKNOWN", half(rogue)),
            ("HAND_OVER_OTHER", half(number="1" * 22)),
            ("HAND_OVER_NOT_YOURS", half(to=(rogue.id, "PAUL"))),
        ):
            taker.press("Lire ce qu’il me montre")
            photo(taker, symbol(canonical.encode(wrong).decode()))
            refused(taker, code)
            taker.press("Remise sans réseau")
            taker.press("Je prends une valise")
        stranger = {"taker": canonical.decode(enrolment_of(rogue, "PARIS"))}
        renamed = {"taker": {**own["taker"], "officer": "OTHER"}}
        taker.press("Remise sans réseau")
        for code, wrong in (
            ("HAND_OVER_NOT_YOURS", own),
            ("HAND_OVER_UNKNOWN", stranger),
            ("HAND_OVER_FORGED", renamed),
            ("HAND_OVER_MALFORMED", half()),
        ):
            taker.press("Je remets une valise")
            photo(taker, symbol(canonical.encode(wrong).decode()))
            refused(taker, code)
            taker.press("Remise sans réseau")
        taker.pending(0)

        answers = []
        for _ in range(2):  # the same half again is the same hand-over
            taker.press("Je prends une valise")
            taker.press("Lire ce qu’il me montre")
            photo(taker, symbol(canonical.encode(half()).decode()))
            taker.press("Je la prends dans cet état")
            expect(taker.view("answer")).to_be_visible()
            answers.append(shown(taker))
            taker.pending(1)
            taker.press("Remise sans réseau")
        assert answers[0] == answers[1]
        taker.context.set_offline(offline=False)
        taker.pending(0)
        taker.quiet()
    assert len(handed_over(ministry, bag)) == 1
