"""What time does to rights, without anybody asking (article 12): lapses, closures, reminders.

The registrar runs `lapse` with its housekeeping. Each effect has its entry in the log, in the
commit that does it; when nothing is due nothing is written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, select

from cipher_service import clock
from cipher_service.access import campaigns, emergencies
from cipher_service.access.campaigns import CLOCK
from cipher_service.audit.ledger import append
from cipher_service.audit.records import DONE, Event
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables.access import emergency
from cipher_service.storage.tables.officers import habilitation, mandate, officer

STEPS: Final = (7, 30, 60)
"""Days before an end at which its reminder grows more pressing."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something that ends soon, or that awaits an answer.

    Attributes:
        kind: `habilitation`, `training`, `mandate` or `emergency`.
        officer: whose it is.
        name: the level, the mandate's number or the emergency's.
        ends: when it ends, or the answer is due.
        step: the smallest of `STEPS` that it is within.
    """

    kind: str
    officer: str
    name: str
    ends: str
    step: int


class Upkeep:
    """The registrar's commands of this subject.

    Args:
        origin: the log's name.
        now: the clock.
    """

    def __init__(self, origin: str, now: Callable[[], datetime] = clock.now) -> None:
        self._origin = origin
        self._now = now

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each method says what it takes and gives."""
        return {"lapse": self.lapse}

    def lapse(self, connection: Connection, _payload: object) -> int:
        """Freeze the authors of emergencies nobody reviewed, close the reviews whose day has come.

        Gives how many entries were written.
        """
        now = self._now()
        late = emergencies.sweep(connection, now)
        frozen = select(emergency.c.officer).where(emergency.c.seq.in_(late))
        events = [
            self._event("emergency_lapse", person, now)
            for person in (connection.scalars(frozen.order_by(emergency.c.seq)) if late else ())
        ]
        events += [
            self._event("review_close", number, now) for number in campaigns.due(connection, now)
        ]
        campaigns.close(connection, now)
        if events:
            append(connection, self._origin, events)
        return len(events)

    def _event(self, action: str, resource: str, now: datetime) -> Event:
        time_us = int(now.timestamp() * 1_000_000)
        return Event(time_us, actor=CLOCK, action=action, outcome=DONE, resource=resource)


def reminders(connection: Connection, now: datetime) -> list[Reminder]:
    """Return what ends within `STEPS[-1]` days, and emergencies that await their review.

    The soonest first; of persons who left, nothing.
    """
    found = [
        *_ending(connection, now, "habilitation", habilitation, "level", "ends"),
        *_ending(connection, now, "training", habilitation, "level", "trained_until"),
        *_ending(connection, now, "mandate", mandate, "mandate_id", "ends"),
        *_ending(connection, now, "emergency", emergency, "seq", "review_by"),
    ]
    return sorted(found, key=lambda each: (each.ends, each.kind, each.officer))


def _ending(
    connection: Connection, now: datetime, kind: str, book: Table, name: str, end: str
) -> list[Reminder]:
    person = book.c.holder if kind == "mandate" else book.c.officer
    horizon = clock.text(now + timedelta(days=STEPS[-1]))
    rows = connection.execute(
        select(person.label("person"), book.c[name].label("name"), book.c[end].label("at"))
        .join(officer, officer.c.officer_id == person)
        .where(
            officer.c.state != "left",
            book.c[end] > clock.text(now),
            book.c[end] <= horizon,
            *_standing(kind, now),
        )
    )
    return [
        Reminder(kind, row.person, str(row.name), row.at, _step(clock.parse(row.at) - now))
        for row in rows
    ]


def _standing(kind: str, now: datetime) -> tuple[ColumnElement[Any], ...]:
    if kind == "emergency":
        return (emergency.c.finding.is_(None),)
    if kind == "mandate":
        return (mandate.c.state == "active",)
    return (habilitation.c.starts <= clock.text(now), habilitation.c.ends > clock.text(now))


def _step(left: timedelta) -> int:
    return next(days for days in STEPS if left <= timedelta(days=days))
