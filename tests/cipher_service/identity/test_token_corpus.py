"""Every hole that research found in `python-jose` 3.5.0, tried on the wrapper."""

import ast
import hashlib
import hmac
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cipher_service.identity import tokens
from cipher_service.identity.compact import decode_segment
from keys.jws import ApiKey
from tests.cipher_service.identity.oracles import joserfc_accepts, pyjwt_accepts
from tests.cipher_service.identity.token_workshop import (
    ISSUER,
    POST,
    Workshop,
    b64,
    private_key,
    signed,
    written,
)

W = Workshop()
KINDS = ("access", "assertion", "proof")
PACKAGE = Path(tokens.__file__).parent.parent


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_token_is_accepted_by_us_and_by_both_oracles(kind: str) -> None:
    fresh = Workshop()  # the oracles read the machine's clock, and the suite takes minutes
    token = fresh.token(kind)
    assert fresh.accepted(kind, token)
    assert pyjwt_accepts(fresh, kind, token)
    assert joserfc_accepts(fresh, kind, token)


def test_the_access_token_we_issue_says_what_it_must() -> None:
    token = tokens.issue_access_token(
        W.day, issuer=ISSUER, post=POST, client="C" * 43, confirmation={"jkt": "J" * 43}, now=W.now
    )
    kid = tokens.key_id(token, "at+jwt")
    access = tokens.read_access_token(
        token, {kid: tokens.read_jwk(W.day.public_jwk())}, issuer=ISSUER, now=W.now
    )
    assert (access.post, access.client) == (POST, "C" * 43)
    assert (access.bound_by, access.bound_to) == ("jkt", "J" * 43)
    assert access.expires == W.instant + 300


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    assert tokens.read_jwk(W.post.public_jwk()).thumbprint == W.post.thumbprint()
    assert tokens.read_jwk(W.post.public_jwk()).jwk() == W.post.public_jwk()


HEADERS: dict[str, dict[str, Any]] = {
    "no algorithm": {"alg": ...},
    "alg none": {"alg": "none"},
    "alg HS256": {"alg": "HS256"},
    "alg with the right name inside": {"alg": "XES256Y"},
    "alg a list": {"alg": ["ES256"]},
    "alg null": {"alg": None},
    "typ evil": {"typ": "evil"},
    "typ JWT": {"typ": "JWT"},
    "typ absent": {"typ": ...},
    "typ with the media type's prefix": {"typ": "application/at+jwt"},
    "typ in capitals": {"typ": "AT+JWT"},
    "typ of an access token": {"typ": "at+jwt"},
    "typ of an assertion": {"typ": "client-authentication+jwt"},
    "typ of a proof": {"typ": "dpop+jwt"},
    "unknown crit": {"crit": ["x"], "x": 1},
    "b64 false": {"b64": False, "crit": ["b64"]},
    "zip": {"zip": "DEF"},
    "jku": {"jku": "https://evil.example/jwks"},
    "x5u": {"x5u": "https://evil.example/cert"},
    "x5c": {"x5c": ["MIIB"]},
    "cty": {"cty": "JWT"},
    "a kid too many or of another sort": {"kid": "../../etc/passwd"},
    "kid empty": {"kid": ""},
    "kid a number": {"kid": 1},
    "kid of nobody": {"kid": "A" * 43},
    "a jwk too many or of another sort": {"jwk": {"kty": "oct", "k": "AA"}},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HEADERS)
def test_a_correctly_signed_token_with_another_header_is_refused(kind: str, name: str) -> None:
    if HEADERS[name].get("typ") == W.header(kind)["typ"]:
        return  # its own
    assert not W.accepted(kind, W.token(kind, header=HEADERS[name]))


