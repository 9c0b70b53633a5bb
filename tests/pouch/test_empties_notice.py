"""The notice of empty bags: one shape, both signatures of its post, and how its bags stand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keys import canonical
from keys.errors import SignatureInvalid
from keys.statements import encode_signed
from pouch.empties_notice import (
    ANNOUNCED,
    BAGS_MOST,
    EMPTIES,
    LATE,
    MISSING,
    RETURNED,
    USED_AGAIN,
    EmptiesMalformed,
    EmptiesNotice,
    EmptiesNotOfCard,
    make_notice,
    read_notice,
    standing,
)
from tests.support.bags import NOON
from tests.vectors.forge import identity

PARIS, LOME = identity("PARIS"), identity("LOME")
NOTICE = EmptiesNotice(
    number="SV 12/2026",
    post="PARIS",
    card=PARIS.card.fingerprint,
    to="MINREX",
    sent=NOON,
    due=NOON + timedelta(days=30),
    bags=("0" * 22, "0" * 21 + "1"),
)


def test_a_notice_is_read_by_its_post_s_card_alone() -> None:
    data = make_notice(NOTICE, sign=PARIS.sign)
    assert read_notice(data, PARIS.card) == NOTICE
    with pytest.raises(EmptiesNotOfCard):
        read_notice(data, LOME.card)
    taken = canonical.decode(data)
    taken["statement"]["bags"].pop()
    with pytest.raises(SignatureInvalid):
        read_notice(canonical.encode(taken), PARIS.card)
    other = PARIS.sign("valise/v1 pack", NOTICE.encode())
    with pytest.raises(SignatureInvalid):
        read_notice(encode_signed(NOTICE.encode(), other), PARIS.card)


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "sv 12"},
        {"to": "PARIS"},
        {"due": NOON},
        {"due": NOON + timedelta(days=181)},
        {"bags": ()},
        {"bags": NOTICE.bags[::-1]},
        {"bags": (NOTICE.bags[0],) * 2},
        {"bags": ("17",)},
        {"bags": tuple(f"{number:022d}" for number in range(BAGS_MOST + 1))},
    ],
    ids=["number", "to", "due", "far", "none", "order", "twice", "short", "many"],
)
def test_nothing_is_signed_that_no_notice_can_say(wrong: dict[str, Any]) -> None:
    with pytest.raises(EmptiesMalformed):
        make_notice(replace(NOTICE, **wrong), sign=PARIS.sign)


def test_another_shape_is_malformed() -> None:
    data = make_notice(NOTICE, sign=PARIS.sign)
    value = canonical.decode(data)
    more = {**value, "statement": {**value["statement"], "type": "valise/v1 pack"}}
    for each in (b"", b"{}", data[:-1], canonical.encode(more), data + b" " * 65536):
        with pytest.raises(EmptiesMalformed):
            read_notice(each, PARIS.card)
    assert canonical.decode(NOTICE.encode())["type"] == EMPTIES


def test_a_bag_is_announced_then_late_and_missing_once_others_of_its_notice_came() -> None:
    due = NOTICE.due
    before = due - timedelta(seconds=1)
    assert standing(None, due=due, counted=False, now=before) == ANNOUNCED
    assert standing(None, due=due, counted=False, now=due) == LATE
    assert standing(None, due=due, counted=True, now=before) == MISSING
    assert standing(RETURNED, due=due, counted=True, now=due) == RETURNED
    assert standing(USED_AGAIN, due=due, counted=True, now=due) == USED_AGAIN
