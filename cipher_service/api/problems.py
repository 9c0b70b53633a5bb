"""The one place where a code becomes an HTTP status and words (RFC 9457).

`problems.toml` and those beside it hold the table: a code without a row there cannot be
answered with anything but `INTERNAL`, and a test demands a row for every code of the service and of
`keys/`.
"""

import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from starlette.responses import Response

from cipher_service.errors import ServiceError, filled
from cipher_service.pouches.members import in_words
from cipher_service.typography import held
from cipher_service.wire.problems import PROBLEM_MEDIA_TYPE, Problem

AUTHENTICATE: Final = 'DPoP algs="ES256"'
RETRY_SECONDS: Final = "2"


@dataclass(frozen=True, slots=True)
class Words:
    """One refusal in one language."""

    title: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Row:
    """One refusal: its HTTP status and its words."""

    status: int
    fr: Words
    en: Words


def _read_table() -> dict[str, Row]:
    own, bags = files("cipher_service.api"), files("cipher_service.pouches")
    return {
        code: Row(row["status"], Words(*map(held, row["fr"])), Words(*row["en"]))
        for file in (
            own / "problems.toml",
            own / "problems_persons.toml",
            bags / "refusals.toml",
        )
        for code, row in tomllib.loads(file.read_text("utf-8")).items()
    }


TABLE: Final[Mapping[str, Row]] = _read_table()


def status_of(code: str) -> int:
    """Return the HTTP status of a code; an unlisted code is a defect of ours, hence 500."""
    return TABLE.get(code, TABLE["INTERNAL"]).status


def prefers_english(accept_language: str) -> bool:
    """Tell whether English comes before French in an `Accept-Language` value (RFC 9110 §12.5.4)."""
    best = {"fr": 0.0, "en": 0.0}
    for part in accept_language[:200].lower().split(","):
        tag, _, weight = part.strip().partition(";")
        language = tag.strip().partition("-")[0]
        if language in best:
            best[language] = max(best[language], _weight(weight))
    return best["en"] > best["fr"]


def new_reference() -> str:
    """Return the reference that ties an answer to its line in the log."""
    return secrets.token_hex(8)


def answer(
    refusal: ServiceError,
    *,
    accept_language: str = "",
    reference: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write a refusal as `application/problem+json`.

    Args:
        refusal: the code and its facts; a code without a row becomes `INTERNAL`.
        accept_language: the request's header; French when it asks for neither language.
        reference: as in the log.
        headers: more headers, such as the current `Upload-Offset`.
    """
    known = refusal.code in TABLE
    code = refusal.code if known else "INTERNAL"
    row = TABLE[code]
    facts = dict(refusal.facts) if known else {}
    english = prefers_english(accept_language)
    words = row.en if english else row.fr
    told = in_words(facts, "en" if english else "fr")
    problem = Problem(
        type=f"urn:cipher-service:problem:{code.lower().replace('_', '-')}",
        title=words.title,
        status=row.status,
        code=code,
        detail=filled(words.detail, told),
        remedy=filled(words.remedy, told),
        reference=reference,
        facts=facts,
    )
    response = Response(
        problem.model_dump_json(), status_code=row.status, media_type=PROBLEM_MEDIA_TYPE
    )
    response.headers["Content-Language"] = "en" if english else "fr"
    response.headers["Vary"] = "Accept-Language"
    if row.status == HTTPStatus.UNAUTHORIZED:  # RFC 9110 §11.6.1
        response.headers["WWW-Authenticate"] = AUTHENTICATE
    if row.status == HTTPStatus.SERVICE_UNAVAILABLE:  # RFC 9110 §10.2.3
        response.headers["Retry-After"] = RETRY_SECONDS
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
