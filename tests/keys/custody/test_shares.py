"""Shares of an unseal key: who together can open, who cannot, and how each wrong share is told."""

import itertools
import secrets
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import canonical
from keys.age.files import encrypt
from keys.age.hybrid import HybridKey
from keys.custody.shares import (
    HOLDERS_MAX,
    Holder,
    Share,
    ShareMalformed,
    SharesMixed,
    SharesTooFew,
    SharesWrong,
    ShareTwice,
    combine,
    open_share,
    read_share,
    split,
)
from keys.errors import NotAddressed

KEY = bytes(range(32))


@cache
def _keys() -> list[HybridKey]:
    return [HybridKey.generate() for _ in range(HOLDERS_MAX)]


def _holders(count: int) -> list[Holder]:
    return [Holder(f"HOLDER-{i}", key.recipient) for i, key in enumerate(_keys()[:count])]


def _shares(threshold: int, count: int, key: bytes = KEY) -> list[Share]:
    made = split(key, "UNSEAL", threshold, _holders(count))
    return [open_share(data, own) for data, own in zip(made.sealed, _keys(), strict=False)]


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_any_holders_who_are_enough_open_and_any_fewer_do_not(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, HOLDERS_MAX))
    threshold = data.draw(st.integers(2, count))
    key = data.draw(st.binary(min_size=32, max_size=32))
    shares = _shares(threshold, count, key)
    present = data.draw(st.permutations(shares))

    assert combine(present[:threshold]) == key
    with pytest.raises(SharesTooFew):
        combine(present[: threshold - 1])


def test_more_than_enough_are_checked_too() -> None:
    shares = _shares(2, 5)
    forged = replace(shares[4], words=_shares(2, 5, secrets.token_bytes(32))[4].words)

    assert combine(shares) == KEY
    with pytest.raises(SharesWrong):
        combine([*shares[:4], forged])


def test_a_share_opens_for_its_holder_alone() -> None:
    sealed = split(KEY, "UNSEAL", 2, _holders(2)).sealed[0]

    assert open_share(sealed, _keys()[0]).holder == "HOLDER-0"
    with pytest.raises(NotAddressed):
        open_share(sealed, _keys()[1])


def test_a_share_alone_says_nothing_of_the_key() -> None:
    share = _shares(2, 3)[0]

    assert KEY not in share.to_bytes()
    assert share.words not in repr(share)
    assert read_share(share.to_bytes()) == share


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_wrong_share_among_right_ones_is_noticed(position: int) -> None:
    """Its checksum holds and it claims to be of this set: only the key tells."""
    shares = _shares(3, 3)
    strange = _shares(3, 3, secrets.token_bytes(32))
    shares[position] = replace(shares[position], words=strange[position].words)

    with pytest.raises(SharesWrong):
        combine(shares)


def test_shares_that_agree_on_another_key_are_noticed() -> None:
    """All holders conspire: they cannot pass another key off as the one that was split."""
    shares = _shares(2, 2)
    strange = _shares(2, 2, secrets.token_bytes(32))
    forged = [replace(one, words=two.words) for one, two in zip(shares, strange, strict=True)]

    with pytest.raises(SharesWrong):
        combine(forged)


def test_a_share_of_a_replaced_set_is_told_from_a_wrong_one() -> None:
    """A holder who was replaced comes with the old share: the key is the same, the set is not."""
    [before, *_], after = _shares(2, 3), _shares(2, 3)

    with pytest.raises(SharesMixed, match="HOLDER-0"):
        combine([after[1], before])


@pytest.mark.parametrize("name", ["purpose", "set", "threshold", "count", "fingerprint"])
def test_shares_that_do_not_describe_one_splitting_are_mixed(name: str) -> None:
    first, second = _shares(2, 2)
    changed: dict[str, Any] = {"purpose": "ROOT", "set": bytes(16), "threshold": 3, "count": 3}
    changed["fingerprint"] = "0" * 64

    with pytest.raises(SharesMixed):
        combine([first, replace(second, **{name: changed[name]})])


def test_one_person_is_not_two() -> None:
    first, second = _shares(2, 2)

    with pytest.raises(ShareTwice):
        combine([first, first])
    with pytest.raises(ShareTwice):
        combine([first, replace(first, holder=second.holder)])
    with pytest.raises(ShareTwice):
        combine([first, replace(second, holder=first.holder)])


def test_nobody_is_too_few() -> None:
    with pytest.raises(SharesTooFew):
        combine([])


def test_a_word_that_was_misread_is_noticed_before_anything_is_combined() -> None:
    share = _shares(2, 2)[0]
    words = share.words.split()
    for position in (0, 7, len(words) - 1):
        misread = [*words]
        misread[position] = "academic" if words[position] != "academic" else "acid"
        with pytest.raises(ShareMalformed):
            read_share(replace(share, words=" ".join(misread)).to_bytes())
    for first, second in itertools.pairwise(range(4, 12)):
        if words[first] != words[second]:
            swapped = [*words]
            swapped[first], swapped[second] = words[second], words[first]
            with pytest.raises(ShareMalformed):
                read_share(replace(share, words=" ".join(swapped)).to_bytes())


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"type": "depeche/v1 manifest"},
        {"purpose": "unseal"},
        {"set": "AAAA"},
        {"holder": ""},
        {"threshold": 1},
        {"threshold": 3},
        {"count": 1},
        {"fingerprint": "00"},
        {"words": "academic acid"},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_not_a_share_is_refused(change: dict[str, object]) -> None:
    members = canonical.decode(_shares(2, 2)[0].to_bytes())

    with pytest.raises(ShareMalformed):
        read_share(canonical.encode({**members, **change}))
    with pytest.raises(ShareMalformed):
        open_share(encrypt(b"{}", [_keys()[0].recipient]), _keys()[0])


@pytest.mark.parametrize(
    ("key", "purpose", "threshold", "holders"),
    [
        (KEY[1:], "UNSEAL", 2, _holders(2)),
        (KEY, "unseal", 2, _holders(2)),
        (KEY, "UNSEAL", 1, _holders(2)),
        (KEY, "UNSEAL", 3, _holders(2)),
        (KEY, "UNSEAL", 2, [*_holders(HOLDERS_MAX), Holder("ONE-MORE", bytes(1216))]),
        (KEY, "UNSEAL", 2, [_holders(1)[0], Holder("HOLDER-0", _keys()[1].recipient)]),
        (KEY, "UNSEAL", 2, [_holders(1)[0], Holder("OTHER", _keys()[0].recipient)]),
        (KEY, "UNSEAL", 2, [_holders(1)[0], Holder("lower", _keys()[1].recipient)]),
    ],
    ids=["short", "purpose", "one", "few", "many", "same name", "same key", "bad name"],
)
def test_a_splitting_that_would_not_hold_is_not_made(
    key: bytes, purpose: str, threshold: int, holders: list[Holder]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        split(key, purpose, threshold, holders)
