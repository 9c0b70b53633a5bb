"""What every page of the console is held to, as functions that a test of any flow calls."""

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import html5lib
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from babel.messages.catalog import Message
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
    expect,
)
from playwright.sync_api import TimeoutError as TookTooLong

from cipher_service.administration.stage import Stage
from cipher_service.console.language import english_catalogues

# Words that are English and never French, and the reverse.
ENGLISH = re.compile(
    r"\b(the|and|with|this|your|from|nothing|sign|signed|error|menu|skip|content|has|was|were|"
    r"will|dispatch|dispatches|pouch|officer|key|keys|you)\b",
    re.IGNORECASE,
)
WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
NARROWEST = 320
PATIENCE_MS = 60_000
"""A busy machine is no failure."""
expect.set_options(timeout=PATIENCE_MS)

CHROMIUM = "/usr/bin/chromium-headless-shell"
"""Debian's Chromium as it is built to run without a screen: a quarter less work than the other."""
FRENCH = re.compile(
    r"\b(le|les|des|une|est|vous|votre|avec|dans|sur|cette|rien|clé|clés|pour|au|aux|du|"
    r"dépêche|dépêches|officier|valise)\b",
    re.IGNORECASE,
)

VIOLATIONS: list[str] = []
"""What pages broke of their policy in this test; the fixture `reports` holds it to nothing."""
_REPORT = re.compile(r"^CSP report \d+: (.+)$", re.MULTILINE)


@dataclass
class Tab:
    """A page, and what it complained about; `hosts` are all that it asked for anything.

    Whoever signed in `lands` on the home page, once a test looks; not if it first goes elsewhere.
    """

    blank: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    expected: tuple[int, ...] = ()
    lands: bool = False

    @property
    def page(self) -> Page:
        """The page that the tab shows."""
        if self.lands:
            expected = self.expected
            self.goto("/")
            self.expected = expected
        return self.blank

    def goto(self, path: str, *, status: int = 200) -> Response:
        """Open a page of the console, which answers with this status; give the answer."""
        self.lands = False
        self.expected = (status,)
        response = self.page.goto(path)
        assert response is not None
        assert response.status == status, f"{path}: {response.status}"
        return response


def open_tab(browser: Browser, origin: str, language: str, width: int, height: int) -> Tab:
    """Open a browser of its own with one tab."""
    context = browser.new_context(
        base_url=origin,
        viewport={"width": width, "height": height},
        locale="fr-FR" if language == "fr" else "en-GB",
    )
    context.set_default_timeout(PATIENCE_MS)
    watch_policy(context)
    page = context.new_page()
    tab = Tab(page, origin)

    def console(message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # Chromium tells each answer that is not 2xx as an error: the one that a test asked for is
        # not one.
        if any(f"status of {status}" in message.text for status in tab.expected):
            return
        tab.complaints.append(message.text)

    def asked(request: Request) -> None:
        tab.hosts.add(request.url.split("/")[2])

    def answered(response: Response) -> None:
        if response.status >= 500 and response.status not in tab.expected:
            tab.complaints.append(f"{response.url}: {response.status}")

    def failed(request: Request) -> None:
        # An integrity that does not hold is told nowhere else.
        if request.failure != "net::ERR_ABORTED":
            tab.complaints.append(f"{request.url}: {request.failure}")

    page.on("requestfailed", failed)
    page.on("console", console)
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    page.on("request", asked)
    page.on("response", answered)
    return tab


def come_back(tab: Tab, where: str = "**", *, key: str | None = None) -> None:
    """Follow the link back to the console once something is signed, by a click or by a key.

    The page leaves by itself 1.2 s later, and a busy machine needs that for a click: the link must
    have been there, and the console must come; who of the two was faster does not matter.
    """
    link = tab.page.locator(".app-done").get_by_role("link", name="Revenir")
    link.wait_for()
    with suppress(TookTooLong):
        if key is None:
            link.click(timeout=1500)
        else:
            link.press(key, timeout=1500)
    tab.page.wait_for_url(f"{tab.origin}/{where}")


def watch_policy(context: BrowserContext) -> None:
    """Have every page of a browser tell what it breaks of its policy, to `VIOLATIONS`."""
    context.expose_binding("policyBroken", lambda _source, told: VIOLATIONS.append(told))
    context.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => "
        "policyBroken(`${event.effectiveDirective} ${event.blockedURI} ${location.pathname}`))"
    )


def reported(on: Stage) -> list[str]:
    """Return the directives that were reported to the service as broken, workers' ones too."""
    return _REPORT.findall((on.settings.data / "service.log").read_text("utf-8"))


def check_page(tab: Tab, *, foreign: tuple[str, ...] = ()) -> None:
    """Hold the page that a tab shows to everything: see each check.

    Args:
        tab: on the page.
        foreign: texts that may be in the other language (names of persons, texts of dispatches).
    """
    check_accessible(tab.page)
    check_width(tab.page)
    check_registers(tab.page)
    check_html(tab.page)
    check_language(tab.page, foreign)
    check_quiet(tab)


def check_on_both_screens(page: Page, foreign: tuple[str, ...] = ()) -> None:
    """What does not need the service: the page on a wide and on a narrow screen, and its texts."""
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        check_accessible(page)
        check_fits(page)
        check_registers(page)
    page.set_viewport_size({**NARROW, "width": NARROWEST})
    check_fits(page)
    check_language(page, foreign)


def check_quiet(tab: Tab) -> None:
    """The browser complained about nothing, refused nothing, and asked nobody else."""
    assert tab.complaints == []
    assert {tab.origin.split("/")[2]} >= tab.hosts - {""}


