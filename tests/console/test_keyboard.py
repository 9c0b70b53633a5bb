"""The console without a mouse: Tab reaches every control and shows it; flows go by keys alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from cipher_service.administration.stage import Stage, chiffre
from tests.console.conftest import Enter
from tests.console.support import Tab, check_quiet
from tests.console.test_dispatches import number_of
from tests.console.test_every_page import PATHS, WHO
from tests.console.test_signing import sample

_STOPS_MOST = 400

# Remembers everything that Tab should reach; of radios of one name, one.
_REMEMBER = """() => {
  const all = document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']");
  const radios = new Set();
  window.left = new Set([...all].filter((one) => {
    if (one.disabled || one.tabIndex < 0 || !one.checkVisibility({visibilityProperty: true})) {
      return false;
    }
    if (one.type !== "radio") return true;
    const known = radios.has(one.name);
    radios.add(one.name);
    return !known;
  }));
  return window.left.size;
}"""

# What has the focus, whether that can be seen, and how many are left.
_FOCUS = """() => {
  const one = document.activeElement;
  if (one === document.body) return {name: "", seen: true, left: window.left.size};
  window.left.delete(one);
  if (one.type === "radio") {
    for (const other of [...window.left]) if (other.name === one.name) window.left.delete(other);
  }
  const marked = (style) => (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)
    || style.boxShadow !== "none";
  const label = one.labels && one.labels[0];
  // The browser brought it into sight; an alert that has arrived since moves what is below it.
  one.scrollIntoView({block: "nearest"});
  const box = one.getBoundingClientRect();
  const here = box.bottom > 0 && box.top < window.innerHeight && box.right > 0;
  return {
    name: `${one.tagName} ${(one.textContent || one.name || "").trim().slice(0, 40)}`,
    seen: here && (marked(getComputedStyle(one))
      || Boolean(label) && (marked(getComputedStyle(label, "::before"))
        || marked(getComputedStyle(label)))),
    left: window.left.size,
  };
}"""


def walk(page: Page) -> list[str]:
    """Press Tab until everything was reached; returns what hid its focus or was never reached."""
    count = page.evaluate(_REMEMBER)
    hidden = []
    for _ in range(min(5 * count + 10, _STOPS_MOST)):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if not focus["seen"]:
            hidden.append(focus["name"])
        if not focus["left"]:
            return hidden
    rest = page.evaluate("() => [...window.left].map((one) => one.outerHTML.slice(0, 80))")
    return [*hidden, *rest]


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until a control has the focus."""
    for _ in range(_STOPS_MOST):
        if wanted.evaluate("(one) => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"no Tab leads to {wanted}")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    reach(page, wanted)
    page.keyboard.press(key)


def choose(page: Page, wanted: Locator, value: str) -> None:
    """Choose in a list by the arrow keys."""
    reach(page, wanted)
    for _ in range(60):
        if wanted.input_value() == value:
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"no arrow leads to {value}")


def write(page: Page, wanted: Locator, text: str) -> None:
    reach(page, wanted)
    page.keyboard.type(text)


def go(page: Page, letter: str, path: str) -> None:
    """Go to a page by its shortcut."""
    page.keyboard.press("g")
    page.keyboard.press(letter)
    page.wait_for_url(f"**{path}")


def sign(page: Page, origin: str) -> None:
    """Sign with the software key on the page of the other origin."""
    button = page.get_by_role("button", name="Signer avec la clé logicielle")
    button.wait_for()
    press(page, button)
    page.wait_for_url(f"{origin}/**")


def _asked() -> Iterator[tuple[str, str]]:
    for path in PATHS:
        yield WHO.get(path, "CHIEF-CIPHER-POUCH"), path


def test_tab_reaches_every_control_of_every_page_and_it_can_be_seen(enter: Enter) -> None:
    tabs: dict[str, Tab] = {}
    troubles: dict[str, list[str]] = {}
    for role, path in _asked():
        tab = tabs.get(role) or enter(role)
        tabs[role] = tab
        tab.expected = (200, 403, 404)
        tab.page.goto(path)
        found = walk(tab.page)
        if found:
            troubles[path] = found
    assert troubles == {}
    stranger = enter()
    stranger.goto("/", status=401)
    assert walk(stranger.page) == []


