"""Whatever a reader says of a bag's papers, the member it is about has a path."""

from dataclasses import replace
from typing import Any

import pytest

from keys import canonical
from pouch.bordereau import decode, encode
from pouch.errors import BordereauMalformed, RectificationMalformed
from pouch.naming import member_named
from pouch.places import Change
from pouch.rectification import Rectification
from tests.support.bags import NOON
from tests.support.valise import manifest

UNNAMED = {"v", "type"}


@pytest.mark.parametrize(
    ("problem", "member"),
    [
        ("draft.waybill.carrier lacks name", "waybill.carrier.name"),
        ("waybill.due is not after waybill.departs", "waybill.due"),
        ("piece.weight_g is not as it must be", "weight_g"),
        ("line.level is not as it must be", "level"),
        ("item 12.weight_g is not as it must be", "items 12.weight_g"),
        ("item 3 is not an object, or has line or salt, which sealing makes", "items 3"),
        ("change 2.now is not as it must be", "changes 2.now"),
        ("change.now is what stood there", "changes.now"),
        ("statement.by lacks name", "by.name"),
        ("sealed.manifest.certifier.name is not as it must be", "certifier.name"),
        ("manifest has an unknown member 'colour'", "colour"),
        ("draft has salt, which sealing makes", "salt"),
        ("manifest is not an object", None),
        ("not in canonical form", None),
        ("", None),
    ],
)
def test_a_message_names_its_member_first(problem: str, member: str | None) -> None:
    assert member_named(problem) == member


def _leaves(value: Any, path: str = "") -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [tuple(path.split("."))]
    return [
        leaf for name, each in value.items() for leaf in _leaves(each, f"{path}.{name}".strip("."))
    ]


def test_every_member_of_a_bordereau_that_is_wrong_is_named() -> None:
    whole = canonical.decode(encode(manifest(2)))
    leaves = _leaves(whole)
    assert len(leaves) > 25
    for path in leaves:
        wrongs: tuple[Any, ...] = (-1, "", {})
        for wrong in wrongs:
            spoilt = canonical.decode(encode(manifest(2)))
            inner = spoilt
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = wrong
            with pytest.raises(BordereauMalformed) as refused:
                decode(canonical.encode(spoilt))
            assert member_named(str(refused.value)) == ".".join(path)
    spoilt = canonical.decode(encode(manifest(2)))
    spoilt["items"][1]["quantity"] = 100_001
    with pytest.raises(BordereauMalformed) as refused:
        decode(canonical.encode(spoilt))
    assert member_named(str(refused.value)) == "items 2.quantity"


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"number": "x"}, "number"),
        ({"name": ""}, "by.name"),
        ({"reason": "two\nlines"}, "reason"),
        ({"changes": ()}, "changes"),
        ({"changes": (Change(None, "weight", 1, 1),)}, "changes.now"),
        ({"changes": (Change(None, "weight", 1, 0),)}, "changes 1.now"),
        ({"changes": (Change(None, "colour", "a", "b"),)}, "changes.what"),
        ({"changes": (Change(None, "weight", 1, 2),) * 2}, "changes"),
    ],
)
def test_what_no_rectification_can_say_is_named(change: dict[str, Any], member: str) -> None:
    right = Rectification(
        number="RECT 1", bag="1" * 22, seal="a" * 32, digest="b" * 64, ordinal=1, previous=None,
        made=NOON, name="N", function="F", reason="R",
        changes=(Change(None, "weight", 1, 2),), salt=bytes(32),
    )  # fmt: skip
    right.encode()
    with pytest.raises(RectificationMalformed) as refused:
        replace(right, **change).encode()
    assert member_named(str(refused.value)) == member
