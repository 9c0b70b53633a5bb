"""The recipient `scrypt` (C2SP age.md): a file key wrapped by a passphrase, both ways."""

import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keys.age.header import FILE_KEY_SIZE, SCRYPT_TYPE, Stanza, decode_base64, encode_base64
from keys.errors import HeaderMalformed

DEFAULT_LOG_N: Final = 18
# 2**20 asks for 1 GiB and some seconds: the most that a file may make its reader spend.
MAX_LOG_N: Final = 20

_SALT_SIZE: Final = 16
_BODY_SIZE: Final = FILE_KEY_SIZE + 16
_LABEL: Final = b"age-encryption.org/v1/scrypt"
_NONCE: Final = bytes(12)
_BLOCK_SIZE: Final = 8
# Three digits pass every cap, so they need no reading.
_LOG_N: Final = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase as an identity among others; it does not show in a repr.

    Attributes:
        secret: its bytes, UTF-8 when it was typed.
    """

    secret: bytes = field(repr=False)


def wrap(file_key: bytes, passphrase: bytes, log_n: int = DEFAULT_LOG_N) -> Stanza:
    """Wraps a file key by a passphrase; the stanza must be the only one of its header.

    Args:
        file_key: 16 bytes.
        passphrase: at least one byte.
        log_n: base-two logarithm of the work factor, 1 to 20 (18 takes 256 MiB for a second;
            10 suits a 256-bit random code).

    Returns:
        The stanza.

    Raises:
        ValueError: a file key, passphrase or work factor out of these bounds.
    """
    if len(file_key) != FILE_KEY_SIZE:
        raise ValueError(f"a file key has {FILE_KEY_SIZE} bytes")
    if not passphrase:
        raise ValueError("an empty passphrase protects nothing")
    if not 1 <= log_n <= MAX_LOG_N:
        raise ValueError(f"the work factor is 1 to {MAX_LOG_N}")
    salt = secrets.token_bytes(_SALT_SIZE)
    body = _cipher(passphrase, salt, log_n).encrypt(_NONCE, file_key, None)
    return Stanza(SCRYPT_TYPE, (encode_base64(salt).decode("ascii"), str(log_n)), body)


def unwrap(stanza: Stanza, passphrase: bytes) -> bytes | None:
    """Unwraps the file key from one stanza.

    That the stanza is alone was seen to by `Header.parse`.

    Args:
        stanza: any stanza; those of another type are ignored.
        passphrase: as it was given to `wrap`.

    Returns:
        The 16-byte file key, or None when the passphrase is another.

    Raises:
        HeaderMalformed: a scrypt stanza that breaks the format (the body's size is checked
            before opening: partitioning oracles) or asks for more work than 2**20.
    """
    if stanza.type != SCRYPT_TYPE:
        return None
    match stanza.args:
        case (salt_text, log_n_text):
            pass
        case _:
            raise HeaderMalformed("a scrypt stanza has two arguments after its type")
    try:
        salt = decode_base64(salt_text)
    except ValueError:
        raise HeaderMalformed("the salt of a scrypt stanza is not canonical base64") from None
    if len(salt) != _SALT_SIZE:
        raise HeaderMalformed(f"the salt of a scrypt stanza has {_SALT_SIZE} bytes")
    if not _LOG_N.fullmatch(log_n_text) or int(log_n_text) > MAX_LOG_N:
        raise HeaderMalformed(f"the work factor of a scrypt stanza is not 1 to {MAX_LOG_N}")
    if len(stanza.body) != _BODY_SIZE:
        raise HeaderMalformed(f"the body of a scrypt stanza has {_BODY_SIZE} bytes")
    try:
        return _cipher(passphrase, salt, int(log_n_text)).decrypt(_NONCE, stanza.body, None)
    except InvalidTag:
        return None


def _cipher(passphrase: bytes, salt: bytes, log_n: int) -> ChaCha20Poly1305:
    scrypt = Scrypt(_LABEL + salt, length=32, n=1 << log_n, r=_BLOCK_SIZE, p=1)
    return ChaCha20Poly1305(scrypt.derive(passphrase))