def test_a_dispatch_is_written_read_and_released_by_keys_alone(
    ministry: Stage, enter: Enter
) -> None:
    author = enter("DRAFTER")
    page = author.page
    go(page, "c", "/depeches/nouvelle")
    choose(page, page.get_by_label("LOME"), "action")
    choose(page, page.get_by_label("Niveau"), "DIFFUSION-RESTREINTE")
    write(page, page.get_by_label("Objet"), "Clavier")
    write(page, page.get_by_label("Texte de la dépêche"), "Sans souris.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/verifier")
    choose(page, page.locator("#qui"), number_of(ministry, "DEPUTY-DIRECTOR"))
    press(page, page.get_by_role("button", name="Soumettre"))
    press(page, page.get_by_role("link", name="attend sa lecture").first)
    page.wait_for_url("**/visa/**")
    where = page.url.removeprefix(author.origin)

    deputy = enter("DEPUTY-DIRECTOR")
    page = deputy.page
    go(page, "v", "/depeches/a-viser")
    lines = page.locator("[data-line]")
    for _ in range(lines.count()):
        page.keyboard.press("j")
        chosen = page.locator("[data-line][aria-selected=true] a")
        if chosen.get_attribute("href") == where:
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{where}")
    press(page, page.locator("#ouvrir"))
    expect(page.locator(".app-document")).to_contain_text("Sans souris.")
    press(page, page.get_by_role("link", name="J’ai lu"))
    press(page, page.get_by_role("button", name="Viser le départ"))
    sign(page, deputy.origin)
    expect(page.get_by_text("Votre signature est inscrite")).to_be_visible()
    check_quiet(author)


def test_an_arrival_is_opened_locked_and_handed_over_by_keys_alone(
    ministry: Stage, enter: Enter, tmp_path: Path
) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Lue sans souris.", "utf-8")
    number = chiffre(
        "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX", "--level",
        "NON-PROTEGE", "--precedence", "ROUTINE", "--subject", "Clavier", str(text),
    )["id"]  # fmt: skip
    tab = enter("MINISTER")
    page = tab.page
    go(page, "i", "/depeches/")
    press(page, page.locator(f"tr[data-line='{number}'] a"))
    page.wait_for_url(f"**/depeches/{number}")
    shown = page.locator(".app-document")
    for leave in ("l", "Escape"):
        press(page, page.locator("#ouvrir"))
        expect(shown).to_contain_text("Lue sans souris.")
        page.keyboard.press(leave)
        expect(shown).to_be_hidden()
    press(page, page.locator("#ouvrir"))
    expect(shown).to_contain_text("Lue sans souris.")
    press(page, page.get_by_role("button", name="Verrouiller le texte"))
    expect(shown).to_be_hidden()
    choose(page, page.locator("#remettre"), sample(ministry, "DEPUTY-DIRECTOR"))
    press(page, page.get_by_role("button", name="Inscrire la remise"))
    expect(page.locator(".app-done")).to_be_visible()
    check_quiet(tab)


def test_a_flash_is_heard_by_keys_alone_and_another_takes_the_focus_from_nobody(
    ministry: Stage, enter: Enter, tmp_path: Path
) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Entendue sans souris.", "utf-8")

    def flash() -> str:
        return str(
            chiffre(
                "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX", "--level",
                "NON-PROTEGE", "--precedence", "FLASH", "--subject", "Clavier", str(text),
            )["id"]
        )  # fmt: skip

    tab, first = enter("DEPUTY-DIRECTOR"), flash()
    page = tab.page
    tab.goto("/postes")
    bar = page.locator("#alertes .app-alert")
    hear = page.locator(f"#alertes form[action*='{first}'] button")
    reach(page, hear)
    waiting = bar.count()
    second = flash()
    expect(bar).to_have_count(waiting + 1)
    expect(hear).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{first}**")
    expect(page.get_by_text("L’alerte est accusée")).to_be_visible()
    tab.goto("/postes")
    see = page.locator(f"#alertes a[href*='{second}']")
    press(page, see)
    page.wait_for_url(f"**/depeches/{second}")
    while True:
        expect(page.locator("#alertes .app-alert").first).to_be_visible()
        left = bar.count()
        page.keyboard.press("a")
        page.get_by_text("L’alerte est accusée").wait_for()
        if left == 1:
            break
        tab.goto("/postes")
    check_quiet(tab)


def test_who_is_refused_at_the_door_stays_at_the_button_that_was_pressed(enter: Enter) -> None:
    tab = enter()
    page = tab.page
    page.add_init_script(
        "navigator.credentials.get = async () => { throw new DOMException('x', 'NotAllowedError') }"
    )
    tab.goto("/connexion")
    write(page, page.get_by_label("Votre numéro"), "1")
    button = page.get_by_role("button", name="Se connecter avec ma clé")
    press(page, button)
    told = page.locator(".app-refusal")
    expect(told).to_contain_text("KEY_SILENT")
    expect(told).to_be_in_viewport()
    expect(button).to_be_enabled()
    expect(button).to_be_focused()
    check_quiet(tab)


