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


_FULL = """() => { IDBObjectStore.prototype.put = () => {
  throw new DOMException("full", "QuotaExceededError");
} }"""
_ROOM = """(free) => { navigator.storage.estimate = async () => (
  {quota: 1_000_000_000, usage: 1_000_000_000 - free}
) }"""
_LASTING = "(lasts) => { navigator.storage.persisted = async () => lasts }"
_NO_PACK = """() => new Promise((done) => { indexedDB.open("scan").onsuccess = ({target}) => {
  const change = target.result.transaction("pack", "readwrite");
  change.objectStore("pack").clear();
  change.oncomplete = () => { target.result.close(); done(); };
} })"""
_SILENT = """() => {
  AudioContext.prototype.resume = () => new Promise(() => undefined);
  Object.defineProperty(AudioContext.prototype, "state", {get: () => "suspended"});
}"""
_STILL = "() => { Navigator.prototype.vibrate = () => false }"


@pytest.mark.parametrize(
    ("part", "broken", "given", "trial", "remedy"),
    [
        ("storage", _FULL, None, "fails", "quittez la navigation privée"),
        ("storage", _ROOM, 19_999_999, "little", "transmettez la file"),
        ("storage", _LASTING, False, "other", "transmettez chaque jour"),
        ("storage", _LASTING, True, "ok", "Fonctionne"),
        ("sound", _SILENT, None, "fails", "fiez-vous à la couleur"),
        ("shaking", _STILL, None, "fails", "fiez-vous à la couleur"),
    ],
    ids=["no storage", "little room", "may be cleared", "lasts", "no sound", "does not shake"],
)
def test_a_part_that_is_broken_is_named_with_what_to_do(
    desk: Phone, part: str, broken: str, given: object, trial: str, remedy: str
) -> None:
    desk.open()
    expect(desk.view("question")).to_be_visible()
    desk.page.evaluate(broken, given)
    _try(desk)
    if part in ("sound", "shaking"):
        desk.press("Faire sonner et vibrer")
    _told(desk, part, trial)
    expect(desk.page.locator(f"li[data-part={part}]")).to_contain_text(remedy)
    _told(desk, "decoder", "ok")
    # It says so in red, and no part that works does.
    red = desk.page.locator("li.scan-entry--conflict").evaluate_all(
        "(all) => all.map((one) => one.dataset.part)"
    )
    assert (part in red) is (trial != "ok")
    assert "decoder" not in red
    checked(desk)


@pytest.mark.parametrize("how", ["nothing read", "not loaded"])
def test_a_decoder_that_does_not_read_or_start_is_named(
    ministry: Stage, browser: Browser, how: str
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="fr-FR", service_workers="block"
    )
    phone = Phone(context, ministry.settings.console_origin)
    blind = "self.onmessage = ({data}) => data.id && self.postMessage({id: data.id, texts: []})"
    answers = {
        "nothing read": lambda route: route.fulfill(body=blind, content_type="text/javascript"),
        "not loaded": lambda route: route.fulfill(status=404),
    }
    context.route("**/scan-reader.*.js", answers[how])
    phone.enrol(ministry, "CHIEF-POUCH")
    _try(phone)
    _told(phone, "decoder", "fails")
    expect(phone.page.locator("li[data-part=decoder]")).to_contain_text("tapez le localisateur")
    context.close()


def test_a_telephone_without_a_pack_is_told_to_fetch_one(ministry: Stage, browser: Browser) -> None:
    with telephone_of(browser, ministry, "CHIEF-POUCH") as phone:
        phone.kept_offline()
        phone.context.set_offline(offline=True)
        phone.page.evaluate(_NO_PACK)
        _try(phone)
        _told(phone, "timing", "fails")
        expect(phone.page.locator("li[data-part=timing]")).to_contain_text("Transmettre et")


def test_a_reading_that_finds_no_room_is_said_not_to_be_recorded(
    ministry: Stage, browser: Browser
) -> None:
    bag = sealed_bag(ministry)
    with telephone_of(browser, ministry, "CHIEF-POUCH") as phone:
        phone.knows(bag)
        phone.context.set_offline(offline=True)
        phone.answer(*bag.numbers)
        phone.scanned(bag.text)
        phone.verdict()
        phone.page.evaluate("() => { window.before = IDBObjectStore.prototype.put }")
        phone.page.evaluate(_FULL)
        phone.press("Consigner l’arrivée")
        expect(phone.page.locator(".scan-message[data-code=STORAGE]")).to_contain_text(
            "Elle n’est pas consignée"
        )
        phone.pending(0)
        phone.page.evaluate("() => { IDBObjectStore.prototype.put = window.before }")
        phone.press("Consigner l’arrivée")
        expect(phone.view("recorded")).to_be_visible()
        phone.pending(1)
        phone.context.set_offline(offline=False)
        phone.pending(0)
    told = [event for event in told_of(ministry, bag.seal) if event.kind == "received"]
    assert [event.counter for event in told] == [1], "no number was spent on what was not kept"


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
