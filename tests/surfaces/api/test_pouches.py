"""Pouches over the API: devices, events in any order, one receipt, nothing of the contents."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cipher_service import clock
from cipher_service.pouches import repository
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import unit_of_work
from keys import canonical
from keys.cards import read_card
from keys.endorsement import read_introduction
from pouch.events import Event
from pouch.pack import read_pack
from tests.support.bags import NONCE, SEAL, Device
from tests.support.pouches import NUMBERS, Pouches
from tests.surfaces.api.bags import PostBook, bureau, empties_notice, empty_bag, filed, fresh
from tests.surfaces.api.live import Post, Service, problem

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "pouch"


def _answers(post: Post, pouches: Pouches, *events: Event) -> list[dict[str, Any]]:
    answer = filed(post, [json.loads(pouches.signed(event)) for event in events])
    assert answer.status_code == 200, answer.text
    answers: list[dict[str, Any]] = answer.json()["answers"]
    return answers


def _refused(answer: Any, status: int, code: str) -> None:
    document = problem(answer)
    assert (document["status"], document["code"]) == (status, code), document


def test_a_bag_arrives_and_a_photocopy_is_told(service: Service, paris: Post, lome: Post) -> None:
    pouches = bureau(service)
    pouches.closed()
    before = paris.get(f"/v1/pouches/{SEAL}")
    assert before.status_code == 200, before.text
    assert before.json()["stage"] == "sealed"
    for number in NUMBERS:
        assert number not in before.text  # blind entry: nobody is shown what they are to type
    _refused(lome.get(f"/v1/pouches/{SEAL}"), 404, "NOT_FOUND")

    journey, arrival = pouches.journey(), pouches.arrival()
    (granted, *_) = _answers(paris, pouches, arrival, *journey[::-1])
    assert granted["receipt"] == "granted"
    assert granted["expected"] == list(NUMBERS[:2])
    (again,) = _answers(paris, pouches, arrival)
    assert (again["new"], again["receipt"]) == (False, "granted")

    copy = pouches.arrival(pouches.lome, "LOME", minutes=575)
    (copied,) = _answers(lome, pouches, copy)
    assert (copied["receipt"], copied["expected"]) == ("second", [])
    assert set(copied["alarms"]) == {"off-route", "received-twice"}
    after = paris.get(f"/v1/pouches/{SEAL}").json()
    assert set(after["alarms"]) == {"off-route", "received-twice"}
    assert after["receipt"]["post"] == "PARIS"
    assert NONCE not in paris.get(f"/v1/pouches/{SEAL}").text


def test_empty_bags_are_announced_by_the_post_that_sends_them_and_once(
    service: Service, paris: Post, lome: Post
) -> None:
    bags = [empty_bag(service, "PARIS") for _ in range(2)]
    kind = {"Content-Type": "application/json"}

    def announce(by: Post, body: bytes) -> Any:
        return by.call("POST", "/v1/pouches/empties", headers=kind, content=body)

    body = empties_notice(paris, *bags)
    _refused(announce(lome, body), 422, "EMPTIES_NOT_OF_CARD")
    edited = json.loads(body)
    edited["statement"]["bags"].pop()
    _refused(announce(paris, json.dumps(edited).encode()), 422, "EMPTIES_MALFORMED")
    _refused(announce(paris, canonical.encode(edited)), 422, "SIGNATURE_INVALID")
    _refused(announce(paris, empties_notice(paris, bags[0], "9" * 22)), 404, "BAG_UNKNOWN")
    stray = empty_bag(service, "LOME")
    _refused(announce(paris, empties_notice(paris, bags[0], stray)), 409, "EMPTY_NOT_THERE")

    first, again = announce(paris, body), announce(paris, body)

    told = {"number": json.loads(body)["statement"]["number"], "bags": 2}
    assert (first.status_code, first.json()) == (201, {**told, "new": True})
    assert (again.status_code, again.json()) == (200, {**told, "new": False})
    _refused(announce(paris, empties_notice(paris, *bags)), 409, "EMPTIES_ANNOUNCED")


def test_a_device_is_taken_in_once_and_ended_for_good(
    service: Service, paris: Post, lome: Post
) -> None:
    bureau(service)
    device = fresh()
    body = {"ed25519": canonical.text_from_bytes(device.public)}
    first = paris.call("POST", "/v1/pouches/devices", json=body)
    assert (first.status_code, first.json()) == (201, {"device": device.id})
    assert paris.call("POST", "/v1/pouches/devices", json=body).status_code == 200
    _refused(lome.call("POST", "/v1/pouches/devices", json=body), 409, "DEVICE_OF_ANOTHER")
    address = f"/v1/pouches/devices/{device.id}"
    _refused(lome.call("DELETE", address), 404, "NOT_FOUND")
    assert paris.call("DELETE", address).status_code == 204
    assert paris.call("DELETE", address).status_code == 204
    _refused(paris.call("POST", "/v1/pouches/devices", json=body), 409, "DEVICE_OF_ANOTHER")
    short = {"ed25519": canonical.text_from_bytes(b"short")}
    _refused(paris.call("POST", "/v1/pouches/devices", json=short), 422, "INVALID_REQUEST")


def test_one_bad_event_holds_up_no_other(service: Service, paris: Post) -> None:
    pouches = bureau(service)
    stranger: Device = fresh()
    setattr(pouches, f"stranger_{stranger.name}", stranger)
    good = pouches.arrival(seal="7c" * 16)
    strange = pouches.arrival(stranger, seal="7c" * 16)
    documents = [
        json.loads(pouches.signed(strange)),
        {"statement": {}, "signatures": []},
        json.loads(pouches.signed(good)),
    ]
    answers = filed(paris, documents).json()["answers"]
    assert [answer["refusal"] for answer in answers] == ["DEVICE_UNKNOWN", "EVENT_MALFORMED", None]
    assert answers[2]["alarms"] == ["unannounced"]


def test_a_clock_is_compared_when_a_device_is_emptied(service: Service, paris: Post) -> None:
    pouches = bureau(service)
    event = pouches.arrival(seal="7d" * 16)
    wrong = clock.text(clock.now() + timedelta(days=1))
    told = {"device": pouches.paris.id, "time": wrong}
    answer = filed(paris, [json.loads(pouches.signed(event))], told)
    assert answer.status_code == 200, answer.text
    with service.administration() as connection:
        row = connection.exec_driver_sql(
            f"SELECT clock_offset FROM pouch_device WHERE device_id = '{pouches.paris.id}'"  # noqa: S608  hexadecimal
        ).one()
    assert abs(row[0] - 86_400) < 120


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"clock": null, "events": []}',
        b'{"clock": null, "events": [1]}',
        b'{"clock": null, "events": [{}], "more": 1}',
        b'{"clock": {"device": "x", "time": "y"}, "events": [{}]}',
    ],
)
def test_another_shape_is_refused_whole(service: Service, paris: Post, body: bytes) -> None:
    bureau(service)
    headers = {"Content-Type": "application/json"}
    answer = paris.call("POST", "/v1/pouches/events", headers=headers, content=body)
    _refused(answer, 422, "INVALID_REQUEST")


def test_without_a_token_nothing_is_told(service: Service) -> None:
    assert service.http.get(f"/v1/pouches/{SEAL}").status_code == 401
    answer = service.http.post("/v1/pouches/events", json={"clock": None, "events": [{}]})
    assert answer.status_code == 401


def test_a_post_fetches_the_pack_of_its_own_bags(service: Service, paris: Post) -> None:
    book = PostBook(service, paris)
    for address, body in (
        ("/v1/pouches", book.begin()),
        (f"/v1/pouches/{book.seal}/lines", book.line()),
        ("/v1/pouches/sealings", book.sealing()),
    ):
        assert paris.call("POST", address, json=body).status_code == 201
    told = service.http.get("/v1/service-card").json()
    card = read_card(canonical.encode(told["card"]))
    root = read_introduction(canonical.encode(told["root"]), card)

    answer = paris.get("/v1/pouches/pack")

    assert answer.status_code == 200, answer.text
    pack = read_pack(answer.content, root, least_version=0, at=clock.now())
    assert book.seal in {bag.seal for bag in pack.announced}
    assert {"PARIS", "MINREX"} <= {card.post for card in pack.cards}
    assert answer.headers["etag"] == f'"{pack.version}"'
    unchanged = {"If-None-Match": answer.headers["etag"]}
    again = paris.call("GET", "/v1/pouches/pack", headers=unchanged)
    assert (again.status_code, again.content) == (304, b"")
    _refused(service.http.get("/v1/pouches/pack"), 401, "TOKEN_MISSING")


def _judged(post: Post, text: str, **seen: Any) -> dict[str, Any]:
    answer = post.call("POST", "/v1/pouches/verdicts", json={"text": text, **seen})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_seal_is_judged_by_the_caller_s_own_pack(
    service: Service, paris: Post, lome: Post
) -> None:
    book = PostBook(service, paris)
    book.made_up(paris)
    text, numbers = book.label(paris), list(book.numbers)

    announced = _judged(paris, text)
    assert (announced["verdict"], announced["word"]) == ("SEAL_GENUINE_BAG_ANNOUNCED", "VERIFY")
    assert announced["claims"]["seal"] == book.seal
    assert announced["pack"]["age_s"] >= 0
    assert not announced["pack"]["expired"]
    assert announced["rectified"] is None
    for number in numbers:
        assert number not in json.dumps(announced)  # blind entry
    assert _judged(paris, text, seals=numbers, packages=1)["word"] == "CONFORMS"
    assert _judged(paris, text, packages=2)["verdict"] == "BAG_COUNT_WRONG"
    wrong = _judged(paris, text, seals=["XX-0000000", "XX-0000001"])
    assert (wrong["verdict"], wrong["word"]) == ("SEAL_NUMBERS_WRONG", "REFUSE")
    assert not wrong["genuine"]
    # Lomé does not lie on the way: no pack of its own tells of the bag.
    assert _judged(lome, text)["verdict"] == "BAG_UNANNOUNCED"

    _answers(paris, book.pouches, book.arrival())
    assert _judged(paris, text)["verdict"] == "CLONE_SUSPECTED"


def test_a_verdict_says_that_the_bordereau_was_put_right(service: Service, paris: Post) -> None:
    """A rectification is headquarters' own: the books are as its command leaves them."""
    book = PostBook(service, paris)
    book.made_up(paris)
    text = book.label(paris)
    assert _judged(paris, text, weight_g=99_000)["verdict"] == "WEIGHT_OFF"
    row = {
        "seal": book.seal,
        "ordinal": 1,
        "number": f"VAL 2026-{book.seal[:6]}/R1",
        "hash": "a5" * 32,
        "made_at": clock.text(clock.now()),
        "body": b"sealed",
        "first": "OFF-000001",
        "second": "OFF-000002",
    }
    with unit_of_work(book.pouches.engine) as connection:
        connection.execute(tables.rectification.insert().values(**row))
        repository.change_closing(connection, book.seal, rectified_g=99_000)

    told = _judged(paris, text, weight_g=99_000)

    assert told["verdict"] == "SEAL_GENUINE_BAG_ANNOUNCED"
    assert told["rectified"] == {"ordinal": 1, "hash": "a5" * 32, "weight_g": 99_000}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("text-empty", "SEAL_DAMAGED"),
        ("text-long", "SEAL_DAMAGED"),
        ("message-trailing", "SEAL_DAMAGED"),
        ("key-exercise", "KEY_UNKNOWN"),
        ("good-azerty", "KEY_UNKNOWN"),  # another ministry's
    ],
)
def test_a_seal_of_the_vectors_is_judged_alike(paris: Post, name: str, expected: str) -> None:
    text = (VECTORS / f"{name}.txt").read_bytes().decode()
    told = _judged(paris, text, seals=["XX-0000000"])
    assert (told["verdict"], told["claims"]) == (expected, None)
    assert [found["name"] for found in told["findings"]] == [expected]


def test_who_may_not_ask_is_told_no_verdict(service: Service, paris: Post) -> None:
    body = {"text": "0123456789"}
    address = "/v1/pouches/verdicts"
    _refused(service.http.post(address, json=body), 401, "TOKEN_MISSING")
    for wrong in ({}, {"text": 1}, {**body, "seals": [1]}, {**body, "more": 1}):
        _refused(paris.call("POST", address, json=wrong), 422, "INVALID_REQUEST")
