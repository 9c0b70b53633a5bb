"""`cipher-service audit ask` and `audit state`: what auditors want to know of the log."""

from argparse import Namespace
from datetime import UTC, datetime
from typing import Final

from cipher_service.administration.acting import day
from cipher_service.administration.installation import journal_of, opened
from cipher_service.administration.words import Speaker
from cipher_service.audit import heads
from cipher_service.audit.asking import Line, Question, answer, told_as
from cipher_service.audit.hearing import HEARD
from cipher_service.audit.ledger import latest_note, size_and_origin
from cipher_service.audit.questions import Wanted, every
from cipher_service.audit.witnesses import witnessed
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
from cipher_service.directory.register import Directory, read_directory
from cipher_service.errors import ServiceError
from cipher_service.storage.unit_of_work import reading

_MISTYPED: Final = frozenset({"ASK_INCOMPLETE", "DAY_MALFORMED", "UNKNOWN_LEVEL"})


def ask(arguments: Namespace, terminal: Terminal) -> None:
    """Answer one question from the log and the books; the asking stands in the log.

    Raises:
        Misused: ASK_INCOMPLETE, DAY_MALFORMED, UNKNOWN_LEVEL.
        ServiceError: NOT_FOUND: no such act.
    """
    question = Question(
        arguments.question,
        arguments.about or "",
        since=None if arguments.since is None else day(arguments.since),
        until=None if arguments.until is None else day(arguments.until),
        limit=arguments.limit,
        outside_hours=arguments.outside_hours,
    )
    try:
        with (
            opened(arguments) as installation,
            journal_of(installation).effect("audit_ask", told_as(question)),
            reading(installation.engine) as connection,
        ):
            lines = answer(connection, question)
    except ServiceError as error:
        if error.code not in _MISTYPED:
            raise
        raise Misused(error.code, **error.facts) from error
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


def _shown(line: Line) -> str:
    if "seq" not in line or "time_us" not in line:
        return "  ".join(f"{name}={value}" for name, value in line.items() if value is not None)
    at = datetime.fromtimestamp(line["time_us"] // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    parts = [line["outcome"], line.get("resource") or "", line.get("reason") or ""]
    named = ", ".join(line.get("policies", ()))
    under, card = line.get("mandate") or "", line.get("card") or ""
    return f"{line['seq']:>8}  {at}  {line['actor']:<16} {line['action']:<20} " + "  ".join(
        filter(None, (*parts, named, under, card))
    )
