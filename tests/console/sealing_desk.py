"""A pouch bureau whose custodian has officers: what its officers do on the pages, and its books."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from playwright.sync_api import APIResponse
from sqlalchemy import Engine, select

from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from keys.custody import Custodian
from tests.console.support import WIDE, Tab, check_html, check_on_both_screens, come_back, primary

SOFTWARE_KEY = "Signer avec la clé logicielle"


@dataclass
class Desk:
    """The bureau of a ministry whose custodian has officers on its roll."""

    engine: Engine
    custodian: Custodian
    people: dict[str, str]
    names: tuple[str, ...]
    seals: tuple[str, ...]


def press(tab: Tab, name: str) -> None:
    tab.page.get_by_role("button", name=name, exact=True).click()


def posted(tab: Tab, path: str, data: str) -> APIResponse:
    """Send a form that no page shows any more."""
    form = {"origin": tab.origin, "content-type": "application/x-www-form-urlencoded"}
    return tab.page.request.post(f"{tab.origin}{path}", data=data, headers=form)


def refused_in_place(
    tab: Tab, path: str, forms: Sequence[tuple[str, int, str]], foreign: tuple[str, ...]
) -> None:
    """Hold each form that a page refuses to what it says, read strictly; show the first of them.

    Args:
        tab: whoever fills it in.
        path: where it is posted.
        forms: the fields as they travel, the status of the answer, and its cause in French.
        foreign: texts that may be in the other language.
    """
    for data, status, cause in forms:
        for language in ("fr", "en"):
            answer = posted(tab, f"{path}?lang={language}", data)
            assert answer.status == status, (data, answer.text())
            check_html(tab.page, answer.text())
            assert (cause in answer.text()) == (language == "fr"), data
    data, status, _cause = forms[0]
    for language in ("fr", "en"):
        tab.goto(f"{path}?lang={language}")
        tab.expected = (status,)
        for name, value in parse_qsl(data):
            tab.page.locator(f"[name='{name}']").fill(value)
        tab.page.locator(f"form[action='{path}'] button[type=submit]").click()
        tab.page.locator(".app-refusal").wait_for()
        check_on_both_screens(tab.page, foreign)
        tab.page.set_viewport_size(WIDE)
    tab.goto(f"{path}?lang=fr")


def signed(tab: Tab) -> str:
    """Sign what the other origin shows; give what was shown there."""
    tab.page.locator("#acte dl").first.wait_for()
    shown = tab.page.locator("#acte").inner_text()
    press(tab, SOFTWARE_KEY)
    come_back(tab)
    tab.page.locator("main").wait_for()
    tab.hosts.clear()  # it has been at the other origin
    return shown


def allowed(tab: Tab) -> str:
    """Grant for the session that the custodian opens pieces and papers; give what was shown."""
    press(tab, "Autoriser l’ouverture des pièces")
    return signed(tab)


def handed_in(tab: Tab) -> str:
    tab.goto("/valises/depot")
    tab.page.get_by_label("Pour le poste").select_option("PARIS")
    tab.page.get_by_label("Niveau").select_option("SECRET")
    tab.page.get_by_label("Numéro au registre de l’expéditeur").fill("2026/000412")
    tab.page.get_by_label("Service expéditeur").fill("Direction des Nations unies")
    tab.page.get_by_label("Destinataire").fill("Chancellerie")
    tab.page.locator("#weight").fill("240")
    press(tab, "Déposer")
    return tab.page.get_by_role("status").locator(".app-number").inner_text()


def begun(tab: Tab) -> str:
    tab.goto("/valises/departs")
    tab.page.get_by_label("Ce que la valise peut contenir").select_option("SECRET")
    press(tab, "Commencer")
    tab.page.wait_for_url("**/confection")
    assert primary(tab.page) == "Autoriser l’ouverture des pièces"
    return tab.page.url.split("/")[-2]


def scan(tab: Tab, number: str) -> None:
    tab.page.locator("#number").fill(number)
    press(tab, "Poser dans la valise")


def filled(tab: Tab, seals: tuple[str, ...], certifier: str) -> None:
    tab.page.get_by_label("Numéros des scellés posés").fill(" ".join(seals))
    tab.page.get_by_label("Poids de la valise fermée").fill("1500")
    tab.page.get_by_label("Qui répond du contenu").select_option(certifier)
    for box in tab.page.locator("input[name=absent]").all():
        box.check()
    press(tab, "Lire et signer")


def waiting(desk: Desk, seal: str) -> tuple[str, bytes]:
    """The number and the claims that wait for grants."""
    book = tables.preparation
    with reading(desk.engine) as connection:
        row = connection.execute(select(book).where(book.c.seal == seal)).one()
    return row.number, bytes(row.claims)


def sealings(desk: Desk) -> list[tuple[str, str]]:
    entry = audit_entry.c
    with reading(desk.engine) as connection:
        rows = connection.execute(
            select(entry.actor, entry.outcome)
            .where(entry.action == "sign_seal")
            .order_by(entry.seq)
        ).all()
    return [(row.actor, row.outcome) for row in rows]
