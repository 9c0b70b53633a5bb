"""The form of a compact JWS, judged before any library sees it (RFC 7515 §7.1).

A lenient decoder gives one token many spellings; a replay cache or a log that keys on the bytes is
then worth nothing. Accepted here: at most 4096 ASCII characters, exactly three segments of
canonical base64url without padding, JSON objects without duplicate names, fractions or numbers
beyond 53 bits, a signature of exactly 64 bytes. Everything else is `TokenMalformed`.
"""

import json
import re
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from typing import Any, Final, NoReturn

MAX_CHARACTERS: Final = 4096
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}", re.ASCII)
_HIGHEST: Final = 2**53 - 1
# To the standard alphabet and back; its own two signs become one that no encoder writes.
_TO_STANDARD: Final = bytes.maketrans(b"-_+/", b"+/!!")
_FROM_STANDARD: Final = bytes.maketrans(b"+/", b"-_")


class TokenMalformed(ValueError):
    """Not a compact JWS in its one spelling."""


@dataclass(frozen=True, slots=True)
class Compact:
    """The parts of a token whose signature nobody has verified yet.

    Attributes:
        header_segment: as it was spelled.
        claims: decoded.
        signature: decoded, 64 bytes.
        signed: what the signature is about (RFC 7515 §5.2).
    """

    header_segment: str
    claims: bytes
    signature: bytes
    signed: bytes


def split(token: str) -> Compact:
    """Separate a token into its parts.

    Raises:
        TokenMalformed: too long, another number of segments, or not canonical base64url.
    """
    if len(token) > MAX_CHARACTERS or _SHAPE.fullmatch(token) is None:
        raise TokenMalformed("not three segments of base64url with a signature of 64 bytes")
    header, claims, signature = token.split(".")
    signed = token[: -len(signature) - 1].encode("ascii")
    return Compact(header, decode_segment(claims), decode_segment(signature), signed)


def decode_segment(segment: str) -> bytes:
    """Decode base64url without padding, refusing every spelling but the canonical one.

    Raises:
        TokenMalformed: bits are left over, or the length is impossible.
    """
    try:
        encoded = segment.encode("ascii").translate(_TO_STANDARD)
        data = a2b_base64(encoded + b"=" * (-len(encoded) % 4))
    except ValueError as error:
        raise TokenMalformed("a segment is not base64url") from error
    if b2a_base64(data, newline=False).rstrip(b"=") != encoded:
        raise TokenMalformed("a segment is not canonical base64url")
    return data


def encode_segment(data: bytes) -> str:
    """Encode as base64url without padding (RFC 7515 §2)."""
    encoded = b2a_base64(data, newline=False).rstrip(b"=")
    return encoded.translate(_FROM_STANDARD).decode("ascii")


def read_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object strictly.

    Raises:
        TokenMalformed: not UTF-8, not an object, duplicate names, fractions, huge numbers.
    """
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise TokenMalformed("a segment is not strict JSON") from error
    if not isinstance(value, dict):
        raise TokenMalformed("a segment is not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TokenMalformed("a name occurs twice")
    return members


def _refuse_number(text: str) -> NoReturn:
    raise TokenMalformed(f"a number of {len(text)} characters is not an integer")


def _bounded(text: str) -> int:
    # The length first: converting a long text to a number costs quadratic time.
    if len(text) > len(str(_HIGHEST)) or not 0 <= (number := int(text)) <= _HIGHEST or text == "-0":
        raise TokenMalformed("a number is out of bounds")
    return number


# Made once: making a decoder costs more than reading a token with it.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_float=_refuse_number,
    parse_constant=_refuse_number,
    parse_int=_bounded,
)
