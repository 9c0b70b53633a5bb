"""Choosing a file: a control of ours, in the page's language, by hand, by keys or by a drop."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, expect

from cipher_service.administration.stage import Stage
from tests.console import test_keyboard as keyboard
from tests.console.conftest import Enter
from tests.console.sealed_bags import sealed_bag
from tests.console.support import NARROW, WIDE, Tab, check_page
from tests.console.test_signing import names

CONSOLE = Path(__file__).parents[2] / "cipher_service" / "console"
WORDS = {
    "compose": {"fr": "Joindre un fichier", "en": "Attach a file"},
    "photographs": {"fr": "Choisir une photographie", "en": "Choose a photograph"},
}
_DROPPED = """(place) => {
  const carried = new DataTransfer();
  carried.items.add(new File(["x"], "Croquis.txt", { type: "text/plain" }));
  place.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, cancelable: true }));
}"""
_SHOWN = """(one) => {
  const style = getComputedStyle(one.labels[0]);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""


def test_no_page_has_the_browser_s_own_control() -> None:
    """Every input for files is hidden behind a label of ours."""
    ours = re.compile(r"app-file__input|scan-file")
    found = 0
    for source in (*CONSOLE.glob("templates/**/*.html"), *CONSOLE.glob("assets/src/**/*.ts")):
        text = source.read_text("utf-8")
        for made in re.finditer(r"""type(?:: |=| = )["']file["']""", text):
            found += 1
            assert ours.search(text, max(made.start() - 200, 0), made.end() + 300), source
    assert found >= 5


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_files_are_chosen_by_hand_and_by_keys(
    ministry: Stage, enter: Enter, language: str, size: dict[str, int]
) -> None:
    browser_s = "en" if language == "fr" else "fr"  # which the control must not speak
    foreign = (*names(ministry), "cipher-service", "Croquis", "Photo")

    author = enter("DRAFTER", browser_s, size["width"], size["height"])
    author.goto(f"/depeches/nouvelle?lang={language}")
    _chosen(author, WORDS["compose"][language], author.page.locator("#joindre li"))
    author.page.locator("#joindre .app-file").evaluate(_DROPPED)
    expect(author.page.locator("#joindre li")).to_have_count(3)
    expect(author.page.locator("#joindre .app-file__name")).to_have_text("Croquis.txt")
    check_page(author, foreign=foreign)

    chief = enter("CHIEF-POUCH", browser_s, size["width"], size["height"])
    chief.goto(f"/valises/{sealed_bag(ministry).seal}/photographies?lang={language}")
    chief.expected = (422,)
    refused = chief.page.locator(".app-refusal")  # a text is no photograph
    _chosen(chief, WORDS["photographs"][language], refused)
    check_page(chief, foreign=foreign)


def _chosen(tab: Tab, words: str, answers: Locator) -> None:
    """Choose a file by keys and one by the label; the names are told, and where the focus is."""
    page = tab.page
    # Asked for as the key is pressed, the browser may show its own dialogue before it hears of it.
    page.on("filechooser", lambda _opened: None)
    page.reload()
    chooser = page.get_by_label(words)
    label = page.locator(".app-file label")
    assert label.inner_text() == words
    box, hidden = label.bounding_box(), chooser.bounding_box()
    assert box
    assert hidden
    assert box["height"] >= 36
    assert max(hidden["width"], hidden["height"]) <= 1
    keyboard.reach(page, chooser)
    assert chooser.evaluate(_SHOWN)
    for name in ("Photo 1.txt", "Photo 2.txt"):
        with page.expect_file_chooser() as opened:
            if name == "Photo 1.txt":
                page.keyboard.press("Enter")
            else:
                label.click()
        opened.value.set_files(FilePayload(name=name, mimeType="text/plain", buffer=b"x"))
        expect(page.locator(".app-file__name")).to_have_text(name)
        expect(answers.last).to_be_visible()  # what it says moves the control
