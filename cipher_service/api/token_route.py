"""The token endpoint: an assertion and a proof for a short token (RFC 6749 §4.4, RFC 9449 §5)."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from cipher_service import clock
from cipher_service.api.documentation import form_body
from cipher_service.api.forwarding import shown_certificate
from cipher_service.api.inbound import read_body, read_form, require_media_type
from cipher_service.api.ministry import Ministry
from cipher_service.errors import ServiceError
from cipher_service.identity import dpop
from cipher_service.identity.clients import recognise_client
from cipher_service.identity.gatekeeper import claim_of_proof, read_any_proof
from cipher_service.identity.tokens import (
    ACCESS_LIFETIME,
    BY_CERTIFICATE,
    BY_PROOF,
    Assertion,
    TokenRefused,
)
from cipher_service.storage.replay import claim_of
from cipher_service.wire.tokens import TokenAnswer, TokenRequest

FORM = "application/x-www-form-urlencoded"


def token_route(ministry: Ministry) -> APIRouter:
    """Return the token endpoint."""
    router = APIRouter(prefix="/v1")

    @router.post(
        "/token",
        response_model=TokenAnswer,
        tags=["token"],
        openapi_extra=form_body(TokenRequest),
    )
    async def token(request: Request) -> JSONResponse:
        """Give a short token, bound to the key that signed the `DPoP` proof.

        Without a proof it is bound to the certificate that the post showed in TLS, which must be of
        the key that signs the assertion. The assertion and the proof are used up, also when the
        token is then refused.
        """
        require_media_type(request, FORM)
        asked = read_form(await read_body(request), TokenRequest)
        answer = await _issue(ministry, asked.client_assertion, request)
        return JSONResponse(answer.model_dump())

    return router


async def _issue(ministry: Ministry, written: str, request: Request) -> TokenAnswer:
    written_proof, shown = request.headers.get("dpop"), shown_certificate(request)
    now = clock.now()
    if written_proof is None and shown is not None:
        return await _issue_to_certificate(ministry, written, shown, now)
    if written_proof is None:
        raise ServiceError("PROOF_REFUSED")
    proof = read_any_proof(written_proof, now)
    try:
        dpop.check(proof, method="POST", url=f"{ministry.settings.issuer}/v1/token")
    except TokenRefused as error:
        raise ServiceError("PROOF_REFUSED") from error
    kid, assertion = await _recognised(ministry, written)
    token = await ministry.ask(
        "issue_token",
        {"post": assertion.post, "client": kid, "confirmation": {BY_PROOF: proof.jkt}},
        claims=(_claim_of_assertion(kid, assertion), claim_of_proof(proof)),
    )
    return TokenAnswer(access_token=token, token_type="DPoP", expires_in=ACCESS_LIFETIME)  # noqa: S106 - the type's name, RFC 9449 §5


async def _issue_to_certificate(
    ministry: Ministry, written: str, shown: str, now: datetime
) -> TokenAnswer:
    certificate = await ministry.certificates_shown.read(shown, now)
    kid, assertion = await _recognised(ministry, written)
    if (certificate.client, certificate.post) != (kid, assertion.post):
        raise ServiceError("CERTIFICATE_REFUSED")
    confirmation = {BY_CERTIFICATE: certificate.digest}
    token = await ministry.ask(
        "issue_token",
        {"post": assertion.post, "client": kid, "confirmation": confirmation},
        claims=(_claim_of_assertion(kid, assertion),),
    )
    return TokenAnswer(access_token=token, token_type="Bearer", expires_in=ACCESS_LIFETIME)  # noqa: S106 - the type's name, RFC 8705 §3


def _claim_of_assertion(kid: str, assertion: Assertion) -> tuple[bytes, int]:
    return claim_of(f"assertion:{kid}", assertion.jti), assertion.expires


async def _recognised(ministry: Ministry, written: str) -> tuple[str, Assertion]:
    directory = await ministry.directory()
    return recognise_client(
        written, directory.clients, issuer=ministry.settings.issuer, now=clock.now()
    )
