"""Two persons sign that a thing was destroyed; one person twice, or another's name, is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from keys import canonical
from keys.cards import issue_card
from keys.destruction import DestructionMalformed, make_record, read_record
from keys.errors import SignatureInvalid
from tests.vectors.forge import NOW, identity

A, B, C = map(identity, ("GARDE-A", "GARDE-B", "GARDE-C"))
CARDS = {each.card.fingerprint: each.card for each in (A, B, C)}


def _record() -> bytes:
    return make_record(7, "Part n° 3, jeu 2026", "PV 12/2026", NOW, (A, B))


def test_what_two_witnesses_signed_is_read_back() -> None:
    stated = read_record(_record(), CARDS)
    assert (stated.item, stated.reference, stated.at) == (7, "PV 12/2026", NOW)
    assert [post for post, _ in stated.witnesses] == ["GARDE-A", "GARDE-B"]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda v: v["statement"].update(item=8), SignatureInvalid),
        (lambda v: v["statement"].update(reference="PV 13"), SignatureInvalid),
        (lambda v: v["signatures"].reverse(), DestructionMalformed),
        (lambda v: v["signatures"].pop(), DestructionMalformed),
        (lambda v: v["signatures"].__setitem__(1, v["signatures"][0]), DestructionMalformed),
        (lambda v: v["statement"].update(more=1), DestructionMalformed),
        (lambda v: v["statement"].update(item=0), DestructionMalformed),
        (lambda v: v["statement"]["witnesses"][0].update(more=1), DestructionMalformed),
        (lambda v: v.update(more=1), DestructionMalformed),
        (
            lambda v: v["statement"]["witnesses"].__setitem__(1, v["statement"]["witnesses"][0]),
            DestructionMalformed,
        ),
    ],
)
def test_an_altered_record_is_refused(
    change: Callable[[dict[str, Any]], object], refusal: type[Exception]
) -> None:
    value = canonical.decode(_record())
    change(value)
    with pytest.raises(refusal):
        read_record(canonical.encode(value), CARDS)


def test_one_person_is_not_two_and_strangers_are_not_believed() -> None:
    with pytest.raises(DestructionMalformed):
        make_record(7, "Jeton", "PV", NOW, (A, A))
    with pytest.raises(DestructionMalformed):
        make_record(7, "deux\nlignes", "PV", NOW, (A, B))
    with pytest.raises(DestructionMalformed):
        read_record(_record(), {A.card.fingerprint: A.card})
    with pytest.raises(DestructionMalformed, match="at most 65536 bytes"):
        read_record(b"[" * (64 * 1024 + 1), CARDS)
    with pytest.raises(DestructionMalformed) as refused:
        read_record(b"[" * 64 * 1024, CARDS)
    assert "at most" not in str(refused.value)


def test_two_cards_of_one_post_are_one_witness() -> None:
    namesake = replace(
        B,
        card=issue_card(
            B.signing_key,
            B.hybrid_key.recipient,
            post=A.card.post,
            edition=1,
            valid_from=B.card.valid_from,
            valid_until=B.card.valid_until,
        ),
    )
    with pytest.raises(DestructionMalformed, match="are one"):
        make_record(1, "Jeton", "PV", NOW, (A, namesake))


def test_the_register_s_first_item_has_a_record() -> None:
    assert read_record(make_record(1, "Jeton", "PV", NOW, (A, B)), CARDS).item == 1
