"""Who reviews rights, and who writes, signs and ends mandates: each function, without a browser."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from cipher_service import clock
from cipher_service.storage.tables.access import campaign_line
from cipher_service.storage.tables.officers import mandate
from tests.console.functions import Officers, Question
from tests.console.passing_things import changing, mandates_gone, review_gone
from tests.console.sealed_bags import number_of

ACT = "ARR-2026-78"


@pytest.fixture(autouse=True)
def nothing_left(officers: Officers) -> Iterator[None]:
    yield
    mandates_gone(officers, ACT)


def form_of(officers: Officers, **changes: str) -> dict[str, str]:
    """The form of a delegation of the Secretary-General's signature to another person."""
    return {
        "kind": "signature",
        "holder": number_of(officers.on, "DEPUTY-DIRECTOR"),
        "delegator": number_of(officers.on, "SECRETARY-GENERAL"),
        "role": "SECRETARY-GENERAL",
        "level": "CONFIDENTIEL",
        "since": "",
        "until": (clock.now() + timedelta(days=3)).strftime("%Y-%m-%d"),
        "act": ACT,
        "reason": "",
        **changes,
    }


def drafted(officers: Officers, **changes: str) -> str:
    form = form_of(officers, **changes)
    (told,) = officers.ask([("CHIEF-CNTC", Question("/mandats", form))])
    assert told.where.startswith("/mandats/M-"), told
    return told.where.rpartition("/")[2]


def state_of(officers: Officers, number: str) -> str:
    mine = select(mandate.c.state).where(mandate.c.mandate_id == number)
    with changing(officers) as connection:
        return str(connection.scalar(mine))


def test_only_the_security_officer_reviews_and_never_twice_nor_for_themselves(
    officers: Officers,
) -> None:
    others = [role for role in officers.roles if role != "SECURITY-OFFICER"]
    for told in officers.ask((role, Question("/revues", {})) for role in others):
        assert told.code == "NOT_ALLOWED", told
    (opened,) = officers.ask([("SECURITY-OFFICER", Question("/revues", {}))])
    number = opened.where.rpartition("/")[2]
    try:
        _answers(officers, number, others)
    finally:
        review_gone(officers, number)


def _answers(officers: Officers, number: str, others: list[str]) -> None:
    with changing(officers) as connection:
        rows = connection.execute(
            select(campaign_line).where(campaign_line.c.campaign == number)
        ).all()
    own = number_of(officers.on, "SECURITY-OFFICER")
    mine = next(row.line for row in rows if row.officer == own)
    free = next(row.line for row in rows if row.right_name == "COURIER")

    def answered(role: str, line: object, verdict: str = "confirmer") -> str:
        form = {"line": str(line), "verdict": verdict}
        (told,) = officers.ask([(role, Question(f"/revues/{number}/repondre", form))])
        return told.code or told.where

    assert {answered(role, free) for role in others} == {"NOT_ALLOWED"}
    assert answered("SECURITY-OFFICER", mine) == "NOT_ALLOWED"
    for line, verdict in (("0", "confirmer"), ("x" * 5000, "confirmer"), (free, "peut-être")):
        assert answered("SECURITY-OFFICER", line, verdict) == "FORM_REFUSED"
    assert answered("SECURITY-OFFICER", len(rows) + 1) == "NOT_FOUND"
    assert answered("SECURITY-OFFICER", free) == f"/revues/{number}"
    assert answered("SECURITY-OFFICER", free, "retirer") == "REVIEWED_ALREADY"


def test_only_the_cell_writes_and_a_draft_that_is_not_whole_is_refused_by_name(
    officers: Officers,
) -> None:
    form = form_of(officers)
    others = [role for role in officers.roles if role != "CHIEF-CNTC"]
    for told in officers.ask((role, Question("/mandats", form)) for role in others):
        assert told.code == "NOT_ALLOWED", told
    chief, general = (number_of(officers.on, one) for one in ("CHIEF-CNTC", "SECRETARY-GENERAL"))
    wrong = {
        "NOT_ALLOWED": {"holder": chief},  # nobody writes one for themselves
        "UNKNOWN_OFFICER": {"holder": "OFF-999999"},
        "UNKNOWN_KIND": {"kind": "x" * 3000},
        "UNKNOWN_LEVEL": {"level": "ULTRA"},
    }
    for code, changes in wrong.items():
        (told,) = officers.ask([("CHIEF-CNTC", Question("/mandats", {**form, **changes}))])
        assert told.code == code, told
    mendable: list[dict[str, str]] = [
        {"holder": general},
        {"until": ""},
        {"until": "hier"},
        {"until": "2020-01-01"},
        {"since": "demain"},
        {"since": "2020-01-01"},
        {"action": "key-destroy"},  # of another function than the delegator's
        {"action": "x" * 3000},
        {"act": " "},
        {"delegator": number_of(officers.on, "COURIER")},
        *({name: ""} for name in ("kind", "holder", "delegator", "role", "level")),
    ]
    for changes in mendable:
        (told,) = officers.ask([("CHIEF-CNTC", Question("/mandats", {**form, **changes}))])
        assert told.status in (400, 403, 409, 422), (changes, told.status)
        assert f'value="{form["act"]}"' in told.words or not changes.get("act", "x").strip()


