"""The JSON border: what a lenient parser lets through is refused before any model sees it.

Refused: another encoding than UTF-8, a byte order mark, duplicate names, NaN and infinities,
fractions (no shape here has one), integers beyond 53 bits, lone surrogates and NUL in texts,
nesting beyond 32 levels. Each of these has crashed a server or a database behind one, or given two
readers of one body different ideas of it.
"""

import json
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
_HIGHEST: Final = 2**53 - 1
_LONGEST: Final = len(str(-_HIGHEST))


class BodyRefused(ValueError):
    """The body is not JSON as this border takes it. The text never quotes the body."""


def parse(data: bytes) -> Any:
    """Read one JSON value strictly.

    Raises:
        BodyRefused: see the module's list.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_float=_refuse_fraction,
            parse_constant=_refuse_fraction,
            parse_int=_bounded,
        )
    except UnicodeDecodeError as error:
        raise BodyRefused("not UTF-8") from error
    except RecursionError as error:
        raise BodyRefused("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise BodyRefused("not JSON") from error
    _check(value)
    return value


def _check(value: Any) -> None:
    # A list of what is left to look at instead of recursion: depth is the attacker's choice.
    pending = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise BodyRefused("nested too deeply")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict):
            for name, member in item.items():
                _check_text(name)
                pending.append((member, depth + 1))
        elif isinstance(item, list):
            pending.extend((member, depth + 1) for member in item)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise BodyRefused("a text contains NUL")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise BodyRefused("a text contains a lone surrogate") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BodyRefused("a name occurs twice")
    return members


def _refuse_fraction(text: str) -> NoReturn:
    raise BodyRefused(f"a number of {len(text)} characters is not an integer")


def _bounded(text: str) -> int:
    # The length first: converting a long text to a number costs quadratic time.
    if len(text) > _LONGEST or not -_HIGHEST <= (number := int(text)) <= _HIGHEST or text == "-0":
        raise BodyRefused("an integer is out of bounds")
    return number