CLAIMS: dict[str, dict[str, Any]] = {
    "exp absent": {"exp": ...},
    "exp null": {"exp": None},
    "exp a list": {"exp": []},
    "exp a text": {"exp": str(W.instant + 60)},
    "exp a fraction": {"exp": W.instant + 60.0},
    "exp true": {"exp": True},
    "exp 10^400": {"exp": 10**400},
    "exp negative": {"exp": -1},
    "exp before iat": {"exp": W.instant - 1},
    "exp too far": {"exp": W.instant + 301},
    "iat absent": {"iat": ...},
    "iat an object": {"iat": {}},
    "iat a text": {"iat": str(W.instant)},
    "iat in the future": {"iat": W.instant + 120, "exp": W.instant + 150},
    "iat false": {"iat": False},
    "expired": {"iat": W.instant - 600, "exp": W.instant - 550},
    "aud absent": {"aud": ...},
    "aud null": {"aud": None},
    "aud a list of the right one": {"aud": [ISSUER]},
    "aud a list of two": {"aud": [ISSUER, "https://other.example"]},
    "aud another": {"aud": "https://other.example"},
    "aud the token endpoint": {"aud": f"{ISSUER}/v1/token"},
    "aud with a slash": {"aud": f"{ISSUER}/"},
    "iss absent": {"iss": ...},
    "iss another": {"iss": "LOME"},
    "iss a number": {"iss": 5},
    "sub absent": {"sub": ...},
    "sub in small letters": {"sub": "paris"},
    "sub with a line end": {"sub": "PARIS\n"},
    "sub a list": {"sub": ["PARIS"]},
    "sub with a NUL": {"sub": "PARIS\0"},
    "sub a lone surrogate": {"sub": "\ud800"},
    "jti absent": {"jti": ...},
    "jti short": {"jti": "a"},
    "jti long": {"jti": "a" * 65},
    "jti a number": {"jti": 12345678901234567},
    "jti with a line end": {"jti": "0123456789abcdef\n"},
    "nbf": {"nbf": 0},
    "a claim too many": {"scope": "admin"},
}
CLAIMS_OF_PROOFS: dict[str, dict[str, Any]] = {
    "jti absent": {"jti": ...},
    "jti short": {"jti": "a"},
    "htm absent": {"htm": ...},
    "htm a list": {"htm": ["POST"]},
    "htm empty": {"htm": ""},
    "htu empty": {"htu": ""},
    "htu relative": {"htu": "/v1/dispatches"},
    "htu absent": {"htu": ...},
    "htu null": {"htu": None},
    "iat absent": {"iat": ...},
    "iat a text": {"iat": "1"},
    "iat true": {"iat": True},
    "iat an object": {"iat": {}},
    "iat an age ago": {"iat": W.instant - 91},
    "iat in the future": {"iat": W.instant + 31},
    "ath null": {"ath": None},
    "ath short": {"ath": "A"},
    "ath a number": {"ath": 7},
    "a claim too many": {"exp": W.instant + 60},
}
CASES = [(k, c) for k in ("access", "assertion") for c in CLAIMS.values()]
CASES += [("proof", c) for c in CLAIMS_OF_PROOFS.values()]
CONFIRMATIONS: tuple[Any, ...] = (
    *(..., None, {}, [], "A" * 43, {"jkt": "x"}, {"jkt": 1}),
    *({"x5t#S256": "x"}, {"x5t#S256": None}, {"x5t": "A" * 43}),
)
CASES += [("access", {"cnf": confirmation}) for confirmation in CONFIRMATIONS]
CASES += [("access", {"cnf": {"jkt": "A" * 43, "x5t#S256": "A" * 43}})]
CASES += [("access", {"client_id": v}) for v in (..., "LOME", None)]
CASES += [("assertion", {"exp": W.instant + 61})]


@pytest.mark.parametrize(("kind", "claims"), CASES)
def test_a_correctly_signed_token_with_other_claims_is_refused(
    kind: str, claims: dict[str, Any]
) -> None:
    assert not W.accepted(kind, W.token(kind, claims=claims))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("junk", ["!!!!", "!$%", "====", "=", "\n", " ", "é", "\x00", ".", "AA"])
