"""What ends by the clock ends by itself, with its entry; who leaves is out at once."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from cipher_service.access import campaigns, emergencies, movements
from cipher_service.access.subjects import Dispatch
from cipher_service.access.upkeep import Upkeep, reminders
from cipher_service.errors import ServiceError
from cipher_service.identity import passkey_book, sessions
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.cipher_service.access import ministry as stage
from tests.cipher_service.access.ministry import YEAR, Ministry
from tests.cipher_service.access.populations import NOW
from tests.support.signing_in import enrol, signed_in

DAY = timedelta(days=1)


@pytest.fixture
def ministry(engine: Engine) -> Ministry:
    return stage.founded(engine)


def test_the_clock_freezes_and_closes_and_says_so_once(ministry: Ministry) -> None:
    deputy, security = ministry.of["DEPUTY-DIRECTOR"], ministry.of["SECURITY-OFFICER"]
    with unit_of_work(ministry.engine) as connection:
        emergencies.declare(
            connection, ministry.gate, deputy, "read", Dispatch("D1", 1), "night", NOW
        )
        number = campaigns.open_campaign(connection, ministry.gate, security, NOW)
    at = NOW + timedelta(hours=23)
    upkeep = Upkeep("log.example", lambda: at)

    def lapse() -> int:
        with unit_of_work(ministry.engine) as connection:
            entries: int = upkeep.handlers()["lapse"](connection, None)
        return entries

    assert lapse() == 0
    at = NOW + campaigns.LASTS
    assert (lapse(), lapse()) == (2, 0)
    with reading(ministry.engine) as connection:
        rows = connection.execute(select(audit_entry).order_by(audit_entry.c.seq))
        told = [(row.actor, row.action, row.resource, row.outcome) for row in rows]
        assert not ministry.gate.principals.of(connection, deputy, NOW).active
    assert told == [
        ("clock", "emergency_lapse", deputy, "done"),
        ("clock", "review_close", number, "done"),
    ]


def test_reminders_name_what_ends_soon_and_nothing_else(ministry: Ministry) -> None:
    with unit_of_work(ministry.engine) as connection:
        emergencies.declare(
            connection, ministry.gate, ministry.of["DEPUTY-DIRECTOR"], "read", Dispatch("D1", 1),
            "night", NOW,
        )  # fmt: skip
        found = reminders(connection, NOW)
        assert [(each.kind, each.step) for each in found] == [("emergency", 7)]
        auditor = ministry.of["AUDITOR"]
        movements.leave(connection, ministry.gate, auditor, ministry.of["SECURITY-OFFICER"], NOW)
        soon = reminders(connection, NOW + YEAR - 20 * DAY)
        assert {(each.kind, each.step) for each in soon} == {("habilitation", 30), ("training", 30)}
        assert auditor not in {each.officer for each in soon}
        assert {each.kind for each in reminders(connection, NOW + YEAR - 61 * DAY)} == set()


@pytest.mark.parametrize("moves", ["leaves", "moves"])
def test_who_goes_is_signed_out_in_the_same_transaction(ministry: Ministry, moves: str) -> None:
    security = ministry.of["SECURITY-OFFICER"]
    goer = enrol(ministry.engine, ministry.add("CIPHER-CLERK"), NOW)
    token = signed_in(ministry.engine, goer.keys[0], NOW)
    with reading(ministry.engine) as connection:
        assert sessions.find_session(connection, token, NOW).officer == goer.number
    with unit_of_work(ministry.engine) as connection:
        link = passkey_book.make_link(connection, goer.number, NOW, by=security)
        if moves == "leaves":
            movements.leave(connection, ministry.gate, goer.number, security, NOW)
        else:
            movements.transfer(
                connection, ministry.gate, goer.number, None, "MINREX", security, NOW
            )
    with reading(ministry.engine) as connection:
        with pytest.raises(ServiceError, match="SESSION_ENDED"):
            sessions.find_session(connection, token, NOW)
        revoked = [key.revoked is not None for key in passkey_book.keys_of(connection, goer.number)]
        assert revoked == [moves == "leaves"] * 2
        if moves == "leaves":
            with pytest.raises(ServiceError, match="LINK_UNKNOWN"):
                passkey_book.officer_of_link(connection, link, NOW)
    if moves == "moves":
        assert signed_in(ministry.engine, goer.keys[1], NOW)
        return
    with pytest.raises(ServiceError, match="KEY_UNKNOWN"):
        signed_in(ministry.engine, goer.keys[1], NOW)
