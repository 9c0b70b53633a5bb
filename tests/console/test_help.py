"""The help of every page: there by construction, it names real buttons, and opens over the page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

import cipher_service.console
from cipher_service.administration.stage import Stage
from cipher_service.console import approving_help
from cipher_service.console.flows import FLOWS
from cipher_service.console.helping import PAGES
from cipher_service.console.language import LANGUAGES, Language, translations
from cipher_service.console.own import MAKE_OWN_KEY, OWN_KEY
from tests.console.conftest import Enter
from tests.console.support import ENGLISH, FRENCH, check_accessible, check_language, check_width
from tests.console.test_signing import names
from tests.console.test_words import said

TEMPLATES = Path(cipher_service.console.__file__).parent / "templates"
SOURCES = Path(cipher_service.console.__file__).parent / "assets" / "src"
SCAN = SOURCES / "scan.ts"
QUOTED = {"fr": re.compile("«\u00a0(.+?)\u00a0»"), "en": re.compile("“(.+?)”")}
OTHER = {"fr": ENGLISH, "en": FRENCH}


def pages() -> Iterator[str]:
    for file in TEMPLATES.rglob("*.html"):
        if '{% extends "base.html" %}' in file.read_text("utf-8"):
            yield file.relative_to(TEMPLATES).as_posix()


def test_every_page_has_its_help_and_no_help_is_left_over() -> None:
    assert set(pages()) == set(PAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_help_names_real_buttons_and_keys_in_its_own_language(language: Language) -> None:
    words = translations(language)
    labels = {words.gettext(one) for _, one in said()}
    keys = {key for flow in FLOWS for key, _ in flow.keys}
    for page, row in PAGES.items():
        told = row[language]
        for text in (told.purpose, told.buttons, told.refused):
            for label in QUOTED[language].findall(text):
                assert label in labels, f"{page}: no button {label!r}"
            assert not OTHER[language].search(text), f"{page}: {text}"
        assert set(told.keys) <= keys, page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_help_of_fixed_pages_names_what_their_scripts_show(language: Language) -> None:
    shown = {
        "": (SOURCES / "words" / "acts.ts").read_text("utf-8"),
        **dict.fromkeys((OWN_KEY, MAKE_OWN_KEY), (SOURCES / "words" / "own.ts").read_text("utf-8")),
    }
    assert set(approving_help.ROWS) == set(shown)
    for end, source in shown.items():
        told = approving_help.told(end, language)
        assert len(told) == 3
        for text in told:
            assert not OTHER[language].search(text), text
            for label in QUOTED[language].findall(text):
                assert f'"{label}"' in source, label


def test_the_help_of_the_scanning_page_names_what_it_shows() -> None:
    source = (SOURCES / "scan" / "help.ts").read_text("utf-8")
    texts = (SOURCES / "scan" / "texts.ts").read_text("utf-8")
    views = set(re.findall(r"^  (\w+): \[$", source, re.MULTILINE))
    shown = "".join(file.read_text("utf-8") for file in (*(SOURCES / "scan").glob("*.ts"), SCAN))
    assert views == set(re.findall(r'show\("(\w+)", \[', shown)) - {"distrusted"}
    labels = re.findall("« (.+?) »|“(.+?)”", source)
    assert len(labels) > 12
    for french, english in labels:
        assert f'"{french or english}"' in texts


def test_the_help_of_the_page_where_officers_sign_opens_in_its_place(
    ministry: Stage, enter: Enter
) -> None:
    tab = enter(width=390)
    tab.expected = (410,)
    tab.page.goto(f"{ministry.settings.approval_origin}/fr")
    told = tab.page.get_by_text("Cette page montre, à partir des octets mêmes")
    expect(told).to_be_hidden()
    tab.page.get_by_text("Aide de cette page").click()
    expect(told).to_be_visible()
    check_accessible(tab.page)
    check_width(tab.page)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_help_opens_over_the_page_by_its_key_and_by_its_link(
    ministry: Stage, enter: Enter, width: int
) -> None:
    tab = enter("CHIEF-CIPHER-POUCH", width=width)
    page = tab.page
    help_ = page.get_by_role("dialog")
    tab.goto("/depeches/?lang=fr")
    page.keyboard.press("?")
    expect(help_.get_by_role("heading", name="Aide de cette page")).to_be_visible()
    expect(help_).to_contain_text("Les dépêches arrivées que vous pouvez voir")
    expect(help_).to_contain_text("Ligne suivante, ligne précédente")
    check_accessible(page)
    check_width(page)
    page.keyboard.press("j")  # a shortcut of the page behind says nothing now
    expect(page.locator("[aria-selected=true]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    # What is being written stays.
    tab.goto("/depeches/nouvelle?lang=en")
    page.locator("textarea").first.fill("Rien ne se perd")
    page.get_by_role("link", name="Help", exact=True).click()
    expect(help_).to_contain_text("The draft is enciphered and saved every ten seconds.")
    check_language(page, names(ministry))
    help_.get_by_role("button", name="Close the help").click()
    expect(help_).to_be_hidden()
    expect(page.locator("textarea").first).to_have_value("Rien ne se perd")
