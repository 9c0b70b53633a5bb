"""The audit explorer (article 12): entries by what they say, their proofs, the signed heads.

Each look is an act that stands in the log before anything is shown (`access.looks`); whoever
is no auditor is refused there.
"""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.access.looks import AUDIT_READ
from cipher_service.audit import heads, publishing
from cipher_service.audit.ledger import latest_note, size_and_origin
from cipher_service.audit.questions import (
    PAGE,
    Entry,
    Wanted,
    entry_at,
    outcome_of,
    page,
)
from cipher_service.audit.questions import (
    Page as Found,
)
from cipher_service.audit.records import INTENDED
from cipher_service.audit.signers import Signers
from cipher_service.audit.witnesses import Witnessed, witnessed
from cipher_service.console.days import instant_of
from cipher_service.console.flow import Flow, Page, Place
from cipher_service.console.language import LANGUAGES, Language, mark
from cipher_service.console.refusals import reason_told
from cipher_service.console.visit import Visit
from cipher_service.directory import officers
from cipher_service.directory.register import read_directory
from cipher_service.errors import ServiceError
from cipher_service.typography import held
from keys.errors import Refusal
from keys.log.notes import VerifierKey

AUDITOR: Final = frozenset({"AUDITOR"})
_LABELS: Final = {
    "qui": mark("Qui (poste, officier, compte)"),
    "acte": mark("Acte"),
    "objet": mark("Sur quoi"),
    "mandat": mark("Mandat"),
    "issue": mark("Issue"),
    "du": mark("Depuis le"),
    "au": mark("Jusqu’au"),
    "hors": mark("Hors des heures de bureau"),
    "avant": mark("La suite de la liste"),
}
"""How the page calls the filters of an address."""
OUTCOMES: Final = {
    "done": mark("fait"),
    "refused": mark("refusé"),
    "failed": mark("échoué"),
    "intended": mark("annoncé"),
}
_ISSUES: Final = {"fait": "done", "refuse": "refused", "echoue": "failed", "annonce": "intended"}
"""How an address spells an outcome."""
_TEXT: Final = re.compile(r"[A-Za-z0-9_./@-]{1,64}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_DAY: Final = re.compile(r"[0-9/-]{10}")
_FILTERS: Final = {
    "qui": _TEXT,
    "acte": _TEXT,
    "objet": _TEXT,
    "mandat": _TEXT,
    "issue": re.compile("|".join(_ISSUES)),
    "du": _DAY,
    "au": _DAY,
    "hors": re.compile("oui"),
    "avant": _NUMBER,
}
_HEADS_SHOWN: Final = 20


def action_name(action: str, language: Language) -> str:
    """Return what an entry says was done, in words; the act's own name where there are none."""
    named = words().get(action)
    return action if named is None else named[LANGUAGES.index(language)]


@cache
def words() -> dict[str, list[str]]:
    """Return the words of `journal_words.toml`, French and English, by the act's name."""
    written = files("cipher_service.console") / "journal_words.toml"
    return {
        action: [held(french), english]
        for action, (french, english) in tomllib.loads(written.read_text("utf-8")).items()
    }


async def entries(visit: Visit) -> Response:
    """The entries that the filters want, the newest first."""
    asked, wrong = _asked(visit)
    await _look(visit, "journal", asked)
    found, names = await visit.read(lambda connection, _gate: _found(connection, asked))
    further = None
    if found.next is not None:
        further = f"/journal?{urlencode({**asked, 'avant': found.next})}"
    return visit.page(
        "journal/entries.html",
        action_name=lambda action: action_name(action, visit.language),
        reason_told=lambda code: reason_told(code, visit.language),
        lines=[_line(entry) for entry in found.entries],
        names=names,
        typed={name: visit.request.query_params.get(name, "")[:100] for name in _FILTERS},
        wrong=[visit.say(_LABELS[name]) for name in wrong],
        outcomes=OUTCOMES,
        issues=_ISSUES,
        labels=_LABELS,
        further=further,
        as_data=f"/journal.json?{urlencode(asked)}",
    )


async def entries_as_data(visit: Visit) -> Response:
    """The same page of entries for a program: `{"entries": [record, ...], "next": or null}`."""
    asked, wrong = _asked(visit)
    if wrong:
        raise ServiceError("FORM_REFUSED")
    await _look(visit, "journal.json", asked)
    found, _ = await visit.read(lambda connection, _gate: _found(connection, asked))
    return visit.data({"entries": [entry.said for entry in found.entries], "next": found.next})


async def entry(visit: Visit) -> Response:
    """One entry: what it says, its commitment, how an intent ended, and how to check it."""
    seq = _sequence(visit)
    await _look(visit, f"journal/{seq}", {})

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        known = _known(connection, seq)
        ended = outcome_of(connection, known) if known.said["outcome"] == INTENDED else None
        return {
            "line": _line(known),
            "said": known.said,
            "commitment": known.entry.hex(),
            "ended": None if ended is None else _line(ended),
            "names": _names(connection, [known]),
            "proved": publishing.proof_of(connection, seq) is not None,
        }

    shown = await visit.read(find)
    key = await _key(visit)
    return visit.page(
        "journal/entry.html",
        **shown,
        outcomes=OUTCOMES,
        vkey=key.encode(),
        action_name=lambda action: action_name(action, visit.language),
        reason_told=lambda code: reason_told(code, visit.language),
    )


async def proof(visit: Visit) -> Response:
    """The proof that an entry is under a signed head, as a file (C2SP tlog-proof)."""
    seq = _sequence(visit)
    await _look(visit, f"journal/{seq}/preuve", {})
    found = await visit.read(lambda connection, _gate: publishing.proof_of(connection, seq))
    if found is None:
        raise ServiceError("NOT_FOUND")
    return _file(found.encode(), f"inscription-{seq}.tlog-proof")


async def signed_heads(visit: Visit) -> Response:
    """How far the log is signed and seen by the posts; whether one head continues another."""
    await _look(visit, "journal/tetes", {})
    query = visit.request.query_params
    old, new = query.get("de", ""), query.get("a", "")

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        size, origin = size_and_origin(connection)
        signed, _ = latest_note(connection)
        return {
            "size": size,
            "origin": origin,
            "signed": signed,
            "seen": _seen(connection, visit.office.headquarters),
            "trouble": heads.trouble(connection),
            "heads": publishing.heads_before(connection, signed, _HEADS_SHOWN),
            "verdict": _continues(connection, old, new),
        }

    shown = await visit.read(find)
    key = await _key(visit)
    return visit.page("journal/heads.html", **shown, old=old, new=new, vkey=key.encode())


async def checkpoint(visit: Visit) -> Response:
    """A signed head with its cosignatures, as a file (C2SP tlog-checkpoint)."""
    size = _sequence(visit)
    await _look(visit, f"journal/tetes/{size}", {})
    note = await visit.read(lambda connection, _gate: publishing.head_of(connection, size))
    return _file(note, f"tete-{size}.checkpoint")


# -- what is asked ---------------------------------------------------------------------------------


async def _look(visit: Visit, route: str, asked: dict[str, str]) -> None:
    """Have the look decided and recorded. Raises ServiceError NOT_ALLOWED."""
    about = f"{route}?{urlencode(asked)}" if asked else route
    await visit.act(AUDIT_READ, {"route": about[:200]})


def _asked(visit: Visit) -> tuple[dict[str, str], list[str]]:
    """Return the filters that are well written, and the names of those that are not."""
    given = {
        name: value.strip()
        for name, value in visit.request.query_params.items()
        if name in _FILTERS and value.strip()
    }
    wrong = [name for name, value in given.items() if not _FILTERS[name].fullmatch(value)]
    for name in ("du", "au"):
        if name in given and name not in wrong and instant_of(given[name]) is None:
            wrong.append(name)
    return {name: value for name, value in given.items() if name not in wrong}, wrong


def _wanted(asked: dict[str, str]) -> Wanted:
    until = instant_of(asked.get("au", ""))
    return Wanted(
        actor=asked.get("qui"),
        actions=(asked["acte"],) if "acte" in asked else (),
        resource=asked.get("objet"),
        mandate=asked.get("mandat"),
        outcomes=(_ISSUES[asked["issue"]],) if "issue" in asked else (),
        since=instant_of(asked.get("du", "")),
        until=None if until is None else until + timedelta(days=1),
        outside_hours="hors" in asked,
        before=int(asked["avant"]) if "avant" in asked else None,
    )


def _sequence(visit: Visit) -> int:
    text = str(visit.request.path_params["number"])
    if not _NUMBER.fullmatch(text):
        raise ServiceError("NOT_FOUND")
    return int(text)


# -- what is found ---------------------------------------------------------------------------------


def _found(connection: Connection, asked: dict[str, str]) -> tuple[Found, dict[str, str]]:
    found = page(connection, _wanted(asked), PAGE)
    return found, _names(connection, found.entries)


def _known(connection: Connection, seq: int) -> Entry:
    found = entry_at(connection, seq)
    if found is None:
        raise ServiceError("NOT_FOUND")
    return found


def _names(connection: Connection, found: list[Entry]) -> dict[str, str]:
    actors = {entry.said["actor"] for entry in found}
    return {
        person.officer_id: person.identity.name
        for person in officers.everyone(connection)
        if person.officer_id in actors
    }


def _line(entry: Entry) -> dict[str, Any]:
    at = datetime.fromtimestamp(entry.said["time_us"] / 1_000_000, UTC)
    return {**entry.said, "at": at, "policies": entry.said.get("policies", [])}


def _seen(connection: Connection, headquarters: str) -> Witnessed:
    posts = read_directory(connection).posts.items()
    return witnessed(
        connection,
        [code for code, post in posts if post.state == "active" and code != headquarters],
    )


def _continues(connection: Connection, old: str, new: str) -> dict[str, Any] | None:
    """Say whether one head continues another; None when nothing was asked."""
    if not (_NUMBER.fullmatch(old) and _NUMBER.fullmatch(new)):
        return None
    try:
        path = publishing.continuation(connection, int(old), int(new))
    except (Refusal, ServiceError) as refusal:
        return {"holds": False, "code": refusal.code, "path": []}
    return {"holds": True, "code": "", "path": [step.hex() for step in path]}


async def _key(visit: Visit) -> VerifierKey:
    """Return the key of the last signed head, under which proofs are given."""
    told = await visit.office.ask("seals", {})
    signers = Signers.in_seals(told, visit.office.settings.log_origin)
    _, note = await visit.read(lambda connection, _gate: latest_note(connection))
    return signers.signer(note)


def _file(data: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="application/octet-stream", headers=headers)


FLOW: Final = Flow(
    "journal",
    (
        Page("/journal", entries),
        Page("/journal.json", entries_as_data),
        Page("/journal/tetes", signed_heads),
        Page("/journal/tetes/{number}", checkpoint),
        Page("/journal/{number}", entry),
        Page("/journal/{number}/preuve", proof),
    ),
    (
        Place(mark("Journal"), "/journal", AUDITOR, shortcut="j"),
        Place(mark("Têtes du journal"), "/journal/tetes", AUDITOR),
    ),
    keys=(
        ("g j", mark("Aller au journal")),
        ("p", mark("Télécharger la preuve d’une inscription")),
    ),
)
