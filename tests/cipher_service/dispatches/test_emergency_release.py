"""Alone in an emergency: an authority that has read it, never its author, and another reviews."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service import clock
from cipher_service.access import emergencies
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.storage.unit_of_work import unit_of_work
from keys.acts import Act
from tests.cipher_service.dispatches.test_office import refused, submitted
from tests.support.cipher_office import Office


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def test_in_an_emergency_an_authority_releases_alone_and_another_reviews(office: Office) -> None:
    number = office.draft(level="SECRET")
    with pytest.raises(ServiceError, match="PARTY_UNKNOWN"):
        submitted(office, number, "CHIEF")  # approves, but proposes nothing and urges nothing
    submitted(office, number, "DEPUTY")
    why = {"dispatch_id": number, "reason": "Évacuation ; personne au chiffre avant six heures"}
    refused(office, "NOT_OPENED", "DEPUTY", "dispatch_urge", **why)
    office.read("DEPUTY", number)
    refused(office, "REASON_MISSING", "DEPUTY", "dispatch_urge", **{**why, "reason": " "})
    asked = office.act("DEPUTY", "dispatch_prepare", dispatch_id=number)
    alone = replace(Act.parse(asked["act"]), kind="dispatch.release-alone")
    asked |= {"act": alone.encoded, "digest": alone.digest}
    signed = office.signature("DEPUTY", asked)
    refused(office, "NOT_ALLOWED", "DEPUTY", "dispatch_release", dispatch_id=number, **signed)
    urged = office.act("DEPUTY", "dispatch_urge", **why)
    signed = office.signature("DEPUTY", urged)
    office.act("DEPUTY", "dispatch_release", dispatch_id=number, **signed)
    assert [left.refused for left in office.departing.round()] == [None]
    deputy = office.of["DEPUTY"].number
    with unit_of_work(office.engine) as connection:
        (row,) = emergencies.awaiting(connection, office.of["SECURITY"].number)
        assert (row.officer, row.action, row.object) == (deputy, "release", number)
        assert emergencies.awaiting(connection, deputy) == [], "nobody reviews their own"
        by = office.of["SECURITY"].number
        emergencies.review(connection, office.gate, row.seq, by, "unjustified", clock.now())
        assert officers.read(connection, deputy).state == "suspended"


def test_a_clerk_and_an_author_have_no_emergency(office: Office) -> None:
    number = office.draft(level="SECRET")
    submitted(office, number)
    office.read("CLERK", number)
    why = {"dispatch_id": number, "reason": "Personne d'autre"}
    refused(office, "NOT_ALLOWED", "CLERK", "dispatch_urge", **why)
    refused(office, "NOT_AWAITED", "DRAFTER", "dispatch_urge", **why)
    refused(office, "NOT_FOUND", "DEPUTY", "dispatch_urge", **why)
    own = office.act(
        "DEPUTY", "dispatch_save", dispatch_id=None, content=office.content(level="SECRET")
    )["dispatch_id"]
    with pytest.raises(ServiceError, match="PARTY_UNKNOWN"):
        office.act("DEPUTY", "dispatch_submit", dispatch_id=own, edition=1,
                   to=office.of["DEPUTY"].number)  # fmt: skip