def test_an_officer_without_keys_gets_a_new_link_by_keys_alone(
    ministry: Stage, enter: Enter
) -> None:
    tab, officer = enter("SECURITY-OFFICER"), sample(ministry, "COURIER")
    page = tab.page
    press(page, page.get_by_role("link", name="Clés perdues"))
    page.wait_for_url("**/recuperation")
    choose(page, page.get_by_label("Officier"), officer)
    write(page, page.get_by_label("Motif"), "Sans souris")
    press(page, page.get_by_role("button", name="Préparer le lien"))
    link = page.locator(".app-number--long").inner_text()
    press(page, page.get_by_role("button", name="Lire et signer"))
    button = page.get_by_role("button", name="Signer avec la clé logicielle")
    press(page, button)
    expect(page.get_by_text("D’autres doivent encore signer")).to_be_visible()
    back = page.get_by_role("link", name="Revenir")
    expect(back).to_be_focused()

    second = enter("SECRETARY-GENERAL")
    page = second.page
    go(page, "s", "/actes")
    act = page.get_by_role("row").filter(has_text=officer).get_by_role("link")
    press(page, act.first)
    press(page, page.get_by_role("button", name="Lire et signer"))
    sign(page, second.origin)

    owner = enter()
    owner.page.goto(link)
    owner.page.get_by_text(officer).wait_for()
    reach(owner.page, owner.page.get_by_role("button", name="Inscrire la première clé"))


def test_a_ceremony_is_proposed_and_signed_by_keys_alone(ministry: Stage, enter: Enter) -> None:
    tab = enter("CUSTODIAN-A")
    page = tab.page
    press(page, page.get_by_role("link", name="Cérémonies de clés"))
    press(page, page.get_by_role("button", name="Proposer une cérémonie"), "Space")
    for row, (code, role) in enumerate((("CLAVIER-A", "COURIER"), ("CLAVIER-B", "CUSTODIAN-B"))):
        write(page, page.locator(f"#code-{row}"), code)
        choose(page, page.locator(f"#officer-{row}"), sample(ministry, role))
        write(page, page.locator(f"#card-{row}"), str(row) * 64)
    choose(page, page.locator("#second"), sample(ministry, "CUSTODIAN-B"))
    choose(page, page.locator("#third"), sample(ministry, "SECRETARY-GENERAL"))
    write(page, page.get_by_label("Motif"), "Sans souris")
    press(page, page.get_by_role("button", name="Soumettre"))
    press(page, page.get_by_role("button", name="Lire et confirmer"))
    sign(page, tab.origin)
    expect(page.get_by_text("2. Confirmations : 1 sur 4")).to_be_visible()
    write(page, page.get_by_label("Abandonner"), "Essai")
    press(page, page.get_by_role("button", name="Abandonner"))
    expect(page.get_by_text("qui reste en vigueur")).to_be_visible()


def test_a_right_is_looked_up_and_explained_by_keys_alone(ministry: Stage, enter: Enter) -> None:
    tab = enter("AUDITOR")
    page, auditor = tab.page, sample(ministry, "AUDITOR")
    go(page, "d", "/droits")
    press(page, page.locator(f"a[href='/droits/{auditor}']").first)
    page.wait_for_url(f"**/droits/{auditor}")
    acts = page.get_by_label("Acte")
    wanted = acts.locator("option", has_text="lire le journal").get_attribute("value")
    assert wanted is not None
    choose(page, acts, wanted)
    write(page, page.get_by_label("Sur quoi"), "audit")
    page.keyboard.press("Enter")
    page.wait_for_url("**objet=audit**")
    expect(page.get_by_role("status").filter(has_text="Oui, à cet instant")).to_be_visible()
    expect(page.get_by_text("[audit-read]")).to_be_visible()
    check_quiet(tab)


def test_an_entry_of_the_log_is_found_and_its_proof_kept_by_keys_alone(enter: Enter) -> None:
    tab = enter("AUDITOR")
    page = tab.page
    go(page, "j", "/journal")
    write(page, page.get_by_label("Qui (poste, officier, compte)"), "PARIS")
    page.keyboard.press("Enter")
    page.wait_for_url("**qui=PARIS**")
    press(page, page.locator("tbody tr a").last)
    page.get_by_role("heading", name="Vérifier sans nous croire").wait_for()
    button = page.get_by_role("button", name="Télécharger la preuve")
    reach(page, button)
    with page.expect_download() as told:
        page.keyboard.press("Enter")
    assert told.value.suggested_filename.endswith(".tlog-proof")
    check_quiet(tab)
