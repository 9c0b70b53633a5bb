"""The root vouches for successions; a lying directory cannot make one up."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from keys import canonical
from keys.age.hybrid import HybridKey
from keys.cards import Card, issue_card
from keys.endorsement import (
    Endorsement,
    EndorsementMalformed,
    EndorsementOfAnother,
    RootMalformed,
    SuccessionBroken,
    make_endorsement,
    make_introduction,
    read_endorsement,
    read_introduction,
    read_root_file,
    require_succession,
    root_file,
    root_fingerprint,
)
from keys.errors import SignatureInvalid
from keys.signing import ENDORSEMENT, MANIFEST, Signatures, SigningKey
from tests.vectors.forge import NOW, YEAR, identity

ROOT_KEY, OTHER = SigningKey.generate(), SigningKey.generate()
ROOT = ROOT_KEY.verifying_key
MINREX, PARIS = identity("MINREX"), identity("PARIS")


def _sign(key: SigningKey, context: str = ENDORSEMENT) -> Callable[[bytes], Signatures]:
    return lambda statement: key.sign(context, statement)


def _endorsed(card: Card, key: SigningKey = ROOT_KEY) -> bytes:
    return make_endorsement(Endorsement.of(card, key.verifying_key, NOW), _sign(key))


def _next(before: Card, skipped: int = 0) -> Card:
    return issue_card(
        SigningKey.generate(),
        HybridKey.generate().recipient,
        post=before.post,
        edition=before.edition + 1 + skipped,
        valid_from=YEAR[0],
        valid_until=YEAR[1],
        previous=before.fingerprint,
    )


@cache
def _editions() -> list[Card]:
    cards = [PARIS.card]
    for _ in range(3):
        cards.append(_next(cards[-1]))
    return cards


def _offered(*cards: Card) -> list[tuple[Card, bytes]]:
    return [(card, _endorsed(card)) for card in cards]


def test_a_post_that_was_away_follows_every_succession_at_once() -> None:
    first, second, third, fourth = _editions()
    assert require_succession(first, _offered(second), ROOT) == second
    assert require_succession(first, _offered(fourth, third, second, first), ROOT) == fourth
    assert require_succession(second, _offered(fourth, third, second, first), ROOT) == fourth


def test_a_directory_that_lies_is_not_followed() -> None:
    first, second, third, _ = _editions()
    stranger = _next(first)
    lies: list[tuple[list[tuple[Card, bytes]], type[Exception]]] = [
        ([(stranger, _endorsed(stranger, OTHER))], EndorsementOfAnother),
        ([(stranger, _endorsed(second))], EndorsementOfAnother),
        ([(second, b"{}")], EndorsementMalformed),
        (_offered(third), SuccessionBroken),
        (_offered(_next(first, skipped=1)), SuccessionBroken),
        (_offered(first), SuccessionBroken),
        ([], SuccessionBroken),
        (_offered(_next(stranger), second), SuccessionBroken),
        (_offered(_next(identity("LOME").card)), SuccessionBroken),
    ]
    for offered, refusal in lies:
        with pytest.raises(refusal):
            require_succession(first, offered, ROOT)
    with pytest.raises(SuccessionBroken):
        require_succession(third, _offered(second, first), ROOT)  # an older one is no successor


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda v: v["statement"].update(edition=2), EndorsementMalformed),
        (lambda v: v["statement"].update(at="2026-12-01T00:00:00Z"), SignatureInvalid),
        (lambda v: v["statement"].update(post="LOME"), EndorsementOfAnother),
        (lambda v: v["statement"].update(root="0" * 64), EndorsementOfAnother),
        (lambda v: v["statement"].update(more=1), EndorsementMalformed),
        (lambda v: v["signatures"].pop("mldsa65"), EndorsementMalformed),
        (lambda v: v.update(more=1), EndorsementMalformed),
    ],
)
def test_an_altered_endorsement_is_refused(
    change: Callable[[dict[str, Any]], object], refusal: type[Exception]
) -> None:
    value = canonical.decode(_endorsed(PARIS.card))
    change(value)
    with pytest.raises(refusal):
        read_endorsement(canonical.encode(value), PARIS.card, ROOT)


def test_a_signature_for_something_else_endorses_nothing() -> None:
    endorsement = Endorsement.of(PARIS.card, ROOT, NOW)
    for sign in (_sign(ROOT_KEY, MANIFEST), _sign(OTHER)):
        with pytest.raises(SignatureInvalid):
            read_endorsement(make_endorsement(endorsement, sign), PARIS.card, ROOT)
    later = Endorsement.of(PARIS.card, ROOT, NOW + timedelta(days=1))
    data = make_endorsement(later, _sign(ROOT_KEY))
    assert read_endorsement(data, PARIS.card, ROOT) == later


def test_the_bureau_s_card_introduces_the_root() -> None:
    data = make_introduction(ROOT, MINREX.card, MINREX.sign)
    root = read_introduction(data, MINREX.card)
    assert root_fingerprint(root) == root_fingerprint(ROOT)
    assert root_fingerprint(root) != root_fingerprint(OTHER.verifying_key)
    with pytest.raises(EndorsementOfAnother):
        read_introduction(data, PARIS.card)
    short = canonical.decode(data)
    short["statement"]["ed25519"] = "AAAA"
    for malformed in (b"{}", canonical.encode(short)):
        with pytest.raises(EndorsementMalformed):
            read_introduction(malformed, MINREX.card)
    forged = make_introduction(OTHER.verifying_key, MINREX.card, PARIS.sign)
    with pytest.raises(SignatureInvalid):
        read_introduction(forged, MINREX.card)


def test_the_root_s_file_is_read_whole_or_not_at_all() -> None:
    data = root_file(ROOT)
    for whole in (data, data + b"\n"):
        assert root_file(read_root_file(whole)) == data
    record = canonical.decode(data)
    for other in (
        b"",
        data + b"\n\n",
        canonical.encode({**record, "v": 2}),
        canonical.encode({**record, "type": "depeche/v1 card"}),
        canonical.encode({**record, "ed25519": "AAAA"}),
    ):
        with pytest.raises(RootMalformed):
            read_root_file(other)
