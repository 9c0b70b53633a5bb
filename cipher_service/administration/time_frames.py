"""Until when a weakness is to be remedied, and what was decided to wait: `data/components.toml`.

A ministry's own decisions stand in a file of the same form: exceptions with their reason, who
decided and until when, and what is known to be used against it. No exception lasts longer than a
year from the day on which it is read.
"""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from cipher_service.client.messages import Language

LONGEST_EXCEPTION: Final = timedelta(days=366)
LARGEST_FILE: Final = 2**20
_MOST: Final = 1000
"""So many decisions are more than anybody reviews."""


class DecisionsInvalid(ValueError):
    """These are not decisions about components. The text says what is wrong, in English."""


@dataclass(frozen=True, slots=True)
class Waived:
    """A weakness that is knowingly left, for a time.

    Attributes:
        advisory: one of its names.
        component: the name of the part.
        until: the last day.
        reasons: why, by language.
        by: who decided; empty for what is shipped.
    """

    advisory: str
    component: str
    until: date
    reasons: dict[Language, str]
    by: str = ""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What persons decided about components.

    Attributes:
        waived: exceptions.
        exploited: the name of an advisory -> the day on which its use against us became known.
    """

    waived: tuple[Waived, ...] = ()
    exploited: tuple[tuple[str, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Frames:
    """The documented times.

    Attributes:
        raised: the day on which every part was last raised.
        days: by severity, and `exploited`, `parts`, `advisories`.
        least: how many records an ecosystem has at least.
        decisions: those that are shipped.
    """

    raised: date
    days: dict[str, int]
    least: dict[str, int]
    decisions: Decisions


@cache
def frames() -> Frames:
    """Return the times of this product."""
    text = (
        files("cipher_service.administration").joinpath("data/components.toml").read_text("utf-8")
    )
    told = tomllib.loads(text)
    waived = tuple(
        Waived(
            each["advisory"],
            each["component"],
            each["until"],
            {"fr": each["fr"], "en": each["en"]},
        )
        for each in told["exception"]
    )
    return Frames(told["raised"], told["days"], told["least"], Decisions(waived))


def read_decisions(data: bytes, today: date) -> Decisions:
    """Read a ministry's own decisions.

    Raises:
        DecisionsInvalid: it is not TOML, has other or missing members, or an exception for longer
            than a year.
    """
    if len(data) > LARGEST_FILE:
        raise DecisionsInvalid(f"more than {LARGEST_FILE} bytes")
    try:
        told = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DecisionsInvalid("not UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DecisionsInvalid("not TOML") from error
    if not set(told) <= {"exception", "exploited"}:
        raise DecisionsInvalid("only exception and exploited can stand there")
    waived = tuple(_waived(each, today) for each in _tables(told, "exception"))
    used = [_members(each, {"advisory": str, "since": date}) for each in _tables(told, "exploited")]
    return Decisions(waived, tuple((each["advisory"], each["since"]) for each in used))


def joined(one: Decisions, other: Decisions) -> Decisions:
    """Return the decisions of both."""
    return Decisions(one.waived + other.waived, one.exploited + other.exploited)


def _waived(table: dict[str, Any], today: date) -> Waived:
    kinds = {"advisory": str, "component": str, "until": date, "reason": str, "by": str}
    told = _members(table, kinds)
    if told["until"] - today > LONGEST_EXCEPTION:
        raise DecisionsInvalid(f"an exception of more than {LONGEST_EXCEPTION.days} days")
    reasons: dict[Language, str] = {"fr": told["reason"], "en": told["reason"]}
    return Waived(told["advisory"], told["component"], told["until"], reasons, told["by"])


def _tables(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    tables = told.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise DecisionsInvalid(f"{name} is written [[{name}]]")
    if len(tables) > _MOST:
        raise DecisionsInvalid(f"more than {_MOST} of {name}")
    return tables


def _members(table: dict[str, Any], kinds: dict[str, type]) -> dict[str, Any]:
    if set(table) != set(kinds):
        raise DecisionsInvalid(f"a decision has exactly {', '.join(kinds)}")
    for name, kind in kinds.items():
        value = table[name]
        # A moment is a date as well, but no day.
        if kind is date and type(value) is not date:
            raise DecisionsInvalid(f"{name} is a day")
        if kind is str and not (isinstance(value, str) and _is_line(value)):
            raise DecisionsInvalid(f"{name} is a line of text")
    return table


def _is_line(text: str) -> bool:
    return text.isprintable() and bool(text.strip())
