"""A telephone tells hours as the console and the papers do, whatever its own zone is."""

from playwright.sync_api import Browser, expect

from cipher_service.administration.stage import Stage
from cipher_service.typography import NO_BREAK
from tests.console.scanning import telephone_of, told_of
from tests.console.sealed_bags import sealed_bag

FAR = "Asia/Kathmandu"
"""A quarter of an hour off every other zone."""


def test_hours_are_universal_and_say_so(ministry: Stage, browser: Browser) -> None:
    bag = sealed_bag(ministry)
    closed = max(event.at for event in told_of(ministry, bag.seal))
    with telephone_of(browser, ministry, "CHIEF-POUCH", FAR) as desk:
        desk.kept_offline()
        desk.knows(bag)
        desk.answer(*bag.numbers)
        desk.scanned(bag.text)
        facts = desk.page.locator("main")
        expect(facts).to_contain_text(f"{closed:%H}{NO_BREAK}h{NO_BREAK}{closed:%M}{NO_BREAK}UTC")
        desk.press("EN, English")
        expect(facts).to_contain_text(f"{closed:%H:%M}{NO_BREAK}UTC")
        desk.quiet()
