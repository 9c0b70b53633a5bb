"""Numbers in and out per day and precedence: counted in the register, laid out to one scale.

A number is one addressee's line of a dispatch. In are those to headquarters, out those from it;
only what the officer may see in the register is counted, by the policies' own condition in SQL.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, case, func, or_, select

from cipher_service import clock
from cipher_service.access.policies import Policies
from cipher_service.access.registers import DispatchColumns, with_handling
from cipher_service.access.residuals import condition
from cipher_service.access.subjects import Circumstances, Principal
from cipher_service.labels.scheme import default_scheme
from cipher_service.storage.tables.dispatches import addressee, dispatch

DAYS: Final = 14
WIDTH: Final = 300
HEIGHT: Final = 132
AXIS: Final = 62
_LEFT: Final = 30
_RIGHT: Final = 6
_TALL: Final = 50
_STEPS: Final = (1, 2, 5)

Counts = Mapping[tuple[str, date, bool], int]
"""How many, by (precedence, day, whether it came in)."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: `up` is what came in and `down` what went out, in units of the drawing."""

    day: date
    x: float
    width: float
    up: float
    down: float
    came: int
    went: int


@dataclass(frozen=True, slots=True)
class Multiple:
    """The drawing of one precedence."""

    precedence: str
    bars: tuple[Bar, ...]
    came: int
    went: int


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawings, with the highest number of their one scale."""

    multiples: tuple[Multiple, ...]
    scale: int
    days: tuple[date, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing came or went."""
        return not any(one.came or one.went for one in self.multiples)


def count(
    connection: Connection,
    policies: Policies,
    principal: Principal,
    headquarters: str,
    now: datetime,
) -> dict[tuple[str, date, bool], int]:
    """Count the numbers of the last `DAYS` days that a person may see in the register.

    Raises:
        Untranslatable: a policy in force has no translation into SQL; nothing is counted.
    """
    columns = DispatchColumns(connection.dialect, default_scheme())
    visible = condition(policies, principal, "list", Circumstances(now), columns)
    day = func.substr(dispatch.c.received_at, 1, 10)
    came = case((dispatch.c.origin == headquarters, 0), else_=1)
    ours = or_(
        dispatch.c.origin == headquarters,
        and_(dispatch.c.origin != headquarters, addressee.c.post == headquarters),
    )
    since = datetime.combine(days_until(now)[0], datetime.min.time(), now.tzinfo)
    statement = (
        with_handling(select(addressee.c.precedence, day, came, func.count()))
        .join(addressee, addressee.c.dispatch == dispatch.c.seq)
        .where(visible, ours, dispatch.c.received_at >= clock.text(since))
        .group_by(addressee.c.precedence, day, came)
    )
    return {
        (row[0], date.fromisoformat(row[1]), bool(row[2])): int(row[3])
        for row in connection.execute(statement)
    }


def days_until(now: datetime) -> tuple[date, ...]:
    """Return the last `DAYS` days, today included and last."""
    return tuple(now.date() - timedelta(days=back) for back in reversed(range(DAYS)))


def draw(counts: Counts, precedences: Iterable[str], days: tuple[date, ...]) -> Picture:
    """Lay the numbers out, every precedence to the same scale.

    Args:
        counts: see `Counts`; an absent one is none.
        precedences: codes, one drawing each, in this order.
        days: one bar each, at least one.
    """
    scale = _round_up(max(counts.values(), default=0))
    step = (WIDTH - _LEFT - _RIGHT) / len(days)

    def bar(code: str, place: int, day: date) -> Bar:
        came, went = counts.get((code, day, True), 0), counts.get((code, day, False), 0)
        return Bar(
            day,
            round(_LEFT + place * step + step * 0.15, 1),
            round(step * 0.7, 1),
            round(came / scale * _TALL, 1),
            round(went / scale * _TALL, 1),
            came,
            went,
        )

    multiples = []
    for code in precedences:
        bars = tuple(bar(code, place, day) for place, day in enumerate(days))
        multiples.append(
            Multiple(code, bars, sum(one.came for one in bars), sum(one.went for one in bars))
        )
    return Picture(tuple(multiples), scale, days)


def _round_up(most: int) -> int:
    """Return the first of 1, 2, 5, 10, 20, 50... that is no less."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power >= most:
                return step * power
        power *= 10
