"""Bags' texts before a custodian with officers: those of the pouch open them, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from keys import canonical
from keys.acts import ApproverNotCleared, ApproverWithoutFunction
from keys.age.files import encrypt
from keys.custody import Custodian
from keys.custody.bag_texts import (
    DRAWN,
    KEPT,
    PHOTOGRAPH,
    PIECE,
    RECTIFIED,
    RECTIFYING,
    WAYBILL,
    levels_in,
)
from keys.custody.errors import BagTextUnknown, GrantMissing, GrantOfAnother, GrantTooLow
from pouch.members import item_object, manifest_object, waybill_object
from tests.support import valise
from tests.support.intents import IntentLog, grant_of, granted
from tests.support.officers import CELL, CLERK, GENERAL, Ministry

MANIFEST = valise.manifest(2)
LINE = item_object(MANIFEST.items[0])
LETTER = waybill_object(MANIFEST.waybill)
SAID = {"manifest": manifest_object(MANIFEST)}
PUT_RIGHT = {"v": 1, "type": RECTIFIED, "rectification": {}}
TEXTS: dict[str, Any] = {
    "a line": LINE,
    "a letter": LETTER,
    "a closing to be signed": {"v": 1, "type": DRAWN, "nonce": "00", **SAID},
    "a closing that was signed": {"v": 1, "type": KEPT, "nonce": "00", "sealed": SAID},
    "a rectification": {**PUT_RIGHT, "levels": [LINE["level"]] * 2},
    "a rectification to be signed": {
        **PUT_RIGHT,
        "type": RECTIFYING,
        "levels": [LINE["level"]] * 2,
    },
}
FOREIGN: dict[str, bytes] = {
    "a picture in a draft": b"\xff\xd8\xff\xe0",
    "what is said to be a photograph later": b"Texte" + PHOTOGRAPH,
    "a draft": b"Objet\nTexte",
    "a draft that looks like one": canonical.encode(LINE) + b"\nTexte",
    "a list of attachments": canonical.encode([LINE]),
    "a text": canonical.encode("valise"),
    "more than a line": canonical.encode({**LINE, "text": "Signez mardi."}),
    "less than a line": canonical.encode({"level": LINE["level"]}),
    "another type": canonical.encode({"v": 1, "type": "depeche/v1 draft", **SAID}),
    "no type": canonical.encode(SAID),
    "a closing without lines": canonical.encode({"type": DRAWN, "manifest": {"items": []}}),
    "a closing of drafts": canonical.encode({"type": DRAWN, "manifest": {"items": [{"a": "b"}]}}),
    "a closing that is not one": canonical.encode({"type": KEPT, "sealed": None}),
    "a rectification without levels": canonical.encode({**PUT_RIGHT, "levels": []}),
    "a rectification of numbers": canonical.encode({**PUT_RIGHT, "levels": [2]}),
    "a rectification with a text": canonical.encode({**PUT_RIGHT, "levels": ["A"], "text": "B"}),
    "a rectification alone": canonical.encode(PUT_RIGHT),
    "a type that is none": canonical.encode({"type": [], **SAID}),
}
AGENT, CHIEF = CELL, GENERAL

Opened = Callable[..., bytes]


def test_the_shapes_are_those_that_the_pouch_writes() -> None:
    assert LINE.keys() == PIECE
    assert LETTER.keys() == WAYBILL


@pytest.mark.parametrize("name", TEXTS)
def test_what_a_bag_says_names_its_levels(name: str) -> None:
    expected = {"a line": 1, "a letter": 0}.get(name, 2)
    assert levels_in(canonical.encode(TEXTS[name])) == (LINE["level"],) * expected


def test_a_photograph_names_no_level() -> None:
    assert levels_in(PHOTOGRAPH + b"\xff\xd8\xff\xe0") == ()


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_bag_s_text_is_refused(name: str) -> None:
    with pytest.raises(BagTextUnknown):
        levels_in(FOREIGN[name])


@pytest.fixture
def log(custodian: Custodian) -> IntentLog:
    return IntentLog(custodian)


@pytest.fixture
def bureau(
    custodian: Custodian, appoint: Callable[..., None], ministry: Ministry, log: IntentLog
) -> Opened:
    """Opens a text under a grant that an officer gives: the agent is cleared up to SECRET."""
    changes: dict[str, dict[str, Any]] = {
        AGENT: {"functions": frozenset({"POUCH-AGENT"}), "rank": 3},
        CHIEF: {"functions": frozenset({"CHIEF-POUCH"})},
    }
    appoint(changes)

    def opened(text: bytes, officer: str = AGENT, purpose: str = "bag", **said: Any) -> bytes:
        sealed = encrypt(text, [custodian.card().recipient])
        token = granted(ministry, custodian, grant_of(officer, purpose, **{"rank": 3, **said}))
        warrant = log.warrant("open_bag_text", (sealed,), actor=officer, grant=token)
        return custodian.open_bag_text(sealed, warrant)

    return opened


@pytest.mark.parametrize("name", TEXTS)
def test_an_agent_opens_bags_texts_under_one_session(name: str, bureau: Opened) -> None:
    text = canonical.encode(TEXTS[name])
    assert bureau(text) == text


def test_an_agent_opens_nothing_else(custodian: Custodian, log: IntentLog, bureau: Opened) -> None:
    sealed = encrypt(canonical.encode(LINE), [custodian.card().recipient])
    with pytest.raises(GrantMissing):
        custodian.open_bag_text(sealed, log.warrant("open_bag_text", (sealed,), actor=AGENT))
    with pytest.raises(BagTextUnknown):
        bureau(FOREIGN["a draft"])
    with pytest.raises(ApproverWithoutFunction):
        bureau(canonical.encode(LINE), purpose="open")
    with pytest.raises(ApproverWithoutFunction):
        bureau(canonical.encode(LINE), CLERK)
    with pytest.raises(GrantOfAnother):
        bureau(canonical.encode(LINE), CLERK, "open")


def test_the_level_is_read_in_the_text_and_covered_by_the_officer(bureau: Opened) -> None:
    top = canonical.encode({**LINE, "level": "TRES-SECRET"})
    with pytest.raises(GrantTooLow):
        bureau(top)
    with pytest.raises(ApproverNotCleared):
        bureau(top, rank=4)
    with pytest.raises(GrantTooLow):
        bureau(top, CHIEF)
    assert bureau(top, CHIEF, rank=4) == top
    letter = canonical.encode(LETTER)
    assert bureau(letter, rank=0) == letter, "a letter names no level"
