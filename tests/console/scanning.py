"""Telephones that read labels in the tests, and what they see."""

import io
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pypdfium2
import qrcode
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, BrowserType, Error, Locator, Page, expect

from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import repository
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading
from keys.endorsement import read_introduction, root_fingerprint
from pouch.events import Event
from tests.console.sealed_bags import Bag, number_of
from tests.console.support import (
    CHROMIUM,
    PATIENCE_MS,
    check_accessible,
    check_language,
    check_width,
    watch_policy,
)

# The browser of a test neither shakes nor sounds: what the page asks of it is written down.
_FELT_AND_HEARD = """
globalThis.signals = { shakes: [], tones: [] };
Navigator.prototype.vibrate = (pattern) => { signals.shakes.push(pattern); return true; };
{
  const start = AudioScheduledSourceNode.prototype.start;
  AudioScheduledSourceNode.prototype.start = function (when) {
    signals.tones.push([this.frequency.value, when]);
    start.call(this, when);
  };
}
"""


def told_of(on: Stage, seal: str) -> list[Event]:
    """Every event that the service recorded about a closing."""
    engine = open_existing(on.settings.database)
    try:
        with reading(engine) as connection:
            return repository.events_of(connection, seal)
    finally:
        engine.dispose()


def photograph(pdf: bytes) -> Image.Image:
    """The label's first face as a camera would see it: grey, small, a little turned."""
    page = pypdfium2.PdfDocument(pdf)[0]
    face = page.render(scale=6).to_pil().convert("L")
    picture = Image.new("L", (1280, 720), 140)
    face.thumbnail((1100, 640))
    turned = face.rotate(4, expand=True, fillcolor=140)
    picture.paste(turned, ((1280 - turned.width) // 2, (720 - turned.height) // 2))
    return picture


def film(picture: Image.Image, path: Path) -> Path:
    """A film of a picture for Chromium's false camera: JPEG after JPEG."""
    frame = io.BytesIO()
    picture.convert("RGB").save(frame, "JPEG", quality=85)
    path.write_bytes(frame.getvalue() * 3)
    return path


def symbol(text: str) -> bytes:
    """A QR symbol of any text, as PNG."""
    made = io.BytesIO()
    qrcode.make(text, box_size=6).save(made)
    return made.getvalue()


class Phone:
    """The scanning page in a browser of its own, with what it complained about.

    Args:
        context: of the browser.
        origin: of the console.
    """

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.origin = origin
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        context.set_default_timeout(PATIENCE_MS)
        watch_policy(context)
        context.add_init_script(_FELT_AND_HEARD)
        context.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page: Page = context.pages[0] if context.pages else context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))

    def _heard(self, message: Any) -> None:
        # Chromium tells a request without network, and each answer that is not 2xx, as an error.
        quiet = ("ERR_INTERNET_DISCONNECTED", "status of 403", "status of 401")
        if message.type in ("error", "warning") and not any(each in message.text for each in quiet):
            self.complaints.append(message.text)

    def sign_in(self, on: Stage, role: str) -> None:
        link = Demonstration.of(on.settings).new_link(number_of(on, role))
        self.page.goto(f"{self.origin}/demonstration/{link}")

    def open(self) -> None:
        self.page.goto(f"{self.origin}/scan/?lang=fr")

    def enrol(self, on: Stage, role: str) -> None:
        """Sign in and take the telephone into service."""
        self.sign_in(on, role)
        self.take_in(on)

    def take_in(self, on: Stage) -> None:
        """Take the telephone into service, comparing the fingerprint as a person would."""
        self.open()
        self.take_in_here(on)

    def take_in_here(self, on: Stage) -> None:
        """Do it on the page that offers it."""
        self.press("Mettre en service")
        shown = self.view("comparison").locator(".scan-fingerprint").inner_text()
        with custodian_of(on.settings) as custodian:
            introduced = custodian.root_introduction()
        root = read_introduction(introduced, on.founding.card)
        assert shown.replace(" ", "") == root_fingerprint(root)
        self.press("C’est la même")
        expect(self.view("question")).to_be_visible()

    def view(self, name: str) -> Locator:
        return self.page.locator(f"main[data-view={name}]")

    def press(self, label: str) -> None:
        self.page.get_by_role("button", name=label, exact=True).click()

    def answer(self, *numbers: str, condition: str = "Intacts", weight: str = "") -> None:
        """Answer the blind question."""
        for place, number in enumerate(numbers, start=1):
            if place > 1:
                self.press("Il y a un autre scellé")
            self.page.get_by_label(f"Numéro du scellé {place}").fill(number)
        self.page.get_by_label(condition).check()
        self.page.get_by_label("Poids en grammes").fill(weight)
        self.press("Continuer")

    def scanned(self, text: str, signs: Mapping[str, str] = MappingProxyType({})) -> None:
        """Keys as a hand scanner types them: each key's place, and the sign of a layout."""
        keys = [[signs.get(digit, digit), f"Digit{digit}"] for digit in text]
        self.page.evaluate(
            "(keys) => { for (const [key, code] of keys) document.activeElement.dispatchEvent("
            "new KeyboardEvent('keydown', {key, code, bubbles: true})) }",
            keys,
        )
        self.page.keyboard.press("Enter")

    def typed(self, text: str, signs: Mapping[str, str]) -> None:
        """The same keys, pressed where the focus is."""
        session = self.page.context.new_cdp_session(self.page)
        for digit in text:
            key = {"key": signs[digit], "text": signs[digit], "code": f"Digit{digit}"}
            session.send("Input.dispatchKeyEvent", {"type": "keyDown", **key})
        self.page.keyboard.press("Enter")
        session.detach()

    def verdict(self) -> tuple[str, str]:
        """The verdict's word and name, once it is there."""
        shown = self.page.locator(".scan-verdict")
        expect(shown).to_be_visible()
        return shown.locator("h1").inner_text(), shown.get_attribute("data-name") or ""

    def signals(self) -> tuple[list[list[int]], list[int]]:
        """How the telephone shook since the page was opened, and its tones in hertz, in turn."""
        told = self.page.evaluate("() => globalThis.signals")
        starts = [start for _, start in told["tones"]]
        assert starts == sorted(set(starts)), "one after the other"
        return told["shakes"], [frequency for frequency, _ in told["tones"]]

    def pending(self, count: int) -> None:
        expect(self.page.locator(f".scan-status[data-pending='{count}']")).to_be_visible()

    def kept_offline(self) -> None:
        """Wait until the service worker has every file, and the page its pack."""
        self.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        expect(self.page.locator(".scan-status:not([data-pack='0'])")).to_be_visible()

    def knows(self, bag: Bag) -> None:
        """Fetch the pack anew: it announces a bag that was sealed since."""
        self.page.locator(".scan-count").click()
        expect(self.view("queue")).to_be_visible()
        with self.page.expect_response("**/scan/pack") as answer:
            self.press("Transmettre et actualiser")
        assert bag.seal in answer.value.text()
        self.press("Retour à la lecture")

    def quiet(self) -> None:
        assert self.complaints == []
        assert self.hosts == {self.origin.split("/")[2]}


