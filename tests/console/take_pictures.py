"""Takes the README's pictures of the console, from the demonstration: `make pictures`."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cipher_service.administration import demo
from cipher_service.administration.play import play_on
from cipher_service.administration.showing import enrol, gather, leave_unread, make_links
from cipher_service.administration.stage import Stage, stage
from cipher_service.administration.telegrams import shipped
from tests.console.scanning import Phone
from tests.console.sealed_bags import sealed_bag
from tests.console.support import CHROMIUM, open_tab

FOLDER = Path(__file__).parent / "pictures"
POSTS = ("PARIS", *(post for post in demo.POSTS if post != "PARIS"))
"""The demonstration's; the sample's officers abroad are at the first, where a bag is sealed."""
_COLOURS = 64
_MOST = 120_000


def take(folder: Path) -> None:
    """Play the demonstration and photograph six pages of its console.

    Raises:
        ValueError: a picture is larger than a README should load.
    """
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="cipher-service-") as data,
        stage(Path(data) / "data", "fr", demo.WORKERS, console=True) as on,
        sync_playwright() as playwright,
    ):
        there, _roll = gather(on, POSTS)
        on.introduce(enrol(on, POSTS, there))
        with play_on(on, POSTS, there) as play:
            sendings = [play.send(telegram) for telegram in shipped()]
            play.read(sendings, lambda _post, _outcome: None)
            leave_unread(play, sendings, on.settings.headquarters)
        links = make_links(on, POSTS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _dispatches(browser, on, links, folder)
        _pouches(browser, on, links, folder)
        _journal(browser, on, links, folder)
        _telephone(browser, on, folder)
        browser.close()


def _dispatches(browser: Browser, on: Stage, links: dict[str, str], folder: Path) -> None:
    page = _entered(browser, on, links["CHIEF-CIPHER-POUCH"])
    page.goto("/depeches/?lang=fr")
    expect(page.locator("#alertes .app-alert").first).to_be_visible()
    _keep(page, folder / "inbox.png")
    page.locator("[data-line] a").first.click()
    page.get_by_role("button", name="Autoriser l’ouverture").click()
    page.get_by_role("button", name="Signer avec la clé logicielle").click()
    page.locator(".app-done").get_by_role("link", name="Revenir").click()
    expect(page.locator("#ouvrir")).to_be_visible()
    page.goto(page.url.partition("?")[0])
    _keep(page, folder / "reading.png")
    page.goto("/depeches/a-viser")
    page.locator("[data-line] a").first.click()
    page.wait_for_load_state()
    _keep(page, folder / "release.png")


def _pouches(browser: Browser, on: Stage, links: dict[str, str], folder: Path) -> None:
    page = _entered(browser, on, links["CHIEF-POUCH"])
    page.goto("/valises?lang=fr")
    page.locator("main tbody tr a").first.click()
    page.wait_for_load_state()
    _keep(page, folder / "journey.png")


def _journal(browser: Browser, on: Stage, links: dict[str, str], folder: Path) -> None:
    page = _entered(browser, on, links["AUDITOR"])
    page.goto("/journal?lang=fr")
    _keep(page, folder / "journal.png")


def _telephone(browser: Browser, on: Stage, folder: Path) -> None:
    bag = sealed_bag(on)
    context = browser.new_context(viewport={"width": 390, "height": 780}, locale="fr-FR")
    phone = Phone(context, on.settings.console_origin)
    phone.enrol(on, "CHIEF-POUCH")
    phone.kept_offline()
    phone.answer(*bag.numbers)
    phone.scanned(bag.text)
    phone.verdict()
    _keep(phone.page, folder / "scan.png")
    context.close()


def _entered(browser: Browser, on: Stage, link: str) -> Page:
    page = open_tab(browser, on.settings.console_origin, "fr", 1280, 800).page
    page.goto(link)
    return page


def _keep(page: Page, path: Path) -> None:
    """Write what the screen shows with few colours, which such pages do not miss."""
    shown = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    shown.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > _MOST:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, more than {_MOST}")
    sys.stdout.write(f"{path.name} {path.stat().st_size}\n")


if __name__ == "__main__":
    take(FOLDER)
