r"""Canonical JSON: one value has one encoding, so that a hash or a signature means one thing.

The rules (SPEC.md §2): UTF-8 without a byte order mark; object members sorted by the code points
of their names; no white space between tokens; strings escaped only where JSON demands it
(`\"`, `\\`, the five short escapes and lower-case `\u00xx` below U+0020); integers between
-(2^53 - 1) and 2^53 - 1 (what every JSON reader holds exactly) and no other numbers; no U+0000,
no lone surrogates; at most 16 levels of arrays and objects. Text is kept as written: nothing is
normalised, since an addressee must read what was signed.

Inside it, bytes are standard base64 with padding, hashes are lower-case hexadecimal, and times are
`YYYY-MM-DDTHH:MM:SSZ` (UTC, whole seconds): again one form each.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEPTH_MAX = 16
INTEGER_MAX = 2**53 - 1
_INTEGER_CHARACTERS_MAX = len(str(-INTEGER_MAX))
# Some versions of Python take 24:00:00 for the next day's midnight: a second form of one time.
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z")


def encode(value: object) -> bytes:
    """The one encoding of `value`.

    Args:
        value: dict with str names, list or tuple, str, int, bool or None, nested at most 16 deep.

    Raises:
        ValueError: for anything else, floats and out-of-range integers included.
    """
    _check(value, _DEPTH_MAX)
    return _ENCODER.encode(value).encode()


def decode(data: bytes) -> Any:
    r"""Reads one canonical JSON value.

    Encoding what was read must give `data` again, byte for byte: whatever a lenient parser would
    forgive (white space, duplicate names, `1.0`, `\u0041`) is refused.

    Raises:
        ValueError: `data` is not canonical JSON.
    """
    value = _parsed(data)
    # Encoding anew shows whatever else breaks a rule; only for these two each value is looked at.
    if rb"\u0000" in data or data.count(b"[") + data.count(b"{") > _DEPTH_MAX:
        _check(value, _DEPTH_MAX)
    if _ENCODER.encode(value).encode() != data:
        raise ValueError("not in canonical form")
    return value


def decode_typed(data: bytes) -> Any:
    """Reads JSON as people write it: white space, any order, a byte order mark; each name once.

    Raises:
        ValueError: not UTF-8, not JSON, or a name twice in one object.
        RecursionError: nested too deeply.
    """
    return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def text_from_bytes(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def bytes_from_text(text: str) -> bytes:
    """Bytes from their one base64 form.

    Raises:
        ValueError: another alphabet, missing padding, or stray bits in the last character.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
    if text_from_bytes(data) != text:
        raise ValueError("not canonical base64")
    return data


def text_from_time(time: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`.

    Raises:
        ValueError: `time` has no zone or is not a whole second: rounding belongs to the caller.
    """
    if time.tzinfo is None or time.microsecond:
        raise ValueError("a time needs its zone and whole seconds")
    # Not strftime, which writes the year 987 with three digits.
    return time.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def time_from_text(text: str) -> datetime:
    """An aware UTC datetime from `YYYY-MM-DDTHH:MM:SSZ`.

    Raises:
        ValueError: another form, or no such time.
    """
    if not TIME.fullmatch(text):
        raise ValueError("not a time of the form YYYY-MM-DDTHH:MM:SSZ")
    return datetime.fromisoformat(text)


def _parsed(data: bytes) -> Any:
    text = data.decode()
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if end != len(text):
        raise ValueError("something follows the value")
    return value


def _check(value: object, depth: int) -> None:
    if isinstance(value, dict):
        _check_depth(depth)
        _check_names(value)
        members: Iterable[object] = value.values()
    elif isinstance(value, (list, tuple)):
        _check_depth(depth)
        members = value
    else:
        members = (value,)
    # One call for a whole level: a receipt has a dozen texts, and each call costs more than a look.
    for member in members:
        if isinstance(member, str):
            if "\0" in member:
                raise ValueError("text holds U+0000")
        elif isinstance(member, int):
            if not -INTEGER_MAX <= member <= INTEGER_MAX:
                raise ValueError("an integer is out of range")
        elif isinstance(member, (dict, list, tuple)):
            _check(member, depth - 1)
        elif member is not None:
            raise ValueError(f"canonical JSON has no {type(member).__name__}")


def _check_names(names: Iterable[object]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise ValueError("a member's name is not text")
        # Lone surrogates are left to the final encoding into UTF-8, which refuses them.
        if "\0" in name:
            raise ValueError("a name holds U+0000")


def _check_depth(depth: int) -> None:
    if depth == 0:
        raise ValueError("nested too deeply")


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not an integer")


def _bounded(text: str) -> int:
    # The length first: converting a long text to a number costs quadratic time.
    if len(text) > _INTEGER_CHARACTERS_MAX or abs(number := int(text)) > INTEGER_MAX:
        raise ValueError("an integer is out of range")
    return number


# Made once: `json.dumps` and `json.loads` would make new ones at each call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_DECODER = json.JSONDecoder(
    parse_int=_bounded, parse_float=_refuse_number, parse_constant=_refuse_number
)
