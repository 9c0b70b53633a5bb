"""Auditors' machines: what they read of the log, and their questions. Each is logged before."""

from datetime import UTC, datetime
from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response

from cipher_service.api.documentation import model_answer, parameter, with_token
from cipher_service.api.inbound import read_query, require_spelling
from cipher_service.api.ministry import Ministry
from cipher_service.audit import asking
from cipher_service.audit.asking import Question
from cipher_service.errors import ServiceError
from cipher_service.identity.gatekeeper import Caller
from cipher_service.wire.audit import QuestionAnswer

_ABOUT: Final = "[A-Za-z0-9_.-]{1,64}"
_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def question_routes(ministry: Ministry) -> APIRouter:
    """Return the address of the questions."""
    router = APIRouter(prefix="/v1/audit/questions", tags=["log"])

    @router.get(
        "/{question}",
        response_class=Response,
        responses={200: model_answer("What the log and the books say.", QuestionAnswer)},
        openapi_extra=with_token(
            parameter("about", "query", f"^{_ABOUT}$", "Of what or whom it is asked."),
            parameter("since", "query", f"^{_DAY}$", "From this day on, UTC."),
            parameter("until", "query", f"^{_DAY}$", "Before this day."),
            parameter("outside_hours", "query", "^yes$", "Readings outside office hours alone."),
        ),
    )
    async def ask(request: Request, question: str) -> Response:
        """Answer an auditor's question: those of `cipher-service audit ask`, at most 1000 lines.

        For machines that `cipher-service auditor add` recorded; the asking stands in the log under
        the machine's key and its auditor, before the answer.
        """
        return await _ask(ministry, request, question)

    return router


async def admit_reader(ministry: Ministry, request: Request, route: str) -> None:
    """Let a post or an auditor's machine read what `route` names of the log.

    Raises:
        ServiceError: as `Ministry.recognise` and `identity.admission`; NOT_ALLOWED.
    """
    caller = await ministry.recognise(request)
    if not await _entered(ministry, caller, route):
        await ministry.act(caller, "admit")


async def _entered(ministry: Ministry, caller: Caller, route: str) -> bool:
    """Have an auditor's reading decided and logged; false for who is no auditor's machine."""
    known = (await ministry.directory()).auditors.get(caller.client)
    if known is None:
        return False
    reading = {"machine": caller.post, "route": route}
    told = {"officer": known.officer, "client": caller.client, "act": reading}
    await ministry.ask("auditor_read", told, claims=caller.claims)
    return True


async def _ask(ministry: Ministry, request: Request, name: str) -> Response:
    name = require_spelling("[a-z-]{1,20}", name)
    query = read_query(request, about=_ABOUT, since=_DAY, until=_DAY, outside_hours="yes")
    question = Question(
        name,
        query.get("about", ""),
        since=_instant(query.get("since")),
        until=_instant(query.get("until")),
        outside_hours="outside_hours" in query,
    )
    caller = await ministry.recognise(request)
    if not await _entered(ministry, caller, f"questions/{asking.told_as(question)}"):
        raise ServiceError("AUDITOR_UNKNOWN", machine=caller.post)
    try:
        lines = await ministry.read(partial(asking.answer, question=question))
    except ServiceError as error:
        if error.code == "UNKNOWN_LEVEL":
            raise ServiceError("UNKNOWN_LEVEL", level=question.about) from error
        raise
    answer = QuestionAnswer(question=question.name, about=question.about, lines=lines)
    return Response(answer.model_dump_json(), media_type="application/json")


def _instant(day: str | None) -> datetime | None:
    try:
        return None if day is None else datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ServiceError("QUERY_INVALID") from error
