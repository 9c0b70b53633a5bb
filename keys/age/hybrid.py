"""The hybrid recipient `mlkem768x25519` (C2SP age.md): HPKE SealBase over X-Wing.

KEM MLKEM768-X25519 (0x647a), KDF HKDF-SHA256, AEAD ChaCha20Poly1305. A recipient is 1,216 raw
bytes (ML-KEM-768 encapsulation key 1,184, then X25519 32); an identity is a 32-byte seed, from
which SHAKE256 draws the ML-KEM seed (64) and the X25519 scalar (32).
"""

import hashlib
import secrets
from collections.abc import Collection
from functools import lru_cache
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from keys.age.header import FILE_KEY_SIZE, Header, Stanza, decode_base64, encode_base64
from keys.errors import HeaderMalformed, MixedRecipients

HYBRID_TYPE: Final = "mlkem768x25519"
RECIPIENT_SIZE: Final = 1216
SEED_SIZE: Final = 32

_INFO: Final = b"age-encryption.org/mlkem768x25519"
_SUITE: Final = hpke.Suite(
    hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305
)
_MLKEM_KEY_SIZE: Final = 1184
_MLKEM_CIPHERTEXT_SIZE: Final = 1088
_MLKEM_SEED_SIZE: Final = 64
_ENC_SIZE: Final = 1120
_BODY_SIZE: Final = FILE_KEY_SIZE + 16

# The u-coordinates on Curve25519 and its twist whose X25519 result is zero whatever the scalar
# (RFC 7748 §6.1): the library only says that opening failed, the format wants them refused.
_PRIME: Final = 2**255 - 19
_LOW_ORDER: Final = frozenset(
    {
        0,
        1,
        _PRIME - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)


class HybridKey:
    """A hybrid identity, expanded once and kept.

    Attributes:
        seed: the 32-byte secret.
        recipient: the 1,216 public bytes.
    """

    __slots__ = ("_private", "recipient", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_SIZE:
            raise ValueError(f"a hybrid seed has {SEED_SIZE} bytes")
        expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_SIZE + SEED_SIZE)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_SIZE])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_SIZE:])
        self.seed: Final = seed
        self.recipient: Final = (
            mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        )
        self._private: Final = hpke.MLKEM768X25519PrivateKey(mlkem, x25519)

    @classmethod
    def generate(cls) -> Self:
        """Makes a new identity from the system's randomness."""
        return cls(secrets.token_bytes(SEED_SIZE))

    def open(self, sealed: bytes) -> bytes | None:
        """Opens HPKE `enc` followed by the ciphertext; None when they are not for this key."""
        try:
            return _SUITE.decrypt(sealed, self._private, info=_INFO)
        except InvalidTag:
            return None

    def __repr__(self) -> str:
        # The seed must not reach a log or a traceback by way of a container's repr.
        return f"HybridKey(recipient={self.recipient[:8].hex()}...)"


@lru_cache(maxsize=512)
def parse_recipient(recipient: bytes) -> hpke.MLKEM768X25519PublicKey:
    """Makes a key of 1,216 raw bytes, or refuses them; the last 512 are kept.

    Args:
        recipient: ML-KEM-768 encapsulation key, then X25519 public key.

    Returns:
        The key as the HPKE library wants it.

    Raises:
        ValueError: another size, an ML-KEM coefficient out of range (FIPS 203 §7.2), or an
            X25519 part of low order.
    """
    if len(recipient) != RECIPIENT_SIZE:
        raise ValueError(f"a hybrid recipient has {RECIPIENT_SIZE} bytes")
    share = recipient[_MLKEM_KEY_SIZE:]
    if _low_order(share):
        raise ValueError("the X25519 part of a recipient is of low order")
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(recipient[:_MLKEM_KEY_SIZE])
    except ValueError:
        raise ValueError("the ML-KEM part of a recipient is not a key") from None
    return hpke.MLKEM768X25519PublicKey(mlkem, X25519PublicKey.from_public_bytes(share))


def wrap(file_key: bytes, recipient: bytes) -> Stanza:
    """Wraps a file key for one recipient.

    Args:
        file_key: 16 bytes.
        recipient: 1,216 raw bytes.

    Returns:
        The stanza (1,557 bytes once encoded).

    Raises:
        ValueError: a file key of another size, or bytes that are not a recipient.
    """
    if len(file_key) != FILE_KEY_SIZE:
        raise ValueError(f"a file key has {FILE_KEY_SIZE} bytes")
    sealed = _SUITE.encrypt(file_key, parse_recipient(recipient), info=_INFO)
    enc = encode_base64(sealed[:_ENC_SIZE]).decode("ascii")
    return Stanza(HYBRID_TYPE, (enc,), sealed[_ENC_SIZE:])


def unwrap(stanza: Stanza, key: HybridKey) -> bytes | None:
    """Unwraps the file key from one stanza.

    Args:
        stanza: any stanza; those of another type are ignored, as the format demands.
        key: the identity.

    Returns:
        The 16-byte file key, or None when the stanza is not for this key.

    Raises:
        HeaderMalformed: a hybrid stanza that breaks the format: arguments, sizes (the body's is
            checked before opening: partitioning oracles), a share of low order.
    """
    if stanza.type != HYBRID_TYPE:
        return None
    if len(stanza.args) != 1:
        raise HeaderMalformed("a hybrid stanza has one argument after its type")
    try:
        enc = decode_base64(stanza.args[0])
    except ValueError:
        raise HeaderMalformed("the key of a hybrid stanza is not canonical base64") from None
    if len(enc) != _ENC_SIZE:
        raise HeaderMalformed(f"the key of a hybrid stanza has {_ENC_SIZE} bytes")
    if len(stanza.body) != _BODY_SIZE:
        raise HeaderMalformed(f"the body of a hybrid stanza has {_BODY_SIZE} bytes")
    if _low_order(enc[_MLKEM_CIPHERTEXT_SIZE:]):
        raise HeaderMalformed("the share of a hybrid stanza is of low order")
    return key.open(enc + stanza.body)


def refuse_mixed(header: Header, besides: Collection[str] = ()) -> None:
    """Refuses a header in which anything but hybrid stanzas could carry the file key.

    The format only says SHOULD NOT, and some writers mix (typage 0.3.1 does): one X25519 stanza
    beside the hybrid ones gives the file back to a quantum computer.

    Args:
        header: as read.
        besides: stanza types that the caller knows to wrap no key (a label).

    Raises:
        MixedRecipients: at the first stanza of any other type.
    """
    for stanza in header.stanzas:
        if stanza.type != HYBRID_TYPE and stanza.type not in besides:
            raise MixedRecipients(f"a stanza of type {stanza.type[:40]} is not hybrid")


def _low_order(share: bytes) -> bool:
    # X25519 ignores the top bit and reduces the rest (RFC 7748 §5).
    return (int.from_bytes(share, "little") & (2**255 - 1)) % _PRIME in _LOW_ORDER
