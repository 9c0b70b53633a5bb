"""Two other libraries' opinion of a token: PyJWT and joserfc."""

import warnings

import jwt as pyjwt
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey

from tests.cipher_service.identity.token_workshop import ISSUER, Workshop

TYPES = {"proof": "dpop+jwt", "access": "at+jwt", "assertion": "client-authentication+jwt"}
REQUIRED = {
    "proof": ["jti", "htm", "htu", "iat"],
    "access": ["iss", "sub", "aud", "iat", "exp", "jti"],
    "assertion": ["iss", "sub", "aud", "iat", "exp", "jti"],
}
AUDIENCE = {"proof": None, "access": f"{ISSUER}/v1", "assertion": ISSUER}


def pyjwt_accepts(workshop: Workshop, kind: str, token: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pyjwt.get_unverified_header(token)
            jwk = header["jwk"] if kind == "proof" else workshop.key(kind).public_jwk()
            pyjwt.decode(
                token,
                pyjwt.PyJWK(jwk, algorithm="ES256").key,
                algorithms=["ES256"],
                audience=AUDIENCE[kind],
                leeway=60,
                options={"require": REQUIRED[kind], "verify_aud": AUDIENCE[kind] is not None},
            )
    except Exception:  # noqa: BLE001 - whatever it raises, it refuses
        return False
    return bool(header["typ"] == TYPES[kind])


def joserfc_accepts(workshop: Workshop, kind: str, token: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == "proof":
                header = pyjwt.get_unverified_header(token)
                key = ECKey.import_key(header["jwk"])
            else:
                key = ECKey.import_key({**workshop.key(kind).public_jwk()})
            registry_header = joserfc_jwt.decode(token, key, algorithms=["ES256"])
            rules = {name: {"essential": True} for name in REQUIRED[kind]}
            if (audience := AUDIENCE[kind]) is not None:
                rules["aud"]["value"] = audience  # type: ignore[assignment]  # its rules are untyped
            joserfc_jwt.JWTClaimsRegistry(leeway=60, **rules).validate(  # type: ignore[arg-type]  # untyped rules
                registry_header.claims
            )
    except Exception:  # noqa: BLE001 - whatever it raises, it refuses
        return False
    return bool(registry_header.header["typ"] == TYPES[kind])
