"""The recipient `X25519` (C2SP age.md), reading side only.

We never write it: it falls to a quantum computer. It is read so that the reader can be held to
every published vector and to files from before.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.age.header import FILE_KEY_SIZE, Stanza, decode_base64
from keys.errors import HeaderMalformed

X25519_TYPE: Final = "X25519"

_KEY_SIZE: Final = 32
_BODY_SIZE: Final = FILE_KEY_SIZE + 16
_INFO: Final = b"age-encryption.org/v1/X25519"
_NONCE: Final = bytes(12)


class X25519Key:
    """An X25519 identity.

    Attributes:
        recipient: the 32 public bytes.
    """

    __slots__ = ("_private", "recipient")

    def __init__(self, secret: bytes) -> None:
        """Takes the 32-byte scalar; ValueError for another size."""
        self._private: Final = X25519PrivateKey.from_private_bytes(secret)
        self.recipient: Final = self._private.public_key().public_bytes_raw()

    def agree(self, share: bytes) -> bytes:
        """Gives the shared secret with 32 public bytes; ValueError when it is all zero."""
        return self._private.exchange(X25519PublicKey.from_public_bytes(share))


def unwrap(stanza: Stanza, key: X25519Key) -> bytes | None:
    """Unwraps the file key from one stanza.

    Args:
        stanza: any stanza; those of another type are ignored.
        key: the identity.

    Returns:
        The 16-byte file key, or None when the stanza is not for this key.

    Raises:
        HeaderMalformed: an X25519 stanza that breaks the format: arguments, sizes (the body's is
            checked before opening: partitioning oracles), a share of low order.
    """
    if stanza.type != X25519_TYPE:
        return None
    if len(stanza.args) != 1:
        raise HeaderMalformed("an X25519 stanza has one argument after its type")
    try:
        share = decode_base64(stanza.args[0])
    except ValueError:
        raise HeaderMalformed("the share of an X25519 stanza is not canonical base64") from None
    if len(share) != _KEY_SIZE:
        raise HeaderMalformed(f"the share of an X25519 stanza has {_KEY_SIZE} bytes")
    if len(stanza.body) != _BODY_SIZE:
        raise HeaderMalformed(f"the body of an X25519 stanza has {_BODY_SIZE} bytes")
    try:
        secret = key.agree(share)
    except ValueError:
        raise HeaderMalformed("the share of an X25519 stanza is of low order") from None
    wrapping = HKDF(hashes.SHA256(), 32, salt=share + key.recipient, info=_INFO).derive(secret)
    try:
        return ChaCha20Poly1305(wrapping).decrypt(_NONCE, stanza.body, None)
    except InvalidTag:
        return None
