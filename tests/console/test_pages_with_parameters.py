"""Every page whose address names something: both languages, both widths, once work lies on it.

Each group makes what its pages are about, then looks at them; a new address with a parameter that
stands in no group turns the first test red. A page is loaded once in each language and then made
narrow: what the service sends does not depend on the screen.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, expect

from cipher_service.access.policies import default_policies
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.console.ceremonies import ROWS
from cipher_service.console.flows import FLOWS
from cipher_service.directory.roles import default_roles
from tests.console import photographed
from tests.console.bureau_bags import Bags, bureau_bags
from tests.console.conftest import Enter
from tests.console.functions import EACH_TIME, Officers
from tests.console.named_things import NOWHERE
from tests.console.passing_things import draft_mandate, mandate_gone, open_review, review_gone
from tests.console.support import (
    NARROW,
    WIDE,
    Tab,
    check_html,
    check_on_both_screens,
    check_quiet,
)
from tests.console.test_signing import names, propose, sample
from tests.support.office import PIECE

NO_PAGES = {
    # Files, and what leads elsewhere: their own tests ask for them.
    *("/static/{file:path}", "/demonstration/{secret}", "/scan/files/{file}"),
    *("/ceremonies/{ceremony}/proces-verbal.json", "/ceremonies/{ceremony}/proces-verbal.pdf"),
    *("/journal/tetes/{number}", "/journal/{number}/preuve"),
    *("/valises/{seal}/bordereau.pdf", "/valises/{seal}/etiquette.pdf"),
    *("/valises/{seal}/rectificatif.pdf", "/valises/{seal}/epcis.json"),
    "/valises/{seal}/photographies/{photograph}/image",
}
BOOKS = {
    "/journal/{number}": "AUDITOR",
    "/postes/{post}": "CHIEF-CIPHER-POUCH",
    "/droits/{officer}": "SECURITY-OFFICER",
    "/droits/{officer}/accorder": "SECURITY-OFFICER",
    "/revues/{review}": "SECURITY-OFFICER",
    "/mandats/{mandate}": "MINISTER",
}
DISPATCHES = {
    "/depeches/{number}": "DEPUTY-DIRECTOR",
    "/depeches/brouillon/{number}": "DRAFTER",
    "/depeches/brouillon/{number}/verifier": "DRAFTER",
    "/depeches/visa/{number}": "DEPUTY-DIRECTOR",
    "/depeches/visa/{number}/refus": "DEPUTY-DIRECTOR",
}
BAGS = {
    "/valises/{seal}": "CHIEF-POUCH",
    "/valises/{open}/confection": "POUCH-AGENT",
    "/valises/{seal}/reception": "CHIEF-POUCH",
    "/valises/{seal}/verification": "CHIEF-POUCH",
    "/valises/{seal}/papiers": "CHIEF-POUCH",
    "/valises/{seal}/rectificatif": "CHIEF-POUCH",
    "/valises/{seal}/photographies": "CHIEF-POUCH",
    "/valises/{seal}/photographies/{photograph}": "CHIEF-POUCH",
}
ACTS = {
    "/actes/{act_id}": "SECRETARY-GENERAL",
    "/politiques/{policy_id}": "SECRETARY-GENERAL",
    "/ceremonies/{ceremony}": "CUSTODIAN-A",
}
# A bag that is still open, and an act about policies: other things of the same parameter.
RENAMED = {"{open}": "{seal}", "{policy_id}": "{act_id}"}


def test_every_address_with_a_parameter_is_looked_at() -> None:
    asked = {
        page.path
        for flow in FLOWS
        for page in flow.pages
        if page.method == "GET" and "{" in page.path and page.path not in NO_PAGES
    }
    looked_at = set()
    for path in (*BOOKS, *DISPATCHES, *BAGS, *ACTS):
        looked_at.add(re.sub(r"\{\w+\}", lambda name: RENAMED.get(name[0], name[0]), path))
    assert asked == looked_at


def look_at(
    ministry: Stage,
    enter: Enter,
    pages: Mapping[str, str],
    found: Mapping[str, str],
    foreign: tuple[str, ...] = (),
) -> dict[str, Tab]:
    """Hold pages to everything, in both languages and at both widths; give the tabs by role."""
    tabs: dict[str, Tab] = {}
    for path, role in pages.items():
        tab = tabs.get(role) or enter(role)
        tabs[role] = tab
        tab.page.set_default_navigation_timeout(120_000)  # policies are proved before they show
        for language in ("fr", "en"):
            tab.page.set_viewport_size(WIDE)
            answer = tab.goto(f"{path.format(**found)}?lang={language}")
            check_on_both_screens(tab.page, (*names(ministry), "OFF-", "cipher-service ", *foreign))
            check_html(tab.page, answer.text())
    for tab in tabs.values():
        check_quiet(tab)
    return tabs


def test_pages_of_the_books(ministry: Stage, enter: Enter) -> None:
    officers = Officers(ministry)
    found = {
        "number": "1",
        "post": "PARIS",
        "officer": sample(ministry, "CIPHER-CLERK"),
        "review": open_review(officers),
        "mandate": draft_mandate(officers),
    }
    try:
        codes = (*default_roles().roles, *default_roles().grades, "ARR-1")
        look_at(ministry, enter, BOOKS, found, codes)
    finally:
        review_gone(officers, found["review"])
        mandate_gone(officers, found["mandate"])


def test_pages_of_dispatches(ministry: Stage, enter: Enter, tmp_path: Path) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Ce que la page montre", "utf-8")
    arrived = chiffre(
        "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX", "--level",
        "CONFIDENTIEL", "--precedence", "ROUTINE", "--subject", "Essai", str(text),
    )["id"]  # fmt: skip
    # Drafts of the bureau's officer, who writes in French.
    draft, visa = (_written(enter("DRAFTER"), ministry, submitted) for submitted in (False, True))
    for path, role in DISPATCHES.items():
        number = visa if "visa" in path else draft if "brouillon" in path else str(arrived)
        look_at(ministry, enter, {path: role}, {"number": number}, ("Essai", "Signez mardi."))


def _written(author: Tab, ministry: Stage, submitted: bool) -> str:
    author.goto("/depeches/nouvelle?lang=fr")
    page = author.page
    page.get_by_label("LOME").select_option(label="Pour action")
    page.get_by_label("Niveau").select_option(label="Diffusion restreinte")
    page.get_by_label("Objet").fill("Essai")
    page.get_by_label("Texte de la dépêche").fill("Signez mardi.")
    page.get_by_role("button", name="Vérifier").click()
    page.wait_for_url("**/verifier")
    number = page.url.split("/")[-2]
    if submitted:
        page.locator("#qui").select_option(sample(ministry, "DEPUTY-DIRECTOR"))
        page.get_by_role("button", name="Soumettre").click()
        expect(page.get_by_text("La dépêche est soumise")).to_be_visible()
    return number


@pytest.fixture
def bags(ministry: Stage) -> Iterator[Bags]:
    """The bureau's own bags, on a route of this test alone."""
    with bureau_bags(ministry) as made:
        yield made


