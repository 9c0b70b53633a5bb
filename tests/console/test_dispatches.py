"""Flows 1 to 4 in a real browser: what came, what is written, its release, its reading."""

from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from sqlalchemy import select

from cipher_service.administration.stage import Stage, chiffre
from cipher_service.dispatches.office.attaching import EACH_MOST
from cipher_service.identity.demonstration import Demonstration
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from tests.console.conftest import Enter
from tests.console.support import (
    Tab,
    check_accessible,
    check_page,
    check_quiet,
    check_width,
    come_back,
)

TEXT = "Monsieur le Ministre,\n\nLa délimitation sera signée mardi.\n"
LONG = "".join(f"Point {number} : la délimitation sera signée mardi.\n" for number in range(120))
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
SKETCH = b"%PDF-1.7\n"
NAMES = ("Chef", "Chiffreur", "Rédacteur", "Sous-Directeur", "Ministre", "Secrétaire", "Agent")


@pytest.fixture(scope="module")
def arrivals(ministry: Stage, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three dispatches for headquarters; the first is a FLASH of PARIS, the third is SECRET."""
    text = tmp_path_factory.mktemp("texts") / "texte.txt"
    text.write_text(TEXT, "utf-8")
    sent = []
    for post, level, urgency, subject in (
        ("PARIS", "CONFIDENTIEL", "FLASH", "Délimitation"),
        ("LOME", "NON-PROTEGE", "ROUTINE", ""),
        ("PARIS", "SECRET", "URGENT", "Délimitation"),
    ):
        told = chiffre(
            "fr", "send", "--identity", ministry.identity(post), "--to", "MINREX", "--level", level,
            "--precedence", urgency, "--subject", subject, str(text),
        )  # fmt: skip
        sent.append(told["id"])
    return sent


def number_of(ministry: Stage, role: str, which: int = 0) -> str:
    people = [one for one in Demonstration.of(ministry.settings).people() if one.role == role]
    return people[which].officer


def sign(tab: Tab) -> None:
    """Sign with the sample's software key, on the page of the other origin."""
    tab.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    come_back(tab)


def test_the_inbox_tells_what_is_urgent_and_a_flash_must_be_acknowledged(
    enter: Enter, arrivals: list[str]
) -> None:
    tab = enter("DEPUTY-DIRECTOR")
    tab.goto("/depeches/")
    lines = tab.page.locator("[data-line]")
    for each in arrivals:
        expect(lines.locator(f"a[href='/depeches/{each}']")).to_have_count(1)
    expect(lines.first).to_contain_text("Z Flash")
    expect(lines.first).to_contain_text("PARIS 0001")
    assert "mardi" not in tab.page.content()
    alert = tab.page.locator("#alertes .app-alert")
    expect(alert).to_contain_text("Z FLASH")
    assert tab.page.title().startswith("(1)")
    check_page(tab, foreign=NAMES)
    # By keyboard: a acknowledges, and the dispatch says who heard.
    tab.page.keyboard.press("a")
    expect(tab.page.get_by_text("L’alerte est accusée")).to_be_visible()
    expect(tab.page.get_by_text("alerte entendue par Sous-Directeur")).to_be_visible()
    tab.goto("/depeches/")
    expect(alert).to_have_count(0)
    check_quiet(tab)


def test_j_enter_decipher_lock_and_the_trace_by_keyboard_only(
    enter: Enter, arrivals: list[str]
) -> None:
    tab = enter("MINISTER")
    page = tab.page
    tab.goto("/depeches/")
    page.keyboard.press("/")
    page.keyboard.type("paris 0002")
    expect(page.locator("[data-line]:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/depeches/{arrivals[2]}")
    check_page(tab, foreign=NAMES)
    page.locator("#ouvrir").focus()
    page.keyboard.press("Enter")
    document = page.locator(".app-document")
    expect(document).to_contain_text("La délimitation sera signée mardi.")
    expect(page.locator("#objet")).to_have_text("Délimitation")
    expect(page.get_by_text("deux signatures vérifiées")).to_be_visible()
    watermark = page.locator(".app-document__watermark")
    seen = watermark.evaluate("(mark) => getComputedStyle(mark, '::before').content")
    assert "Ministre\u00a0·\u00a0OFF-" in seen  # no line ends within it
    check_page(tab, foreign=(*NAMES, "délimitation", "Délimitation"))
    page.keyboard.press("l")
    expect(document).to_be_hidden()
    assert "mardi" not in page.content()
    expect(page.get_by_text("lue par Ministre")).to_be_visible()
    tab.goto(f"/depeches/{arrivals[1]}")
    page.locator("#ouvrir").click()
    expect(page.locator("#objet")).to_have_text("sans objet")


def test_who_may_not_read_sees_that_it_exists_or_nothing(enter: Enter, arrivals: list[str]) -> None:
    auditor = enter("AUDITOR")
    assert auditor.page.get_by_role("heading", name="À faire").is_visible()
    assert auditor.page.get_by_role("link", name="Dépêches à").count() == 0
    auditor.goto(f"/depeches/{arrivals[0]}")
    expect(auditor.page.locator("#ouvrir")).to_have_count(0)
    expect(auditor.page.get_by_text("besoin d’en connaître")).to_be_visible()
    check_page(auditor, foreign=NAMES)
    stranger = enter("COURIER")
    stranger.goto(f"/depeches/{arrivals[0]}", status=404)
    stranger.goto("/depeches/")
    expect(stranger.page.get_by_text("Aucune dépêche à déchiffrer")).to_be_visible()


def enclose(page: Page, *files: tuple[str, bytes]) -> Locator:
    """Attach files to the draft of the page; give the lines of its list once they are all there."""
    chosen = [
        FilePayload(name=name, mimeType="application/pdf", buffer=data) for name, data in files
    ]
    lines = page.locator("#joindre li")
    before = lines.count()
    page.get_by_label("Joindre un fichier").set_input_files(chosen)
    expect(lines).to_have_count(before + len(files))
    return lines


def saved(page: Page, name: str) -> bytes:
    """Save an attachment of the open text; give what it holds."""
    with page.expect_download() as told:
        page.get_by_role("button", name=f"Enregistrer : {name}").click()
    return Path(told.value.path()).read_bytes()


def taken_in(ministry: Stage, post: str, folder: Path, name: str) -> bytes:
    """Have a post fetch and decipher what waits for it; give the one attachment of this name."""
    identity = ministry.identity(post)
    chiffre("fr", "fetch", "--identity", identity, "--all", "--decipher", "-o", str(folder / post))
    [found] = (folder / post).glob(f"*/attachments/{name}")
    return found.read_bytes()


def test_attachments_of_a_draft_are_listed_taken_out_and_bounded(enter: Enter) -> None:
    author = enter("DRAFTER")
    page = author.page
    author.goto("/depeches/nouvelle")
    page.get_by_label("Objet").fill("Accord")
    joined = enclose(page, ("Croquis n° 2.pdf", SKETCH), ("Brouillard.txt", b"x"))
    expect(page.get_by_text("Brouillard.txt · 1 octet", exact=True)).to_be_visible()
    page.get_by_role("button", name="Retirer : Brouillard.txt").click()
    expect(page.get_by_text("L’annexe est retirée")).to_be_visible()
    expect(joined).to_have_count(1)
    too_large = FilePayload(name="Film.mp4", mimeType="video/mp4", buffer=bytes(EACH_MOST + 1))
    page.get_by_label("Joindre un fichier").set_input_files([too_large])
    expect(page.locator("#joindre .app-refusal")).to_contain_text("dépasse la taille")
    # What is written after it is kept beside it.
    page.get_by_label("Texte de la dépêche").fill("Signez mardi.")
    page.keyboard.press("Control+s")
    check_accessible(page)
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    page.wait_for_url("**/brouillon/*")
    expect(joined).to_contain_text(["Croquis n° 2.pdf · 9 octets"])
    expect(page.get_by_label("Texte de la dépêche")).to_have_value("Signez mardi.")
    check_page(author, foreign=(*NAMES, "Accord", "Croquis"))
    page.get_by_role("button", name="Effacer ce brouillon").click()
    expect(page.get_by_text("Le brouillon est effacé")).to_be_visible()


def found_waiting(tab: Tab, where: str) -> None:
    """Open a departure that waits for a signature; the lists it stands in fit a telephone."""
    tab.goto("/")
    expect(tab.page.get_by_role("link", name="Dépêches à viser")).to_be_visible()
    tab.goto("/actes")
    expect(tab.page.get_by_text(where.rpartition("/")[2])).to_be_visible()
    check_width(tab.page)
    tab.goto(where)


def test_written_checked_read_released_by_two_others_and_gone(
    enter: Enter, ministry: Stage, tmp_path: Path
) -> None:
    author = enter("DRAFTER")
    page = author.page
    author.goto("/depeches/nouvelle")
    check_page(author, foreign=NAMES)
    page.get_by_label("PARIS").select_option(label="Pour action")
    page.get_by_label("Niveau").select_option(label="Secret")
    page.get_by_label("Objet").fill("Accord")
    page.get_by_label("Texte de la dépêche").fill("Signez mardi.")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Brouillon enregistré, chiffré")).to_be_visible()
    enclose(page, ("Croquis n° 2.pdf", SKETCH))
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/verifier")
    check_page(author, foreign=(*NAMES, "Accord", "Croquis"))
    expect(page.get_by_text("13 octets")).to_be_visible()
    expect(page.get_by_text("Croquis n° 2.pdf · 9 octets")).to_be_visible()
    page.locator("#qui").select_option(number_of(ministry, "CIPHER-CLERK"))
    page.get_by_role("button", name="Soumettre").click()
    expect(page.get_by_text("La dépêche est soumise")).to_be_visible()
    check_page(author, foreign=NAMES)
    page.locator("[data-line] a").first.click()
    expect(page.get_by_text("En attente de la lecture : Chiffreur A.")).to_be_visible()
    expect(page.get_by_role("button", name="Viser")).to_have_count(0)
    where = page.url.removeprefix(author.origin)

    clerk = enter("CIPHER-CLERK")
    clerk.goto("/depeches/a-viser")
    check_page(clerk, foreign=NAMES)
    clerk.goto(where)
    expect(clerk.page.get_by_text("Lisez d’abord la dépêche")).to_be_visible()
    clerk.page.locator("#ouvrir").click()
    expect(clerk.page.locator(".app-document")).to_contain_text("Signez mardi.")
    assert saved(clerk.page, "Croquis n° 2.pdf") == SKETCH
    clerk.page.get_by_role("link", name="J’ai lu").click()
    expect(
        clerk.page.get_by_text("annexe n° 1 enregistrée par Chiffreur A., exemplaire n° 1")
    ).to_be_visible()
    clerk.page.locator("#viseur").select_option(number_of(ministry, "CHIEF-CIPHER-POUCH"))
    clerk.page.get_by_role("button", name="Proposer le départ").click()
    sign(clerk)
    page.reload()
    expect(page.get_by_text("En attente du visa : Chef du Chiffre")).to_be_visible()

    chief = enter("CHIEF-CIPHER-POUCH")
    found_waiting(chief, where)
    chief.page.locator("#ouvrir").click()
    chief.page.get_by_role("link", name="J’ai lu").click()
    check_page(chief, foreign=NAMES)
    chief.page.get_by_role("button", name="Viser le départ").click()
    sign(chief)
    expect(page.locator("body")).to_contain_text("En attente du visa")
    for _ in range(240):
        page.reload()
        if page.get_by_text("Partie. Visée par : Chef du Chiffre").count():
            break
        page.wait_for_timeout(250)
    expect(page.get_by_text("Partie. Visée par : Chef du Chiffre")).to_be_visible()
    chief = enter("CHIEF-CIPHER-POUCH")  # which has not been at the other origin
    chief.goto("/depeches/parties")
    newest = chief.page.locator("[data-line]").first
    expect(newest).to_contain_text("PARIS : pas encore prise")
    check_page(chief, foreign=NAMES)
    assert taken_in(ministry, "PARIS", tmp_path, "001-Croquis n° 2.pdf") == SKETCH


def test_in_an_emergency_the_deputy_director_releases_alone(enter: Enter, ministry: Stage) -> None:
    author = enter("DRAFTER")
    page = author.page
    author.goto("/depeches/nouvelle")
    page.get_by_label("LOME").select_option(label="Pour action")
    page.get_by_label("Niveau").select_option(label="Secret")
    page.get_by_label("Texte de la dépêche").fill("Évacuez cette nuit.")
    page.get_by_role("button", name="Vérifier").click()
    page.locator("#qui").select_option(number_of(ministry, "DEPUTY-DIRECTOR"))
    page.get_by_role("button", name="Soumettre").click()
    page.get_by_text("attend sa lecture").first.click()
    page.wait_for_url("**/depeches/visa/*")
    deputy = enter("DEPUTY-DIRECTOR")
    deputy.goto(page.url.removeprefix(author.origin))
    deputy.page.locator("#ouvrir").click()
    expect(deputy.page.locator("#objet")).to_have_text("sans objet")
    check_page(deputy, foreign=NAMES)
    deputy.page.get_by_role("link", name="J’ai lu").click()
    expect(deputy.page.get_by_text("c’est le chiffre qui propose le départ")).to_be_visible()
    check_page(deputy, foreign=NAMES)
    deputy.page.get_by_label("Motif de l’urgence").fill("MINREX/2026/114")
    deputy.page.get_by_role("button", name="Déclarer l’urgence et signer seul").click()
    sign(deputy)
    expect(deputy.page.get_by_text("Votre signature est inscrite.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("En attente de la lecture")
    page.reload()
    expect(page.locator("main")).to_contain_text("Visée par : Sous-Directeur")
    reviewer = enter("SECURITY-OFFICER")
    reviewer.goto("/urgences")
    expect(reviewer.page.get_by_text("MINREX/2026/114")).to_be_visible()
    answers = reviewer.page.locator("button[name=finding]")
    looks = answers.evaluate_all("all => all.map(one => one.className)")
    assert (len(looks), len(set(looks))) == (2, 1), "neither answer is put forward"


def test_a_refused_departure_comes_back_with_its_reason(enter: Enter, ministry: Stage) -> None:
    author = enter("DRAFTER")
    page = author.page
    author.goto("/depeches/nouvelle")
    page.get_by_label("LOME").select_option(label="Pour action")
    page.get_by_label("Niveau").select_option(label="Diffusion restreinte")
    page.get_by_label("Texte de la dépêche").fill("À revoir.")
    page.get_by_role("button", name="Vérifier").click()
    page.locator("#qui").select_option(number_of(ministry, "DEPUTY-DIRECTOR"))
    page.get_by_role("button", name="Soumettre").click()
    page.get_by_text("attend sa lecture").first.click()
    where = page.url.removeprefix(author.origin)
    deputy = enter("DEPUTY-DIRECTOR")
    deputy.goto(where)
    deputy.page.keyboard.press("r")
    deputy.page.wait_for_url("**/refus")
    check_page(deputy, foreign=NAMES)
    deputy.page.get_by_label("Motif").fill("Citez la note du 3 mars.")
    deputy.page.get_by_role("button", name="Refuser le départ").click()
    expect(deputy.page.get_by_text("l’auteur lit votre motif")).to_be_visible()
    author.goto("/depeches/miennes")
    page.get_by_text("brouillon").first.click()
    expect(page.get_by_text("Citez la note du 3 mars.")).to_be_visible()
    expect(page.get_by_label("Texte de la dépêche")).to_have_value("À revoir.")
    page.get_by_label("Objet").fill("Note à citer")
    page.get_by_label("Texte de la dépêche").fill("À revoir.\nVoir la note du 3 mars.")
    page.get_by_role("button", name="Vérifier").click()
    page.locator("#qui").select_option(number_of(ministry, "DEPUTY-DIRECTOR"))
    page.get_by_role("button", name="Soumettre").click()
    expect(page.get_by_text("attend sa lecture").first).to_be_visible()
    deputy.goto(where)
    changes = deputy.page.locator("[data-changes]")
    expect(changes).to_be_hidden()
    deputy.page.get_by_role("button", name="Lire la dépêche").click()
    expect(changes.get_by_role("heading")).to_contain_text("que vous avez refusée")
    expect(changes.locator("ins")).to_have_text(["Note à citer", "Voir la note du 3 mars."])
    expect(changes.locator(".app-document__watermark")).to_have_count(1)
    expect(changes.locator("del")).to_have_text([""])  # there was no subject
    check_page(deputy, foreign=NAMES)
    deputy.page.keyboard.press("l")
    expect(changes).to_be_hidden()
    assert "3 mars" not in deputy.page.content()
    expect(deputy.page.locator("[data-changes] *")).to_have_count(0)


def test_a_head_of_post_is_alerted_of_what_the_post_may_read(enter: Enter) -> None:
    """The condition on the addressees stands in a list that joins them already."""
    tab = enter("HEAD-OF-POST")
    answer = tab.page.request.get(f"{tab.origin}/depeches/alertes")
    assert answer.status == 200
    assert {"lines", "see", "hear"} == set(answer.json())


def sheets(page: Page) -> list[str]:
    """Print the page as it stands; give what each sheet says."""
    document = pypdfium2.PdfDocument(page.pdf(format="A4"))
    try:
        return [sheet.get_textpage().get_text_bounded() for sheet in document]
    finally:
        document.close()


def entries(ministry: Stage, number: str) -> list[tuple[str, str]]:
    engine, entry = open_existing(ministry.settings.database), audit_entry.c
    with reading(engine) as connection:
        rows = connection.execute(
            select(entry.action, entry.outcome)
            .where(entry.resource == number, entry.action.in_(("dispatch_print", "dispatch_take")))
            .order_by(entry.seq)
        ).all()
    engine.dispose()
    return [(row.action, row.outcome) for row in rows]


def test_a_copy_on_paper_and_a_saved_attachment_are_numbered_and_recorded(
    enter: Enter, ministry: Stage, tmp_path: Path
) -> None:
    text, picture = tmp_path / "texte.txt", tmp_path / "Croquis n° 2.svg"
    text.write_text(LONG, "utf-8")
    picture.write_bytes(SVG)
    number = chiffre(
        "fr", "send", "--identity", ministry.identity("PARIS"), "--to", "MINREX", "--level",
        "SECRET", "--precedence", "ROUTINE", "--subject", "Accord", "--attach", str(picture),
        str(text),
    )["id"]  # fmt: skip
    tab = enter("MINISTER")
    page = tab.page
    # A headless browser has no printer: what the page does before it asks for one is what counts.
    page.add_init_script("window.print = () => { document.title += ' imprimée'; }")
    tab.goto(f"/depeches/{number}")
    # Asked for by hand before it was read: refused by name, and recorded as refused.
    tab.expected = (409,)
    page.locator("[data-print]").evaluate("(button) => button.click()")
    expect(page.locator("#refus")).to_contain_text("COPY_UNREAD")
    page.get_by_role("button", name="Revenir à la carte").click()
    page.locator("#ouvrir").click()
    expect(page.locator(".app-document")).to_contain_text("Point 119")
    check_page(tab, foreign=(*NAMES, "Accord", "délimitation", "Croquis"))
    # The browser's own command prints nothing of it.
    whole = " ".join(sheets(page))
    assert "mardi" not in whole
    assert "Accord" not in whole
    assert "Croquis" not in whole
    page.get_by_role("button", name="Imprimer").click()
    page.wait_for_function("() => document.title.endsWith('imprimée')")
    paper = sheets(page)
    assert len(paper) > 1
    assert all(sheet.count("SECRET") >= 2 for sheet in paper), paper
    assert all(sheet.count("Exemplaire n° 1 · Ministre · OFF-") == 2 for sheet in paper), paper
    assert "Point 0 :" in paper[0]
    assert "Point 119 :" in "".join(paper)
    with page.expect_download() as told:
        page.get_by_role("button", name="Enregistrer : Croquis n° 2.svg").click()
    kept = told.value
    assert (kept.suggested_filename, Path(kept.path()).read_bytes()) == ("Croquis n° 2.svg", SVG)
    answer = page.request.post(
        f"{tab.origin}/depeches/{number}/annexes/1",
        headers={"origin": tab.origin, "content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["content-disposition"].startswith("attachment;")
    page.keyboard.press("l")
    expect(page.locator("#clair")).not_to_contain_text("Exemplaire")
    expect(page.get_by_text("imprimée par Ministre, exemplaire n° 1")).to_be_visible()
    tab.goto(f"/depeches/{number}")
    expect(
        page.get_by_text("annexe n° 1 enregistrée par Ministre, exemplaire n° 2")
    ).to_be_visible()
    assert entries(ministry, number) == [
        ("dispatch_print", "refused"),
        ("dispatch_print", "done"),
        *[("dispatch_take", "intended"), ("dispatch_take", "done")] * 2,
    ]
