"""Two signatures over one message, both required: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204).

A forger must break both. Every signature is made for one context, so that a signature over a
card can never be shown as a signature over a manifest: Ed25519 signs `context || 0x00 || message`
and ML-DSA-65 signs `message` with its own context parameter. Contexts are the ASCII strings
below; a new sort of signed thing takes a new context. The one exception is a seal, which anybody's
COSE reader must verify: its Ed25519 signature covers a `Sig_structure`, which begins as no context
does.

Verification raises; it never returns a boolean that a caller could forget.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import nacl.bindings
import nacl.exceptions
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
    MLDSA87PrivateKey,
)
from nacl.utils import random as random_bytes

from keys.errors import SignatureInvalid

MANIFEST: Final = "depeche/v1 manifest"
CARD: Final = "depeche/v1 card"
COMPLEMENT: Final = "depeche/v1 complement"
SLIP: Final = "depeche/v1 slip"
RECEIPT: Final = "depeche/v1 receipt"
RECEIPTS: Final = "depeche/v1 receipts"
SERVICE_MESSAGE: Final = "depeche/v1 service-message"
ENROLMENT: Final = "depeche/v1 enrolment"
REROUTING: Final = "depeche/v1 rerouting"
WITNESS: Final = "depeche/v1 witness"
PREKEYS: Final = "depeche/v1 prekeys"
ENDORSEMENT: Final = "depeche/v1 endorsement"
ROOT: Final = "depeche/v1 root"
SUCCESSION: Final = "depeche/v1 succession"
LOG_SUCCESSION: Final = "depeche/v1 log-succession"
SHARE_HELD: Final = "depeche/v1 share-held"
DESTRUCTION: Final = "depeche/v1 destruction"
TOKEN_KEY: Final = "depeche/v1 token-key"  # noqa: S105  the name of a context, no secret

SEED_BYTES: Final = 32
ED25519_PUBLIC_BYTES: Final = 32
ED25519_SIGNATURE_BYTES: Final = 64
MLDSA65_PUBLIC_BYTES: Final = 1952
MLDSA65_SIGNATURE_BYTES: Final = 3309
MLDSA87_PUBLIC_BYTES: Final = 2592
MLDSA87_SIGNATURE_BYTES: Final = 4627

_DRAW_87: Final = b"depeche/v1 S2 signature\0"

# An array of four whose first is the text "Signature1" (RFC 9052 §4.4).
_SIG_STRUCTURE: Final = b"\x84\x6aSignature1"


@dataclass(frozen=True)
class Signatures:
    """Both signatures over one message: 64 bytes of Ed25519 and 3,309 bytes of ML-DSA-65.

    Suite S2 adds a third one: 4,627 bytes of ML-DSA-87.
    """

    ed25519: bytes
    mldsa65: bytes
    mldsa87: bytes = b""


class VerifyingKey:
    """The public halves: 32 bytes of Ed25519 and 1,952 bytes of ML-DSA-65."""

    def __init__(self, ed25519: bytes, mldsa65: bytes) -> None:
        """Takes raw public keys.

        Raises:
            ValueError: a key has another length.
        """
        if len(ed25519) != ED25519_PUBLIC_BYTES or len(mldsa65) != MLDSA65_PUBLIC_BYTES:
            raise ValueError("a public signing key has the wrong length")
        self.ed25519 = ed25519
        self.mldsa65 = mldsa65

    @cached_property
    def _mldsa65(self) -> MLDSA65PublicKey:
        return MLDSA65PublicKey.from_public_bytes(self.mldsa65)

    def verify(self, context: str, message: bytes, signatures: Signatures) -> None:
        """Demands both signatures over `message` in `context`.

        Raises:
            SignatureInvalid: either does not hold; the text says which.
        """
        self.verify_ed25519(context, message, signatures.ed25519)
        try:
            self._mldsa65.verify(signatures.mldsa65, message, context.encode())
        except InvalidSignature as error:
            raise SignatureInvalid("the ML-DSA-65 signature does not hold") from error

    def verify_ed25519(self, context: str, message: bytes, signature: bytes) -> None:
        """Demands the Ed25519 signature alone: for acts that live a day, not for the archive.

        Raises:
            SignatureInvalid: it does not hold.
        """
        verify_ed25519(self.ed25519, context, message, signature)

    def verify_cose(self, structure: bytes, signature: bytes) -> None:
        """Demands the Ed25519 signature over a COSE `Sig_structure` (`keys.cose`).

        Raises:
            SignatureInvalid: it does not hold.
        """
        try:
            nacl.bindings.crypto_sign_open(signature + structure, self.ed25519)
        except nacl.exceptions.BadSignatureError as error:
            raise SignatureInvalid("the seal's Ed25519 signature does not hold") from error


class SigningKey:
    """The secret halves, each kept as its 32-byte seed."""

    def __init__(self, ed25519_seed: bytes, mldsa65_seed: bytes) -> None:
        """Takes two independent random seeds of 32 bytes.

        Raises:
            ValueError: a seed has another length, or both are the same.
        """
        if len(ed25519_seed) != SEED_BYTES or len(mldsa65_seed) != SEED_BYTES:
            raise ValueError("a seed has the wrong length")
        if hmac.compare_digest(ed25519_seed, mldsa65_seed):
            raise ValueError("the two signature keys need two seeds")
        self.ed25519_seed = ed25519_seed
        self.mldsa65_seed = mldsa65_seed
        self._ed25519_public, self._ed25519 = nacl.bindings.crypto_sign_seed_keypair(ed25519_seed)
        self._mldsa65 = MLDSA65PrivateKey.from_seed_bytes(mldsa65_seed)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's random source."""
        return cls(random_bytes(SEED_BYTES), random_bytes(SEED_BYTES))

    @cached_property
    def verifying_key(self) -> VerifyingKey:
        """The public halves."""
        return VerifyingKey(self._ed25519_public, self._mldsa65.public_key().public_bytes_raw())

    def sign(self, context: str, message: bytes) -> Signatures:
        """Both signatures over `message` in `context`."""
        return Signatures(
            ed25519=self.sign_ed25519(context, message),
            mldsa65=self._mldsa65.sign(message, context.encode()),
        )

    @cached_property
    def _mldsa87(self) -> MLDSA87PrivateKey:
        """Drawn from the seed of the other one: nobody keeps a second secret."""
        drawn = hashlib.shake_256(_DRAW_87 + self.mldsa65_seed).digest(SEED_BYTES)
        return MLDSA87PrivateKey.from_seed_bytes(drawn)

    @property
    def mldsa87_public(self) -> bytes:
        """The public ML-DSA-87 key of suite S2, 2,592 raw bytes."""
        return self._mldsa87.public_key().public_bytes_raw()

    def sign_thrice(self, context: str, message: bytes) -> Signatures:
        """The three signatures of suite S2 over `message` in `context`."""
        third = self._mldsa87.sign(message, context.encode())
        return replace(self.sign(context, message), mldsa87=third)

    def sign_ed25519(self, context: str, message: bytes) -> bytes:
        """The Ed25519 signature alone, 64 bytes."""
        signed: bytes = nacl.bindings.crypto_sign(_framed(context, message), self._ed25519)
        return signed[:ED25519_SIGNATURE_BYTES]

    def sign_cose(self, structure: bytes) -> bytes:
        """The Ed25519 signature over a COSE `Sig_structure`, 64 bytes.

        Raises:
            ValueError: `structure` does not begin as one: it might pass for another signed thing.
        """
        if not structure.startswith(_SIG_STRUCTURE):
            raise ValueError("only a Sig_structure of COSE_Sign1 is signed without a context")
        signed: bytes = nacl.bindings.crypto_sign(structure, self._ed25519)
        return signed[:ED25519_SIGNATURE_BYTES]


def verify_ed25519(key: bytes, context: str, message: bytes, signature: bytes) -> None:
    """Demands the Ed25519 signature of a key that has no ML-DSA half, such as a telephone's.

    Args:
        key: raw public key, 32 bytes.
        context: what sort of thing is signed.
        message: what is signed.
        signature: 64 bytes.

    Raises:
        SignatureInvalid: it does not hold.
    """
    if len(signature) != ED25519_SIGNATURE_BYTES:
        raise SignatureInvalid("the Ed25519 signature has the wrong length")
    try:
        nacl.bindings.crypto_sign_open(signature + _framed(context, message), key)
    except nacl.exceptions.BadSignatureError as error:
        raise SignatureInvalid("the Ed25519 signature does not hold") from error


def _framed(context: str, message: bytes) -> bytes:
    return context.encode() + b"\0" + message