def test_junk_that_lenient_decoders_skip_is_refused(kind: str, junk: str) -> None:
    token = W.token(kind)
    header, claims, signature = token.split(".")
    assert not W.accepted(kind, token + junk)
    assert not W.accepted(kind, junk + token)
    assert not W.accepted(kind, f"{header}{junk}.{claims}.{signature}")
    assert not W.accepted(kind, f"{header}.{claims}{junk}.{signature}")
    assert not W.accepted(kind, f"{header}.{claims}.{signature[:40]}{junk}{signature[40:]}")


@pytest.mark.parametrize("kind", KINDS)
def test_bits_left_over_in_base64_are_refused(kind: str) -> None:
    header, claims, signature = W.token(kind).split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(signature[-1]) ^ 1]
    assert not W.accepted(kind, f"{header}.{claims}.{signature[:-1]}{last}")


@pytest.mark.parametrize("kind", KINDS)
def test_other_shapes_of_json_are_refused(kind: str) -> None:
    header, claims, key = W.header(kind), W.claims(kind), W.key(kind)
    text = written(claims).decode()
    shapes = [
        b"[]",
        b'"text"',
        b"1",
        b"null",
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf" + written(claims),
        written(claims).decode().encode("utf-16"),
        text.replace('"iat"', '"iat":1,"iat"').encode(),
        text.replace("{", '{"x":NaN,', 1).encode(),
        text.replace("{", '{"x":Infinity,', 1).encode(),
        text.replace("{", '{"x":1e999,', 1).encode(),
        text.replace(f'"iat":{W.instant}', f'"iat":{W.instant}.0').encode(),
        text.replace(f'"iat":{W.instant}', '"iat":-0').encode(),
        b"[" * 2500,
        b'{"a":' * 500,
        written({**claims, "padding": "x" * 5000}),
    ]
    for shape in shapes:
        assert not W.accepted(kind, signed(key, written(header), shape)), shape[:60]
        assert not W.accepted(kind, signed(key, shape, written(claims))), shape[:60]
    doubled = written(header).replace(b'"alg":"ES256"', b'"alg":"none","alg":"ES256"')
    assert not W.accepted(kind, signed(key, doubled, written(claims)))


@pytest.mark.parametrize("kind", KINDS)
def test_another_number_of_segments_is_refused(kind: str) -> None:
    token = W.token(kind)
    for other in ("", ".", "..", "...", "....", token.rsplit(".", 1)[0], f"{token}.{token}"):
        assert not W.accepted(kind, other)
    header, claims, _ = token.split(".")
    assert not W.accepted(kind, f"{header}.{claims}.")