def test_pages_of_bags(ministry: Stage, enter: Enter, bags: Bags, pictures: Path) -> None:
    chief = enter("CHIEF-POUCH")
    photographed.add(chief, bags.seal, photographed.camera())
    photograph = chief.page.url.split("/")[-1]
    for tail in ("", "/image"):  # at another bag it is as one that is nowhere
        told = []
        for one in (photograph, NOWHERE):
            asked = f"/valises/{bags.open}/photographies/{one}{tail}"
            answer = chief.page.request.get(asked)
            told.append((answer.status, EACH_TIME.sub("", answer.text()).replace(one, "")))
        assert told[0] == told[1]
        assert told[0][0] == 404
    chief.goto(f"/valises/{bags.seal}?lang=fr")
    chief.page.get_by_label("Ce qui est constaté").select_option("bag-detained")
    chief.page.get_by_role("button", name="Signaler").click()
    chief.page.locator("#irregularites ~ ul").get_by_text("valise retenue").wait_for()
    found = {"seal": bags.seal, "open": bags.open, "photograph": photograph}
    tabs = look_at(ministry, enter, BAGS, found, (PIECE.sender, PIECE.addressee))

    # Each diamond of the lying line of time is said in words below it, and leads to its report.
    chief = tabs["CHIEF-POUCH"]
    page = chief.page
    page.set_viewport_size(WIDE)
    chief.goto(f"/valises/{bags.seal}?lang=fr")
    key = page.locator(".app-figure__key")
    drawn, worded = page.locator(".app-figure__wide a"), key.get_by_role("link")
    assert worded.all_inner_texts() == drawn.locator("title").evaluate_all(
        "all => all.map((one) => one.textContent.split(',')[0])"
    )
    assert "valise retenue" in worded.all_inner_texts()
    leads = "all => all.map((one) => one.getAttribute('href'))"
    assert worded.evaluate_all(leads) == drawn.evaluate_all(leads)
    expect(key).to_contain_text("un acte signé à deux")

    # On a telephone the line of time stands, and what it says can be read.
    page.set_viewport_size(NARROW)
    chief.goto(f"/valises/{bags.seal}?lang=fr")
    page.screenshot(path=pictures / "journey-telephone.png", full_page=True)
    tall = page.locator(".app-figure__tall")
    expect(page.locator(".app-figure__wide")).to_be_hidden()
    expect(page.locator(".app-figure__key")).to_be_hidden()
    for said in ("scellée", "remise", "valise retenue", "prévu "):
        expect(tall.locator("text", has_text=said).first).to_be_visible()
    heights = tall.locator("text").evaluate_all("all => all.map((t) => t.getBoundingClientRect())")
    sizes = tall.locator("text").evaluate_all(
        "all => all.map((t) => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"
    )
    assert min(sizes) >= 12, "px on the screen"
    for above, below in pairwise(heights):
        assert above["bottom"] <= below["top"] + 1, "no label lies over another"


