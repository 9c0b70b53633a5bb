"""The page where officers sign, and an act of two persons from its proposal to its effect."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cipher_service.administration.stage import Stage
from cipher_service.console import approving
from cipher_service.identity.demonstration import Demonstration
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import acts, audit, identity
from cipher_service.storage.unit_of_work import reading
from keys.act_rules import RULES
from tests.console.conftest import Enter
from tests.console.support import Tab, check_accessible, check_language, check_page, check_width


def post(ministry: Stage, path: str, members: object, **headers: str) -> tuple[int, dict[str, Any]]:
    """Post JSON to the page where officers sign, as its own script does."""
    origin = ministry.settings.approval_origin
    place = urlsplit(origin)
    connection = http.client.HTTPConnection("127.0.0.1", place.port or 0, timeout=20)
    sent = {"Host": place.netloc, "Origin": origin, "Content-Type": "application/json", **headers}
    connection.request("POST", path, json.dumps(members), sent)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told


def sample(ministry: Stage, role: str) -> str:
    people = Demonstration.of(ministry.settings).people()
    return next(one.officer for one in people if one.role == role)


def officer_name(ministry: Stage, number: str) -> str:
    people = Demonstration.of(ministry.settings).people()
    return next(one.name for one in people if one.officer == number)


def propose(tab: Tab, officer: str, reason: str) -> str:
    """Begin a recovery; returns the address at which it is signed."""
    tab.goto("/recuperation")
    tab.page.get_by_label("Officier").select_option(officer)
    tab.page.get_by_label("Motif").fill(reason)
    tab.page.get_by_role("button", name="Préparer le lien").click()
    address = tab.page.get_by_role("button", name="Lire et signer").get_attribute("href")
    assert address is not None
    return address


def test_two_officers_give_a_new_link_and_see_what_they_sign(ministry: Stage, enter: Enter) -> None:
    courier = sample(ministry, "COURIER")
    first, second = enter("SECURITY-OFFICER"), enter("SECRETARY-GENERAL")
    first.goto("/recuperation")
    check_page(first, foreign=names(ministry))
    address = propose(first, courier, "Clés tombées à l’eau")
    link = first.page.locator(".app-number--long").inner_text()
    assert "/inscription#" in link
    check_page_but_language(first)

    first.page.goto(address)
    first.page.get_by_text("Clés tombées à l’eau").first.wait_for()
    assert ministry.settings.approval_origin in first.page.url
    assert "#" not in first.page.url, "the ticket stays in no history"
    check_accessible(first.page)
    check_width(first.page)
    check_language(first.page, (*names(ministry), "depeche/v1", "OFF-"))
    said = first.page.locator("dl").inner_text()
    security = sample(ministry, "SECURITY-OFFICER")
    for number in (courier, security):  # by name, and by the number that is signed
        assert f"{officer_name(ministry, number)} ({number})" in said
    first.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    first.page.get_by_text("D’autres doivent encore signer").wait_for()
    first.page.wait_for_url("**/actes")
    first.page.get_by_text("Secrétaire général").wait_for()
    line = first.page.get_by_role("row").filter(has_text=courier)
    assert f"{officer_name(ministry, courier)} ({courier})" in line.inner_text()
    assert f"{officer_name(ministry, security)} ({security})" in line.inner_text()

    second.goto("/")
    second.page.get_by_role("link", name="Actes à signer").first.click()
    second.page.get_by_role("link", name="Donner à un officier").click()
    sheet = second.page.locator(".app-sheet")
    assert sheet.inner_text().count(f"{officer_name(ministry, security)} ({security})") == 2
    check_page(second, foreign=(*names(ministry), "OFF-"))
    second.page.get_by_role("button", name="Lire et signer").click()
    second.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    second.page.get_by_text("Signé, et fait").wait_for()
    second.page.wait_for_url("**/actes")
    second.page.get_by_text("Aucun acte").wait_for()
    assert first.complaints == second.complaints == []
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        links = connection.execute(
            identity.enrolment_link.select().where(
                identity.enrolment_link.c.officer == courier,
                identity.enrolment_link.c.ended_at.is_(None),
            )
        ).all()
    engine.dispose()
    assert len(links) == 1


def test_the_proposer_and_the_subject_approve_nothing(ministry: Stage, enter: Enter) -> None:
    deputy = sample(ministry, "DEPUTY-DIRECTOR")
    first, subject = enter("SECURITY-OFFICER"), enter("DEPUTY-DIRECTOR")
    first.page.goto(propose(first, deputy, "Clés volées"))
    first.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    first.page.wait_for_url("**/actes")
    first.page.get_by_role("link", name="Donner à un officier").first.click()
    first.page.get_by_text("Personne n’approuve son propre acte").wait_for()
    act = first.page.url.rpartition("/")[2]
    subject.goto("/actes")
    assert subject.page.get_by_role("link", name="Donner à un officier").count() == 0
    subject.goto(f"/actes/{act}", status=404)
    # Asked all the same, the registrar says why not, and to the subject that there is none.
    for tab, code in ((subject, "UNKNOWN_ACT"), (first, "APPROVERS_NOT_DISTINCT")):
        tab.goto("/actes")
        told = tab.page.evaluate(
            """async (act) => {
              const body = new URLSearchParams({act});
              const answer = await fetch("/actes/signer",
                {method: "POST", body, headers: {accept: "application/json"}});
              return (await answer.json()).code;
            }""",
            act,
        )
        assert told == code
    tab = enter("SECRETARY-GENERAL")
    tab.goto(f"/actes/{act}")
    tab.page.get_by_label("Refuser").fill("Pas sans plainte")
    tab.page.get_by_role("button", name="Refuser").click()
    tab.page.wait_for_url("**/actes")
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        row = connection.execute(
            acts.shared_act.select().where(acts.shared_act.c.act_id == act)
        ).one()
    engine.dispose()
    assert (row.state, row.refusal) == ("refused", "Pas sans plainte")


def test_a_ticket_serves_once_and_only_the_page_itself_uses_it(
    ministry: Stage, enter: Enter
) -> None:
    first = enter("SECURITY-OFFICER")
    address = propose(first, sample(ministry, "AUDITOR"), "Essai")
    ticket = address.rpartition("#")[2]
    shown = post(ministry, "/acte", {"ticket": ticket})
    assert shown[0] == 200
    assert shown[1]["demonstration"] is False, "this caller came by no link"
    refused = [
        post(ministry, "/acte", {"ticket": "x" * 43}),
        post(ministry, "/acte", {"ticket": ticket, "more": "x"}),
        post(ministry, "/acte", ["ticket"]),
        post(ministry, "/acte", {"ticket": ticket}, Origin=ministry.settings.console_origin),
        post(ministry, "/demonstration", {"ticket": ticket}),
        post(ministry, "/signature", {"ticket": ticket, "nonce": "AAAA", "response": "{}"}),
        post(
            ministry,
            "/signature",
            {"ticket": ticket, "nonce": shown[1]["nonce"], "response": "x" * 90_000},
        ),
        post(
            ministry,
            "/signature",
            {"ticket": ticket, "nonce": shown[1]["nonce"], "response": '{"prf":{"results":{}}}'},
        ),
    ]
    assert [code["code"] for _, code in refused] == [
        *("TICKET_UNKNOWN", "FORM_REFUSED", "FORM_REFUSED", "ORIGIN_REFUSED", "NOT_FOUND"),
        *("CHALLENGE_UNKNOWN", "BODY_TOO_LARGE", "PASSKEY_INVALID"),
    ]
    first.page.goto(address)
    first.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    first.page.wait_for_url("**/actes")
    first.page.goto(address)
    first.page.get_by_text("TICKET_UNKNOWN").wait_for()


def test_every_kind_of_act_has_its_words_on_the_page() -> None:
    folder = Path(approving.__file__).parent / "assets" / "src" / "words"
    source = (folder / "acts.ts").read_text("utf-8")
    told = source.split("ACTS:")[1].split("MEMBERS:")[0]
    assert {kind for kind in RULES if f'"{kind}"' not in told} == set()


def test_what_the_page_consists_of_stands_in_the_log(ministry: Stage) -> None:
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        records = [bytes(row.record) for row in connection.execute(audit.audit_entry.select())]
    engine.dispose()
    entries = [json.loads(record) for record in records]
    [told] = [entry for entry in entries if entry["action"] == "approval_bundle"]
    assert told["resource"] == approving.bundle_digest()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_without_a_ticket_the_page_says_so(ministry: Stage, enter: Enter, language: str) -> None:
    tab = enter(language=language)
    tab.expected = (410,)
    tab.page.goto(f"{ministry.settings.approval_origin}/{language}")
    tab.page.get_by_text("TICKET_UNKNOWN").wait_for()
    check_accessible(tab.page)
    check_language(tab.page)
    assert tab.complaints == []


def names(ministry: Stage) -> tuple[str, ...]:
    return tuple(one.name for one in Demonstration.of(ministry.settings).people())


def check_page_but_language(tab: Tab) -> None:
    """A page that answered a POST cannot be asked for again."""
    check_accessible(tab.page)
    check_width(tab.page)
