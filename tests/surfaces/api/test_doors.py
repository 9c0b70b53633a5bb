"""A door asks who may enter its one place; it is answered nothing else, and all of it is logged."""

import json
from typing import Any

import pytest

from cipher_service import clock
from cipher_service.access import doors
from cipher_service.access.acts import Gate
from cipher_service.audit.questions import Wanted, every
from cipher_service.directory import enrolment, officers
from cipher_service.errors import ServiceError
from tests.surfaces.api.doors import door, grant, officer
from tests.surfaces.api.live import Post, Service, problem


def asked(machine: Post, person: str) -> tuple[bool, str]:
    answer = machine.call("POST", "/v1/entries", json={"officer": person})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.keys() == {"may_enter", "reason"}
    return told["may_enter"], told["reason"]


def refused(answer: Any, status: int, code: str) -> None:
    document = problem(answer)
    assert (document["status"], document["code"]) == (status, code), document


def test_a_door_is_told_yes_or_no_and_why_and_the_log_has_each_answer(service: Service) -> None:
    security, clerk = officer(service, "SECURITY-OFFICER"), officer(service, "CIPHER-CLERK")
    low = officer(service, "CIPHER-CLERK", "CONFIDENTIEL")
    here, elsewhere = (door(service, f"{place}-{clerk}", security) for place in ("HERE", "OTHER"))
    for person in (clerk, low):
        grant(service, person, f"HERE-{clerk}", security)

    assert asked(here, clerk) == (True, "GRANTED")
    assert asked(here, security) == asked(here, "OFF-999999") == (False, "NO_ACCESS")
    assert asked(here, low) == (False, "HABILITATION_SHORT")
    assert asked(elsewhere, clerk) == (False, "NO_ACCESS")
    with service.administration() as connection:
        officers.set_state(connection, clerk, "suspended", clock.now())
    assert asked(here, clerk) == (False, "OFFICER_NOT_IN_SERVICE")

    with service.administration() as connection:
        found = every(connection, Wanted(actor=here.code, actions=("door_ask",)), 10)
    entered = [
        (one.said["resource"], one.said["outcome"], one.said.get("reason"), one.said["client"])
        for one in found
    ]
    client = here.own.api.thumbprint()
    assert sorted(entered, key=str) == sorted(
        [
            (clerk, "done", None, client),
            (security, "refused", "NO_ACCESS", client),
            ("OFF-999999", "refused", "NO_ACCESS", client),
            (low, "refused", "HABILITATION_SHORT", client),
            (clerk, "refused", "OFFICER_NOT_IN_SERVICE", client),
        ],
        key=str,
    )


def test_a_door_is_answered_nothing_else_and_nobody_else_is_a_door(
    service: Service, paris: Post
) -> None:
    security = officer(service, "SECURITY-OFFICER")
    machine = door(service, "GATE", security)
    question = {"officer": security}

    refused(paris.call("POST", "/v1/entries", json=question), 403, "DOOR_UNKNOWN")
    paths = service.http.get("/v1/openapi.json").json()["paths"]
    reads = [path for path, each in paths.items() if "security" in each.get("get", {})]
    assert len(reads) > 8
    for path in reads:
        address = path.replace("{post}", "PARIS").replace("{code}", "PARIS")
        answer = machine.get(address.replace("{name}", "0/000"))
        assert answer.status_code in (401, 404, 422), (path, answer.text)
    for read in ("/v1/directory", "/v1/dispatches", "/v1/audit/checkpoint", "/v1/prekeys"):
        refused(machine.get(read), 401, "TOKEN_REFUSED")
    for body in ({}, {"officer": "PARIS"}, {**question, "place": "VAULT"}, {"officer": 1}):
        answer = machine.call("POST", "/v1/entries", json=body)
        refused(answer, 422, "INVALID_REQUEST")
    certified = machine.call("POST", "/v1/certificates")
    assert certified.status_code == 201, certified.text

    headers = machine.authorised("POST", "/v1/entries")
    first, again = (
        service.http.post("/v1/entries", json=question, headers=headers) for _ in range(2)
    )
    assert first.status_code == 200
    refused(again, 401, "PROOF_REPLAYED")
    refused(service.http.post("/v1/entries", json=question), 401, "TOKEN_MISSING")


def test_a_revoked_door_is_answered_no_more_and_its_key_never_comes_back(service: Service) -> None:
    security, clerk = officer(service, "SECURITY-OFFICER"), officer(service, "CIPHER-CLERK")
    machine, now = door(service, "GATE", security), clock.now()
    assert asked(machine, clerk) == (False, "NO_ACCESS")

    with service.administration() as connection:
        doors.revoke(connection, Gate(), machine.code, security, now)

    refused(
        machine.call("POST", "/v1/entries", json={"officer": clerk}), 403, "DOOR_UNKNOWN"
    )  # its token is still young
    refused(machine.call("POST", "/v1/certificates"), 401, "TOKEN_REFUSED")
    refused(machine.ask_token(), 401, "ASSERTION_REFUSED")
    key = machine.own.api_key
    with pytest.raises(ServiceError, match="KEY_KNOWN"), service.administration() as connection:
        doors.record(connection, Gate(), key, "room", "GATE", security, now)
    # What is refused is taken back with it: the counter's machine keeps the key that it has.
    with pytest.raises(ServiceError, match="KEY_KNOWN"), service.administration() as connection:
        enrolment.connect(connection, service.settings.headquarters, key)
    with service.administration() as connection:
        told = json.dumps([dict(row._mapping) for row in doors.everything(connection)])
    assert key.thumbprint in told


def test_a_door_in_anothers_name_gets_no_token(service: Service, paris: Post) -> None:
    machine = door(service, "GATE", officer(service, "SECURITY-OFFICER"))
    for owner, key in ((machine, paris.own.api), (paris, machine.own.api)):
        refused(owner.ask_token(owner.assertion(key=key)), 401, "ASSERTION_REFUSED")