def test_pages_of_acts_and_the_page_where_they_are_signed(ministry: Stage, enter: Enter) -> None:
    foreign = (*names(ministry), "OFF-", "depeche/v1", "Reste à signer", "cedar")
    security = enter("SECURITY-OFFICER")
    security.goto("/actes?lang=fr")
    address = propose(security, sample(ministry, "COURIER"), "Reste à signer")
    act = _signed(security, address, foreign)

    policies = enter("CHIEF-CNTC")
    policies.goto("/politiques?lang=en")
    answer = _post(
        policies,
        "/politiques/proposer",
        {"policies": f"{default_policies().text}\n// {act}\n", "reason": "Reste à signer"},
    )
    policy = _signed(policies, answer.headers["location"], foreign)

    keeper = enter("CUSTODIAN-A")
    keeper.goto("/ceremonies/nouvelle?lang=fr")
    holders = ("COURIER", "CIPHER-CLERK", "CUSTODIAN-B")
    form: dict[str, str | float | bool] = {
        "threshold": "2",
        "second": sample(ministry, "CUSTODIAN-B"),
        "third": sample(ministry, "CHIEF-CNTC"),
        "reason": "Reste à signer",
    }
    for row in range(ROWS):
        known = row < len(holders)
        form[f"code-{row}"] = f"GARDE-{row}" if known else ""
        form[f"officer-{row}"] = sample(ministry, holders[row]) if known else ""
        form[f"card-{row}"] = sha256(bytes([row])).hexdigest() if known else ""
    ceremony = _post(keeper, "/ceremonies/nouvelle", form).headers["location"].split("/")[-1]
    found = {"act_id": act, "policy_id": policy, "ceremony": ceremony}
    look_at(ministry, enter, ACTS, found, ("Reste à signer", "GARDE-", "chiffre ", "cedar", "//"))

    # Nothing stays to be signed in the ministry of the tests that follow.
    second = enter("SECRETARY-GENERAL")
    for waits in (act, policy):
        _post(second, "/actes/refuser", {"act": waits, "reason": "Vu"})
    _post(enter("CUSTODIAN-A"), f"/ceremonies/{ceremony}/abandonner", {"reason": "Vu"})


def _post(tab: Tab, path: str, form: dict[str, str | float | bool]) -> APIResponse:
    answer = tab.page.request.post(
        f"{tab.origin}{path}",
        form=form,
        headers={"Origin": tab.origin},
        max_redirects=0,
        timeout=90_000,
    )
    assert answer.status == 303, answer.text()
    return answer


def _signed(tab: Tab, address: str, foreign: tuple[str, ...]) -> str:
    """Look at the page where an act is signed, sign it; give the act's number."""
    tab.page.goto(address)
    button = tab.page.locator("button", has_text=re.compile("clé logicielle|software key"))
    expect(button).to_be_visible()
    check_on_both_screens(tab.page, foreign)
    tab.page.set_viewport_size(WIDE)
    assert not re.search(r"\b(officer|policies)/", tab.page.locator("dl").inner_text())
    button.click()
    tab.page.wait_for_url("**/actes")
    tab.hosts.clear()
    [number] = re.findall(r"/actes/([0-9A-Za-z-]+)", tab.page.content())[-1:]
    return str(number)
