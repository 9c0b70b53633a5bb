"""A change as it is typed: the place, the sign, what is right."""

import pytest

from pouch.changes import change_of
from pouch.errors import RectificationNotOfBag
from pouch.places import Change
from tests.support.valise import manifest

RIGHT = manifest()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("consignee=Le consul", Change(None, "consignee", RIGHT.waybill.consignee, "Le consul")),
        ("weight=9450", Change(None, "weight", 8_450, 9_450)),
        ("3.weight=250", Change(3, "weight", 123, 250)),
        ("2.enclosure=", Change(2, "enclosure", "ENV-0002", None)),
        ("1.sender=A=B", Change(1, "sender", RIGHT.items[0].sender, "A=B")),
    ],
)
def test_what_stood_there_is_looked_up(typed: str, read: Change) -> None:
    assert change_of(typed, RIGHT) == read


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("consignee", "no place"),
        ("x.weight=1", "no place"),
        (".weight=1", "no place"),
        ("colour=red", "no rectification"),
        ("1.consignee=Le consul", "no rectification"),
        ("weight=", "whole number"),
        ("weight=1,5", "whole number"),
    ],
)
def test_what_names_no_place_or_is_no_weight_is_refused(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        change_of(typed, RIGHT)


@pytest.mark.parametrize("line", [0, 11])
def test_a_line_that_is_not_there_is_refused_by_name(line: int) -> None:
    with pytest.raises(RectificationNotOfBag):
        change_of(f"{line}.weight=1", RIGHT)
