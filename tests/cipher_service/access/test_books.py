"""Movements, emergencies, reviews and outside accesses: decided, written, ended."""

import json
import multiprocessing
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe

import pytest
from sqlalchemy import Engine, select

from cipher_service.access import campaigns, doors, emergencies, movements, sites
from cipher_service.access.acts import Gate, circumstances, founded, person, require
from cipher_service.access.decisions import decide
from cipher_service.access.sites import Wanted
from cipher_service.access.subjects import Book, Circumstances, Dispatch
from cipher_service.directory import officers
from cipher_service.directory.enrolment import ApiKey
from cipher_service.directory.officers import Window
from cipher_service.directory.register import read_directory
from cipher_service.errors import ServiceError
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.access import handling, inventory_signature
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.jws import ApiKey as Es256Key
from tests.cipher_service.access import ministry as stage
from tests.cipher_service.access.ministry import WINDOW, Ministry
from tests.cipher_service.access.populations import NOW

DAY = timedelta(days=1)


@pytest.fixture
def ministry(engine: Engine) -> Ministry:
    return stage.founded(engine)


def test_a_leaver_loses_everything_at_once_and_an_inventory_says_what_is_held(
    ministry: Ministry,
) -> None:
    of, gate = ministry.of, ministry.gate
    leaver, successor = ministry.add("CUSTODIAN-A"), ministry.add("DIRECTOR")
    with unit_of_work(ministry.engine) as connection:
        connection.execute(
            handling.insert().values(
                dispatch_id="D1", author="", assigned=leaver, file="", releasable="[]"
            )
        )
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):
            movements.leave(connection, gate, leaver, successor, NOW)
        number = movements.leave(connection, gate, leaver, of["SECURITY-OFFICER"], NOW, successor)
        gone = gate.principals.of(connection, leaver, NOW)
        assert (gone.active, gone.functions, gone.clearance) == (False, frozenset(), -1)
        held = {(item.kind, item.matter) for item in movements.items(connection, number)}
        assert held == {("function", "CUSTODIAN-A"), ("dispatch", "D1")}
        sign = movements.sign
        sign(connection, number, leaver, "leaver", "", NOW)
        sign(connection, number, successor, "successor", "one seal press missing", NOW)
        sign(connection, number, of["SECURITY-OFFICER"], "security", "", NOW)
        for officer, quality, code in (
            (successor, "successor", "SIGNED_ALREADY"),
            (of["MINISTER"], "leaver", "NOT_THE_SIGNATORY"),
            (of["MINISTER"], "security", "NOT_THE_SIGNATORY"),
            (successor, "witness", "UNKNOWN_KIND"),
        ):
            with pytest.raises(ServiceError, match=code):
                sign(connection, number, officer, quality, "", NOW)
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            sign(connection, 99, leaver, "leaver", "", NOW)
        reserves = select(inventory_signature.c.reserves).order_by(inventory_signature.c.quality)
        assert list(connection.scalars(reserves)) == ["", "", "one seal press missing"]


def test_who_moves_keeps_the_number_and_nothing_of_the_old_post(ministry: Ministry) -> None:
    mover = ministry.add("CIPHER-CLERK")
    with unit_of_work(ministry.engine) as connection:
        by = ministry.of["SECURITY-OFFICER"]
        movements.transfer(connection, ministry.gate, mover, None, "PARIS", by, NOW)
        moved = ministry.gate.principals.of(connection, mover, NOW)
        assert (moved.active, moved.post, moved.functions, moved.clearance) == (
            True, "PARIS", frozenset(), -1,
        )  # fmt: skip


def test_a_fault_in_the_middle_of_a_leaving_leaves_nothing_half_done(
    ministry: Ministry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_anything: object) -> None:
        raise OSError

    monkeypatch.setattr(officers, "set_state", fail)
    leaver = ministry.add("DIRECTOR")
    by = ministry.of["SECURITY-OFFICER"]
    with pytest.raises(OSError), unit_of_work(ministry.engine) as connection:
        movements.leave(connection, ministry.gate, leaver, by, NOW)
    with reading(ministry.engine) as connection:
        kept = ministry.gate.principals.of(connection, leaver, NOW)
        assert (kept.active, kept.functions) == (True, frozenset({"DIRECTOR"}))


