"""An exercise follows from its seed, is judged as real bags are, and is apart from ministries."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from pouch.defects import FINDINGS, KINDS, Act, Defect
from pouch.discrepancies import KINDS as DISCREPANCIES
from pouch.discrepancies import Line as Counted
from pouch.discrepancies import check_items, check_seals, weight_is_off
from pouch.drill import BAGS_MAX, LASTS, Drill, Station, make_drill
from pouch.drill_bags import Condition
from pouch.drill_marking import Solution
from pouch.errors import DrillImpossible, PackMalformed
from pouch.findings import Name, Verdict
from pouch.pack import make_pack, read_pack
from pouch.physical import Observed
from pouch.verdict import Trust, judge
from tests.support.valise import CLOSED, announced, manifest, pack
from tests.vectors.forge import identity

DAY = datetime(2026, 11, 27, tzinfo=UTC)
SEED = "le courrier est en retard"
ALL = len(Defect) + 1
"""Labels are swapped between two bags."""


def drill(bags: int = 20, defects: int = ALL, seed: str = SEED) -> Drill:
    return make_drill(seed, bags=bags, defects=defects, at=DAY)


def verdict(held: Drill, station: Station, at: datetime = DAY + timedelta(hours=9)) -> Verdict:
    known = read_pack(held.pack, held.root, least_version=0, at=at)
    seen = Observed(station.found.seals, 1, station.found.weight_g)
    return judge(station.text, trust=Trust([held.card]), at=at, pack=known, observed=seen)


def test_the_same_seed_makes_the_same_drill_of_a_day_and_another_one_does_not() -> None:
    first, again, other = drill(), drill(), drill(seed="le courrier est arrivé")
    assert first.stations == again.stations
    assert first.card.statement == again.card.statement
    assert Solution.of(first).encode() == Solution.of(again).encode()
    assert not {each.text for each in first.stations} & {each.text for each in other.stations}
    assert first.card.fingerprint != other.card.fingerprint
    later = make_drill(SEED, bags=20, defects=ALL, at=DAY + timedelta(days=1))
    assert Solution.of(later).hash != Solution.of(first).hash
    # Whoever keeps the word makes the same drill by a later version, on another machine.
    assert Solution.of(first).hash == (
        "ec3597865108eca963295b16d76207f62e1128048d23039aa3ff4673aeaccf30"
    )


@pytest.mark.parametrize("seed", [f"mot d'exercice {number}" for number in range(4)])
@pytest.mark.parametrize("after", [timedelta(hours=1), LASTS - timedelta(hours=1)])
def test_every_verdict_names_what_is_wrong_and_nothing_where_nothing_is(
    seed: str, after: timedelta
) -> None:
    held = drill(bags=24, seed=seed)
    for station in held.stations:
        found = verdict(held, station, DAY + after)
        names = set() if station.defect is None else KINDS[station.defect].names
        told = names & set(Name)
        if told:
            assert found.name in told
        elif station.defect is not Defect.CODE_ABSENT:
            assert found.name is Name.SEAL_GENUINE_BAG_CHECKED


def test_what_a_receipt_finds_is_what_is_wrong() -> None:
    held = drill()
    for station in held.stations:
        pieces = {piece.register: piece.quantity for piece in station.found.pieces}
        lines = [
            Counted(item.line, item.quantity, pieces.pop(item.register, 0))
            for item in station.inside.items
        ]
        found = {each.kind for each in check_items(lines)}
        assert pieces == {}
        condition = "broken" if station.found.condition is Condition.REGLUED else "intact"
        expected = station.outside.seals
        found |= {each.kind for each in check_seals(expected, station.found.seals, condition)}
        names = set() if station.defect is None else set(KINDS[station.defect].names)
        if station.defect is Defect.SWAPPED:
            # Another bag's label may name one seal more or fewer.
            found.discard("seal-missing")
        assert found <= names
        if station.defect in (Defect.SHORT, Defect.OVER, Defect.BROKEN, Defect.TRANSPOSED):
            assert found
        off = weight_is_off(station.inside.weight_g, station.found.weight_g)
        assert off == (station.defect is Defect.WEIGHT)
        assert (station.nonce is None) == (station.defect is Defect.CODE_ABSENT)
        if station.nonce is not None:
            assert sha256(bytes.fromhex(station.nonce)).hexdigest() == station.inside.nonce_sha256


@pytest.mark.parametrize("bags", [1, 2, 5, 13, 14, 15, 28, BAGS_MAX])
def test_every_defect_comes_once_before_any_comes_twice(bags: int) -> None:
    for defects in {0, 1, bags // 2, bags}:
        held = drill(bags, defects)
        counted = Counter(each.defect for each in held.stations if each.defect is not None)
        assert sum(counted.values()) == defects
        assert counted[Defect.SWAPPED] % 2 == 0
        others = [counted[kind] for kind in Defect if kind is not Defect.SWAPPED]
        assert max(others) - min(others) <= 1


def test_swapped_labels_hang_on_each_other_s_bags() -> None:
    held = drill()
    one, other = (each for each in held.stations if each.defect is Defect.SWAPPED)
    assert (one.outside, other.outside) == (other.inside, one.inside)
    assert one.found.seals == one.inside.seals


@pytest.mark.parametrize(
    ("seed", "bags", "defects"),
    [
        (SEED, 0, 0),
        (SEED, BAGS_MAX + 1, 1),
        (SEED, 5, 6),
        (SEED, 5, -1),
        ("trop bref"[:7], 5, 1),
        ("x" * 65, 5, 1),
        ("ligne\nsuivante", 5, 1),
        ("e\u0301 compose", 5, 1),
        ("octets \udcff", 5, 1),
    ],
)
def test_a_drill_that_cannot_be_is_refused(seed: str, bags: int, defects: int) -> None:
    with pytest.raises(DrillImpossible):
        make_drill(seed, bags=bags, defects=defects, at=DAY)


def test_a_defect_is_called_as_verdicts_and_receipts_call_it() -> None:
    assert set(FINDINGS) <= {*Name, *DISCREPANCIES, "wrong-nonce"}
    assert set(KINDS) == set(Defect)
    assert Act.ACCEPT not in {kind.act for kind in KINDS.values()}


def test_nothing_of_a_drill_is_believed_by_who_trusts_a_ministry() -> None:
    held, ministry, root = drill(), identity("YAOUNDE"), identity("MINREX")
    cards = (ministry.card, identity("DOUALA").card)
    known = read_pack(
        make_pack(pack(cards=cards, announced=(announced(manifest()),)), sign=root.sign),
        root.card.verifying_key,
        least_version=0,
        at=CLOSED + timedelta(days=6),
    )
    for station in held.stations:
        for at_hand in (None, known):
            found = judge(station.text, trust=Trust(cards), at=DAY, pack=at_hand)
            assert (found.name, found.claims) == (Name.KEY_UNKNOWN, None)


@pytest.mark.parametrize("member", ["cards", "announced", "arrivals"])
def test_no_pack_of_a_ministry_holds_anything_of_a_drill(member: str) -> None:
    held, root = drill(), identity("MINREX")
    theirs = read_pack(held.pack, held.root, least_version=0, at=DAY)
    ours = pack(cards=(identity("YAOUNDE").card,), announced=(announced(manifest()),))
    change: dict[str, Any] = {member: (*getattr(ours, member), *getattr(theirs, member))}
    mixed = replace(ours, **change)
    assert mixed != ours
    with pytest.raises(PackMalformed, match="an exercise"):
        make_pack(mixed, sign=root.sign)
