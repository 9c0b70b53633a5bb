"""A demonstration's ministry with its console, and a real Chromium.

One ministry a process, one browser a module:

def test_x(enter: Enter) -> None:
    page = enter("CIPHER-CLERK")           # signed in as the sample's officer of that function
    page.goto("/depeches/")
    check_page(page)                       # console errors, reports, axe, width, HTML, language
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from cipher_service.administration.sample import make_officers
from cipher_service.administration.stage import Stage, stage
from cipher_service.identity.demonstration import Demonstration
from tests.console.functions import Officers
from tests.console.support import CHROMIUM, VIOLATIONS, Tab, open_tab, reported

POSTS = ("PARIS", "LOME")
Enter = Callable[..., Tab]


@pytest.fixture(scope="session")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running demonstration with PARIS and LOME and the sample's officers."""
    with stage(tmp_path_factory.mktemp("console") / "data", "fr", 1, console=True) as on:
        on.introduce({post: on.enrol(post) for post in POSTS})
        make_officers(on.settings, POSTS)
        yield on


@pytest.fixture(scope="module")
def officers(ministry: Stage) -> Officers:
    """The sample's officers, asking without a browser."""
    return Officers(ministry)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a screen.

    One per module: while it is driven, its thread's event loop counts as running, and no other
    test of the same process could call `asyncio.run`.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def enter(ministry: Stage, browser: Browser) -> Iterator[Enter]:
    """Open a tab in a browser of its own, signed in as the officer of a function, or as nobody."""
    tabs: list[Tab] = []

    def entered(
        role: str | None = None, language: str | None = "fr", width: int = 1280, height: int = 900
    ) -> Tab:
        tab = open_tab(browser, ministry.settings.console_origin, language or "fr", width, height)
        tabs.append(tab)
        if role is not None:
            there = Demonstration.of(ministry.settings)
            officer = next(one.officer for one in there.people() if one.role == role)
            request = tab.blank.context.request
            home = request.get(f"/demonstration/{there.new_link(officer)}")
            assert home.status == 200
            if language is not None and f'<html lang="{language}"' not in home.text():
                request.get(f"/?lang={language}")  # an earlier test may have left another one kept
            tab.lands = True
        return tab

    yield entered
    for tab in tabs:
        tab.page.context.close()


@pytest.fixture(autouse=True)
def reports(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Hold every test to no report against the policy, but for what it appends here on purpose."""
    expected: list[str] = []
    if "ministry" not in request.fixturenames:
        yield expected
        return
    on: Stage = request.getfixturevalue("ministry")
    VIOLATIONS.clear()
    known = len(reported(on))
    yield expected
    assert VIOLATIONS == []
    assert reported(on)[known:] == expected


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder for what a test photographs."""
    return tmp_path
