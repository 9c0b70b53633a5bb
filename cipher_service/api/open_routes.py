"""What anyone may ask: is the service well, who is it, and where does an enrolment stand."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from cipher_service import clock
from cipher_service.api.documentation import json_body
from cipher_service.api.inbound import read_json, require_spelling
from cipher_service.api.ministry import Ministry
from cipher_service.audit import heads
from cipher_service.directory import enrolment
from cipher_service.errors import ServiceError
from cipher_service.identity.tokens import TokenRefused, read_jwk
from cipher_service.wire.audit import LogKeys
from cipher_service.wire.directory import Health, ServiceCard, ServiceKey, TokenKeyCertificate
from cipher_service.wire.enrolment import (
    EnrolmentRequest,
    EnrolmentState,
    SignaturePair,
    enrolment_statement,
)
from cipher_service.wire.fields import POST_CODE
from keys import canonical
from keys.cards import Card, read_card
from keys.errors import CardInvalid
from keys.signing import ENROLMENT, Signatures
from keys.statements import key_fingerprint
from keys.succession import files_of


def open_routes(ministry: Ministry) -> APIRouter:
    """Return the routes that need no token."""
    router = APIRouter(prefix="/v1")

    @router.get("/health", tags=["service"])
    async def health() -> Health:
        """Tell whether server and registrar answer, how log and custodian are."""
        custody = await ministry.ask("health", {})
        trouble = await ministry.read(heads.trouble)
        return Health(status="ok", time=clock.text(clock.now()), log=trouble or "ok", **custody)

    @router.get("/service-card", tags=["service"])
    async def service_card() -> ServiceCard:
        """Give what a post pins after comparing fingerprints: the service's key and card."""
        return await _service_card(ministry)

    @router.post(
        "/enrolments",
        status_code=201,
        response_model=EnrolmentState,
        tags=["enrolment"],
        openapi_extra=json_body(EnrolmentRequest),
    )
    async def enrol(request: Request) -> JSONResponse:
        """Ask to be known under a card and an API key, with a one-time code given in person.

        Pending until headquarters has compared the fingerprint with the post by another way.
        Repeating the identical request gives the same answer.
        """
        asked = await read_json(request, EnrolmentRequest)
        state = await _enrol(ministry, asked)
        return JSONResponse(state.model_dump(), status_code=201)

    @router.get("/enrolments/{post}", tags=["enrolment"])
    async def enrolment_state(post: str) -> EnrolmentState:
        """Tell where the newest enrolment of a post stands."""
        code = require_spelling(POST_CODE, post)
        found = await ministry.read(lambda connection: enrolment.enrolment(connection, code))
        return EnrolmentState.model_validate(
            {"post": found.post, "state": found.state, "fingerprint": found.fingerprint}
        )

    return router


async def _service_card(ministry: Ministry) -> ServiceCard:
    seals = await ministry.seals()
    certificate = json.loads((await ministry.certificates())[0])
    origin = ministry.settings.log_origin
    service_key = seals.receipt_keys().current
    return ServiceCard(
        issuer=ministry.settings.issuer,
        headquarters=ministry.settings.headquarters,
        card=json.loads(seals.card.to_bytes()),
        service_key=ServiceKey(
            ed25519=canonical.text_from_bytes(service_key.ed25519),
            mldsa65=canonical.text_from_bytes(service_key.mldsa65),
            fingerprint=key_fingerprint(service_key),
        ),
        token_key=TokenKeyCertificate(
            statement=certificate["statement"],
            signatures=SignaturePair.model_validate(certificate["signatures"]),
        ),
        log=LogKeys(
            origin=origin,
            vkey=seals.log.notes.current.encode(),
            cosigner=seals.log.line.current.cosigner_key(origin).encode(),
            successions=[json.loads(each) for each in files_of(seals.log.successions)],
        ),
        root=json.loads(seals.root) if seals.root else None,
        successions=[json.loads(each) for each in seals.successions],
    )


async def _enrol(ministry: Ministry, asked: EnrolmentRequest) -> EnrolmentState:
    """Check card, key and proof here; the registrar spends the code."""
    try:
        card = read_card(canonical.encode(asked.card))
    except ValueError as error:
        raise CardInvalid("the card is not canonical JSON") from error
    try:
        api_key = read_jwk(asked.jwk.model_dump())
    except TokenRefused as error:
        raise ServiceError("ENROLMENT_REFUSED") from error
    _check_proof(ministry.settings.issuer, asked, card, api_key.thumbprint)
    found = await ministry.ask(
        "enrol",
        {
            "code": asked.code,
            "card": card.to_bytes(),
            "thumbprint": api_key.thumbprint,
            "jwk": canonical.encode(api_key.jwk()).decode("ascii"),
        },
    )
    return EnrolmentState.model_validate(found)


def _check_proof(issuer: str, asked: EnrolmentRequest, card: Card, thumbprint: str) -> None:
    """Demand both signatures of the card over what is asked. Raises SignatureInvalid."""
    statement = enrolment_statement(
        post=card.post,
        fingerprint=card.fingerprint,
        jkt=thumbprint,
        code=asked.code,
        issuer=issuer,
    )
    try:
        signatures = Signatures(
            ed25519=canonical.bytes_from_text(asked.proof.ed25519),
            mldsa65=canonical.bytes_from_text(asked.proof.mldsa65),
        )
    except ValueError as error:
        raise ServiceError("SIGNATURE_INVALID") from error
    card.verifying_key.verify(ENROLMENT, statement, signatures)
