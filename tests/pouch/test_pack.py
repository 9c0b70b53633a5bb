"""The sync pack: root-signed, versioned, and never older than what was seen."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keys.canonical import decode, encode
from keys.devices import PACK
from pouch.errors import PackMalformed, PackNotOfRoot, PackNotYetValid, PackRolledBack
from pouch.logged import Logged
from pouch.manifest import SEALS_MAX
from pouch.pack import PACK_BYTES_MAX, Arrival, Pack, RectifiedTo, make_pack, read_pack
from tests.support.valise import CLOSED, announced, manifest, pack
from tests.vectors.forge import identity

ROOT = identity("MINREX")
KEY = ROOT.card.verifying_key
NOW = CLOSED + timedelta(hours=3)
PACK_7 = pack(
    cards=(identity("YAOUNDE").card,),
    announced=(announced(manifest(), expires=CLOSED + timedelta(days=30)),),
    arrivals=(Arrival("ff" * 16, "LOME", CLOSED),),
    revoked_seals=frozenset({"ee" * 16}),
    revoked_cards=frozenset({"dd" * 32}),
    roots={6: bytes(32)},
    recalled=frozenset({"cc" * 16}),
)
LOGGED = Logged(b'{"v":1}', bytes(32), 3, 6, (bytes(32),) * 2)
RIGHT = RectifiedTo(2, "a5" * 32, 9_450)
PROVED = replace(
    PACK_7,
    announced=(replace(PACK_7.announced[0], logged=LOGGED, rectified=RIGHT, hand_overs=2),),
    checkpoint=b"log.example\n6\n",
    devices=frozenset({"ab" * 32, "cd" * 32}),
)
DATA = make_pack(PACK_7, sign=ROOT.sign)


def test_what_the_root_signed_is_read() -> None:
    assert read_pack(DATA, KEY, least_version=7, at=NOW) == PACK_7
    assert read_pack(DATA + b"\n", KEY, least_version=0, at=NOW) == PACK_7
    assert encode(decode(DATA)) == DATA


def test_what_it_tells_of_the_log_and_of_a_rectification_is_read_as_it_was_made() -> None:
    data = make_pack(PROVED, sign=ROOT.sign)
    assert read_pack(data, KEY, least_version=7, at=NOW) == PROVED


def test_a_lower_version_is_refused_and_the_same_is_not() -> None:
    with pytest.raises(PackRolledBack, match="version 7 after version 8"):
        read_pack(DATA, KEY, least_version=8, at=NOW)


def test_nobody_else_makes_packs() -> None:
    forged = make_pack(PACK_7, sign=identity("ROGUE").sign)
    altered = encode({**decode(DATA), "statement": {**decode(DATA)["statement"], "version": 8}})
    other_context = make_pack(PACK_7, sign=lambda _, message: ROOT.sign("depeche/v1 card", message))
    for data in (forged, altered, other_context):
        with pytest.raises(PackNotOfRoot):
            read_pack(data, KEY, least_version=0, at=NOW)


def test_a_pack_from_the_future_is_refused_beyond_what_clocks_differ() -> None:
    read_pack(DATA, KEY, least_version=0, at=PACK_7.issued - timedelta(minutes=5))
    with pytest.raises(PackNotYetValid):
        read_pack(DATA, KEY, least_version=0, at=PACK_7.issued - timedelta(minutes=6))


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PACK_7, version=0),
        replace(PACK_7, expires=PACK_7.issued),
        replace(PACK_7, announced=PACK_7.announced * 2),
        replace(PACK_7, arrivals=PACK_7.arrivals * 2),
        replace(PACK_7, roots={6: b"short"}),
        replace(PACK_7, announced=(replace(PACK_7.announced[0], seals=()),)),
        replace(PACK_7, announced=(replace(PACK_7.announced[0], packages=SEALS_MAX * 99),)),
        replace(PACK_7, cards=(replace(PACK_7.cards[0], edition=2),)),
        replace(PACK_7, issued=CLOSED + timedelta(microseconds=1)),
        replace(PROVED, checkpoint=bytes(1_000_001)),
        *(
            replace(PACK_7, announced=(replace(PACK_7.announced[0], logged=odd),))
            for odd in (
                replace(LOGGED, record=bytes(1_025)),
                replace(LOGGED, record=b""),
                replace(LOGGED, salt=bytes(31)),
                replace(LOGGED, index=6),
                replace(LOGGED, path=(bytes(31),)),
                replace(LOGGED, path=(bytes(32),) * 41),
            )
        ),
        *(
            replace(PACK_7, announced=(replace(PACK_7.announced[0], rectified=odd),))
            for odd in (
                replace(RIGHT, ordinal=0),
                replace(RIGHT, hash="A5" * 32),
                replace(RIGHT, weight_g=0),
                replace(RIGHT, weight_g=2_000_001),
            )
        ),
    ],
)
def test_a_pack_that_says_what_none_can_is_not_made(wrong: Pack) -> None:
    with pytest.raises(PackMalformed):
        make_pack(wrong, sign=ROOT.sign)


def test_a_pack_of_before_tells_of_no_recall_and_of_no_end() -> None:
    before = replace(PACK_7, announced=(announced(manifest()),), recalled=frozenset())
    data = make_pack(before, sign=ROOT.sign)
    statement = decode(data)["statement"]
    assert "recalled" not in statement
    assert "expires" not in statement["announced"][0]
    assert read_pack(data, KEY, least_version=7, at=NOW) == before


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"cards": [1]},
        {"announced": None},
        {"more": 1},
        {"recalled": []},
        {"devices": []},
        {"devices": ["AB" * 32]},
        {"devices": ["ab" * 32] * 2},
        {"recalled": None},
        {"recalled": ["CC" * 16]},
        {"recalled": ["cc" * 16] * 2},
        {"checkpoint": ""},
        {"checkpoint": "%"},
        {"announced": [{**decode(DATA)["statement"]["announced"][0], "logged": None}]},
        {"announced": [{**decode(DATA)["statement"]["announced"][0], "logged": {"path": [1]}}]},
        {"announced": [{**decode(DATA)["statement"]["announced"][0], "expires": None}]},
        {"announced": [{**decode(DATA)["statement"]["announced"][0], "rectified": None}]},
        {"announced": [{**decode(DATA)["statement"]["announced"][0], "rectified": {}}]},
        {"announced": [{**decode(DATA)["statement"]["announced"][0], "hand_overs": 0}]},
    ],
)
def test_even_the_root_cannot_sign_another_shape(change: dict[str, Any]) -> None:
    statement = {**decode(DATA)["statement"], **change}
    signatures = ROOT.sign(PACK, encode(statement))
    outer = decode(make_pack(PACK_7, sign=lambda *_: signatures))
    with pytest.raises(PackMalformed):
        read_pack(encode({**outer, "statement": statement}), KEY, least_version=0, at=NOW)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b" " * (PACK_BYTES_MAX + 1)])
def test_what_is_no_pack_is_refused(data: bytes) -> None:
    with pytest.raises(PackMalformed):
        read_pack(data, KEY, least_version=0, at=NOW)
