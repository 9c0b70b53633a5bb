"""The audit explorer: found, proved, consistent; each look in the log; nobody but the auditor."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.audit.ledger import size_and_origin
from cipher_service.audit.questions import Wanted, every
from cipher_service.identity.demonstration import Demonstration
from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import reading
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Note
from tests.console.conftest import Enter
from tests.console.support import Tab, check_page

# Names of officers, names that the log itself uses, commands and keys.
AS_IT_IS = ("Auditeur", "journal", "cipher-verify", "chiffre sync", "/audit", "post_", "N°")
EXAMPLES = ("Chiffreur", "Ministre", "Officier", "Chef", "Secrétaire", "Directeur", "Gardien")


def own(tab: Tab) -> tuple[str, ...]:
    name = tab.page.locator(".app-top__who").inner_text().split(" ·")[0]
    return (name, *AS_IT_IS, *EXAMPLES)


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_pages_hold_in_both_languages(enter: Enter, width: int, height: int) -> None:
    tab = enter("AUDITOR", width=width, height=height)
    tab.goto("/journal")
    tab.page.locator("tbody tr a").first.click()
    entry = tab.page.url
    for language in ("fr", "en"):
        for path in ("/journal?qui=PERSONNE-99", entry):
            tab.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
            check_page(tab, foreign=own(tab))


def test_an_auditor_finds_an_act_and_proves_it_elsewhere(
    ministry: Stage, enter: Enter, tmp_path: Path
) -> None:
    tab = enter("AUDITOR")
    page = tab.page
    tab.goto("/journal?lang=fr")
    page.get_by_label("Qui (poste, officier, compte)").fill("PARIS")
    page.get_by_label("Acte", exact=True).fill("issue_token")
    page.keyboard.press("Enter")
    page.wait_for_url("**qui=PARIS**")
    rows = page.locator("tbody tr")
    assert rows.count() > 0
    told = {row.inner_text() for row in rows.locator("td:nth-child(4)").all()}
    assert told == {"jeton remis à un poste issue_token"}
    rows.locator("a").last.click()
    page.get_by_role("heading", name="Vérifier sans nous croire").wait_for()
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Télécharger la preuve").click()
    file = tmp_path / downloaded.value.suggested_filename
    downloaded.value.save_as(file)
    command = page.locator("#commande").inner_text().replace("'", "").split()
    assert command[0] == "cipher-verify"
    typed = [str(file) if word.endswith(".tlog-proof") else word for word in command[1:]]
    ended = subprocess.run(
        [sys.executable, "-m", "keys.verifier", *typed], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"OK {ministry.settings.log_origin} entry=")


def test_each_look_is_in_the_log_before_it_shows(ministry: Stage, enter: Enter) -> None:
    tab = enter("AUDITOR")
    tab.goto("/journal?qui=LOME&acte=admit")
    engine = open_engine(ministry.settings.database)
    try:
        with reading(engine) as connection:
            (look,) = every(connection, Wanted(actions=("audit_read",)), 1)
    finally:
        engine.dispose()
    assert look.said["resource"] == "journal?qui=LOME&acte=admit"
    assert (look.said["outcome"], look.said["policies"]) == ("done", ["audit-read"])
    assert look.said["session"]


def test_nobody_else_reads_the_log(enter: Enter) -> None:
    for role in ("CIPHER-CLERK", "SECURITY-OFFICER", "MINISTER"):
        asked = enter(role).blank.request
        for path in ("/journal", "/journal/0", "/journal/0/preuve", "/journal/tetes"):
            assert asked.get(path).status == 403
        assert 'href="/journal"' not in asked.get("/").text()


def test_a_reading_that_is_refused_is_in_the_log_once(ministry: Stage, enter: Enter) -> None:
    """The page says that it does not exist; the log says who asked, and never for which one."""
    tab = enter("COURIER")
    engine = open_engine(ministry.settings.database)
    with reading(engine) as connection:
        before, _ = size_and_origin(connection)
    tab.goto("/depeches/01KXNOSUCHDXSPATCHXXXXXXX0", status=404)
    tab.goto("/journal", status=403)
    people = Demonstration.of(ministry.settings).people()
    courier = next(one.officer for one in people if one.role == "COURIER")
    with reading(engine) as connection:
        found = every(connection, Wanted(actor=courier, outcomes=("refused",)), 5)
    engine.dispose()
    said = sorted(
        (one.said["action"], one.said["reason"], one.said["resource"], "session" in one.said)
        for one in found
        if one.seq >= before
    )
    assert said == [
        ("audit_read", "NOT_ALLOWED", "journal", True),
        ("request", "NOT_FOUND", "GET /depeches/{number}", True),
    ]


def test_two_heads_are_compared_and_downloaded(enter: Enter) -> None:
    tab = enter("AUDITOR")
    page = tab.page
    tab.goto("/journal/tetes?lang=fr")
    sizes = [int(cell) for cell in page.locator("#liste ~ table th[scope=row]").all_inner_texts()]
    assert len(sizes) > 1
    page.get_by_label("De (inscriptions)").fill(str(sizes[-1]))
    page.get_by_label("À (inscriptions)").fill(str(sizes[0]))
    page.get_by_role("button", name="Vérifier").click()
    expect(page.get_by_role("status")).to_contain_text("Oui")
    tab.goto(f"/journal/tetes?de={sizes[0]}&a={sizes[-1]}")
    assert "LOG_ROLLED_BACK" in page.locator("#travail [role=alert]").last.inner_text()
    tab.goto("/journal/tetes?de=999999999&a=1")
    assert "NOT_FOUND" in page.locator("#travail [role=alert]").last.inner_text()
    check_page(tab, foreign=own(tab))
    answer = page.request.get(f"{tab.origin}/journal/tetes/{sizes[0]}")
    assert Checkpoint.parse(Note.parse(answer.body()).text).size == sizes[0]


def test_what_is_badly_asked_is_said_and_left_aside(enter: Enter) -> None:
    tab = enter("AUDITOR")
    tab.goto("/journal?lang=fr&qui=%3Cscript%3E&du=2026-13-45&issue=refuse")
    told = tab.page.locator("#travail [role=alert]").inner_text()
    assert "Qui (poste, officier, compte), Depuis le" in told
    assert tab.page.get_by_label("Issue").input_value() == "refuse"
    for path in ("/journal/x", "/journal/99999999", "/journal/00", "/journal/99999999/preuve"):
        tab.goto(path, status=404)


def test_a_program_reads_the_same_pages(enter: Enter) -> None:
    tab = enter("AUDITOR")
    first = tab.page.request.get(f"{tab.origin}/journal.json").json()
    assert len(first["entries"]) == 50
    rest = tab.page.request.get(f"{tab.origin}/journal.json?avant={first['next']}").json()
    assert rest["entries"][0]["seq"] < first["entries"][-1]["seq"]
    assert tab.page.request.get(f"{tab.origin}/journal.json?du=x").status == 400


def test_the_auditor_asks_by_name_and_each_question_is_entered(enter: Enter) -> None:
    tab = enter("AUDITOR")
    page = tab.page
    today = f"{clock.now():%Y-%m-%d}"
    tab.goto("/journal/questions?lang=fr")
    page.get_by_label("Question").select_option(label="Qui détenait quel droit ce jour-là ?")
    page.get_by_label("À propos de").fill(today)
    page.get_by_role("button", name="Demander").click()
    page.get_by_role("link", name="JSON").wait_for()
    assert page.locator("tbody tr").count() > 10
    check_page(tab, foreign=own(tab))
    tab.goto("/journal/questions?question=actes&sur=PARIS&lang=en")
    assert page.locator("tbody", has_text="token issued to a post").count() == 1
    for asked, code, status in (
        ("question=droits&sur=soon", "DAY_MALFORMED", 400),
        ("question=lecteurs", "ASK_INCOMPLETE", 422),
        ("question=pourquoi", "UNKNOWN_QUESTION", 404),
        ("question=signatures&sur=nobody", "NOT_FOUND", 404),
        ("question=lectures-hautes&sur=HAUT", "UNKNOWN_LEVEL", 422),
        ("", "ASK_INCOMPLETE", 422),
    ):
        answer = page.request.get(
            f"{tab.origin}/journal/questions.json?{asked}", headers={"accept": "application/json"}
        )
        assert (answer.status, answer.json()["code"]) == (status, code), asked
    answer = page.request.get(f"{tab.origin}/journal/questions.json?question=trous")
    assert answer.json() == {"question": "holes", "about": "", "lines": []}
    answer = page.request.get(
        f"{tab.origin}/journal/questions.json?question=vie&sur=journal/questions/holes"
    )
    [entry] = answer.json()["lines"]
    assert entry["action"] == "audit_read"
    clerk = enter("CIPHER-CLERK")
    clerk.goto("/journal/questions?question=trous", status=403)