def _worker(url: str, officer: str, pipe: Pipe) -> None:
    """A process of its own that decides whenever it is asked."""
    engine, gate = open_engine(url), Gate()
    while pipe.recv():
        with reading(engine) as connection:
            principal = gate.principals.of(connection, officer, NOW)
        answer = decide(gate.policies, principal, "deadlines-view", Book("b"), Circumstances(NOW))
        pipe.send(answer.allowed)


@pytest.mark.slow
def test_after_a_leaver_the_next_decision_of_every_process_is_no(
    ministry: Ministry, database_url: str
) -> None:
    context = multiprocessing.get_context("spawn")
    leaver = ministry.add("REMINDER-OFFICER")
    pipes, processes = [], []
    for _ in range(2):
        ours, theirs = context.Pipe()
        process = context.Process(target=_worker, args=(database_url, leaver, theirs))
        process.start()
        pipes.append(ours)
        processes.append(process)

    def ask() -> list[bool]:
        for pipe in pipes:
            pipe.send("ask")
        return [pipe.recv() for pipe in pipes]

    try:
        assert ask() == [True, True]
        for state, allowed in (("suspended", False), ("active", True)) * 5:
            with unit_of_work(ministry.engine) as connection:
                officers.set_state(connection, leaver, state, NOW)
            assert ask() == [allowed, allowed]
        with unit_of_work(ministry.engine) as connection:
            by = ministry.of["SECURITY-OFFICER"]
            movements.leave(connection, ministry.gate, leaver, by, NOW)
        assert ask() == [False, False]
    finally:
        for pipe, process in zip(pipes, processes, strict=True):
            pipe.send("")
            process.join(60)


def test_an_emergency_lasts_an_hour_on_one_dispatch_and_is_reviewed_by_another(
    ministry: Ministry,
) -> None:
    of, gate = ministry.of, ministry.gate
    deputy, security = of["DEPUTY-DIRECTOR"], of["SECURITY-OFFICER"]
    flash = Dispatch("D1", 3)
    with unit_of_work(ministry.engine) as connection:
        declare = emergencies.declare
        for who, action, thing, reason, code in (
            (deputy, "export", flash, "x", "UNKNOWN_KIND"),
            (deputy, "read", flash, " ", "REASON_MISSING"),
            (deputy, "read", Dispatch("D2", 4), "x", "NOT_ALLOWED"),  # never above the clearance
            (security, "read", flash, "x", "NOT_ALLOWED"),
        ):
            with pytest.raises(ServiceError, match=code):
                declare(connection, gate, who, action, thing, reason, NOW)
        seq = declare(connection, gate, deputy, "read", flash, "coup in progress", NOW)
        for matter, action, at, wanted in (
            ("D1", "read", NOW, True),
            ("D2", "read", NOW, False),
            ("D1", "release", NOW, False),
            ("D1", "read", NOW + emergencies.LASTS, False),
        ):
            found = emergencies.under_emergency(
                connection, deputy, action, matter, Circumstances(at)
            )
            assert found.break_glass == wanted
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):
            emergencies.review(connection, gate, seq, deputy, "justified", NOW)
        with pytest.raises(ServiceError, match="UNKNOWN_KIND"):
            emergencies.review(connection, gate, seq, security, "fine", NOW)
        emergencies.review(connection, gate, seq, of["AUDITOR"], "justified", NOW)
        with pytest.raises(ServiceError, match="REVIEWED_ALREADY"):
            emergencies.review(connection, gate, seq, security, "justified", NOW)
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            emergencies.review(connection, gate, 99, security, "justified", NOW)
        assert emergencies.sweep(connection, NOW + 2 * DAY) == []
        assert gate.principals.of(connection, deputy, NOW).active