@pytest.mark.parametrize("kind", ["access", "assertion"])
def test_hmac_with_every_form_of_a_public_key_is_refused(kind: str) -> None:
    """Algorithm confusion (CVE-2024-33663 and the DER forms that 3.5.0 still takes)."""
    public = private_key(W.key(kind)).public_key()
    der, pem = serialization.Encoding.DER, serialization.Encoding.PEM
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    forms = [
        public.public_bytes(der, spki),
        public.public_bytes(pem, spki),
        public.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        ),
        public.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        ),
        public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
        json.dumps(W.key(kind).public_jwk()).encode(),
        rsa_key.public_bytes(der, spki),
        rsa_key.public_bytes(der, serialization.PublicFormat.PKCS1),
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
        b"",
    ]
    for secret in forms:
        for alg, digest in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512)):
            head = b64(written({**W.header(kind), "alg": alg}))
            signing_input = f"{head}.{b64(written(W.claims(kind)))}"
            mac = hmac.new(secret, signing_input.encode(), digest).digest()
            assert not W.accepted(kind, f"{signing_input}.{b64(mac)}")


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_other_sorts_are_refused(kind: str) -> None:
    p384 = ec.generate_private_key(ec.SECP384R1())
    numbers = p384.public_key().public_numbers()
    signing_input = f"{b64(written(W.header(kind)))}.{b64(written(W.claims(kind)))}"
    r, s = decode_dss_signature(p384.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(48, "big") + s.to_bytes(48, "big")
    assert not W.accepted(kind, f"{signing_input}.{b64(raw)}")
    good = W.post.public_jwk()
    wrong: list[object] = [
        {**good, "crv": "P-384"},
        {**good, "kty": "RSA"},
        {**good, "d": b64(W.post.private_bytes())},
        {**good, "use": "enc"},
        {**good, "alg": "ES384"},
        {**good, "x": good["y"]},
        {**good, "x": good["x"] + "="},
        {**good, "x": b64(b"\0" + bytes(32))},
        {**good, "x": 5},
        {**good, "y": None},
        {k: v for k, v in good.items() if k != "y"},
        {
            "kty": "EC",
            "crv": "P-384",
            "x": b64(numbers.x.to_bytes(48, "big")),
            "y": b64(numbers.y.to_bytes(48, "big")),
        },
        {"kty": "oct", "k": "AAAA"},
        {"keys": [good]},
        [],
        None,
        "-----BEGIN PUBLIC KEY-----",
    ]
    for value in wrong:
        with pytest.raises(tokens.TokenRefused):
            tokens.read_jwk(value)
        if kind == "proof":
            assert not W.accepted(kind, W.token(kind, header={"jwk": value}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_by_another_key_or_of_zeros_is_refused(kind: str) -> None:
    assert not W.accepted(kind, W.token(kind, key=ApiKey.generate()))
    header, claims, _ = W.token(kind).split(".")
    assert not W.accepted(kind, f"{header}.{claims}.{b64(bytes(64))}")
    der = private_key(W.key(kind)).sign(f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert not W.accepted(kind, f"{header}.{claims}.{b64(der)}")


def test_a_malleable_signature_is_the_same_token_by_its_jti() -> None:
    """(r, n-s) verifies as well: nothing may key on a token's bytes, only on its jti."""
    token = W.token("proof")
    header, claims, signature = token.split(".")
    raw = decode_segment(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    flipped = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    twin = f"{header}.{claims}.{b64(flipped)}"
    assert twin != token
    assert tokens.read_proof(twin, now=W.now).jti == tokens.read_proof(token, now=W.now).jti


def test_only_a_verified_token_is_told_that_its_clock_is_wrong() -> None:
    allowed = {W.post.thumbprint(): tokens.read_jwk(W.post.public_jwk())}
    late = {"iat": W.instant - 200, "exp": W.instant - 150}
    for key, reason in ((W.post, "clock"), (ApiKey.generate(), "signature")):
        with pytest.raises(tokens.TokenRefused) as refusal:
            tokens.read_assertion(
                W.token("assertion", claims=late, key=key), allowed, issuer=ISSUER, now=W.now
            )
        assert refusal.value.reason == reason


def test_thirty_seconds_of_skew_are_allowed_to_a_post_and_not_more() -> None:
    for shift, accepted in ((-89, True), (-91, False), (30, True), (31, False)):
        claims = {"iat": W.instant + shift, "exp": W.instant + shift + 60}
        assert W.accepted("assertion", W.token("assertion", claims=claims)) is accepted
        assert W.accepted("proof", W.token("proof", claims={"iat": W.instant + shift})) is accepted


def test_one_module_imports_jose_and_never_its_dangerous_halves() -> None:
    importers: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jose":
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                importers.setdefault(file.name, set()).update(names)
            elif isinstance(node, ast.Import):
                assert not any(a.name.split(".")[0] == "jose" for a in node.names), file
    assert importers == {"tokens.py": {"jose.jwk", "jose.backends.base.Key"}}


def test_the_pure_python_curves_are_never_loaded() -> None:
    """`ecdsa` has a timing leak (CVE-2024-23342) that its authors will not fix: unreachable."""
    program = (
        "import sys, cipher_service.identity.tokens; "
        "print([m for m in ('ecdsa', 'rsa', 'jose.jwe', 'jose.jwt') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
