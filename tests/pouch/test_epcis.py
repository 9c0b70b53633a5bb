"""EPCIS: the official schema takes it, the reference implementation hashes it alike."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from epcis_event_hash_generator import hash_generator, json_to_py
from hypothesis import given, settings
from hypothesis import strategies as st

from pouch.epcis import Reweighed, epcis_document
from pouch.events import Event
from pouch.facts import (
    DID_NOT_OCCUR,
    INCORRECT_DATA,
    READERS,
    Accounted,
    Corrected,
    Facts,
    Found,
    HandedOver,
    Lost,
    Opened,
    Prepared,
    Recalled,
    Received,
    Sealed,
    Seen,
)
from tests.support import epcis
from tests.support.bags import NONCE, NOON, Device, Voyage, received

# The reference implementation reads its contexts in an old way.
pytestmark = pytest.mark.filterwarnings("ignore:open_text is deprecated:DeprecationWarning")

AUTHORITY = "https://valise.example/minrex"


@pytest.fixture(scope="module")
def official() -> Callable[[object], list[str]]:
    """What the official schema says against a document."""
    return epcis.official()


def _whole_life() -> list[Event]:
    """Every kind of event, corrections with and without their events included."""
    voyage = Voyage()
    events = voyage.events()
    desk, second, post = voyage.desk, voyage.second, voyage.post
    lost = voyage.courier.tell(Lost(), officer="KOUR", place="CDG", minutes=300)
    right = post.tell(received(("CM-48213",)), officer="PAUL", place="PARIS", minutes=650)
    events += [
        lost,
        voyage.courier.tell(
            Found(lost=lost.id), officer="KOUR", place="CDG", minutes=310, witness=(post, "PAUL")
        ),
        desk.tell(Recalled(), officer="ABENA", minutes=305),
        voyage.courier.tell(Seen(seals=()), officer="KOUR", place="CDG", minutes=290),
        right,
    ]
    for wrong, reason, instead in (
        (events[4].id, INCORRECT_DATA, (right.id, "ef" * 32)),
        (events[6].id, DID_NOT_OCCUR, ()),
        ("ab" * 32, DID_NOT_OCCUR, ()),
    ):
        undo = desk.tell(
            Corrected(event=wrong, reason=reason, instead=instead),
            officer="ABENA",
            minutes=700,
            witness=(post, "PAUL"),
        )
        events.append(undo)
    events.append(
        desk.tell(
            Corrected(event=events[1].id, reason=DID_NOT_OCCUR, instead=()),
            officer="ABENA",
            minutes=705,
            witness=(second, "BIYA-C"),
        )
    )
    events.append(
        voyage.courier.tell(
            Corrected(event=events[0].id, reason=DID_NOT_OCCUR, instead=()),
            officer="KOUR",
            minutes=706,
            witness=(post, "PAUL"),
        )
    )
    events.append(
        desk.tell(
            Corrected(event=events[-1].id, reason=DID_NOT_OCCUR, instead=(events[-2].id,)),
            officer="ABENA",
            minutes=710,
            witness=(second, "BIYA-C"),
        )
    )
    return events


LIFE = _whole_life()
DOCUMENT = epcis_document(LIFE, AUTHORITY, NOON)
EVENTS: list[dict[str, Any]] = DOCUMENT["epcisBody"]["eventList"]


def _reference_ids(document: dict[str, Any]) -> list[str]:
    """The ids as the reference implementation computes them; it alters what it is given."""
    events = json_to_py.event_list_from_epcis_document_json(copy.deepcopy(document))
    hashes: list[str] = hash_generator.epcis_hashes_from_events(events)
    return hashes


def test_the_life_tried_here_has_every_kind() -> None:
    assert {event.kind for event in LIFE} == READERS.keys()


def test_the_official_schema_takes_every_event(official: Callable[[object], list[str]]) -> None:
    assert official(DOCUMENT) == []
    assert official(epcis_document([], AUTHORITY, NOON)) == []
    for event in EVENTS:
        alone = {**DOCUMENT, "epcisBody": {"eventList": [event]}}
        assert official(alone) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"bizStep": "sealing"},
        {"disposition": "sealed"},
        {"note": "plain"},
        {"eventTime": "yesterday"},
        {"eventID": "no uri"},
    ],
)
def test_the_schema_as_used_here_refuses_what_a_lax_one_takes(
    official: Callable[[object], list[str]], wrong: dict[str, str]
) -> None:
    spoilt = {**DOCUMENT, "epcisBody": {"eventList": [{**EVENTS[0], **wrong}]}}
    assert official(spoilt)


def test_every_id_is_the_reference_implementation_s() -> None:
    assert [event["eventID"] for event in EVENTS] == _reference_ids(DOCUMENT)


NUMBERS = st.from_regex(r"[A-Z0-9][A-Z0-9-]{3,19}", fullmatch=True)
SEALS = st.lists(NUMBERS, min_size=1, max_size=8, unique=True).map(tuple)
CONDITIONS = st.sampled_from(["intact", "damaged", "broken", "missing"])
WEIGHTS = st.integers(1, 2_000_000)
FACTS: st.SearchStrategy[Facts] = st.one_of(
    st.just(Prepared()),
    st.builds(
        Sealed,
        manifest=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        seals=SEALS,
        weight_g=WEIGHTS,
    ),
    st.builds(HandedOver, ordinal=st.integers(1, 20), condition=CONDITIONS),
    st.builds(Seen, seals=SEALS),
    st.builds(Received, seals=SEALS, condition=CONDITIONS, weight_g=st.none() | WEIGHTS),
    st.just(Opened()),
    st.builds(Accounted, nonce=st.just(NONCE), complete=st.booleans()),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(FACTS, st.integers(-(10**6), 10**6), st.from_regex("[0-9]{22}", fullmatch=True)),
        min_size=1,
        max_size=5,
    )
)
def test_any_events_hash_as_the_reference_has_it(told: list[tuple[Facts, int, str]]) -> None:
    device, other = Device("one"), Device("two")
    events = [
        device.tell(
            facts,
            officer="ABENA",
            minutes=minutes,
            bag=bag,
            witness=(other, "BIYA-C") if facts.two_persons else None,
        )
        for facts, minutes, bag in told
    ]
    document = epcis_document(events, AUTHORITY, NOON)
    ids = [event["eventID"] for event in document["epcisBody"]["eventList"]]
    assert ids == _reference_ids(document)


def test_a_correction_is_an_error_declaration_under_the_same_id() -> None:
    declared = [event for event in EVENTS if "errorDeclaration" in event]
    reasons = {event["errorDeclaration"]["reason"] for event in declared}
    assert reasons == {"did_not_occur", "incorrect_data"}
    assert len(declared) == 3
    for event in declared:
        plain = {name: value for name, value in event.items() if name != "errorDeclaration"}
        assert plain in EVENTS
    (corrective,) = [
        event["errorDeclaration"]["correctiveEventIDs"]
        for event in declared
        if "correctiveEventIDs" in event["errorDeclaration"]
    ]
    known = {event["eventID"] for event in EVENTS}
    assert len(corrective) == 1
    assert set(corrective) <= known


def test_a_weight_that_was_put_right_is_an_error_declaration_beside_the_right_one(
    official: Callable[[object], list[str]],
) -> None:
    events = Voyage().events()
    told = events[1]
    assert isinstance(told.facts, Sealed)
    right = Reweighed("a5" * 32, NOON + timedelta(hours=9), told.facts.weight_g + 1_000)

    document = epcis_document(events, AUTHORITY, NOON, {told.seal: [right]})

    before = epcis_document(events, AUTHORITY, NOON)["epcisBody"]["eventList"]
    *plain, corrective, declared = document["epcisBody"]["eventList"]
    assert plain == before
    assert official(document) == []
    (sealing,) = (each for each in plain if each["eventID"] == declared["eventID"])
    assert {**sealing, "errorDeclaration": declared["errorDeclaration"]} == declared
    assert declared["errorDeclaration"] == {
        "declarationTime": "2026-11-22T21:00:00Z",
        "reason": "incorrect_data",
        "correctiveEventIDs": [corrective["eventID"]],
    }
    (report,) = corrective["sensorElementList"][0]["sensorReport"]
    assert report["value"] == told.facts.weight_g + 1_000
    assert [each["eventID"] for each in (*plain, corrective)] == _reference_ids(
        {**document, "epcisBody": {"eventList": [*plain, corrective]}}
    )
    same = Reweighed("a5" * 32, NOON, told.facts.weight_g)
    for other in ({told.seal: [same]}, {"0" * 32: [right]}, {}):
        assert epcis_document(events, AUTHORITY, NOON, other)["epcisBody"]["eventList"] == before


def test_a_weight_that_was_put_right_twice_stands_with_each_and_declares_both_before(
    official: Callable[[object], list[str]],
) -> None:
    events = Voyage().events()
    told = events[1]
    assert isinstance(told.facts, Sealed)
    first = Reweighed("a5" * 32, NOON + timedelta(hours=9), told.facts.weight_g + 1_000)
    words_alone = replace(first, hash="b6" * 32, made=NOON + timedelta(hours=10))
    back = Reweighed("c7" * 32, NOON + timedelta(hours=11), told.facts.weight_g)
    rights = {told.seal: [first, words_alone, back]}

    document = epcis_document(events, AUTHORITY, NOON, rights)

    assert official(document) == []
    one, wrong, two, wrong_again = document["epcisBody"]["eventList"][-4:]
    (sealing,) = (
        each for each in document["epcisBody"]["eventList"][:-4] if each["type"] == one["type"]
        and each["action"] == "ADD"
    )  # fmt: skip
    for before, declared, corrective in ((sealing, wrong, one), (one, wrong_again, two)):
        declaration = declared["errorDeclaration"]
        assert {**before, "errorDeclaration": declaration} == declared
        assert declaration["correctiveEventIDs"] == [corrective["eventID"]]
    assert wrong_again["errorDeclaration"]["declarationTime"] == "2026-11-22T23:00:00Z"
    assert len({sealing["eventID"], one["eventID"], two["eventID"]}) == 3
    certs = [each["bizTransaction"] for each in two["bizTransactionList"]]
    assert f"ni:///sha-256;{back.hash}" in certs
    assert f"ni:///sha-256;{first.hash}" not in certs


def test_the_order_of_arrival_changes_nothing() -> None:
    assert epcis_document([*LIFE[::-1], *LIFE], AUTHORITY, NOON) == DOCUMENT
    times = [event["eventTime"] for event in EVENTS if "errorDeclaration" not in event]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "authority",
    ["http://valise.example", "https://valise.example/", "https://valise", "https://v.example?x"],
)
def test_an_authority_is_a_plain_uri(authority: str) -> None:
    with pytest.raises(ValueError, match="authority"):
        epcis_document([], authority, NOON)