def test_an_emergency_that_nobody_reviewed_freezes_its_author(ministry: Ministry) -> None:
    deputy = ministry.of["DEPUTY-DIRECTOR"]
    with unit_of_work(ministry.engine) as connection:
        args = (connection, ministry.gate, deputy, "read", Dispatch("D1", 1), "x", NOW)
        seq = emergencies.declare(*args)
        assert emergencies.sweep(connection, NOW + emergencies.REVIEW - timedelta(seconds=1)) == []
        assert emergencies.sweep(connection, NOW + emergencies.REVIEW) == [seq]
        assert emergencies.sweep(connection, NOW + emergencies.REVIEW) == []
        assert not ministry.gate.principals.of(connection, deputy, NOW).active
        assert [row.finding for row in emergencies.everything(connection)] == ["unreviewed"]


def test_what_a_review_does_not_confirm_ends(ministry: Ministry) -> None:
    of, gate = ministry.of, ministry.gate
    security = of["SECURITY-OFFICER"]
    with unit_of_work(ministry.engine) as connection:
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):
            campaigns.open_campaign(connection, gate, of["AUDITOR"], NOW)
        number = campaigns.open_campaign(connection, gate, security, NOW)
        asked = campaigns.lines(connection, number)
        assert len(asked) == 12  # a function and an habilitation each
        for row in asked:
            if row.officer == security:
                with pytest.raises(ServiceError, match="NOT_ALLOWED"):
                    campaigns.answer(connection, gate, number, row.line, "confirmed", security, NOW)
            elif row.officer != of["DEPUTY-DIRECTOR"]:
                campaigns.answer(connection, gate, number, row.line, "confirmed", security, NOW)
            elif row.kind == "function":
                campaigns.answer(connection, gate, number, row.line, "removed", security, NOW)
                with pytest.raises(ServiceError, match="REVIEWED_ALREADY"):
                    campaigns.answer(connection, gate, number, row.line, "removed", security, NOW)
        deputy = gate.principals.of(connection, of["DEPUTY-DIRECTOR"], NOW)
        assert (deputy.functions, deputy.clearance) == (frozenset(), 3)
        assert campaigns.close(connection, NOW + campaigns.LASTS - timedelta(seconds=1)) == 0
        assert campaigns.close(connection, NOW + campaigns.LASTS) == 3
        assert campaigns.close(connection, NOW + campaigns.LASTS) == 0
        at = NOW + campaigns.LASTS
        assert gate.principals.of(connection, of["DEPUTY-DIRECTOR"], at).clearance == -1
        assert gate.principals.of(connection, of["AUDITOR"], at).clearance == 3
        for line, verdict, code in ((99, "removed", "NOT_FOUND"), (1, "perhaps", "UNKNOWN_KIND")):
            with pytest.raises(ServiceError, match=code):
                campaigns.answer(connection, gate, number, line, verdict, security, NOW)


def test_the_security_officer_alone_takes_a_door_into_service_and_ends_it(
    ministry: Ministry,
) -> None:
    of, gate = ministry.of, ministry.gate
    security, made = of["SECURITY-OFFICER"], Es256Key.generate()
    key = ApiKey(made.thumbprint(), json.dumps(made.public_jwk()))

    with unit_of_work(ministry.engine) as connection:
        for kind, place, by, code in (
            ("planet", "VAULT", security, "UNKNOWN_KIND"),
            ("room", " ", security, "MATTER_MISSING"),
            ("room", "VAULT", of["CHIEF-CNTC"], "NOT_ALLOWED"),
            ("room", "VAULT", "OFF-999999", "UNKNOWN_OFFICER"),
        ):
            with pytest.raises(ServiceError, match=code):
                doors.record(connection, gate, key, kind, place, by, NOW)
        assert doors.everything(connection) == []
        number = doors.record(connection, gate, key, "room", " VAULT ", security, NOW)
        (held,) = read_directory(connection).doors.values()
        assert (held.number, held.kind, held.place) == (number, "room", "VAULT")
        with pytest.raises(ServiceError, match="KEY_KNOWN"):
            doors.record(connection, gate, key, "room", "VAULT", security, NOW)
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):
            doors.revoke(connection, gate, number, of["AUDITOR"], NOW)
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            doors.revoke(connection, gate, "DOOR-999999", security, NOW)
        doors.revoke(connection, gate, number, security, NOW)
        assert read_directory(connection).doors == {}
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            doors.revoke(connection, gate, number, security, NOW)
        (row,) = doors.everything(connection)
        assert (row.state, row.recorded_by, row.revoked_by) == ("revoked", security, security)


