"""A photograph of a bag, added and looked at in the browser."""

import io

from PIL import Image
from playwright.sync_api import expect

from tests.console.support import Tab

SIDE = 320


def camera() -> bytes:
    """A file as a telephone gives it, with the place where it was taken."""
    taken, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = "rue de Longchamp, 48.8656 N"
    Image.effect_noise((SIDE, 200), 80).convert("RGB").save(taken, "JPEG", exif=exif)
    return taken.getvalue()


def choose(tab: Tab, data: bytes) -> None:
    tab.page.locator("#photo").set_input_files(
        {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": data}
    )


def add(tab: Tab, seal: str, data: bytes) -> None:
    """Add one of the seals, and wait for the page that shows it."""
    tab.goto(f"/valises/{seal}/photographies")
    tab.page.locator("#sujet").select_option("seals")
    choose(tab, data)
    tab.page.wait_for_url(f"**/valises/{seal}/photographies/*")


def looked_at(tab: Tab) -> bytes:
    """Wait until the picture stands on the page; give the file that the service answered with."""
    picture = tab.page.locator(".app-photograph")
    expect(picture).to_be_visible()
    assert picture.evaluate("each => each.naturalWidth") == SIDE
    answer = tab.page.request.get(f"{tab.page.url}/image")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    return answer.body()
