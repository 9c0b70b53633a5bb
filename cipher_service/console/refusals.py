"""What was raised becomes a page: cause, effect, what to do. Never "an error occurred".

`refusals.toml` has a row for each code, `refusals_rights.toml` for those about rights,
`refusals_envelopes.toml` for those about envelopes and their keys, and the pouch bureau's for those
about bags: HTTP status and three sentences in each language. Nothing of
what the browser sent is shown or logged.
"""

import logging
import secrets
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final
from urllib.parse import urlencode

from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from cipher_service.console.door import sign_in_form
from cipher_service.console.language import Language
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError, filled
from cipher_service.pouches.members import in_words
from cipher_service.typography import held
from keys.errors import KeysError

log = logging.getLogger(__name__)

_TABLES: Final = ("refusals", "refusals_rights", "refusals_envelopes")
_MENDABLE: Final = frozenset(
    {
        *("OWN_ACT", "WINDOW_OPEN", "ACT_MISSING", "NOT_HELD", "REASON_MISSING", "DAY_MALFORMED"),
        *("DUTIES_SEPARATE", "FUNCTION_HELD", "WINDOW_EMPTY", "WINDOW_PAST"),
        *("ACTIONS_OF_ANOTHER", "HELD_BY_MANDATE", "CHOICE_MISSING", "MANDATE_OVER"),
        *("LENT_TOO_LONG", "MATTER_MISSING", "UNKNOWN_POST", "UNKNOWN_CAVEAT", "ROLE_ELSEWHERE"),
        *("ASK_INCOMPLETE", "ACT_MALFORMED"),
    }
)
"""Refusals of a form about rights, after which it is shown again as it was filled in."""
_BY_STATUS: Final = {404: "NOT_FOUND", 405: "NOT_FOUND", 413: "BODY_TOO_LARGE"}
_UNAUTHORIZED: Final = 401
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Words:
    """A refusal in one language."""

    cause: str
    effect: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Row:
    """A refusal: its HTTP status and its words."""

    status: int
    fr: Words
    en: Words


def _set(text: str) -> str:
    """Set a French text as a page does; rows that terminals show too are written as they type."""
    return held(text.replace("'", "’"))


def _read_table() -> dict[str, Row]:
    console = files("cipher_service.console")
    tables = (
        files("cipher_service.pouches") / "refusals.toml",
        *(console / f"{name}.toml" for name in _TABLES),
    )
    return {
        code: Row(row["status"], Words(*map(_set, row["fr"])), Words(*row["en"]))
        for table in tables
        for code, row in tomllib.loads(table.read_text("utf-8")).items()
    }


TABLE: Final = _read_table()


def words_of(refusal: ServiceError, language: Language) -> Words:
    """Return the words of a refusal; a code without a row is told as itself."""
    row = TABLE.get(refusal.code, TABLE["REFUSED"])
    words = row.fr if language == "fr" else row.en
    facts = {"code": refusal.code, **in_words(refusal.facts, language)}
    if facts.get("policies") == "-":
        facts["policies"] = "aucune ne le permet" if language == "fr" else "none permits it"
    return Words(*(filled(text, facts) for text in (words.cause, words.effect, words.remedy)))


def reason_told(code: str | None, language: Language) -> str:
    """Return the reason that an entry of the log gives: in words and by its code.

    A cause that names facts is told by its code alone: the log keeps no facts of a refusal.
    """
    row = TABLE.get(code or "")
    cause = "" if row is None else (row.fr if language == "fr" else row.en).cause
    if not cause or "{" in cause:
        return code or ""
    return f"{cause.rstrip('.')} ({code})"


def named_refusal(error: Exception) -> tuple[ServiceError, str]:
    """Return what an exception means to an officer, and its reference in the log."""
    refusal = named(error)
    reference = secrets.token_hex(4)
    if refusal is None:
        log.error("reference=%s the console failed", reference, exc_info=error)
        return ServiceError("INTERNAL"), reference
    log.info("reference=%s code=%s", reference, refusal.code)
    return refusal, reference


def mendable(refusal: ServiceError, *codes: str) -> ServiceError:
    """Return a refusal after which its form is shown again; raise any other.

    Args:
        refusal: what the form met.
        codes: of further refusals that whoever filled in this form can mend.
    """
    if refusal.code not in _MENDABLE and refusal.code not in codes:
        raise refusal
    return refusal


def status_of(refusal: ServiceError) -> int:
    """Return the HTTP status of a refusal."""
    return TABLE.get(refusal.code, TABLE["REFUSED"]).status


def explained(visit: Visit, error: Exception) -> Response:
    """Answer with the page of a refusal, or with its JSON where a script of ours asked."""
    refusal, reference = named_refusal(error)
    status = status_of(refusal)
    words = words_of(refusal, visit.language)
    if "application/json" in visit.request.headers.get("accept", ""):
        told = {"code": refusal.code, "cause": words.cause, "effect": words.effect}
        return visit.data({**told, "remedy": words.remedy, "reference": reference}, status)
    if status == _UNAUTHORIZED and visit.request.method == "GET":
        return sign_in_form(visit, status, ended=True)
    return visit.page(
        "refused.html",
        status,
        words=words,
        reference=reference,
        code=refusal.code,
        grant=_grant_for(visit, refusal),
    )


def _grant_for(visit: Visit, refusal: ServiceError) -> str:
    """Return where the grant is given that a page of dispatches lacks; empty for other refusals."""
    path = visit.request.url.path
    if refusal.code != "GRANT_MISSING" or not path.startswith("/depeches/"):
        return ""
    back = {"retour": path} if visit.request.method == "GET" else {}
    return f"/depeches/autorisation?{urlencode(back)}".rstrip("?")


def named(error: Exception) -> ServiceError | None:
    """Return the refusal that an exception means; None for what nobody foresaw."""
    if isinstance(error, ServiceError):
        return None if error.code == "INTERNAL" else error
    if isinstance(error, KeysError):
        return ServiceError(error.code)
    if isinstance(error, HTTPException):
        return ServiceError(_BY_STATUS.get(error.status_code, "FORM_REFUSED"))
    if isinstance(error, ClientDisconnect):
        return ServiceError("FORM_REFUSED")
    if isinstance(error, OperationalError):
        return ServiceError("UNAVAILABLE")
    return None