def test_a_door_opens_for_who_was_proposed_agreed_granted_and_is_still_habilitated(
    ministry: Ministry,
) -> None:
    of, gate = ministry.of, ministry.gate
    clerk = ministry.add("CIPHER-CLERK")
    security, chief, deputy = of["SECURITY-OFFICER"], of["SECRETARY-GENERAL"], of["DEPUTY-DIRECTOR"]
    wanted = Wanted(clerk, "room", "CIPHER-ROOM", "SECRET", "watch", WINDOW)

    def enters(at: timedelta = timedelta(0)) -> bool:
        return sites.may_enter(connection, gate, clerk, "room", "CIPHER-ROOM", NOW + at)

    with unit_of_work(ministry.engine) as connection:
        seq = sites.request(connection, gate, wanted, deputy, NOW)
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            sites.grant(connection, gate, seq, chief, "DEC", NOW)  # no visa yet
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):
            sites.agree(connection, gate, seq, deputy, NOW)
        sites.agree(connection, gate, seq, security, NOW)
        for by, act, code in ((deputy, "DEC", "NOT_ALLOWED"), (chief, " ", "ACT_MISSING")):
            with pytest.raises(ServiceError, match=code):
                sites.grant(connection, gate, seq, by, act, NOW)
        assert not enters()
        sites.grant(connection, gate, seq, chief, "DEC", NOW)
        assert enters()
        assert not enters(timedelta(days=365))
        assert not sites.may_enter(connection, gate, chief, "room", "CIPHER-ROOM", NOW)
        officers.set_state(connection, clerk, "suspended", NOW)
        assert not enters()
        officers.set_state(connection, clerk, "active", NOW)
        sites.refuse(connection, gate, seq, security, NOW)
        assert not enters()
        assert [row.state for row in sites.everything(connection)] == ["revoked"]
        for change, code in (
            ({"kind": "planet"}, "UNKNOWN_KIND"),
            ({"place": " "}, "MATTER_MISSING"),
            ({"reason": " "}, "REASON_MISSING"),
            ({"window": Window(NOW, None)}, "WINDOW_OPEN"),
            ({"level": "LOW"}, "UNKNOWN_LEVEL"),
        ):
            with pytest.raises(ServiceError, match=code):
                sites.request(connection, gate, replace(wanted, **change), deputy, NOW)
        high = sites.request(connection, gate, replace(wanted, level="TRES-SECRET"), deputy, NOW)
        sites.agree(connection, gate, high, security, NOW)
        with pytest.raises(ServiceError, match="NOT_HABILITATED"):
            sites.grant(connection, gate, high, of["MINISTER"], "DEC", NOW)


def test_the_founding_ends_when_those_who_can_act_are_there(ministry: Ministry) -> None:
    with unit_of_work(ministry.engine) as connection:
        assert founded(connection)
        about = person(connection, ministry.of["AUDITOR"])
        asked = circumstances(connection, ministry.gate, NOW)
        with pytest.raises(ServiceError, match="FOUNDING_OVER"):
            require(connection, ministry.gate, None, "revoke", about, asked)
        officers.set_state(connection, ministry.of["SECRETARY-GENERAL"], "suspended", NOW)
        by, approver = ministry.of["SECURITY-OFFICER"], ministry.of["SECRETARY-GENERAL"]
        context = circumstances(connection, ministry.gate, NOW, approver=approver, third=approver)
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):  # who is frozen approves nothing
            require(connection, ministry.gate, by, "role-assign", about, context)
