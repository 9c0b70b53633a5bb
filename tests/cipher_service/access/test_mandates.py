"""Mandates of article 8: who stands in, a draft, its signature, how narrow it is, its end."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from cipher_service import clock
from cipher_service.access import campaigns, mandates, movements
from cipher_service.access.authorising import Authorising
from cipher_service.access.decisions import decide
from cipher_service.access.mandate_desk import MandateDesk
from cipher_service.access.mandates import Draft
from cipher_service.access.subjects import Book, Circumstances
from cipher_service.audit.ledger import append
from cipher_service.audit.questions import Wanted, every
from cipher_service.audit.records import DONE, Event
from cipher_service.directory import officers
from cipher_service.directory.officers import Window
from cipher_service.errors import ServiceError
from cipher_service.identity import awaiting, shared_acts
from cipher_service.identity.passkey_book import Site
from cipher_service.storage import counters
from cipher_service.storage.tables.acts import shared_act
from cipher_service.storage.tables.officers import absence, function_held
from cipher_service.storage.unit_of_work import unit_of_work
from tests.cipher_service.access import ministry as stage
from tests.cipher_service.access.ministry import Ministry
from tests.cipher_service.access.populations import NOW
from tests.support import acts as workshop

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def ministry(engine: Engine) -> Ministry:
    return stage.founded(engine)


def draft(ministry: Ministry, holder: str, **changes: Any) -> Draft:
    made = Draft(
        "interim", holder, ministry.of["SECRETARY-GENERAL"], "SECRETARY-GENERAL", (), "SECRET",
        Window(NOW, NOW + 30 * DAY), "ARR-12",
    )  # fmt: skip
    return replace(made, **changes)


def test_the_interim_goes_to_the_most_senior_director_of_the_highest_grade(
    ministry: Ministry,
) -> None:
    """Article 8: grade, then date in grade, then seniority; who is away is passed over."""
    low = ministry.add("DIRECTOR", "CAE", 2001, 1990)
    late = ministry.add("DIRECTOR", "MP", 2012, 1991)
    first = ministry.add("DIRECTOR", "MP", 2011, 1999)
    elder = ministry.add("DIRECTOR", "MP", 2011, 1998)
    twin = ministry.add("DIRECTOR", "MP", 2011, 1998)
    frozen = ministry.add("DIRECTOR", "MP-HE", 2000, 1980)
    away = ministry.add("DIRECTOR", "MP-HE", 2000, 1980)
    with unit_of_work(ministry.engine) as connection:
        officers.set_state(connection, frozen, "suspended", NOW)
        leave = absence.insert().values(officer=away, starts="2026-01-01T00:00:00Z", reason="x")
        connection.execute(leave)
        found = mandates.candidates(connection, ministry.gate, NOW)
    assert [each.officer.officer_id for each in found] == [elder, twin, first, late, low]
    assert [each.tied for each in found] == [True, True, False, False, False]
    assert found[2].evidence()["grade_since"] == "2011-01-01"


def test_only_the_ministers_signature_makes_an_interim(ministry: Ministry) -> None:
    holder, other = ministry.add("DIRECTOR", "MP"), ministry.add("DIRECTOR", "CAE")
    of, gate = ministry.of, ministry.gate
    with unit_of_work(ministry.engine) as connection:
        with pytest.raises(ServiceError, match="REASON_MISSING"):
            mandates.propose(connection, gate, draft(ministry, other), of["CHIEF-CNTC"], NOW)
        number = mandates.propose(connection, gate, draft(ministry, holder), of["CHIEF-CNTC"], NOW)
        for by in (of["SECRETARY-GENERAL"], of["CHIEF-CNTC"], holder):
            with pytest.raises(ServiceError, match="NOT_ALLOWED"):
                mandates.sign(connection, gate, number, by, NOW)
        assert gate.principals.of(connection, holder, NOW).mandates == ()
        mandates.sign(connection, gate, number, of["MINISTER"], NOW)
        with pytest.raises(ServiceError, match="NOT_PROPOSED"):
            mandates.sign(connection, gate, number, of["MINISTER"], NOW)
        acting = gate.principals.of(connection, holder, NOW)
        done = decide(gate.policies, acting, "deadlines-view", Book("b"), Circumstances(NOW))
        assert (done.allowed, done.mandate) == (True, number)
        evidence = json.loads(mandates.find(connection, number).evidence)
        assert [each["officer"] for each in evidence["order"]] == [holder, other]
        over = gate.principals.of(connection, holder, NOW + 30 * DAY)
        assert over.mandates == ()  # it ends by itself
        mandates.end(connection, gate, number, of["SECRETARY-GENERAL"], NOW)  # who is back
        assert gate.principals.of(connection, holder, NOW).mandates == ()
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            mandates.find(connection, "M-9")
        assert len(mandates.everything(connection)) == 1


def test_a_mandate_is_refused_where_duties_part_and_gives_nothing_to_oneself(
    ministry: Ministry,
) -> None:
    of, gate = ministry.of, ministry.gate
    clerk = ministry.add("CIPHER-CLERK")
    for wrong, code in (
        (draft(ministry, of["AUDITOR"], reason="x"), "DUTIES_SEPARATE"),
        (draft(ministry, of["SECRETARY-GENERAL"]), "OWN_ACT"),
        (draft(ministry, clerk, window=Window(NOW, None)), "WINDOW_OPEN"),
        (draft(ministry, clerk, act=" "), "ACT_MISSING"),
        (draft(ministry, clerk, level="LOW"), "UNKNOWN_LEVEL"),
        (draft(ministry, clerk, role="MINISTER"), "NOT_HELD"),
        (draft(ministry, clerk, window=Window(NOW - DAY, NOW + DAY)), "WINDOW_PAST"),
        # It began today, and would be over before it is written.
        (draft(ministry, clerk, window=Window(NOW - 2 * HOUR, NOW - HOUR)), "MANDATE_OVER"),
        (draft(ministry, clerk, window=Window(NOW - HOUR, NOW)), "MANDATE_OVER"),
        (draft(ministry, clerk, actions=("visa", "key-destroy")), "ACTIONS_OF_ANOTHER"),
        (draft(ministry, clerk, actions=("no-such-act",)), "ACTIONS_OF_ANOTHER"),
    ):
        with unit_of_work(ministry.engine) as connection, pytest.raises(ServiceError, match=code):
            mandates.propose(connection, gate, wrong, of["CHIEF-CNTC"], NOW)


def test_a_narrower_mandate_gives_its_acts_on_its_days_and_no_other(ministry: Ministry) -> None:
    holder, gate = ministry.add("DIRECTOR", "MP"), ministry.gate
    starts = NOW + DAY
    narrow = draft(ministry, holder, actions=("policy-read",), window=Window(starts, starts + DAY))
    with unit_of_work(ministry.engine) as connection:
        number = mandates.propose(connection, gate, narrow, ministry.of["CHIEF-CNTC"], NOW)
        mandates.sign(connection, gate, number, ministry.of["MINISTER"], NOW)
        for at, action, allowed in (
            (NOW, "policy-read", False),
            (starts, "policy-read", True),
            (starts, "deadlines-view", False),  # the function's, and not the mandate's
            (starts + DAY, "policy-read", False),
        ):
            acting = gate.principals.of(connection, holder, at)
            done = decide(gate.policies, acting, action, Book("b"), Circumstances(at))
            assert (action, done.allowed) == (action, allowed)


def test_what_is_held_by_mandate_is_handed_to_nobody(ministry: Ministry) -> None:
    holder, third, gate = ministry.add("DIRECTOR", "MP"), ministry.add("DIRECTOR"), ministry.gate
    of = ministry.of
    narrow = draft(ministry, holder, actions=("policy-read",), window=Window(NOW, NOW + 9 * DAY))
    wider = draft(ministry, third, delegator=holder, reason="x")
    with unit_of_work(ministry.engine) as connection:
        number = mandates.propose(connection, gate, narrow, of["CHIEF-CNTC"], NOW)
        mandates.sign(connection, gate, number, of["MINISTER"], NOW)
    with unit_of_work(ministry.engine) as connection:
        with pytest.raises(ServiceError) as refused:
            mandates.propose(connection, gate, wider, of["CHIEF-CNTC"], NOW)
        assert refused.value.code == "HELD_BY_MANDATE"
        assert len(mandates.everything(connection)) == 1


def test_a_draft_is_not_signed_when_its_delegator_has_lost_the_function(
    ministry: Ministry,
) -> None:
    holder, gate, of = ministry.add("DIRECTOR", "MP"), ministry.gate, ministry.of
    delegator = of["SECRETARY-GENERAL"]
    with unit_of_work(ministry.engine) as connection:
        number = mandates.propose(connection, gate, draft(ministry, holder), of["CHIEF-CNTC"], NOW)
        officers.end_function(connection, delegator, "SECRETARY-GENERAL", NOW + DAY)
        with pytest.raises(ServiceError) as refused:
            mandates.sign(connection, gate, number, of["MINISTER"], NOW + DAY)
        assert refused.value.code == "NOT_HELD"
        assert mandates.find(connection, number).state == "proposed"
        assert gate.principals.of(connection, holder, NOW + DAY).mandates == ()


def test_a_function_is_lent_from_the_day_that_its_delegator_holds_it(ministry: Ministry) -> None:
    holder, gate, of = ministry.add("DIRECTOR", "MP"), ministry.gate, ministry.of
    later = ministry.add("CIPHER-CLERK")
    starts = NOW + 5 * DAY
    too_soon = draft(ministry, holder, delegator=later, role="CHIEF-POUCH")
    with unit_of_work(ministry.engine) as connection:
        officers.assign(
            connection, later, "CHIEF-POUCH", Window(starts, None), act="DEC-2", by=None
        )
        with pytest.raises(ServiceError, match="NOT_HELD"):
            mandates.propose(connection, gate, too_soon, of["CHIEF-CNTC"], NOW)
        in_time = replace(too_soon, window=Window(starts, starts + DAY))
        assert mandates.propose(connection, gate, in_time, of["CHIEF-CNTC"], NOW)


def shorten(connection: Connection, officer: str, ends: datetime) -> None:
    """Write another end into the book of functions, as a version before this refusal left it."""
    mine = function_held.update().where(function_held.c.officer == officer)
    connection.execute(mine.values(ends=clock.text(ends)))
    counters.advance(connection, officers.OFFICERS)


def test_a_mandate_is_written_for_no_day_after_its_function(ministry: Ministry) -> None:
    """The refusal names the instant; a function prolonged from it on is held all along."""
    holder, gate, of = ministry.add("DIRECTOR", "MP"), ministry.gate, ministry.of
    general, until = of["SECRETARY-GENERAL"], NOW + 9 * DAY
    exact = draft(ministry, holder, window=Window(NOW, until))
    longer = draft(ministry, holder, window=Window(NOW + DAY, until + timedelta(seconds=1)))
    with unit_of_work(ministry.engine) as connection:
        shorten(connection, general, until)
        assert mandates.propose(connection, gate, exact, of["CHIEF-CNTC"], NOW)
        with pytest.raises(ServiceError) as refused:
            mandates.propose(connection, gate, longer, of["CHIEF-CNTC"], NOW)
        assert refused.value.code == "LENT_TOO_LONG"
        assert dict(refused.value.facts) == {
            "officer": general, "role": "SECRETARY-GENERAL", "ends": clock.text(until),
            "last": clock.text(until - DAY)[:10],
        }  # fmt: skip
        again = Window(until, until + DAY)
        officers.assign(connection, general, "SECRETARY-GENERAL", again, act="DEC-4", by=None)
        assert mandates.propose(connection, gate, longer, of["CHIEF-CNTC"], NOW)


def test_a_draft_that_its_function_no_longer_covers_is_not_signed(ministry: Ministry) -> None:
    holder, gate, of = ministry.add("DIRECTOR", "MP"), ministry.gate, ministry.of
    with unit_of_work(ministry.engine) as connection:
        number = mandates.propose(connection, gate, draft(ministry, holder), of["CHIEF-CNTC"], NOW)
        shorten(connection, of["SECRETARY-GENERAL"], NOW + 29 * DAY)
        with pytest.raises(ServiceError, match="LENT_TOO_LONG"):
            mandates.sign(connection, gate, number, of["MINISTER"], NOW)
        assert mandates.find(connection, number).state == "proposed"


def test_a_function_that_has_run_out_lends_nothing(ministry: Ministry) -> None:
    """A mandate that was signed for longer stands in the book, and its holder is refused."""
    holder, gate = ministry.add("DIRECTOR", "MP"), ministry.gate
    security, until = ministry.of["SECURITY-OFFICER"], NOW + 9 * DAY
    act = workshop.act("function.assign", security, not_before=NOW, expires=NOW + HOUR)
    proposed = {"proposed_at": clock.text(NOW), "expires_at": clock.text(NOW + HOUR)}
    general = {"SECRETARY-GENERAL"}
    with unit_of_work(ministry.engine) as connection:
        number = lent(ministry, connection, holder)
        shorten(connection, ministry.of["SECRETARY-GENERAL"], until)
        body = {"kind": act.kind, "resource": act.resource, "body": act.encoded, "state": "open"}
        connection.execute(shared_act.insert().values(act_id=act.id, **body, **proposed))
        for at, allowed in ((until - timedelta(seconds=1), True), (until, False)):
            acting = gate.principals.of(connection, holder, at)
            done = decide(gate.policies, acting, "policy-read", Book("b"), Circumstances(at))
            assert (done.allowed, done.mandate) == (allowed, number if allowed else "")
            seated = shared_acts.persons_now(connection, act, [holder], at)[holder]
            assert seated.functions & general == (general if allowed else set())
            # Whom a mandate named stays too near to its delegator to be the second person.
            assert seated.stands_for == {ministry.of["SECRETARY-GENERAL"]}
        awaiting.require_seen(connection, act.id, holder, until - timedelta(seconds=1))
        with pytest.raises(ServiceError, match="UNKNOWN_ACT"):
            awaiting.require_seen(connection, act.id, holder, until)


def test_a_mandate_that_begins_today_begins_now_and_not_at_midnight(ministry: Ministry) -> None:
    desk = MandateDesk(_no_site, ministry.gate, "log", now=lambda: NOW)
    asked = {
        "kind": "signature",
        "holder": ministry.add("CIPHER-CLERK"),
        "delegator": ministry.of["SECRETARY-GENERAL"],
        "role": "SECRETARY-GENERAL",
        "actions": [],
        "level": "SECRET",
        "ends": clock.text(NOW + 9 * DAY),
        "act": "ARR-1",
        "reason": "",
    }
    midnight = NOW.replace(hour=0, minute=0, second=0)
    assert midnight < NOW
    with unit_of_work(ministry.engine) as connection:
        for given, starts in (
            ("", NOW),
            (clock.text(midnight), NOW),
            (clock.text(midnight + DAY), midnight + DAY),
        ):
            made = desk.propose(connection, ministry.of["CHIEF-CNTC"], {**asked, "starts": given})
            assert mandates.find(connection, made["act"]).starts == clock.text(starts)


def _no_site() -> Site:
    raise AssertionError("a draft is written without a security key")


def lent(ministry: Ministry, connection: Connection, holder: str, **changes: Any) -> str:
    """Write a mandate and have it signed."""
    made = draft(ministry, holder, **changes)
    number = mandates.propose(connection, ministry.gate, made, ministry.of["CHIEF-CNTC"], NOW)
    mandates.sign(connection, ministry.gate, number, ministry.of["MINISTER"], NOW)
    return number


def ended_in(connection: Connection) -> list[tuple[str, str | None]]:
    """Return who ended which mandate beside another act, by the log."""
    found = every(connection, Wanted(actions=("mandate_end",)), 10)
    return [(one.said["actor"], one.said["resource"]) for one in reversed(found)]


@pytest.fixture
def logged(ministry: Ministry) -> Ministry:
    begun = Event(time_us=0, actor="-", action="init", outcome=DONE)
    with unit_of_work(ministry.engine) as connection:
        append(connection, "log.example", [begun])
    return ministry


def test_a_function_that_is_taken_away_takes_the_mandates_on_it(logged: Ministry) -> None:
    """The one in force and the draft end in the same transaction, each with its entry."""
    of, gate = logged.of, logged.gate
    general, chief = of["SECRETARY-GENERAL"], of["CHIEF-CNTC"]
    holder, other = logged.add("DIRECTOR", "MP"), logged.add("DIRECTOR", "CAE")
    with unit_of_work(logged.engine) as connection:
        active = lent(logged, connection, holder)
        drafted = mandates.propose(connection, gate, draft(logged, other, reason="x"), chief, NOW)
        third, deputy = stage.person(connection, "DRAFTER"), of["DEPUTY-DIRECTOR"]
        other_role = {"delegator": deputy, "role": "DEPUTY-DIRECTOR", "kind": "signature"}
        elsewhere = lent(logged, connection, third, **other_role)
        taking = Authorising(gate, lambda: NOW + DAY)
        act = {"officer": general, "role": "SECRETARY-GENERAL"}
        taking.end_function(connection, of["SECURITY-OFFICER"], act)
        states = {row.mandate_id: row.state for row in mandates.everything(connection)}
        assert states == {active: "ended", drafted: "ended", elsewhere: "active"}
        assert ended_in(connection) == [
            (of["SECURITY-OFFICER"], active), (of["SECURITY-OFFICER"], drafted)
        ]  # fmt: skip
        assert gate.principals.of(connection, holder, NOW + DAY).mandates == ()


def test_a_mandate_on_a_later_time_of_the_function_stands(logged: Ministry) -> None:
    """A function that is held twice, and taken away once, lends what it still gives."""
    holder, clerk = logged.add("DIRECTOR", "MP"), logged.add("CIPHER-CLERK")
    reviewer = logged.of["SECURITY-OFFICER"]
    first, second = Window(NOW, NOW + 5 * DAY), Window(NOW + 9 * DAY, NOW + 20 * DAY)
    with unit_of_work(logged.engine) as connection:
        for window in (first, second):
            officers.assign(connection, clerk, "CHIEF-POUCH", window, act="DEC-3", by=None)
        now_on, later = (
            lent(logged, connection, holder, delegator=clerk, role="CHIEF-POUCH", window=window,
                 reason="x")
            for window in (first, second)
        )  # fmt: skip
        review = campaigns.open_campaign(connection, logged.gate, reviewer, NOW)
        (line,) = (
            row.line
            for row in campaigns.lines(connection, review)
            if row.right_name == "CHIEF-POUCH"
        )
        campaigns.answer(connection, logged.gate, review, line, "removed", reviewer, NOW)
        assert ended_in(connection) == [(reviewer, now_on)]
        assert mandates.find(connection, later).state == "active"


def test_a_review_that_removes_a_function_ends_the_mandates_on_it(logged: Ministry) -> None:
    of, gate = logged.of, logged.gate
    holder, reviewer = logged.add("DIRECTOR", "MP"), of["SECURITY-OFFICER"]
    with unit_of_work(logged.engine) as connection:
        number = lent(logged, connection, holder)
        review = campaigns.open_campaign(connection, gate, reviewer, NOW)
        (line,) = (
            row.line
            for row in campaigns.lines(connection, review)
            if row.right_name == "SECRETARY-GENERAL"
        )
        campaigns.answer(connection, gate, review, line, "removed", reviewer, NOW)
        assert mandates.find(connection, number).state == "ended"
        assert ended_in(connection) == [(reviewer, number)]
        assert gate.principals.of(connection, holder, NOW).mandates == ()


def test_a_function_that_nobody_confirmed_ends_with_the_mandates_on_it(logged: Ministry) -> None:
    holder = logged.add("DIRECTOR", "MP")
    with unit_of_work(logged.engine) as connection:
        longer = Window(NOW, NOW + 2 * campaigns.LASTS)
        number = lent(logged, connection, holder, window=longer)
        campaigns.open_campaign(connection, logged.gate, logged.of["SECURITY-OFFICER"], NOW)
        campaigns.close(connection, NOW + campaigns.LASTS)
        assert ended_in(connection) == [("clock", number)]


def test_whoever_leaves_ends_the_mandates_on_either_side_and_the_log_names_each(
    logged: Ministry,
) -> None:
    of, gate = logged.of, logged.gate
    holder, by = logged.add("DIRECTOR", "MP"), of["SECURITY-OFFICER"]
    with unit_of_work(logged.engine) as connection:
        number = lent(logged, connection, holder)
        movements.leave(connection, gate, holder, by, NOW)
        movements.leave(connection, gate, of["SECRETARY-GENERAL"], by, NOW)
        assert ended_in(connection) == [(by, number)]


@pytest.mark.parametrize("kind", ["interim", "signature"])
def test_a_draft_whose_days_have_passed_is_neither_signed_nor_asked_for(
    ministry: Ministry, kind: str
) -> None:
    """It would hold for nothing; the Minister is not led to sign it, and it awaits nobody."""
    of, gate, holder = ministry.of, ministry.gate, ministry.add("DIRECTOR", "MP")
    short = draft(ministry, holder, kind=kind, window=Window(NOW, NOW + DAY))
    minister, over = of["MINISTER"], NOW + DAY
    with unit_of_work(ministry.engine) as connection:
        number = mandates.propose(connection, gate, short, of["CHIEF-CNTC"], NOW)
        assert mandates.awaiting(connection, over - timedelta(seconds=1)) == 1
        assert mandates.awaiting(connection, over) == 0
        with pytest.raises(ServiceError) as refused:
            mandates.sign(connection, gate, number, minister, over)
        assert (refused.value.code, dict(refused.value.facts)) == (
            "MANDATE_OVER", {"ends": clock.text(over)}
        )  # fmt: skip
        desk = MandateDesk(_no_site, gate, "log", now=lambda: over)
        with pytest.raises(ServiceError, match="MANDATE_OVER"):
            desk.ask(connection, minister, {"mandate": number, "back": "/"})
        assert mandates.find(connection, number).state == "proposed"
        assert gate.principals.of(connection, holder, NOW).mandates == ()
