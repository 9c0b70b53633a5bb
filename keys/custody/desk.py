"""The pouch bureau's own keys: two desks that tell of bags, and the seal of the bureau's bags.

An act of two persons carries the signatures of two devices (pouch/CUSTODY.md §1). At headquarters
these are two desks whose keys never leave the custodian; who sits there is for the service to know.
The desks' keys come from their seed in the service compartment by HKDF-SHA256 (RFC 5869), so that
they are there whenever the service is, also while the bureau's keys are sealed; in stores founded
before that seed stood by itself, from the seed of the receipts' key. Another seed may take its
place at the custodian's terminal (`keys.custody.rotation`). The seal is made with the bureau's
card, hence with a key that can be sealed away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys import canonical
from keys.cose import KID_BYTES, decode_cbor, sign1
from keys.custody.errors import (
    EventNotOfDesk,
    PackNotSignable,
    RectificationNotSignable,
    SealNotOfCard,
)
from keys.devices import EVENT, PACK, RECTIFICATION, SEAL, device_id, devices_of
from keys.signing import SEED_BYTES, Signatures, SigningKey

if TYPE_CHECKING:
    from keys.cards import Card

DESKS: Final = 2
# A pack that is lost sight of announces bags no longer than this.
PACK_LIFE_MAX: Final = timedelta(days=14)

_INFO: Final = b"valise/v1 desk\0"
_ISSUER: Final = 1  # of a seal's claims (RFC 8392 §3.1.1)


@dataclass(frozen=True, slots=True)
class SealSignatures:
    """What closes a bag: the label's signature, and both of the sealed manifest.

    Attributes:
        cose: Ed25519 over the `Sig_structure` of the claims, 64 bytes.
        full: Ed25519 and ML-DSA-65 over the claims, context `valise/v1 seal`.
    """

    cose: bytes
    full: Signatures


class Desks:
    """The desks' keys.

    Args:
        seed: of the compartment, 32 bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._keys = [_derive(seed, number) for number in range(DESKS)]

    @property
    def public(self) -> bytes:
        """The raw Ed25519 public keys, one after the other."""
        return b"".join(key.verifying_key.ed25519 for key in self._keys)

    def sign(self, device: bytes, statement: bytes) -> bytes:
        """Signs an event in which one of the desks takes part.

        Args:
            device: id of the desk, in ASCII.
            statement: the event's canonical bytes.

        Raises:
            EventNotOfDesk: it is no event, names other devices, or no desk is called so.
        """
        for key in self._keys:
            own = device_id(key.verifying_key.ed25519)
            if own.encode() == device:
                _require_named(own, statement)
                return key.sign_ed25519(EVENT, statement)
        raise EventNotOfDesk("no desk of this custodian is called so")


def require_own(card: Card, claims: bytes) -> None:
    """Demands the claims of a seal whose issuer is the card's post.

    Raises:
        SealNotOfCard: they are no claims, or another post's.
    """
    try:
        read = decode_cbor(claims)
    except ValueError as error:
        raise SealNotOfCard("these are not the claims of a seal") from error
    if not isinstance(read, dict) or read.get(_ISSUER) != card.post:
        raise SealNotOfCard(f"the claims are not of {card.post}")


def sign_seal(card: Card, key: SigningKey, claims: bytes) -> SealSignatures:
    """Signs the claims of a seal whose issuer is the card's post.

    Raises:
        SealNotOfCard: as `require_own`.
    """
    require_own(card, claims)
    kid = bytes.fromhex(card.fingerprint)[:KID_BYTES]
    message = sign1(claims, kid=kid, sign=key.sign_cose)
    return SealSignatures(message.signature, key.sign(SEAL, claims))


def require_rectification(statement: bytes) -> None:
    """Demands the statement of a rectification (pouch/SPEC.md §13).

    It names no post: readers believe it of a bag whose origin is the signing card's, of no other.

    Raises:
        RectificationNotSignable: it is none.
    """
    try:
        match canonical.decode(statement):
            case {"v": 1, "type": "valise/v1 rectification", "seal": str(), "changes": [_, *_]}:
                return
    except ValueError as error:
        raise RectificationNotSignable("this is not canonical JSON") from error
    raise RectificationNotSignable("this is not the statement of a rectification")


def sign_rectification(key: SigningKey, statement: bytes) -> Signatures:
    """Signs the statement of a rectification.

    Raises:
        RectificationNotSignable: as `require_rectification`.
    """
    require_rectification(statement)
    return key.sign(RECTIFICATION, statement)


def sign_pack(root: SigningKey, statement: bytes) -> Signatures:
    """Signs the statement of a sync pack that ends within `PACK_LIFE_MAX`, by the ministry's root.

    Devices believe the root, not the bureau's card: a rotation of that card changes nothing for
    them, and a pack can tell that it counts no more.

    What a pack says in detail is no matter of `keys` (pouch/SPEC.md §8).

    Raises:
        PackNotSignable: it is none, or lives too long.
    """
    try:
        match canonical.decode(statement):
            case {"v": 1, "type": "valise/v1 pack", "issued": str(issued), "expires": str(expires)}:
                life = canonical.time_from_text(expires) - canonical.time_from_text(issued)
            case _:
                raise ValueError("not the statement of a pack")  # noqa: TRY301  as canonical's own
    except ValueError as error:
        raise PackNotSignable("this is not the statement of a sync pack") from error
    if not timedelta() < life <= PACK_LIFE_MAX:
        raise PackNotSignable("a sync pack ends within fourteen days")
    return root.sign(PACK, statement)


def _require_named(device: str, statement: bytes) -> None:
    try:
        named = devices_of(statement)
    except ValueError as error:
        raise EventNotOfDesk("this is not the statement of an event") from error
    if device not in named:
        raise EventNotOfDesk("the event names other devices")


def _derive(seed: bytes, number: int) -> SigningKey:
    made = HKDF(SHA256(), 2 * SEED_BYTES, salt=None, info=_INFO + bytes([number])).derive(seed)
    return SigningKey(made[:SEED_BYTES], made[SEED_BYTES:])
