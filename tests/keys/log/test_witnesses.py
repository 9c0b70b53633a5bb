"""A card's word for the key with which its post witnesses the log."""

from collections.abc import Callable
from typing import Any

import pytest

from keys import canonical
from keys.errors import SignatureInvalid
from keys.log.errors import WitnessMalformed
from keys.log.notes import Ed25519Signer
from keys.log.witnesses import Witness, make_witness, read_witness, witness_signer
from tests.vectors.forge import identity

ORIGIN = "chiffre.example.cm/audit"
PARIS, LOME = identity("PARIS"), identity("LOME")
SIGNER = witness_signer(PARIS.witness_seed(), ORIGIN, "PARIS")
WITNESS = Witness("PARIS", PARIS.card.fingerprint, SIGNER.verifier)


def test_what_a_card_vouches_for_is_read_back_and_the_key_is_the_same_after_a_loss() -> None:
    assert read_witness(make_witness(WITNESS, PARIS.sign), PARIS.card, ORIGIN) == WITNESS
    again = witness_signer(identity("PARIS").witness_seed(), ORIGIN, "PARIS")
    assert again.verifier == SIGNER.verifier
    assert PARIS.witness_seed() != LOME.witness_seed()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda v: v["statement"].update(post="LOME"), WitnessMalformed),
        (lambda v: v["statement"].update(card=LOME.card.fingerprint), WitnessMalformed),
        (lambda v: v["statement"].update(key="not a key"), WitnessMalformed),
        (lambda v: v["statement"].update(key="a+00000000+AAAA"), WitnessMalformed),
        (lambda v: v["statement"].update(key=_of("a.example", "PARIS")), WitnessMalformed),
        (lambda v: v["statement"].update(key=_of(ORIGIN, "LOME")), WitnessMalformed),
        (lambda v: v["statement"].update(key=_of(ORIGIN, "PARIS")), SignatureInvalid),
        (lambda v: v["statement"].update(more=1), WitnessMalformed),
        (lambda v: v["signatures"].pop("mldsa65"), WitnessMalformed),
    ],
)
def test_a_key_that_the_card_does_not_vouch_for_witnesses_nothing(
    change: Callable[[dict[str, Any]], object], refusal: type[Exception]
) -> None:
    value = canonical.decode(make_witness(WITNESS, PARIS.sign))
    change(value)
    with pytest.raises(refusal):
        read_witness(canonical.encode(value), PARIS.card, ORIGIN)


def test_a_key_that_signs_heads_is_no_witness_s() -> None:
    note_key = Ed25519Signer(SIGNER.verifier.name, bytes(32)).verifier
    with pytest.raises(WitnessMalformed, match="cosign"):
        make_witness(Witness("PARIS", PARIS.card.fingerprint, note_key), PARIS.sign)
    with pytest.raises(SignatureInvalid):
        read_witness(make_witness(WITNESS, LOME.sign), PARIS.card, ORIGIN)


def _of(origin: str, post: str) -> str:
    """A key of that name which somebody else holds."""
    return witness_signer(bytes(32), origin, post).verifier.encode()
