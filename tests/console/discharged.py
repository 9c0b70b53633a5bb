"""An arrived bag is received, checked and discharged without a mouse."""

from playwright.sync_api import expect

from tests.console import test_keyboard as keyboard
from tests.console.support import WIDE, Tab, check_on_both_screens
from tests.support import inbound
from tests.support.bags import NONCE


def received_by_keys(agent: Tab, names: tuple[str, ...]) -> None:
    """Write what the seals bear, one of them wrong, and a weight that is misread at first."""
    page = agent.page
    seals = page.get_by_label("Quels numéros portent")
    keyboard.write(page, seals, "PA-000001 PA-000009")
    keyboard.choose(page, page.get_by_label("État des scellés"), "damaged")
    keyboard.write(page, page.get_by_label("Poids en grammes"), "3,4 kg")
    _misread(agent, names, "Inscrire la réception", "« 3,4 kg » n’est pas un nombre")
    expect(seals).to_have_value("PA-000001 PA-000009")
    expect(page.get_by_label("État des scellés")).to_have_value("damaged")
    page.get_by_label("État des scellés").select_option("intact")
    keyboard.reach(page, page.get_by_label("Poids en grammes"))
    page.keyboard.press("Control+A")
    page.keyboard.type(str(inbound.WEIGHT))
    keyboard.press(page, page.get_by_role("button", name="Inscrire la réception"))


def discharged_by_keys(chief: Tab, second: Tab, names: tuple[str, ...]) -> None:
    """Count what is in the bag, of which the second line is missing, and sign it by two."""
    page = chief.page
    _kept_when_misread(chief, names)
    keyboard.reach(page, page.get_by_label("Trouvé, ligne 2"))
    page.keyboard.press("Control+A")
    page.keyboard.type("0")
    keyboard.write(page, page.get_by_label("Secret imprimé"), NONCE)
    keyboard.press(page, page.get_by_label("Décharger à deux"), "Space")
    keyboard.press(page, page.get_by_role("button", name="Signer la décharge"))
    told = page.locator("dl.app-sheet")
    expect(told).to_contain_text("ligne 2\u00a0: 0")
    for code in ("{", "pouch.discharge"):
        expect(told).not_to_contain_text(code)
    keyboard.press(page, page.get_by_role("button", name="Signer avec la clé logicielle"))
    page.get_by_text("D’autres doivent encore signer").wait_for()
    keyboard.go(second.page, "s", "/actes")
    act = second.page.get_by_role("link", name="Décharger une valise").first
    keyboard.press(second.page, act)
    expect(second.page.locator("main")).not_to_contain_text("pouch.discharge")
    keyboard.press(second.page, second.page.get_by_role("button", name="Lire et signer"))
    keyboard.sign(second.page, second.origin)


def _kept_when_misread(chief: Tab, names: tuple[str, ...]) -> None:
    page, asked = chief.page, chief.page.url
    page.get_by_label("Trouvé, ligne 2").fill("zéro")
    page.get_by_label("Abîmé, ligne 3").check()
    page.get_by_label("Secret imprimé").fill(NONCE[:-1])
    page.get_by_label("Décharger à deux").check()
    _misread(chief, names, "Signer la décharge", "« zéro » n’est pas un nombre")
    page.get_by_label("Trouvé, ligne 2").fill("0")
    _misread(chief, names, "Signer la décharge", "Ce n’est pas le secret d’un bordereau")
    for label, value in (("Trouvé, ligne 2", "0"), ("Secret imprimé", NONCE[:-1])):
        expect(page.get_by_label(label)).to_have_value(value)
    for label in ("Abîmé, ligne 3", "Décharger à deux"):
        expect(page.get_by_label(label)).to_be_checked()
    page.goto(asked)


def _misread(tab: Tab, names: tuple[str, ...], button: str, said: str) -> None:
    """Press a button of a form on which something is misread, and see it named there."""
    tab.expected = (422,)
    tab.page.get_by_role("button", name=button).click()
    expect(tab.page.locator(".app-refusal")).to_contain_text(said)
    check_on_both_screens(tab.page, (*names, "cipher-service"))
    tab.page.set_viewport_size(WIDE)
