"""The API application: its routes, what becomes of refusals, its description, and the border."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cipher_service.api import post_routes
from cipher_service.api.arrivals import Pulse
from cipher_service.api.auditing import question_routes
from cipher_service.api.border import Border
from cipher_service.api.certificates import certificate_routes
from cipher_service.api.continuity import continuity_routes
from cipher_service.api.counter_routes import counter_routes
from cipher_service.api.documentation import PROBLEMS, SECURITY_SCHEMES, add_examples
from cipher_service.api.doors import door_routes
from cipher_service.api.forwarding import forwarding_of
from cipher_service.api.inbox import list_dispatches
from cipher_service.api.log_routes import log_routes
from cipher_service.api.ministry import Ministry
from cipher_service.api.open_routes import open_routes
from cipher_service.api.pouch_routes import makeup_routes, pouch_routes
from cipher_service.api.prekeys import prekey_routes
from cipher_service.api.refusals import answer_to
from cipher_service.api.refused_requests import RefusedRequests
from cipher_service.api.strict_json import BodyRefused
from cipher_service.api.submissions import submit
from cipher_service.api.token_route import token_route
from cipher_service.errors import ServiceError
from cipher_service.settings import Settings
from cipher_service.wire import counter as counter_wire
from cipher_service.wire import dispatches as wire
from cipher_service.wire import pouches as pouch_wire
from cipher_service.wire.audit import CosignatureRequest, QuestionAnswer
from cipher_service.wire.continuity import NumberProved
from cipher_service.wire.doors import EntryAnswer, EntryRequest
from cipher_service.wire.enrolment import EnrolmentRequest
from cipher_service.wire.prekeys import BurntPrekeys, PrekeyOffers, PrekeyRequest, PrekeyStock
from cipher_service.wire.problems import Problem
from cipher_service.wire.tokens import CertificateAnswer, TokenRequest
from cipher_service.wire.verdicts import VerdictRequest
from keys.errors import KeysError

# FastAPI sees no body of ours, so it cannot know these shapes.
_DESCRIBED: Final[tuple[type[BaseModel], ...]] = (
    Problem,
    EnrolmentRequest,
    TokenRequest,
    CertificateAnswer,
    wire.DispatchPage,
    wire.Upload,
    wire.ReceiptRecorded,
    wire.ServiceMessageRecorded,
    wire.ServiceMessagePage,
    pouch_wire.DeviceRequest,
    pouch_wire.DeviceRecorded,
    pouch_wire.EventsRequest,
    pouch_wire.EventsAnswer,
    pouch_wire.EmptiesRecorded,
    pouch_wire.LineRequest,
    pouch_wire.MakeUpRequest,
    pouch_wire.MakeUpState,
    pouch_wire.SealingRequest,
    VerdictRequest,
    *counter_wire.COUNTER.values(),
    counter_wire.DifferencesRequest,
    counter_wire.DifferencesAnswer,
    counter_wire.PhotographRecorded,
    CosignatureRequest,
    QuestionAnswer,
    EntryRequest,
    EntryAnswer,
    PrekeyRequest,
    PrekeyOffers,
    PrekeyStock,
    BurntPrekeys,
    NumberProved,
)
_ANSWERED: Final = (
    ServiceError,
    KeysError,
    BodyRefused,
    HTTPException,
    RequestValidationError,
    SQLAlchemyError,
    OSError,
    Exception,
)


def create_application(settings: Settings) -> Border:
    """Return the ASGI application of one API process; nothing is connected before a request."""
    ministry = Ministry(settings)
    hot = {
        ("POST", "/v1/dispatches"): partial(submit, ministry),
        ("GET", "/v1/dispatches"): partial(list_dispatches, ministry),
    }
    refused = RefusedRequests(ministry.ask)
    return Border(_inner(ministry, refused), hot, refused.told, forwarding_of(settings))


def _inner(ministry: Ministry, refused: RefusedRequests) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_application: FastAPI) -> AsyncIterator[None]:
        yield
        await refused.finish()
        ministry.close()

    async def answered(request: Request, error: Exception) -> Response:
        await refused.told(request, error)
        return answer_to(request, error)

    application = FastAPI(
        title="Cipher service",
        summary="Posts exchange enciphered dispatches with their ministry.",
        version=version("cipher-service"),
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=PROBLEMS,
        # Its spans and logs would carry rejected bodies and stack traces to an exporter.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    for router in (
        open_routes(ministry),
        token_route(ministry),
        certificate_routes(ministry),
        post_routes.directory_routes(ministry),
        post_routes.sending_routes(ministry),
        post_routes.receiving_routes(ministry, Pulse(ministry)),
        post_routes.notice_routes(ministry),
        prekey_routes(ministry),
        makeup_routes(ministry),
        pouch_routes(ministry),
        counter_routes(ministry),
        log_routes(ministry),
        door_routes(ministry),
        question_routes(ministry),
        continuity_routes(ministry),
    ):
        application.include_router(router)
    for kind in _ANSWERED:
        application.add_exception_handler(kind, answered)
    generated = application.openapi
    application.openapi = lambda: _completed(generated())  # type: ignore[method-assign]  # FastAPI's documented way
    return application


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """Add to FastAPI's description the shapes and the security that it cannot see."""
    _, described = models_json_schema(
        [(model, "validation") for model in _DESCRIBED],
        ref_template="#/components/schemas/{model}",
    )
    components = document.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **described["$defs"]}
    components["securitySchemes"] = SECURITY_SCHEMES
    add_examples(document)
    return document
