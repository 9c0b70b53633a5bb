"""The token request and its answer (RFC 6749 §4.4, RFC 7523, RFC 9449)."""

from typing import Final, Literal

from pydantic import Field

from cipher_service.wire.fields import Base64, WireModel

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_TYP: Final = "client-authentication+jwt"  # RFC 7523bis
PROOF_TYP: Final = "dpop+jwt"  # RFC 9449


class TokenRequest(WireModel):
    """Form of `POST /v1/token`; the DPoP proof, if there is one, travels in the `DPoP` header.

    The assertion is signed by the post's API key: header exactly
    `{"alg":"ES256","typ":"client-authentication+jwt","kid":thumbprint}`, claims exactly
    `iss` = `sub` = post code, `aud` = the issuer URL alone, `iat`, `exp` (at most 60 s later),
    `jti` (used once).
    """

    grant_type: Literal["client_credentials"]
    client_assertion_type: Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    client_assertion: str = Field(min_length=1, max_length=4096)


class TokenAnswer(WireModel):
    """A short access token, bound to the key that signed the proof or to a certificate."""

    access_token: str
    token_type: Literal["DPoP", "Bearer"]
    expires_in: int = Field(ge=1, le=300)


class CertificateAnswer(WireModel):
    """A post's certificate and its authority's, base64 of DER (`keys/TRANSPORT.md` §11)."""

    certificate: Base64
    authority: Base64
