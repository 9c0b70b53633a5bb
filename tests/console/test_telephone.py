"""Pages of one thing on a telephone: a draft, a departure, a dispatch, an entry, a right."""

from pathlib import Path

from playwright.sync_api import expect

from cipher_service.administration.stage import Stage, chiffre
from tests.console.conftest import Enter
from tests.console.support import Tab, check_page, check_width
from tests.console.test_dispatches import number_of
from tests.console.test_signing import names, sample

WIDTH, HEIGHT = 390, 844


def hold(tab: Tab, ministry: Stage, *texts: str) -> None:
    """Hold the page that a tab shows, in both languages, to what every page is held to."""
    where = tab.page.url.partition("?")[0].partition("#")[0]
    check_page(tab, foreign=(*names(ministry), *texts))
    for language in ("en", "fr"):
        tab.page.goto(f"{where}?lang={language}")
        check_page(tab, foreign=(*names(ministry), *texts))


def test_a_departure_from_its_empty_form_to_its_refusal(ministry: Stage, enter: Enter) -> None:
    author = enter("DRAFTER", width=WIDTH, height=HEIGHT)
    page = author.page
    author.goto("/depeches/nouvelle")
    page.get_by_label("Objet").fill("Accord")
    page.keyboard.press("Control+Enter")  # nobody is addressed, and nothing is written
    page.wait_for_url("**/verifier")
    hold(author, ministry, "Accord")
    author.goto("/depeches/nouvelle")
    page.get_by_label("LOME").select_option("action")
    page.get_by_label("Niveau").select_option("DIFFUSION-RESTREINTE")
    page.get_by_label("Objet").fill("Accord")
    page.get_by_label("Texte de la dépêche").fill("La délimitation sera signée mardi.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/verifier")
    page.locator("#qui").select_option(number_of(ministry, "DEPUTY-DIRECTOR"))
    page.get_by_role("button", name="Soumettre").click()
    page.get_by_role("link", name="attend sa lecture").first.click()
    page.wait_for_url("**/visa/**")
    hold(author, ministry, "Accord", "mardi")
    where = page.url.removeprefix(author.origin).partition("?")[0]

    deputy = enter("DEPUTY-DIRECTOR", width=WIDTH, height=HEIGHT)
    deputy.goto(where)
    hold(deputy, ministry, "Accord", "mardi")
    deputy.page.locator("#ouvrir").click()
    expect(deputy.page.locator(".app-document")).to_contain_text("mardi")
    check_page(deputy, foreign=(*names(ministry), "Accord", "mardi"))
    deputy.goto(f"{where}/refus")
    hold(deputy, ministry)
    stranger = enter("COURIER", width=WIDTH, height=HEIGHT)
    stranger.goto(where, status=404)
    check_page(stranger, foreign=names(ministry))


def test_a_dispatch_sealed_open_and_forbidden(
    ministry: Stage, enter: Enter, tmp_path: Path
) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("La délimitation sera signée mardi.", "utf-8")
    number = chiffre(
        "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX", "--level",
        "CONFIDENTIEL", "--precedence", "ROUTINE", "--subject", "Accord", str(text),
    )["id"]  # fmt: skip
    tab = enter("MINISTER", width=WIDTH, height=HEIGHT)
    tab.goto(f"/depeches/{number}")
    hold(tab, ministry)
    tab.page.locator("#ouvrir").click()
    expect(tab.page.locator(".app-document")).to_contain_text("mardi")
    check_page(tab, foreign=(*names(ministry), "Accord", "mardi"))
    auditor = enter("AUDITOR", width=WIDTH, height=HEIGHT)
    auditor.goto(f"/depeches/{number}")
    check_page(auditor, foreign=names(ministry))


def test_an_entry_a_right_and_a_post(ministry: Stage, enter: Enter) -> None:
    tab = enter("AUDITOR", width=WIDTH, height=HEIGHT)
    tab.goto("/journal")
    tab.page.locator("tbody tr a").last.click()
    tab.page.get_by_role("heading", level=1).wait_for()
    hold(tab, ministry, "cipher-verify", "OFF-")
    tab.goto(f"/droits/{sample(ministry, 'AUDITOR')}")
    hold(tab, ministry, "OFF-")
    tab.goto("/postes/PARIS")
    hold(tab, ministry)
    tab.goto("/postes/NULLEPART", status=404)
    check_page(tab, foreign=names(ministry))


def test_the_button_beside_a_long_name_stays_in_one_piece(enter: Enter) -> None:
    tab = enter("COURIER", width=WIDTH, height=HEIGHT)
    tab.goto("/")
    leave = tab.page.get_by_role("button", name="Quitter")
    name = tab.page.locator(".app-top__person")
    for long in ("Marie-Antoinette Ngo Bassong épouse Mbarga Atangana", "M" * 20, "A"):
        name.evaluate("(span, long) => { span.firstChild.nodeValue = `${long} · `; }", long)
        box = leave.bounding_box()
        assert box is not None
        assert box["height"] <= 28, long
        assert WIDTH - 16 <= box["x"] + box["width"] <= WIDTH, "at the right, where it always is"
        check_width(tab.page)
