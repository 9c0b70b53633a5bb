"""Bech32 (BIP 173) spellings of age keys, without the length limit (C2SP age.md, Conventions).

The 5-bit regrouping is that of RFC 4648 base32 under another alphabet, so the standard library
does it; only the checksum is a loop. All functions raise ValueError on refused input, and no
message repeats the input, which may be a secret.
"""

import base64
from typing import Final

RECIPIENT: Final = "age1pq"
IDENTITY: Final = "age-secret-key-pq-"
X25519_IDENTITY: Final = "age-secret-key-"

_RECIPIENT_SIZE: Final = 1216
_SECRET_SIZE: Final = 32
_CHECKSUM_CHARS: Final = 6
_ALPHABET: Final = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE32: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_FROM_BASE32: Final = bytes.maketrans(_BASE32, _ALPHABET)
_TO_BASE32: Final = bytes.maketrans(_ALPHABET, _BASE32)
_TO_VALUES: Final = bytes.maketrans(_ALPHABET, bytes(range(32)))
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _combination(top: int) -> int:
    total = 0
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            total ^= generator
    return total


# The five conditional steps of the reference loop, folded into one look-up per character:
# a recipient has 1,952 of them.
_FOLDED: Final = tuple(_combination(top) for top in range(32))


def _polymod(hrp: str, values: bytes) -> int:
    expanded = bytes(ord(c) >> 5 for c in hrp) + b"\0" + bytes(ord(c) & 31 for c in hrp)
    check = 1
    for value in expanded + values:
        check = ((check & 0x1FFFFFF) << 5) ^ value ^ _FOLDED[check >> 25]
    return check


def encode(hrp: str, data: bytes) -> str:
    """Spells bytes under a lower-case human-readable prefix.

    Args:
        hrp: the prefix, lower case.
        data: any bytes.

    Returns:
        The lower-case Bech32 string.
    """
    characters = base64.b32encode(data).rstrip(b"=").translate(_FROM_BASE32)
    check = _polymod(hrp, characters.translate(_TO_VALUES) + bytes(_CHECKSUM_CHARS)) ^ 1
    tail = bytes(_ALPHABET[check >> 5 * (5 - i) & 31] for i in range(_CHECKSUM_CHARS))
    return f"{hrp}1{(characters + tail).decode('ascii')}"


def decode(hrp: str, text: str) -> bytes:
    """Reads a Bech32 string that must bear the given prefix.

    Args:
        hrp: the expected prefix, lower case.
        text: the string, all lower or all upper case.

    Returns:
        The bytes that `encode` would spell so.

    Raises:
        ValueError: mixed case, another prefix, a foreign character, a wrong checksum, or
            padding that is not canonical.
    """
    lowered = text.lower()
    if text not in (lowered, text.upper()):
        raise ValueError("Bech32 string in mixed case")
    if not lowered.startswith(f"{hrp}1"):
        raise ValueError(f"Bech32 string without the prefix {hrp}1")
    try:
        characters = lowered[len(hrp) + 1 :].encode("ascii")
    except UnicodeEncodeError:
        raise ValueError("Bech32 string with a character outside ASCII") from None
    if len(characters) < _CHECKSUM_CHARS or characters.translate(None, _ALPHABET):
        raise ValueError("Bech32 string with a character outside its alphabet, or too short")
    if _polymod(hrp, characters.translate(_TO_VALUES)) != 1:
        raise ValueError("Bech32 checksum is wrong")
    body = characters[:-_CHECKSUM_CHARS].translate(_TO_BASE32)
    try:
        data = base64.b32decode(body + b"=" * (-len(body) % 8))
    except ValueError:
        raise ValueError("Bech32 string of an impossible length") from None
    if base64.b32encode(data).rstrip(b"=") != body:
        raise ValueError("Bech32 padding is not canonical")
    return data


def _sized(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError(f"key of {len(data)} bytes, expected {size}")
    return data


def encode_recipient(recipient: bytes) -> str:
    """Spells a hybrid recipient: 1,216 raw bytes to `age1pq1...` (1,959 characters)."""
    return encode(RECIPIENT, _sized(recipient, _RECIPIENT_SIZE))


def decode_recipient(text: str) -> bytes:
    """Reads `age1pq1...` to 1,216 raw bytes; ValueError when it is anything else.

    The bytes are not yet known to be a key: `keys.age.hybrid.parse_recipient` decides that.
    """
    return _sized(decode(RECIPIENT, text), _RECIPIENT_SIZE)


def encode_identity(seed: bytes) -> str:
    """Spells a hybrid identity: a 32-byte seed to `AGE-SECRET-KEY-PQ-1...`, upper case."""
    return encode(IDENTITY, _sized(seed, _SECRET_SIZE)).upper()


def decode_identity(text: str) -> bytes:
    """Reads `AGE-SECRET-KEY-PQ-1...` to its 32-byte seed; ValueError when it is anything else."""
    return _sized(decode(IDENTITY, text), _SECRET_SIZE)


def decode_x25519_identity(text: str) -> bytes:
    """Reads `AGE-SECRET-KEY-1...` to its 32-byte scalar; ValueError when it is anything else."""
    return _sized(decode(X25519_IDENTITY, text), _SECRET_SIZE)