@contextmanager
def telephone(
    chromium: BrowserType, on: Stage, folder: Path, camera: Path | None = None, lenses: int = 0
) -> Iterator[Phone]:
    """Open a telephone whose storage is a folder, and whose camera films a file.

    Without a file it has so many lenses, which see a pattern.
    """
    seeing = (
        f"--use-fake-device-for-media-stream=device-count={lenses or 1}",
        "--use-fake-ui-for-media-stream",
        *((f"--use-file-for-fake-video-capture={camera}",) if camera else ()),
    )
    context = chromium.launch_persistent_context(
        folder,
        executable_path=CHROMIUM,
        args=["--no-sandbox", *(seeing if camera or lenses else ())],
        viewport={"width": 390, "height": 844},
        locale="fr-FR",
    )
    try:
        yield Phone(context, on.settings.console_origin)
    finally:
        with suppress(Error):  # a test may have killed it
            context.close()


LAMP = """() => {
  const track = MediaStreamTrack.prototype, can = track.getCapabilities;
  track.getCapabilities = function () { return { ...can.call(this), torch: true }; };
  window.lamp = [];
  track.applyConstraints = function ({ advanced: [{ torch }] }) {
    window.lamp.push([this.readyState, torch]);
    return torch && window.lamp.length > 2 ? Promise.reject(new Error("hot")) : Promise.resolve();
  };
}"""
"""Gives cameras a lamp, which only telephones have; it does not burn a second time."""


def try_lamp_and_lenses(page: Page, pictures: Path) -> None:
    """Light the camera's lamp and choose its other lens, on a page that shows its picture."""
    lamp, lens = page.get_by_role("button", name="Lampe"), page.get_by_label("Objectif")
    expect(lamp).to_have_attribute("aria-pressed", "false")
    for pressed in ("true", "false"):
        lamp.click()
        expect(lamp).to_have_attribute("aria-pressed", pressed)
    lamp.click()
    page.wait_for_function("() => lamp.length === 3")
    expect(lamp).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("lamp") == [["live", True], ["live", False], ["live", True]]
    page.screenshot(path=pictures / "camera-controls.png", full_page=True)
    through = "() => document.querySelector('video').srcObject.getVideoTracks()[0].getSettings()"
    first, second = lens.locator("option").evaluate_all("all => all.map((one) => one.value)")
    assert page.evaluate(through)["deviceId"] == lens.input_value() == first
    lens.select_option(second)
    page.wait_for_function(
        "(one) => document.querySelector('video').srcObject?.getVideoTracks()[0]"
        ".getSettings().deviceId === one",
        arg=second,
    )
    expect(page.get_by_label("Objectif")).to_have_value(second)


def kill(folder: Path) -> None:
    """End every process of the browser whose storage is this folder, at once."""
    own = f"--user-data-dir={folder}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if own in (entry / "cmdline").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue


def checked(phone: Phone) -> None:
    """What stands on the telephone now is held to everything, in both languages."""
    for label, group in (("EN, English", "Language"), ("FR, français", "Langue")):
        phone.press(label)
        expect(phone.page.get_by_role("group", name=group, exact=True)).to_be_visible()
        check_accessible(phone.page)
        check_width(phone.page)
        check_language(phone.page)
    for target in phone.page.locator("button:visible, input:visible, select:visible").all():
        box = target.bounding_box()
        radio = target.get_attribute("type") == "radio"
        assert box is not None
        assert radio or box["height"] >= 56 or target.get_attribute("type") == "file", target


@contextmanager
def telephone_of(
    browser: Browser, on: Stage, role: str, zone: str | None = None
) -> Iterator[Phone]:
    """Another telephone, in service at the post of an officer of this function."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="fr-FR", timezone_id=zone
    )
    phone = Phone(context, on.settings.console_origin)
    phone.enrol(on, role)
    yield phone
    context.close()


def back_in_reach(phone: Phone, conflicts: int) -> None:
    """Give the telephone its network again; all is handed over, so much of it in conflict."""
    phone.context.set_offline(offline=False)
    phone.pending(0)
    expect(phone.page.locator(f".scan-status[data-conflicts='{conflicts}']")).to_be_visible()
