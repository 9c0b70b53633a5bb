"""An arrived bag is checked and discharged without a mouse."""

from tests.console import test_keyboard as keyboard
from tests.console.support import Tab
from tests.support.bags import NONCE


def discharged_by_keys(chief: Tab, second: Tab) -> None:
    """Count what is in the bag, of which the second line is missing, and sign it by two."""
    page = chief.page
    keyboard.reach(page, page.get_by_label("Trouvé, ligne 2"))
    page.keyboard.press("Control+A")
    page.keyboard.type("0")
    keyboard.write(page, page.get_by_label("Secret imprimé"), NONCE)
    keyboard.press(page, page.get_by_label("Décharger à deux"), "Space")
    keyboard.press(page, page.get_by_role("button", name="Signer la décharge"))
    keyboard.press(page, page.get_by_role("button", name="Signer avec la clé logicielle"))
    page.get_by_text("D’autres doivent encore signer").wait_for()
    keyboard.go(second.page, "s", "/actes")
    act = second.page.get_by_role("link", name="Décharger une valise").first
    keyboard.press(second.page, act)
    keyboard.press(second.page, second.page.get_by_role("button", name="Lire et signer"))
    keyboard.sign(second.page, second.origin)
