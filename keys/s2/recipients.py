"""The recipients of suite S2: HPKE MLKEM1024-P384, HKDF-SHA384, AES-256-GCM around 32 bytes.

Nobody keeps a second secret: an S2 key is drawn from the seed of the hybrid key of the same card.
The stanza stands in a header of age's grammar; published age readers do not know it, and find no
key of theirs.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PrivateKey, MLKEM1024PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.age import files
from keys.age.header import Header, Stanza, decode_base64, encode_base64
from keys.age.hybrid import HybridKey
from keys.errors import HeaderMalformed, NotAddressed

S2_TYPE: Final = "depeche.v1/mlkem1024p384"
S2_FILE_KEY_SIZE: Final = 32
RECIPIENT_SIZE: Final = 1665

_INFO: Final = b"depeche/v1 S2"
_SUITE: Final = hpke.Suite(hpke.KEM.MLKEM1024_P384, hpke.KDF.HKDF_SHA384, hpke.AEAD.AES_256_GCM)
_DRAW: Final = b"depeche/v1 S2 recipient\0"
_MLKEM_KEY_SIZE: Final = 1568
_MLKEM_SEED_SIZE: Final = 64
_SCALAR_DRAWN: Final = 56  # eight bytes more than the order has: what is drawn is even to 2^-64
_ORDER: Final = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    16,
)
_ENC_SIZE: Final = 1665  # ML-KEM-1024 ciphertext (1,568), uncompressed point of P-384 (97)
_BODY_SIZE: Final = S2_FILE_KEY_SIZE + 16


class S2Key:
    """The S2 key that goes with a hybrid key.

    Attributes:
        recipient: the 1,665 public bytes: ML-KEM-1024 encapsulation key, then the point of P-384.
    """

    __slots__ = ("_private", "recipient")

    def __init__(self, hybrid: HybridKey) -> None:
        drawn = hashlib.shake_256(_DRAW + hybrid.seed).digest(_MLKEM_SEED_SIZE + _SCALAR_DRAWN)
        mlkem = MLKEM1024PrivateKey.from_seed_bytes(drawn[:_MLKEM_SEED_SIZE])
        scalar = int.from_bytes(drawn[_MLKEM_SEED_SIZE:], "big") % (_ORDER - 1) + 1
        p384 = ec.derive_private_key(scalar, ec.SECP384R1())
        point = p384.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.recipient: Final = mlkem.public_key().public_bytes_raw() + point
        self._private: Final = hpke.MLKEM1024P384PrivateKey(mlkem, p384)

    def open(self, sealed: bytes) -> bytes | None:
        """Opens HPKE `enc` followed by the ciphertext; None when they are not for this key."""
        try:
            return _SUITE.decrypt(sealed, self._private, info=_INFO)
        except (InvalidTag, ValueError):  # the latter where the point is on no curve
            return None


@lru_cache(maxsize=512)
def parse_recipient(recipient: bytes) -> hpke.MLKEM1024P384PublicKey:
    """Makes a key of 1,665 raw bytes, or refuses them; the last 512 are kept.

    Raises:
        ValueError: another size, an ML-KEM coefficient out of range (FIPS 203 §7.2), or a point
            that is not on P-384 or not uncompressed.
    """
    if len(recipient) != RECIPIENT_SIZE:
        raise ValueError(f"an S2 recipient has {RECIPIENT_SIZE} bytes")
    mlkem = MLKEM1024PublicKey.from_public_bytes(recipient[:_MLKEM_KEY_SIZE])
    point = recipient[_MLKEM_KEY_SIZE:]
    p384 = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), point)
    return hpke.MLKEM1024P384PublicKey(mlkem, p384)


def wrap(file_key: bytes, recipient: bytes) -> Stanza:
    """Wraps a file key of 32 bytes for one S2 recipient.

    Raises:
        ValueError: a file key of another size, or bytes that are not a recipient.
    """
    if len(file_key) != S2_FILE_KEY_SIZE:
        raise ValueError(f"a file key of S2 has {S2_FILE_KEY_SIZE} bytes")
    sealed = _SUITE.encrypt(file_key, parse_recipient(recipient), info=_INFO)
    enc = encode_base64(sealed[:_ENC_SIZE]).decode("ascii")
    return Stanza(S2_TYPE, (enc,), sealed[_ENC_SIZE:])


def check_stanza(stanza: Stanza) -> bytes:
    """Gives what is sealed in a stanza of S2: `enc`, then the ciphertext.

    Raises:
        HeaderMalformed: another number of arguments, or another size.
    """
    try:
        [enc] = map(decode_base64, stanza.args)
    except ValueError as error:
        raise HeaderMalformed("a stanza of S2 has one argument in canonical base64") from error
    if (len(enc), len(stanza.body)) != (_ENC_SIZE, _BODY_SIZE):
        raise HeaderMalformed("a stanza of S2 does not have its sizes")
    return enc + stanza.body


def open_file_key(header: Header, keys: Sequence[S2Key]) -> bytes:
    """Unwraps the file key with the first key that fits, and verifies the header with it.

    Raises:
        NotAddressed: no stanza opens with any key.
        HeaderMalformed: a stanza of S2 breaks its format.
        HeaderTampered: the MAC does not hold.
    """
    for stanza in header.stanzas:
        if stanza.type != S2_TYPE:
            continue
        sealed = check_stanza(stanza)
        for key in keys:
            file_key = key.open(sealed)
            if file_key is not None:
                header.verify(file_key)
                return file_key
    raise NotAddressed("no stanza of S2 opens with the keys at hand")


def open_with_hybrids(header: Header, hybrids: Sequence[HybridKey]) -> bytes:
    """Unwraps the file key of a header of either suite, with the keys that go with these.

    Raises:
        NotAddressed, HeaderMalformed, HeaderTampered: as `open_file_key`.
    """
    if is_s2(header):
        return open_file_key(header, [S2Key(each) for each in hybrids])
    return files.open_file_key(header, hybrids)


def is_s2(header: Header) -> bool:
    """Tells whether a header wraps its file key as S2 does."""
    return any(stanza.type == S2_TYPE for stanza in header.stanzas)
