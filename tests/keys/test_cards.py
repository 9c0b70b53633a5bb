"""Cards: whole, self-signed, and what their fingerprint says."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keys import canonical
from keys.cards import Card, grouped, issue_card, read_card
from keys.errors import CardInvalid, CardNotInForce
from keys.signing import CARD
from tests.vectors.forge import YEAR, identity

PARIS = identity("PARIS")
Change = Callable[[dict[str, Any]], object]


def _signed_again(change: Change) -> bytes:
    """A card changed by one who holds its keys: fingerprint and signatures are right."""
    members = json.loads(PARIS.card.to_bytes())
    del members["fingerprint"], members["signatures"]
    change(members)
    statement = canonical.encode(members)
    signatures = PARIS.sign(CARD, statement)
    members["fingerprint"] = hashlib.sha256(statement).hexdigest()
    members["signatures"] = {
        "ed25519": canonical.text_from_bytes(signatures.ed25519),
        "mldsa65": canonical.text_from_bytes(signatures.mldsa65),
    }
    return canonical.encode(members)


def _altered(change: Change) -> bytes:
    members = json.loads(PARIS.card.to_bytes())
    change(members)
    return canonical.encode(members)


def test_a_card_is_read_back() -> None:
    assert read_card(PARIS.card.to_bytes()) == PARIS.card
    assert read_card(PARIS.card.to_bytes() + b"\n") == PARIS.card
    assert read_card(_signed_again(lambda _: None)).fingerprint == PARIS.card.fingerprint


def test_the_fingerprint_covers_everything_but_itself_and_the_signatures() -> None:
    members = json.loads(PARIS.card.to_bytes())
    fingerprint = members.pop("fingerprint")
    del members["signatures"]
    data = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(data).hexdigest() == fingerprint == PARIS.card.fingerprint


def test_a_fingerprint_is_grouped_for_the_telephone() -> None:
    assert grouped("0123456789ab") == "0123 4567 89ab"


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(post="paris"),
        lambda m: m.update(post="P"),
        lambda m: m.update(edition=0),
        lambda m: m.update(edition=2),
        lambda m: m.update(previous="0" * 64),
        lambda m: m.update(valid_until=m["valid_from"]),
        lambda m: m.update(valid_from="2026-01-01"),
        lambda m: m.update(recipient=m["recipient"][:-1] + "q"),
        lambda m: m.update(recipient=m["recipient"].upper()),
        lambda m: m.update(type="depeche/v1 slip"),
        lambda m: m.update(v=2),
        lambda m: m.update(motto="Paix, Travail, Patrie"),
        lambda m: m.pop("edition"),
    ],
)
def test_a_card_of_another_shape_is_refused_even_when_signed(change: Change) -> None:
    with pytest.raises(CardInvalid):
        read_card(_signed_again(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(post="LOME"),
        lambda m: m.update(fingerprint="0" * 64),
        lambda m: m["signatures"].update(ed25519="A" * 86 + "=="),
        lambda m: m["signatures"].update(mldsa65="A" * 4412),
        lambda m: m["signatures"].update(rsa=""),
    ],
)
def test_a_card_altered_by_another_is_refused(change: Change) -> None:
    with pytest.raises(CardInvalid):
        read_card(_altered(change))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b" {}"])
def test_what_is_no_card_is_refused(data: bytes) -> None:
    with pytest.raises(CardInvalid):
        read_card(data)


def test_no_more_than_a_card_is_parsed() -> None:
    with pytest.raises(CardInvalid, match="at most 32768 bytes"):
        read_card(b'"' + b"x" * 40_000 + b'"')


def test_two_newlines_are_one_too_many() -> None:
    with pytest.raises(CardInvalid):
        read_card(PARIS.card.to_bytes() + b"\n\n")


def test_another_posts_signature_keys_do_not_make_a_card() -> None:
    """Mix-and-match: LOME's age key under PARIS's name needs PARIS's signatures."""
    mixed = replace(PARIS.card, recipient=identity("LOME").card.recipient)
    with pytest.raises(CardInvalid):
        read_card(mixed.to_bytes())


def test_the_next_edition_names_the_one_before() -> None:
    card = _second_edition()
    assert (card.edition, card.previous) == (2, PARIS.card.fingerprint)
    assert read_card(card.to_bytes()) == card


def _second_edition() -> Card:
    return issue_card(
        PARIS.signing_key,
        PARIS.card.recipient,
        post="PARIS",
        edition=2,
        valid_from=YEAR[1],
        valid_until=YEAR[1] + timedelta(days=365),
        previous=PARIS.card.fingerprint,
    )


def test_a_card_is_in_force_from_its_first_second_to_the_one_before_its_last() -> None:
    start, end = YEAR
    PARIS.card.require_in_force(start)
    PARIS.card.require_in_force(end - timedelta(seconds=1))
    for time in (start - timedelta(seconds=1), end):
        with pytest.raises(CardNotInForce):
            PARIS.card.require_in_force(time)