def test_a_mandate_is_narrowed_to_acts_of_its_function_and_to_days_to_come(
    officers: Officers,
) -> None:
    form = form_of(officers)
    (shown,) = officers.ask([("CHIEF-CNTC", Question("/mandats", {**form, "acts": "show"}))])
    assert shown.status == 200
    assert 'value="grant-need"' in shown.words
    assert 'value="key-destroy"' not in shown.words
    assert f'value="{ACT}"' in shown.words  # what was written stays
    first = clock.now() + timedelta(days=1)
    number = drafted(officers, since=first.strftime("%Y-%m-%d"), action="visa")
    with changing(officers) as connection:
        row = connection.execute(select(mandate).where(mandate.c.mandate_id == number)).one()
    assert (row.actions, row.starts) == ('["visa"]', first.strftime("%Y-%m-%dT00:00:00Z"))


def test_only_the_minister_is_led_to_sign_a_draft_and_none_that_ended(officers: Officers) -> None:
    number = drafted(officers)
    (told,) = officers.ask([("SECRETARY-GENERAL", Question(f"/mandats/{number}/signer", {}))])
    assert told.code == "NOT_ALLOWED", told
    assert state_of(officers, number) == "proposed"
    (ended,) = officers.ask([("SECRETARY-GENERAL", Question(f"/mandats/{number}/terminer", {}))])
    assert ended.where == f"/mandats/{number}"
    (late,) = officers.ask([("MINISTER", Question(f"/mandats/{number}/signer", {}))])
    assert late.code == "NOT_PROPOSED", late


def test_no_list_that_gives_rights_is_chosen_beforehand(officers: Officers) -> None:
    """The first of a list is nobody and nothing; left there, the form is refused by name."""
    somebody = number_of(officers.on, "COURIER")
    holders = {f"{name}-{row}": "" for name in ("code", "officer", "card") for row in range(5)}
    dated = {"until": "", "act": ACT, "reason": "x"}
    rights = f"/droits/{somebody}"
    forms: list[tuple[str, str, str, dict[str, str], tuple[str, ...]]] = [
        ("SECURITY-OFFICER", f"{rights}/accorder", f"{rights}/fonction", dated, ("role",)),
        (
            *("SECURITY-OFFICER", f"{rights}/accorder", f"{rights}/habilitation"),
            {**dated, "caveats": "", "trained": ""},
            ("level",),
        ),
        (
            *("MINISTER", "/connaitre", "/connaitre"),
            {"matter": "PARIS", "until": "", "reason": "x"},
            ("officer", "kind"),
        ),
        ("SECURITY-OFFICER", "/recuperation", "/recuperation", {"reason": "x"}, ("officer",)),
        (
            *("CUSTODIAN-A", "/ceremonies/nouvelle", "/ceremonies/nouvelle"),
            {"threshold": "2", "reason": "x", **holders},
            ("second", "third"),
        ),
        (
            *("CHIEF-CNTC", "/mandats", "/mandats"),
            {"since": "", **dated},
            ("kind", "holder", "delegator", "role", "level"),
        ),
    ]
    for role, page, to, form, lists in forms:
        (shown,) = officers.ask([(role, Question(page))])
        for name in lists:
            (opening, first) = re.findall(
                rf'<select[^>]* name="{name}"([^>]*)>\s*(<option[^>]*>)', shown.words
            )[0]
            assert "required" in opening, (page, name)
            assert re.search(r'value=""|value(?=[ >])', first), (page, name, first)
            assert "selected" not in shown.words.split(f'name="{name}"')[1].split("</select>")[0]
        unchosen = {**form, **dict.fromkeys(lists, "")}
        (told,) = officers.ask([(role, Question(to, unchosen))])
        # In whichever language the officer chose last.
        assert re.search("Une liste est restée|A list was left", told.words), (to, told.words[:200])
        assert told.status == 422, (to, told.status)
