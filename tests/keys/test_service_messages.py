"""Service messages: twelve kinds, each with what it must refer to, and no room for prose."""

import copy
import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from keys import canonical
from keys.custody.core import Custody
from keys.errors import SignatureInvalid
from keys.service_messages import (
    RULES,
    SeriesReference,
    ServiceMessage,
    ServiceMessageMalformed,
    ServiceMessageNotOfCard,
    make_service_message,
    parse_service_message,
    read_service_message,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
PARIS = Custody.generate("PARIS", valid_from=START, valid_until=END)
ID = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"
DISPATCH = "01KAMV6R8P3ZDFWQ5XJ9T2C4EM"
RECEIVED = SeriesReference("LOME", "PARIS", 202600, 7)
SENT = SeriesReference("PARIS", "LOME", 202600, 7)

# One example of each kind as PARIS says it to LOME, with its signal in ACP 127.
EXAMPLES: dict[str, tuple[SeriesReference | None, str | None, str | None]] = {
    "repeat-request": (RECEIVED, DISPATCH, "INT ZDK"),
    "repeat": (SENT, DISPATCH, "ZDK"),
    "number-check": (RECEIVED, None, "ZID"),
    "missing-number": (RECEIVED, None, "ZFX"),
    "same-number-twice": (RECEIVED, DISPATCH, "ZFQ"),
    "two-numbers": (RECEIVED, DISPATCH, "ZFU"),
    "no-number": (None, DISPATCH, "ZFT"),
    "suspected-duplicate": (None, DISPATCH, "ZFD"),
    "cancelled": (SENT, None, "ZFR"),
    "delivered-otherwise": (None, DISPATCH, "ZEN"),
    "misroute": (SeriesReference("LOME", "BRUXELLES", 202600, 7), DISPATCH, "ZOV"),
    "tracer": (SeriesReference("PARIS", "ADDIS", 202600, 7), None, None),
}


def _message(kind: str = "missing-number") -> ServiceMessage:
    series, dispatch, _ = EXAMPLES[kind]
    return ServiceMessage(
        id=ID,
        kind=kind,
        sender="PARIS",
        sender_card=PARIS.card().fingerprint,
        to="LOME",
        precedence="IMMEDIAT",
        created=NOON,
        series=series,
        dispatch_id=dispatch,
    )


def _with(message: ServiceMessage, **changes: Any) -> ServiceMessage:
    return dataclasses.replace(message, **changes)


def test_every_kind_has_its_example() -> None:
    assert set(EXAMPLES) == set(RULES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_each_kind_is_said_signed_and_read(kind: str) -> None:
    message = _message(kind)

    data = make_service_message(message, PARIS.sign_service_message)

    assert read_service_message(data, PARIS.card()) == message
    assert parse_service_message(data)[0] == message
    assert message.signal == EXAMPLES[kind][2]


def test_the_bytes_are_those_of_the_specification() -> None:
    assert json.loads(_message().encode()) == {
        "v": 1,
        "type": "depeche/v1 service-message",
        "id": ID,
        "kind": "missing-number",
        "from": {"post": "PARIS", "fingerprint": PARIS.card().fingerprint},
        "to": "LOME",
        "precedence": "IMMEDIAT",
        "created": "2026-11-22T12:00:00Z",
        "refers": {
            "series": {"origin": "LOME", "addressee": "PARIS", "epoch": 202600, "number": 7},
            "dispatch_id": None,
        },
    }


def test_a_number_check_says_sent_or_received_by_who_speaks() -> None:
    received = _message("number-check")
    sent = _with(received, series=SENT)

    assert (received.signal, sent.signal) == ("ZID", "ZIC")
    assert ServiceMessage.parse(sent.encode()) == sent


def test_a_number_check_may_say_that_nothing_came_yet() -> None:
    nothing = _with(_message("number-check"), series=dataclasses.replace(RECEIVED, number=0))

    assert ServiceMessage.parse(nothing.encode()) == nothing


BROKEN: dict[str, ServiceMessage] = {
    "to-oneself": _with(_message(), to="PARIS"),
    "about-nothing": _with(_message("tracer"), series=None),
    "missing-number-without-number": _with(_message(), series=None, dispatch_id=DISPATCH),
    "missing-number-with-dispatch": _with(_message(), dispatch_id=DISPATCH),
    "no-number-with-number": _with(_message("no-number"), series=RECEIVED),
    "repeat-of-nothing": _with(_message("repeat"), dispatch_id=None),
    "missing-number-said-by-the-origin": _with(_message(), series=SENT),
    "missing-number-said-by-a-third": _with(
        _message(), series=SeriesReference("LOME", "ADDIS", 202600, 7)
    ),
    "cancelled-by-the-addressee": _with(_message("cancelled"), series=RECEIVED),
    "number-check-of-others": _with(
        _message("number-check"), series=SeriesReference("LOME", "ADDIS", 202600, 7)
    ),
    "number-zero": _with(_message(), series=dataclasses.replace(RECEIVED, number=0)),
    "series-to-oneself": _with(
        _message("tracer"), series=SeriesReference("ADDIS", "ADDIS", 202600, 7)
    ),
    "epoch-of-no-year": _with(_message(), series=dataclasses.replace(RECEIVED, epoch=2026)),
    "fraction-of-a-second": _with(_message(), created=NOON.replace(microsecond=5)),
}


@pytest.mark.parametrize("message", BROKEN.values(), ids=BROKEN.keys())
def test_a_message_against_its_kinds_rule_is_never_signed(message: ServiceMessage) -> None:
    with pytest.raises(ServiceMessageMalformed):
        make_service_message(message, PARIS.sign_service_message)


SPOILT: dict[str, Callable[[Any], object]] = {
    "prose": lambda value: value["statement"].update(text="Veuillez répéter"),
    "prose-in-refers": lambda value: value["statement"]["refers"].update(text="page 2"),
    "prose-in-from": lambda value: value["statement"]["from"].update(officer="M. X"),
    "prose-in-series": lambda value: value["statement"]["refers"]["series"].update(a=1),
    "unknown-kind": lambda value: value["statement"].update(kind="greeting"),
    "unsigned": lambda value: value.pop("signatures"),
    "number-as-text": lambda value: value["statement"]["refers"]["series"].update(number="7"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_message_of_another_shape_is_refused(spoil: Callable[[Any], object]) -> None:
    value = copy.deepcopy(json.loads(make_service_message(_message(), PARIS.sign_service_message)))
    spoil(value)

    with pytest.raises(ServiceMessageMalformed):
        read_service_message(canonical.encode(value), PARIS.card())


def test_a_number_changed_on_the_way_is_noticed() -> None:
    value = json.loads(make_service_message(_message(), PARIS.sign_service_message))
    value["statement"]["refers"]["series"]["number"] = 8

    with pytest.raises(SignatureInvalid):
        read_service_message(canonical.encode(value), PARIS.card())


def test_a_message_of_another_post_or_card_is_refused() -> None:
    data = make_service_message(_message(), PARIS.sign_service_message)
    for post in ("PARIS", "LOME"):
        card = Custody.generate(post, valid_from=START, valid_until=END).card()
        with pytest.raises(ServiceMessageNotOfCard):
            read_service_message(data, card)
