"""A post's certificate: its API key, certified for TLS for a few days."""

from base64 import b64encode

from fastapi import APIRouter, Request, Response

from cipher_service.api.documentation import model_answer, with_token
from cipher_service.api.ministry import Ministry
from cipher_service.identity.gatekeeper import CERTIFYING
from cipher_service.wire.tokens import CertificateAnswer


def certificate_routes(ministry: Ministry) -> APIRouter:
    """Return the address for certificates."""
    router = APIRouter(prefix=CERTIFYING, tags=["token"])

    @router.post(
        "",
        status_code=201,
        response_class=Response,
        responses={201: model_answer("Made.", CertificateAnswer)},
        openapi_extra=with_token(),
    )
    async def certify(request: Request) -> Response:
        """Certify the API key that the caller authenticated with, for seven days of TLS.

        Each request makes a new one; those of before stay in force as long as they say and their
        key is.
        """
        caller = await ministry.recognise(request)
        made = await ministry.act(caller, "certify_client")
        answer = CertificateAnswer(
            certificate=b64encode(made["certificate"]).decode("ascii"),
            authority=b64encode(made["authority"]).decode("ascii"),
        )
        return Response(answer.model_dump_json(), status_code=201, media_type="application/json")

    return router
