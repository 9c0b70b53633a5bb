"""The seal: who closed which bag, with which physical seals, for whom; verified without network.

A seal is a COSE_Sign1 message (`keys.cose`) over `Claims`, printed as digits in a symbol on the
label. It may carry a proof that it stands in the ministry's log. A photograph or a copy of it
verifies as well as the label itself: that the bag at hand is the sealed one is for `pouch.verdict`.

    seal = make_seal(claims, card=identity.card, sign=identity.sign_cose)
    seal = read_seal(scanned_text)
    seal.message.verify(card.verifying_key)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keys.cose import KID_BYTES, Sign1, decode_cbor, encode_cbor, read_sign1, sign1
from keys.merkle import HASH_SIZE, leaf_hash, verify_inclusion
from pouch.bordereau import digest
from pouch.claims import Claims, read_claims
from pouch.digits import decode_digits, encode_digits
from pouch.errors import OriginNotYours, SealDamaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.cards import Card
    from pouch.manifest import Manifest

_DEPTH_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class LogProof:
    """Where a seal's message stands in the log.

    Attributes:
        index: of its leaf.
        size: of the tree in which the path leads to the root.
        path: nearest sibling first, 32 bytes each (RFC 6962 §2.1.1).
    """

    index: int
    size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal that was read; reading it verified nothing.

    Attributes:
        message: with the signature.
        claims: what it says, if the signature holds.
        proof: that the log holds it; None when it was printed without.
    """

    message: Sign1
    claims: Claims
    proof: LogProof | None

    @property
    def text(self) -> str:
        """The digits of the symbol."""
        return encode_digits(_encode(self.message, self.proof))

    def require_logged(self, proof: LogProof, root: bytes) -> None:
        """Demands that the message stands in the log.

        Args:
            proof: the seal's own.
            root: trusted, of the log's tree of the proof's size.

        Raises:
            ProofInvalid: it does not.
        """
        leaf = leaf_hash(self.message.encode())
        verify_inclusion(leaf, proof.index, proof.size, proof.path, root)


def claims_of(manifest: Manifest, witness: bytes | None) -> Claims:
    """Gives what the seal of a manifest claims, `witness` being the kid of the second card.

    Raises:
        BordereauMalformed: the manifest says what no bag can be.
    """
    waybill = manifest.waybill
    return Claims(
        issuer=waybill.origin,
        issued=manifest.closed,
        expires=manifest.expires,
        seal=manifest.seal,
        bag=manifest.bag,
        ordinal=manifest.ordinal,
        packages=waybill.packages,
        destination=waybill.destination,
        seals=manifest.seals,
        bag_class=manifest.bag_class,
        mode=waybill.mode,
        items=len(manifest.items),
        weight_g=manifest.weight_g,
        digest=digest(manifest),
        witness=witness,
    )


def make_seal(claims: Claims, *, card: Card, sign: Callable[[bytes], bytes]) -> Seal:
    """Signs claims.

    Args:
        claims: whose issuer is the card's post.
        card: of the key that signs.
        sign: Ed25519 over a `Sig_structure`; `Identity.sign_cose` fits.

    Raises:
        OriginNotYours: the bag's origin is another post than the card's.
        ValueError: a claim is not as it must be.
    """
    if claims.issuer != card.post:
        raise OriginNotYours(f"the bag is of {claims.issuer}, the card of {card.post}")
    payload = claims.encode()
    return Seal(sign1(payload, kid=kid_of(card), sign=sign), read_claims(payload), None)


def read_seal(text: str) -> Seal:
    """Reads a scanned text, whatever keyboard layout typed it; verifies nothing.

    The order: 1. digits; 2. one canonical message, or one with a proof; 3. the claims.

    Raises:
        SealDamaged: at the first of these that fails.
    """
    try:
        # 1.
        data = decode_digits(text)
        # 2.
        message, proof = _decode(data)
        # 3.
        return Seal(message, read_claims(message.payload), proof)
    except ValueError as error:
        raise SealDamaged(str(error)) from error


def kid_of(card: Card) -> bytes:
    """Gives the 8 bytes by which a seal names a card: the first of its fingerprint."""
    return bytes.fromhex(card.fingerprint)[:KID_BYTES]


def _encode(message: Sign1, proof: LogProof | None) -> bytes:
    if proof is None:
        return message.encode()
    return encode_cbor([message.encode(), proof.index, proof.size, b"".join(proof.path)])


def _decode(data: bytes) -> tuple[Sign1, LogProof | None]:
    match decode_cbor(data):
        case [bytes() as inner, int() as index, int() as size, bytes() as path]:
            proof = _read_proof(index, size, path)
            message = read_sign1(inner)
            if _encode(message, proof) != data:
                raise ValueError("not the one form of a seal with a proof")
            return message, proof
    return read_sign1(data), None


def _read_proof(index: int, size: int, path: bytes) -> LogProof:
    depth, rest = divmod(len(path), HASH_SIZE)
    if rest or depth > _DEPTH_MAX or not 0 <= index < size <= 1 << _DEPTH_MAX:
        raise ValueError("not a proof of inclusion")
    siblings = (path[start : start + HASH_SIZE] for start in range(0, len(path), HASH_SIZE))
    # CBOR's true would be written as true again.
    return LogProof(int(index), int(size), tuple(siblings))
