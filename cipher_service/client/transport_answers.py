"""What an answer of the ministry means: a message, a refusal in its words, or nothing to trust."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import httpx
from pydantic import ValidationError

from cipher_service.client.failures import Failure
from cipher_service.client.messages import Explanation, printable
from cipher_service.client.online_refusals import Distrusted, MinistryRefused, Unreachable
from cipher_service.wire.fields import WireModel
from cipher_service.wire.problems import PROBLEM_MEDIA_TYPE, Problem

_ANSWER_BYTES: Final = 16 * 1024 * 1024
_BUSY: Final = frozenset({429, 503})
_SERVER_FAULTS: Final = 500

Model = TypeVar("Model", bound=WireModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is not a refusal, whole.

    Attributes:
        status: HTTP status, below 400.
        headers: by lower-case name.
        body: at most 16 MiB.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, model: type[Model]) -> Model:
        """Read the body as a message of the API. Raises Distrusted when it is not one."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            raise Distrusted("ANSWER_MALFORMED", message=model.__name__) from error


def finish(response: httpx.Response) -> Answer:
    """Read an answer whole and close it.

    Raises:
        Unreachable: the server is busy or failed.
        MinistryRefused: it is a problem document.
        Distrusted: it has no form that this API gives, or is over 16 MiB.
        httpx.TransportError: the network broke while reading.
    """
    try:
        body = _read_capped(response)
    finally:
        response.close()
    if response.is_success:
        return Answer(response.status_code, dict(response.headers), body)
    raise _refusal(response, body)


def _read_capped(response: httpx.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _ANSWER_BYTES:
            raise Distrusted("ANSWER_TOO_LARGE", bytes=_ANSWER_BYTES)
    return bytes(body)


def _refusal(response: httpx.Response, body: bytes) -> Failure:
    """Turn an answer that is no success into what it means for this post."""
    status = response.status_code
    problem = _problem(response, body)
    words = None if problem is None else _words(problem)
    if status in _BUSY:
        code = problem.code if problem else "SERVER_BUSY"
        return Unreachable(code, wait=_retry_after(response), words=words, status=status)
    if status >= _SERVER_FAULTS:
        # Half of these are a proxy's: the server behind it is away.
        code = problem.code if problem else "SERVER_FAILED"
        return Unreachable(code, wait=None, words=words, status=status)
    if problem is None and response.request.method == "HEAD":
        # Such an answer has no body (RFC 9110 §9.3.2), so the status is all that was said.
        return MinistryRefused(
            "HEAD_REFUSED",
            http_status=status,
            words=None,
            facts={"status": status},
            server_time=_server_time(response),
        )
    if problem is None:
        return Distrusted("ANSWER_MALFORMED", status=status)
    return MinistryRefused(
        problem.code,
        http_status=status,
        words=_words(problem),
        facts=problem.facts,
        server_time=_server_time(response),
    )


def _words(problem: Problem) -> Explanation:
    """Return the ministry's own words, with the reference that finds the line in its log."""
    remedy = f"{problem.remedy} [{problem.reference}]"
    return Explanation(*map(printable, (problem.title, problem.detail, remedy)))


def _problem(response: httpx.Response, body: bytes) -> Problem | None:
    if response.headers.get("Content-Type", "").partition(";")[0].strip() != PROBLEM_MEDIA_TYPE:
        return None
    try:
        return Problem.model_validate_json(body)
    except ValidationError:
        return None


def _retry_after(response: httpx.Response) -> float:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if re.fullmatch(r"[0-9]{1,3}", seconds) else 0.0


def _server_time(response: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
