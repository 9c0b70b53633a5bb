"""One label read by two telephones without network, and told when both are in reach again."""

from playwright.sync_api import Browser, Locator, expect

from cipher_service.administration.stage import Stage
from tests.console.scanning import Phone, back_in_reach, checked, telephone_of, told_of
from tests.console.sealed_bags import Bag, sealed_bag

CONFORMS = ("CONFORME", "SEAL_GENUINE_BAG_CHECKED")


def test_a_copy_read_offline_by_two_telephones_is_told_at_the_handing_over(
    ministry: Stage, browser: Browser
) -> None:
    copied = sealed_bag(ministry)
    with (
        telephone_of(browser, ministry, "CHIEF-POUCH") as desk,
        telephone_of(browser, ministry, "POUCH-AGENT") as other,
    ):
        for phone in (desk, other):
            _read_without_network(phone, copied, "Consigner l’arrivée")
        for phone, conflicts in ((desk, 0), (other, 1)):
            back_in_reach(phone, conflicts)

        entry = _entry_against(other)
        expect(entry).to_contain_text("déjà reçu par un autre")
        checked(other)
        received = [event for event in told_of(ministry, copied.seal) if event.kind == "received"]
        assert len(received) == 2, "both readings are kept, neither replaces the other"


def test_a_photocopy_at_another_post_is_told_when_both_telephones_are_in_reach_again(
    ministry: Stage, browser: Browser
) -> None:
    """P8: each post's own pack announces the bag; only together do the readings contradict."""
    copied = sealed_bag(ministry)
    with (
        telephone_of(browser, ministry, "CHIEF-POUCH") as desk,
        telephone_of(browser, ministry, "HEAD-OF-POST") as paris,
    ):
        _read_without_network(desk, copied, "Consigner l’arrivée")
        paris.page.wait_for_timeout(1100)  # events tell whole seconds: the copy is read after
        _read_without_network(paris, copied, "Consigner la lecture")
        back_in_reach(desk, 0)
        back_in_reach(paris, 1)

        expect(_entry_against(paris)).to_contain_text("lu à contresens de sa route")
        told = {event.kind: event.place for event in told_of(ministry, copied.seal)[-2:]}
        assert told == {"received": "MINREX", "seen": "PARIS"}
        desk.page.goto(f"{desk.origin}/valises/{copied.seal}?lang=fr")
        expect(desk.page.locator("main")).to_contain_text("à rebours de l’itinéraire")


def _read_without_network(phone: Phone, bag: Bag, act: str) -> None:
    phone.kept_offline()
    phone.knows(bag)
    phone.context.set_offline(offline=True)
    phone.answer(*bag.numbers)
    phone.scanned(bag.text)
    assert phone.verdict() == CONFORMS, "alone, each has the right label and the right numbers"
    phone.press(act)
    phone.pending(1)


def _entry_against(phone: Phone) -> Locator:
    phone.page.locator(".scan-count").click()
    return phone.view("queue").locator(".scan-entry--conflict")
