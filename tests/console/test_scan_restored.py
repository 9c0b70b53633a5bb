"""A telephone and a ministry that was restored from a backup: nothing that was read is lost."""

import json

from playwright.sync_api import Browser, Route, expect
from sqlalchemy import delete

from cipher_service.administration.stage import Stage
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.pouches import device
from cipher_service.storage.unit_of_work import unit_of_work
from tests.console.scanning import Phone, telephone_of, told_of
from tests.console.sealed_bags import sealed_bag


def test_a_ministry_that_goes_on_under_another_log_is_told_everything_again(
    ministry: Stage, browser: Browser
) -> None:
    """What a restored ministry has lost comes back by itself; what it kept stays recorded once."""
    bag = sealed_bag(ministry)
    with telephone_of(browser, ministry, "CHIEF-POUCH") as phone:
        phone.knows(bag)
        phone.answer(*bag.numbers)
        phone.scanned(bag.text)
        phone.press("Consigner l’arrivée")
        expect(phone.view("recorded")).to_be_visible()
        phone.pending(0)
        handed: list[int] = []

        def count(route: Route) -> None:
            handed.append(len(json.loads(route.request.post_data or "{}")["events"]))
            route.continue_()

        def restored(route: Route) -> None:
            response = route.fetch()
            log = response.headers["valise-log"]
            assert log == ministry.settings.log_origin
            route.fulfill(
                response=response, headers={**response.headers, "valise-log": f"{log}/r1"}
            )

        phone.context.route("**/scan/events", count)
        phone.page.locator(".scan-count").click()
        phone.press("Transmettre et actualiser")
        expect(phone.view("queue").get_by_role("button").first).to_be_enabled()
        expect(phone.view("queue").locator("li[data-state=recorded]")).to_have_count(1)
        assert handed == []
        phone.context.route("**/scan/pack", restored)
        with phone.page.expect_response("**/scan/events") as answer:
            phone.press("Transmettre et actualiser")
        (told,) = answer.value.json()["answers"]
        assert (told["refusal"], told["new"], handed) == (None, False, [1])
        phone.pending(0)
        with phone.page.expect_response("**/scan/pack"):
            phone.press("Transmettre et actualiser")
        expect(phone.view("queue").get_by_role("button").first).to_be_enabled()
        assert handed == [1], "once for each log"
    received = [event for event in told_of(ministry, bag.seal) if event.kind == "received"]
    assert len(received) == 1


def test_a_telephone_enrolled_after_the_backup_keeps_its_key_and_hands_its_queue_over(
    ministry: Stage, browser: Browser
) -> None:
    bag = sealed_bag(ministry)
    with telephone_of(browser, ministry, "CHIEF-POUCH") as phone:
        phone.knows(bag)
        known = _identity(phone)
        _forget(ministry, known)
        phone.answer(*bag.numbers)
        phone.scanned(bag.text)
        phone.press("Consigner l’arrivée")
        expect(phone.view("recorded")).to_be_visible()
        phone.pending(1)
        assert told_of(ministry, bag.seal)[-1].kind != "received"

        phone.page.locator(".scan-count").click()
        phone.press("Remettre en service")
        phone.take_in_here(ministry)

        phone.pending(0)
        assert _identity(phone) == known
    (received,) = (each for each in told_of(ministry, bag.seal) if each.kind == "received")
    assert received.device.startswith(known)


def _identity(phone: Phone) -> str:
    """Read the first half of the device's id in its queue."""
    phone.page.locator(".scan-count").click()
    shown = phone.view("queue").locator("dd").first.inner_text().split(" · ")[-1]
    phone.press("Retour à la lecture")
    return shown


def _forget(on: Stage, known: str) -> None:
    """Take the device out of the books, as a backup of before it has them."""
    engine = open_existing(on.settings.database)
    try:
        with unit_of_work(engine) as connection:
            gone = connection.execute(delete(device).where(device.c.device_id.startswith(known)))
            assert gone.rowcount == 1
    finally:
        engine.dispose()
