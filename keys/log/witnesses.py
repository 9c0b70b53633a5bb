"""A post as a witness of the log: its cosigning key, and its card's word for it (LOG.md §9).

    signer = witness_signer(identity.witness_seed(), origin, "PARIS")
    data = make_witness(Witness("PARIS", card.fingerprint, signer.verifier), identity.sign)

The key is derived from the post's secrets, so that a restored identity folder cosigns as before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keys.errors import Refusal
from keys.log.errors import WitnessMalformed
from keys.log.notes import ED25519_COSIGNATURE, Ed25519Signer, VerifierKey
from keys.records import FINGERPRINT, POST, Record
from keys.signing import WITNESS
from keys.statements import (
    decode_signed,
    encode_signed,
    encode_statement,
    parse_statement,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.cards import Card
    from keys.signing import Signatures

_VKEY: Final = re.compile(r"[\x21-\x7e]{1,400}")


@dataclass(frozen=True)
class Witness:
    """Which key a post cosigns with.

    Attributes:
        post: code of the post.
        card: fingerprint of the card that vouches for the key.
        key: an Ed25519 cosigning key named `<origin>/<post>`.
    """

    post: str
    card: str
    key: VerifierKey

    def encode(self) -> bytes:
        """Gives the canonical bytes that are signed in context `depeche/v1 witness`.

        Raises:
            WitnessMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object, _read, WitnessMalformed)


def witness_name(origin: str, post: str) -> str:
    """The name under which a post cosigns the log `origin`."""
    return f"{origin}/{post}"


def witness_signer(seed: bytes, origin: str, post: str) -> Ed25519Signer:
    """The signer of a post's cosignatures.

    Args:
        seed: 32 bytes, `Identity.witness_seed`.
        origin: of the log.
        post: code of the post.
    """
    return Ed25519Signer(witness_name(origin, post), seed, ED25519_COSIGNATURE)


def make_witness(witness: Witness, sign: Callable[[str, bytes], Signatures]) -> bytes:
    """Makes the file in which a card vouches for its post's cosigning key.

    Args:
        witness: what to state.
        sign: both signatures of that card in a context; `Identity.sign` fits.

    Raises:
        WitnessMalformed: a field is not as it must be.
    """
    statement = witness.encode()
    return encode_signed(statement, sign(WITNESS, statement))


def read_witness(data: bytes, card: Card, origin: str) -> Witness:
    """Reads such a file and checks it against the card and for the log.

    The order: 1. canonical JSON of the one shape; 2. the card's post and fingerprint, the log's
    name in the key's; 3. both signatures.

    Raises:
        WitnessMalformed: 1 or 2 fails.
        SignatureInvalid: 3 fails.
    """
    statement, signatures = decode_signed(data, "witness", WitnessMalformed)
    witness = parse_statement(statement, _read, WitnessMalformed)
    if (witness.post, witness.card) != (card.post, card.fingerprint):
        raise WitnessMalformed(f"a witness of {witness.post}, not of this card of {card.post}")
    if witness.key.name != witness_name(origin, witness.post):
        raise WitnessMalformed(f"{witness.key.name} does not witness {origin}")
    card.verifying_key.verify(WITNESS, statement, signatures)
    return witness


def _object(witness: Witness) -> dict[str, Any]:
    return {
        "v": 1,
        "type": WITNESS,
        "post": witness.post,
        "card": witness.card,
        "key": witness.key.encode(),
    }


def _read(record: Record) -> Witness:
    record.constant("v", 1)
    record.constant("type", WITNESS)
    post, card = record.text("post", POST), record.text("card", FINGERPRINT)
    try:
        key = VerifierKey.parse(record.text("key", _VKEY))
    except Refusal as error:
        raise ValueError("witness.key is no verifier key") from error
    record.close()
    if key.algorithm != ED25519_COSIGNATURE:
        raise ValueError("witness.key does not cosign")
    return Witness(post, card, key)
