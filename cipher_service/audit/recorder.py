"""Writes down what the registrar's commands did and refused, in the transaction that did it.

A refused command is rolled back to its savepoint before, so that its entry stands in the same
commit as the entries of those that were accepted: an acceptance without its entry, or an entry
without its act, cannot come to be. When the commit as a whole is undone nothing happened, and
nothing is written.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.audit.ledger import append
from cipher_service.audit.records import DONE, FAILED, INTENDED, REFUSED, Event, named_policies
from cipher_service.storage.batch import Outcome

SILENT: Final = frozenset(
    {
        *("housekeep", "lapse", "health", "key_warnings", "token_keys", "seals"),
        *(
            "officer_ask",
            "officer_ask_enrolment",
            "officer_seen",
            "officer_ask_key",
            "approval_show",
        ),
    }
)
"""What decides nothing about anybody, or writes its own entries (`access.upkeep`)."""

REQUEST: Final = "request"
"""What was refused before it became an act: a request at the border of the API."""

INTEND: Final = "intend"
END: Final = "end"
"""An effect outside the database has two commands, `name.intend` and `name.end`. The payload of the
second names in `refused` the code of what went wrong, if anything did."""

_FAULTS: Final = frozenset({"INTERNAL", "STORAGE_FULL"})
_NOBODY: Final = "-"
_SESSION_LETTERS: Final = 16
_RESOURCES: Final = (
    "dispatch_id",
    "message_id",
    "upload_id",
    "seal",
    "device",
    "route",
    "departure",
    "act",
)


class Recorder:
    """Records batches.

    Args:
        origin: the log's name.
        now: the clock.
    """

    def __init__(self, origin: str, now: Callable[[], datetime] = clock.now) -> None:
        self._origin = origin
        self._now = now

    def before_commit(self, connection: Connection, outcomes: Sequence[Outcome]) -> None:
        """Append an entry for each command that decided something."""
        time_us = int(self._now().timestamp() * 1_000_000)
        events = [
            event_of(outcome, time_us)
            for outcome in outcomes
            if outcome.request.command not in SILENT
        ]
        if events:
            append(connection, self._origin, events)


def event_of(outcome: Outcome, time_us: int) -> Event:
    """Say what became of a command, by what its caller and its act name."""
    payload = outcome.request.payload
    members: dict[str, Any] = payload if isinstance(payload, dict) else {}
    act = members.get("act")
    details: dict[str, Any] = act if isinstance(act, dict) else members
    reason = None if outcome.refusal is None else outcome.refusal.code
    action, _, phase = outcome.request.command.partition(".")
    if phase == END and reason is None:
        reason = _text(details.get("refused"))
    done = INTENDED if phase == INTEND else DONE
    result = outcome.result if isinstance(outcome.result, dict) else {}
    reason = reason or _text(result.get("refused"))  # a question that was answered with no
    return Event(
        time_us=time_us,
        actor=_actor(outcome, result, members, details),
        action=action,
        outcome=done if reason is None else FAILED if reason in _FAULTS else REFUSED,
        client=_text(members.get("client")),
        resource=_resource(outcome, result, members, details),
        reason=reason,
        request=_text(details.get("request")) if phase == INTEND else None,
        session=_session(members.get("session")),
        count=None if outcome.request.command != REQUEST else details.get("count"),
        **_ruling(outcome, result, members),
    )


# Neither looks further than it finds something: a submission names both in its first members.
def _actor(
    outcome: Outcome, result: dict[str, Any], members: dict[str, Any], details: dict[str, Any]
) -> str:
    """Return who acted: the caller, else whom the act or its outcome names."""
    return (
        _text(members.get("post"))
        or _text(members.get("officer"))
        or _text(details.get("origin"))
        or _text(result.get("officer"))
        or _text(_facts(outcome).get("signer"))
        or _NOBODY
    )


def _resource(
    outcome: Outcome, result: dict[str, Any], members: dict[str, Any], details: dict[str, Any]
) -> str | None:
    """Return what an act was about, as its payload or else its outcome names it."""
    for name in _RESOURCES:
        if named := _text(details.get(name)):
            return named
    facts = _facts(outcome)
    told = (result.get("act"), result.get("dispatch_id"), facts.get("act"), facts.get("about"))
    about = details.get("officer") if details is not members else None
    return next(filter(None, map(_text, (about, *told))), None)


def _facts(outcome: Outcome) -> Mapping[str, Any]:
    return {} if outcome.refusal is None else outcome.refusal.facts


def _ruling(outcome: Outcome, result: dict[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    """Return what determined an act: its answer says it, its guard did, or the refusal's facts."""
    decided = result.get("decision", members.get("decision"))
    if isinstance(decided, dict) and outcome.refusal is None:
        return {
            "policies": tuple(decided["policies"]),
            "digest": decided["digest"],
            "mandate": decided["mandate"] or None,
        }
    return {} if outcome.refusal is None else {"policies": named_policies(outcome.refusal.facts)}


def _session(token: object) -> str | None:
    """Name a session without its cookie: the beginning of the hash that the books hold."""
    known = _text(token)
    return None if known is None else sha256(known.encode()).hexdigest()[:_SESSION_LETTERS]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
