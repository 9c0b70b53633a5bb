"""The questions that auditors ask by name (article 12), each answered in one call.

    answer(connection, Question("readers", about="01K..."))

The command line and the console ask the same ones; each has its asking written to the log before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service.audit import inquiry
from cipher_service.audit.hearing import HEARD
from cipher_service.audit.questions import READINGS, Wanted, every
from cipher_service.audit.records import FAILED, REFUSED, UNKNOWN
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import UnknownLabel, default_scheme

Line = dict[str, Any]
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        name: one of `ANSWERS`.
        about: a dispatch, an officer, a level, an act, a mandate or a day; empty where none is
            needed (`ABOUT`).
        since: from this instant, of entries.
        until: before this instant.
        limit: at most so many entries.
        outside_hours: only outside office hours, of readings above a level.
    """

    name: str
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = MOST
    outside_hours: bool = False


def answer(connection: Connection, question: Question) -> list[Line]:
    """Answer one question.

    Raises:
        ServiceError: UNKNOWN_QUESTION, ASK_INCOMPLETE (it is about nothing), UNKNOWN_LEVEL,
            DAY_MALFORMED, NOT_FOUND (no such act).
    """
    if question.name not in ANSWERS:
        raise ServiceError("UNKNOWN_QUESTION", question=question.name)
    if question.name in ABOUT and not question.about:
        raise ServiceError("ASK_INCOMPLETE", question=question.name)
    return ANSWERS[question.name](connection, question)


def told_as(question: Question) -> str:
    """Return what the entry of an asking names."""
    return f"{question.name}/{question.about}".rstrip("/")


def _entries(connection: Connection, question: Question, **wanted: Any) -> list[Line]:
    within = Wanted(**wanted, since=question.since, until=question.until)
    return [entry.said for entry in every(connection, within, question.limit)]


def _readers(connection: Connection, question: Question) -> list[Line]:
    return _entries(connection, question, resource=question.about, actions=READINGS)


def _reads(connection: Connection, question: Question) -> list[Line]:
    return _entries(connection, question, actor=question.about, actions=READINGS)


def _reads_above(connection: Connection, question: Question) -> list[Line]:
    scheme = default_scheme()
    try:
        least = scheme.level(question.about).rank
    except UnknownLabel as error:
        known = ", ".join(error.known)
        raise ServiceError("UNKNOWN_LEVEL", given=question.about[:80], known=known) from error
    return _entries(
        connection,
        question,
        actions=READINGS,
        levels=tuple(level.code for level in scheme.levels if level.rank > least),
        outside_hours=question.outside_hours,
    )


def _mandate(connection: Connection, question: Question) -> list[Line]:
    return _entries(connection, question, mandate=question.about)


def _life(connection: Connection, question: Question) -> list[Line]:
    return _entries(connection, question, resource=question.about)


def _acts(connection: Connection, question: Question) -> list[Line]:
    return _entries(connection, question, actor=question.about)


def _refusals(connection: Connection, question: Question) -> list[Line]:
    return _entries(connection, question, actor=question.about or None, outcomes=(REFUSED,))


def _contradictions(connection: Connection, question: Question) -> list[Line]:
    return _entries(connection, question, actions=(HEARD,))


def _interrupted(connection: Connection, question: Question) -> list[Line]:
    found = _entries(connection, question, outcomes=(FAILED,))
    return [line for line in found if line.get("reason") == UNKNOWN]


def _grants(connection: Connection, question: Question) -> list[Line]:
    try:
        day = datetime.strptime(question.about, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ServiceError("DAY_MALFORMED", given=question.about[:20]) from error
    return inquiry.grants_on(connection, day)


ANSWERS: Final[dict[str, Callable[[Connection, Question], list[Line]]]] = {
    "readers": _readers,
    "reads": _reads,
    "reads-above": _reads_above,
    "mandate": _mandate,
    "life": _life,
    "acts": _acts,
    "refusals": _refusals,
    "contradictions": _contradictions,
    "interrupted": _interrupted,
    "emergencies": lambda connection, _: inquiry.emergencies(connection),
    "approvals": lambda connection, question: inquiry.approvals(connection, question.about),
    "grants": _grants,
    "after-leaving": lambda connection, _: inquiry.after_leaving(connection),
    "holes": lambda connection, _: inquiry.holes(connection),
}
"""The questions by the word that is typed."""

ABOUT: Final = frozenset(
    {"readers", "reads", "reads-above", "mandate", "life", "acts", "approvals", "grants"}
)
"""Those that are about something."""
