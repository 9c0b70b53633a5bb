"""`cipher-service audit ask` and `audit state`: what auditors want to know of the log."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service.administration.acting import day
from cipher_service.administration.installation import journal_of, opened
from cipher_service.administration.words import Speaker
from cipher_service.audit import heads, inquiry
from cipher_service.audit.hearing import HEARD
from cipher_service.audit.ledger import latest_note, size_and_origin
from cipher_service.audit.questions import READINGS, Wanted, every
from cipher_service.audit.records import FAILED, REFUSED, UNKNOWN
from cipher_service.audit.witnesses import witnessed
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
from cipher_service.directory.register import Directory, read_directory
from cipher_service.labels.scheme import UnknownLabel, default_scheme
from cipher_service.storage.unit_of_work import reading

Line = dict[str, Any]


def ask(arguments: Namespace, terminal: Terminal) -> None:
    """Answer one question from the log and the books; the asking stands in the log.

    Raises:
        Misused: ASK_INCOMPLETE, DAY_MALFORMED, UNKNOWN_LEVEL.
        ServiceError: NOT_FOUND: no such act.
    """
    answer = ANSWERS[arguments.question]
    if arguments.question in _ABOUT and arguments.about is None:
        raise Misused("ASK_INCOMPLETE", question=arguments.question)
    with opened(arguments) as installation:
        told = f"{arguments.question}/{arguments.about or ''}".rstrip("/")
        with (
            journal_of(installation).effect("audit_ask", told),
            reading(installation.engine) as connection,
        ):
            lines = answer(connection, arguments)
    if terminal.as_json:
        terminal.show_json(lines)
        return
    if not lines:
        Speaker(terminal).show("ask_nothing")
    for line in lines:
        terminal.show(_shown(line))


def state(arguments: Namespace, terminal: Terminal) -> None:
    """Say how far the log has come, is signed and witnessed, and what is wrong with it."""
    with opened(arguments) as installation, reading(installation.engine) as connection:
        size, origin = size_and_origin(connection)
        signed, _ = latest_note(connection)
        directory = read_directory(connection)
        seen = witnessed(connection, _witnesses(directory, installation.settings.headquarters))
        trouble = heads.trouble(connection)
        contradictions = len(every(connection, Wanted(actions=(HEARD,)), arguments.limit))
    facts = {
        "origin": origin or installation.settings.log_origin,
        "entries": size,
        "signed": signed,
        "witnessed": seen.size,
        "majority": seen.needed,
        "seen": seen.seen,
        "trouble": trouble,
        "contradictions": contradictions,
    }
    if terminal.as_json:
        terminal.show_json(facts)
        return
    speaker = Speaker(terminal)
    speaker.show("log_state", origin=str(facts["origin"]), entries=size, signed=signed)
    speaker.show("log_witnessed", size=seen.size, needed=seen.needed, posts=len(seen.seen))
    for post, known in seen.seen.items():
        terminal.show(f"  {post:<16} {known}")
    if trouble is not None:
        speaker.show("log_trouble", code=trouble)
    if contradictions:
        speaker.show("log_contradictions", count=contradictions)


def _witnesses(directory: Directory, headquarters: str) -> list[str]:
    return [
        code
        for code, post in directory.posts.items()
        if post.state == "active" and code != headquarters
    ]


# -- answers ---------------------------------------------------------------------------------------


def _entries(connection: Connection, arguments: Namespace, wanted: Wanted) -> list[Line]:
    within = replace(
        wanted,
        since=None if arguments.since is None else day(arguments.since),
        until=None if arguments.until is None else day(arguments.until),
    )
    return [entry.said for entry in every(connection, within, arguments.limit)]


def _readers(connection: Connection, arguments: Namespace) -> list[Line]:
    wanted = Wanted(resource=arguments.about, actions=READINGS)
    return _entries(connection, arguments, wanted)


def _reads(connection: Connection, arguments: Namespace) -> list[Line]:
    wanted = Wanted(actor=arguments.about, actions=READINGS)
    return _entries(connection, arguments, wanted)


def _reads_above(connection: Connection, arguments: Namespace) -> list[Line]:
    scheme = default_scheme()
    try:
        least = scheme.level(arguments.about).rank
    except UnknownLabel as error:
        known = ", ".join(error.known)
        raise Misused("UNKNOWN_LEVEL", given=arguments.about[:80], known=known) from error
    wanted = Wanted(
        actions=READINGS,
        levels=tuple(level.code for level in scheme.levels if level.rank > least),
        outside_hours=arguments.outside_hours,
    )
    return _entries(connection, arguments, wanted)


def _mandate(connection: Connection, arguments: Namespace) -> list[Line]:
    return _entries(connection, arguments, Wanted(mandate=arguments.about))


def _life(connection: Connection, arguments: Namespace) -> list[Line]:
    return _entries(connection, arguments, Wanted(resource=arguments.about))


def _acts(connection: Connection, arguments: Namespace) -> list[Line]:
    return _entries(connection, arguments, Wanted(actor=arguments.about))


def _refusals(connection: Connection, arguments: Namespace) -> list[Line]:
    wanted = Wanted(actor=arguments.about, outcomes=(REFUSED,))
    return _entries(connection, arguments, wanted)


def _contradictions(connection: Connection, arguments: Namespace) -> list[Line]:
    return _entries(connection, arguments, Wanted(actions=(HEARD,)))


def _interrupted(connection: Connection, arguments: Namespace) -> list[Line]:
    wanted = Wanted(outcomes=(FAILED,))
    found = _entries(connection, arguments, wanted)
    return [line for line in found if line.get("reason") == UNKNOWN]


ANSWERS: Final[dict[str, Callable[[Connection, Namespace], list[Line]]]] = {
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
    "approvals": lambda connection, arguments: inquiry.approvals(connection, arguments.about),
    "grants": lambda connection, arguments: inquiry.grants_on(connection, day(arguments.about)),
    "after-leaving": lambda connection, _: inquiry.after_leaving(connection),
    "holes": lambda connection, _: inquiry.holes(connection),
}
"""The questions by the word that is typed."""

_ABOUT: Final = frozenset(
    {"readers", "reads", "reads-above", "mandate", "life", "acts", "approvals", "grants"}
)


def _shown(line: Line) -> str:
    if "seq" not in line or "time_us" not in line:
        return "  ".join(f"{name}={value}" for name, value in line.items() if value is not None)
    at = datetime.fromtimestamp(line["time_us"] // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    parts = [line["outcome"], line.get("resource") or "", line.get("reason") or ""]
    named = ", ".join(line.get("policies", ()))
    under = line.get("mandate") or ""
    return f"{line['seq']:>8}  {at}  {line['actor']:<16} {line['action']:<20} " + "  ".join(
        filter(None, (*parts, named, under))
    )