def check_accessible(page: Page) -> None:
    """Axe finds no violation. A page keeps it, and tells of violations alone."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = AxeResults(page.evaluate(_VIOLATIONS))
    assert found.violations_count == 0, found.generate_report()


def check_width(page: Page) -> None:
    """The page is not wider than its screen, also on the narrowest."""
    size = page.viewport_size
    assert size is not None
    check_fits(page)
    page.set_viewport_size({**size, "width": NARROWEST})
    check_fits(page)
    page.set_viewport_size(size)


def check_fits(page: Page) -> None:
    """The page is not wider than its screen."""
    size = page.viewport_size
    assert size is not None
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size["width"], f"{page.url}: {wide} px on a screen of {size['width']}"


def check_html(page: Page, source: str | None = None) -> None:
    """A strict parser reads what the service sent; it is asked again unless that is given."""
    if source is None:
        source = page.request.get(page.url).text()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        html5lib.HTMLParser(strict=True).parse(source)


def check_registers(page: Page) -> None:
    """Registers stay in their place, label nothing empty, call late by a word; boxes can be met."""
    size = page.viewport_size
    assert size is not None
    found = page.evaluate(_REGISTERS, 24 if size["width"] > NARROW["width"] else 44)
    assert found == [], f"{page.url} at {size['width']} px: {found}"


def check_language(page: Page, foreign: tuple[str, ...] = ()) -> None:
    """All texts, hidden ones too, are in the page's language."""
    language = page.locator("html").get_attribute("lang")
    texts = page.evaluate(_TEXTS)
    words = ENGLISH if language == "fr" else FRENCH
    wrong = []
    for text in texts:
        if any(name and name in text for name in foreign):
            continue
        if words.search(text) or text in (english_only() if language == "fr" else french_only()):
            wrong.append(text)
    assert wrong == [], f"{page.url} in {language}: {wrong}"


@cache
def english_only() -> frozenset[str]:
    """Return the sentences of the catalogues that are not the same in French."""
    return frozenset(
        str(message.string) for message in _single_messages() if message.string != message.id
    )


@cache
def french_only() -> frozenset[str]:
    """Return the sentences of the source that their English differs from, and is nowhere."""
    said = {str(message.id): str(message.string) for message in _single_messages()}
    return frozenset(one for one, other in said.items() if one != other) - set(said.values())


def _single_messages() -> Iterator[Message]:
    for catalogue in english_catalogues():
        for message in catalogue:
            if isinstance(message.id, str) and message.id and message.string:
                yield message


def primary(page: Page) -> str:
    """The name of the page's one primary action."""
    [button] = page.locator("main .govuk-button:not(.govuk-button--secondary)").all()
    return button.inner_text().strip()


def picture(tab: Tab, path: Path) -> None:
    """Photograph the whole page."""
    tab.page.screenshot(path=path, full_page=True)


_VIOLATIONS = """axe.run({ resultTypes: ["violations"] })
  .then(({ violations }) => ({ violations }))"""

# Tables wider than what they stand in, cells that say their label alone, boxes smaller than asked,
# dates that only their colour calls late.
_REGISTERS = r"""(least) => {
  const found = [];
  for (const table of document.querySelectorAll("main table")) {
    const place = table.parentElement.getBoundingClientRect();
    if (!table.closest(".app-scroll") && table.getBoundingClientRect().right > place.right + 1)
      found.push(`wider than its place: ${table.caption?.textContent}`);
    for (const cell of table.querySelectorAll("td[data-label], th[data-label]"))
      if (cell.checkVisibility() && !cell.innerText.trim()
          && !cell.querySelector("input, select, svg")
          && getComputedStyle(cell, "::before").content !== "none")
        found.push(`nothing behind ${cell.dataset.label}`);
  }
  for (const box of document.querySelectorAll("main input[type=checkbox]")) {
    const { width, height } = box.getBoundingClientRect();
    if (box.checkVisibility() && Math.min(width, height) < least)
      found.push(`box of ${width} px: ${box.id}`);
  }
  // What is late is red, and says so: beside a date alone, a word of the same line.
  const day = /^\d{1,2}(er)?\s\p{L}{3,5}\.?\s\d{4}(,\s\d\d(\sh\s|:)\d\d)?$/u;
  const bare = (one) => day.test(one.innerText.trim());
  for (const late of document.querySelectorAll("main .app-late"))
    if (late.checkVisibility() && bare(late)
        && [...(late.closest("tr, li") ?? late).querySelectorAll(".app-late")].every(bare))
      found.push(`red alone: ${late.innerText}`);
  return found;
}"""

# Every text of the document outside [lang] parts of another language: titles, labels, what scripts
# will say (data-*), templates and what is hidden included.
_TEXTS = """() => {
  const own = document.documentElement.lang;
  const texts = [document.title];
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) { texts.push(node.data); return; }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    if (node.lang && node.lang !== own) return;
    if (["SCRIPT", "STYLE"].includes(node.tagName)) return;
    const written = ["text", "search", "submit", "button"];
    const shown = ["title", "alt", "placeholder", "value", "content", "label"];
    for (const { name, value } of node.attributes) {
      const said = shown.includes(name) || /^aria-(label|description|roledescription)$/.test(name)
        || (name.startsWith("data-") && name !== "data-module" && !value.startsWith("/"));
      // What a box, a choice or a button sends is no text.
      const sent = name === "value" && (node.tagName !== "INPUT" || !written.includes(node.type));
      if (said && !sent) texts.push(value);
    }
    (node.content ?? node).childNodes.forEach(walk);
  };
  walk(document.body);
  return texts.map((text) => text.trim()).filter((text) => text);
}"""
