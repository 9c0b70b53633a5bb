"""The telephone tries itself before a bag is there; an exercise leaves no trace in the books."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cipher_service import clock
from cipher_service.administration.stage import Stage
from tests.console.scanning import (
    Phone,
    checked,
    film,
    photograph,
    telephone,
    telephone_of,
    told_of,
)
from tests.console.sealed_bags import Bag, sealed_bag

TRIAL = "0123456789"


@pytest.fixture(scope="module")
def bag(ministry: Stage) -> Bag:
    return sealed_bag(ministry)


@pytest.fixture(scope="module")
def desk(ministry: Stage, browser: Browser, bag: Bag) -> Iterator[Phone]:
    """A telephone without a camera, whose pack announces the bag."""
    with telephone_of(browser, ministry, "CHIEF-POUCH") as phone:
        phone.knows(bag)
        yield phone


def _queue(phone: Phone) -> None:
    phone.page.locator(".scan-count").click()
    expect(phone.view("queue")).to_be_visible()


def _try(phone: Phone) -> None:
    _queue(phone)
    phone.press("Vérifier cet appareil")
    expect(phone.view("selftest")).to_be_visible()


def _told(phone: Phone, part: str, trial: str) -> None:
    expect(phone.page.locator(f"li[data-part={part}]")).to_have_attribute("data-trial", trial)


def test_each_part_says_that_it_works_or_what_to_do(desk: Phone, pictures: Path) -> None:
    desk.open()
    _try(desk)
    _told(desk, "timing", "ok")
    _told(desk, "decoder", "ok")
    _told(desk, "camera", "fails")
    expect(desk.page.locator("li[data-part=camera]")).to_contain_text("permettez la caméra")
    for part in ("wedge", "sound", "shaking"):
        _told(desk, part, "asked")
    desk.scanned(TRIAL[:-1])
    _told(desk, "wedge", "other")
    desk.scanned(TRIAL, dict(zip(TRIAL, "à&é\"'(-è_ç", strict=True)))
    _told(desk, "wedge", "ok")
    desk.press("Faire sonner et vibrer")
    _told(desk, "sound", "ok")
    _told(desk, "shaking", "ok")
    assert desk.signals() == ([[120]], [880])
    desk.page.screenshot(path=pictures / "scan-selftest.png", full_page=True)
    checked(desk)
    desk.press("Retour à la lecture")
    expect(desk.view("queue")).to_be_visible()
    desk.quiet()


def test_a_clock_that_is_wrong_is_told_from_the_pack(desk: Phone) -> None:
    for days, trial in ((-2, "late"), (30, "other")):
        desk.open()
        desk.page.clock.set_fixed_time(clock.now() + timedelta(days=days))
        _try(desk)
        _told(desk, "timing", trial)
    desk.page.clock.set_fixed_time(clock.now())


def test_a_camera_that_films_works(
    ministry: Stage, browser: Browser, bag: Bag, tmp_path: Path
) -> None:
    filmed = film(photograph(bag.pdf), tmp_path / "label.mjpeg")
    with telephone(browser.browser_type, ministry, tmp_path / "phone", filmed) as phone:
        phone.enrol(ministry, "CHIEF-POUCH")
        _try(phone)
        _told(phone, "camera", "ok")
        phone.quiet()


def test_an_exercise_judges_as_ever_and_records_nothing(
    ministry: Stage, desk: Phone, bag: Bag, pictures: Path
) -> None:
    before = [event.id for event in told_of(ministry, bag.seal)]
    desk.open()
    _queue(desk)
    desk.press("Commencer un exercice")
    desk.page.reload()
    expect(desk.page.locator(".scan-line")).to_contain_text("EXERCICE")
    desk.answer(*bag.numbers)
    desk.scanned(bag.text)
    assert desk.verdict() == ("CONFORME", "SEAL_GENUINE_BAG_CHECKED")
    expect(desk.page.locator(".scan-exercise")).to_have_text("EXERCICE : rien ne sera consigné")
    expect(desk.page.get_by_role("button", name="Consigner")).to_have_count(0)
    desk.page.screenshot(path=pictures / "scan-exercise.png", full_page=True)
    checked(desk)
    desk.press("Sac suivant")
    _queue(desk)
    expect(desk.page.locator(".scan-entry")).to_have_count(0)
    desk.press("Finir l’exercice")
    desk.answer(*bag.numbers)
    desk.scanned(bag.text)
    expect(desk.page.get_by_role("button", name="Consigner l’arrivée")).to_be_visible()
    expect(desk.page.locator(".scan-exercise")).to_have_count(0)
    desk.page.evaluate("() => localStorage.setItem('drill', '1')")  # begun in another tab
    desk.press("Consigner l’arrivée")
    expect(desk.page.locator(".scan-message[data-code=EXERCISE]")).to_be_visible()
    desk.pending(0)
    desk.page.evaluate("() => localStorage.removeItem('drill')")
    assert [event.id for event in told_of(ministry, bag.seal)] == before
    desk.quiet()
