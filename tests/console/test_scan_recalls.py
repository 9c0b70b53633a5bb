"""A recalled bag on a telephone without network: sent back unopened, and received at home."""

from dataclasses import replace

from playwright.sync_api import Browser, expect

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.storage.batch import Request
from cipher_service.storage.engine import open_existing
from pouch.events import sign_event
from pouch.facts import Recalled
from tests.console.scanning import back_in_reach, checked, telephone_of
from tests.console.sealed_bags import Bag, number_of, sealed_bag
from tests.support.bags import Device
from tests.support.pouches import make_batches


def test_a_recalled_bag_has_its_own_word_colour_and_sound_offline(
    ministry: Stage, browser: Browser
) -> None:
    called = sealed_bag(ministry)
    _recall(ministry, called)
    with (
        telephone_of(browser, ministry, "CHIEF-POUCH") as desk,
        telephone_of(browser, ministry, "HEAD-OF-POST") as paris,
    ):
        for phone in (desk, paris):
            phone.kept_offline()
            phone.knows(called)
            phone.context.set_offline(offline=True)
            phone.answer(*called.numbers)
            phone.scanned(called.text)
        assert desk.verdict() == ("À RENVOYER", "BAG_RECALLED")
        assert desk.page.locator("body").get_attribute("data-signal") == "RETURN"
        assert desk.signals() == ([[300, 80, 120]], [659, 330])
        colour = "e => getComputedStyle(e).backgroundColor"
        assert desk.page.locator(".scan-verdict").evaluate(colour) == "rgb(29, 79, 139)"
        expect(desk.page.get_by_role("button", name="Consigner la lecture")).to_be_visible()
        checked(desk)
        assert paris.verdict() == ("À VÉRIFIER", "RECALLED_BAG_HOME")
        checked(paris)
        paris.press("Consigner l’arrivée")
        paris.pending(1)

        desk.open()
        desk.answer(*called.numbers)
        desk.scanned(called.locator)
        assert desk.verdict() == ("À RENVOYER", "LOCATOR_RECALLED")
        desk.open()
        desk.answer("CM-48213")
        desk.scanned(called.text)
        assert desk.verdict() == ("REFUSER", "SEAL_NUMBERS_WRONG")
        for phone in (desk, paris):
            back_in_reach(phone, 0)
            phone.quiet()


def _recall(on: Stage, bag: Bag) -> None:
    """Let its origin want a bag back."""
    device = Device(f"recall {bag.bag}")
    told = device.tell(
        Recalled(), officer=number_of(on, "HEAD-OF-POST"), place="PARIS", seal=bag.seal, bag=bag.bag
    )
    event = replace(told, at=clock.now().replace(microsecond=0))
    engine = open_existing(on.settings.database)
    try:
        batches = make_batches(engine, clock.now)
        brought = {
            "caller": "PARIS",
            "clock": None,
            "device": None,
            "events": [[sign_event(event, device.sign), None]],
        }
        enrolled = {"post": "PARIS", "ed25519": device.public}
        for command, payload in (("pouch_device", enrolled), ("pouch_events", brought)):
            (outcome,) = batches.run([Request(command, payload)])
            assert outcome.refusal is None, outcome.refusal
    finally:
        engine.dispose()
