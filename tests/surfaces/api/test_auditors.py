"""An auditor's machine reads the log and asks; each reading is logged before, under both."""

from typing import Any

import pytest

from cipher_service import clock
from cipher_service.access import audit_machines
from cipher_service.access.acts import Gate
from cipher_service.audit.questions import Wanted, every
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from tests.surfaces.api.doors import auditor, door, officer
from tests.surfaces.api.live import Post, Service, problem
from tests.surfaces.api.test_log import head

QUESTIONS = "/v1/audit/questions"


def refused(answer: Any, status: int, code: str) -> None:
    document = problem(answer)
    assert (document["status"], document["code"]) == (status, code), document


def test_an_auditors_machine_asks_and_reads_and_its_asking_stands_in_the_log_first(
    service: Service, paris: Post
) -> None:
    paris.call("POST", "/v1/entries", json={"officer": "OFF-000001"})  # refused: something to find
    machine, person = auditor(service)

    answer = machine.get(f"{QUESTIONS}/refusals?about=PARIS")
    assert answer.status_code == 200, answer.text
    lines = answer.json()["lines"]
    assert {line["outcome"] for line in lines} == {"refused"}
    assert any((line["action"], line["reason"]) == ("door_ask", "DOOR_UNKNOWN") for line in lines)
    own = machine.get(f"{QUESTIONS}/acts?about={person}").json()["lines"]
    assert {line["resource"] for line in own} == {
        "questions/refusals/PARIS", f"questions/acts/{person}",
    }  # fmt: skip
    note = head(machine)
    assert machine.get("/v1/audit/tile/0/000.p/1").status_code == 200
    assert note.text

    with service.administration() as connection:
        found = every(connection, Wanted(actor=person), 100)
    assert {entry.said["client"] for entry in found} == {machine.own.api.thumbprint()}
    assert {entry.said["action"] for entry in found} == {"auditor_read"}
    assert {"log/checkpoint", "log/tile"} <= {entry.said["resource"] for entry in found}
    assert all(entry.said["policies"] == ["audit-read"] for entry in found)


def test_it_is_given_nothing_of_dispatches_and_others_may_not_ask(
    service: Service, paris: Post
) -> None:
    machine, person = auditor(service)
    gate = door(service, "GATE", officer(service, "SECURITY-OFFICER"))
    for other in (paris, gate):
        refused(other.get(f"{QUESTIONS}/holes"), 403, "AUDITOR_UNKNOWN")
    for read in ("/v1/directory", "/v1/dispatches", "/v1/service-messages", "/v1/prekeys"):
        refused(machine.get(read), 401, "TOKEN_REFUSED")
    refused(machine.call("POST", "/v1/entries", json={"officer": person}), 403, "DOOR_UNKNOWN")
    for asked, status, code in (
        ("nothing", 404, "UNKNOWN_QUESTION"),
        ("readers", 422, "ASK_INCOMPLETE"),
        ("grants?about=x", 422, "DAY_MALFORMED"),
        ("reads-above?about=LOW", 422, "UNKNOWN_LEVEL"),
        ("holes?since=2026-02-30", 400, "QUERY_INVALID"),
        ("holes?limit=9", 400, "QUERY_INVALID"),
        ("approvals?about=x", 404, "NOT_FOUND"),
        ("HOLES", 404, "NOT_FOUND"),
    ):
        refused(machine.get(f"{QUESTIONS}/{asked}"), status, code)
    headers = machine.authorised("GET", f"{QUESTIONS}/holes")
    first, again = (service.http.get(f"{QUESTIONS}/holes", headers=headers) for _ in range(2))
    assert first.status_code == 200
    refused(again, 401, "PROOF_REPLAYED")


def test_it_ends_with_its_auditor_or_when_it_is_revoked(service: Service) -> None:
    machine, person = auditor(service)
    with service.administration() as connection:
        officers.set_state(connection, person, "suspended", clock.now())
    refused(machine.get(f"{QUESTIONS}/holes"), 403, "NOT_ALLOWED")
    with service.administration() as connection:
        officers.set_state(connection, person, "active", clock.now())
    assert machine.get(f"{QUESTIONS}/holes").status_code == 200
    security, minister = officer(service, "SECURITY-OFFICER"), officer(service, "MINISTER")
    with service.administration() as connection:
        for by, code in ((person, "NOT_ALLOWED"), (security, ""), (security, "NOT_FOUND")):
            if not code:
                audit_machines.revoke(connection, Gate(), machine.code, by, clock.now())
                continue
            with pytest.raises(ServiceError, match=code):
                audit_machines.revoke(connection, Gate(), machine.code, by, clock.now())
    refused(machine.get(f"{QUESTIONS}/holes"), 403, "AUDITOR_UNKNOWN")
    refused(machine.get("/v1/audit/checkpoint"), 401, "TOKEN_REFUSED")
    refused(machine.ask_token(), 401, "ASSERTION_REFUSED")
    key, now = machine.own.api_key, clock.now()
    with service.administration() as connection:
        for about, by, approver, code in (
            (person, security, minister, "KEY_KNOWN"),
            (person, security, security, "NOT_ALLOWED"),  # one person is not two
            (person, minister, security, "NOT_ALLOWED"),
            (minister, security, minister, "NOT_ALLOWED"),  # no auditor
        ):
            with pytest.raises(ServiceError, match=code):
                audit_machines.record(connection, Gate(), key, about, by, approver, now)
