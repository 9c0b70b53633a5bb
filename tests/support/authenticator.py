"""A security key in software: real keys, real attestation under a maker's root of the tests.

    maker = Maker()
    key = SecurityKey(maker)
    response = key.create(challenge, party)
    response = key.get(challenge, party)

Every part of what it sends can be altered on the way (`Alterations`), since that is what an
attacker's browser or key would do.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Any
from uuid import UUID

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from keys.attestation import ES256, AuthenticatorPolicy
from keys.passkeys import RelyingParty

MODEL = "6d1e8f1c-4b7a-4a0e-9d53-2f0b6c7a8e91"
PRESENT, VERIFIED, ELIGIBLE, COPIED, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
_MODEL_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_FROM, _UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
_MLDSA: dict[int, Any] = {
    -48: mldsa.MLDSA44PrivateKey,
    -49: mldsa.MLDSA65PrivateKey,
    -50: mldsa.MLDSA87PrivateKey,
}


def b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Certificate:
    """What a maker puts into the attestation certificate of a model."""

    model: str | None = MODEL
    unit: str = "Authenticator Attestation"
    ca: bool | None = False
    until: datetime = _UNTIL


class Maker:
    """A maker of security keys with a root of its own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root of the tests")])
        self._root = (
            self._builder(self._name, self._key.public_key(), _UNTIL)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def root(self) -> bytes:
        return self._root.public_bytes(Encoding.PEM)

    def policy(self, *models: str) -> AuthenticatorPolicy:
        return AuthenticatorPolicy((self.root,), frozenset(models or (MODEL,)))

    def certify(self, public: ec.EllipticCurvePublicKey, certificate: Certificate) -> bytes:
        """Certifies a model's attestation key; DER."""
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "CM"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Maker of the tests"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, certificate.unit),
                x509.NameAttribute(NameOID.COMMON_NAME, "Attestation"),
            ]
        )
        builder = self._builder(subject, public, certificate.until)
        if certificate.ca is not None:
            builder = builder.add_extension(
                x509.BasicConstraints(ca=certificate.ca, path_length=None), critical=True
            )
        if certificate.model is not None:
            value = b"\x04\x10" + UUID(certificate.model).bytes
            builder = builder.add_extension(
                x509.UnrecognizedExtension(_MODEL_EXTENSION, value), critical=False
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, until: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_FROM)
            .not_valid_after(until)
        )


@dataclass
class Alterations:
    """What differs from an honest ceremony; each is applied before anything is signed."""

    flags: int | None = None
    client_data: dict[str, Any] = field(default_factory=dict)
    without_client_data: tuple[str, ...] = ()
    statement: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    format: str = "packed"
    outer: dict[str, Any] = field(default_factory=dict)
    inner: dict[str, Any] = field(default_factory=dict)
    public_key: Callable[[dict[int, Any]], dict[int, Any]] | None = None
    raw_client_data: bytes | None = None
    credential_id: bytes | None = None


HONEST = Alterations()


class SecurityKey:
    """One security key with one credential.

    Args:
        maker: whose root stands above its attestation.
        algorithm: COSE identifier of its credential.
        certificate: what its attestation certificate says.
        model: the AAGUID that it says of itself.
    """

    def __init__(
        self,
        maker: Maker,
        algorithm: int = ES256,
        certificate: Certificate | None = None,
        model: str = MODEL,
    ) -> None:
        self.algorithm = algorithm
        self.credential_id = token_bytes(32)
        self.count = 0
        self.model = model
        self._attestation = ec.generate_private_key(ec.SECP256R1())
        self._certificate = maker.certify(
            self._attestation.public_key(), certificate or Certificate()
        )
        self._make_credential()

    def create(self, challenge: bytes, party: RelyingParty, changes: Alterations = HONEST) -> bytes:
        """Answers `navigator.credentials.create()`; the JSON that a page would send."""
        client_data = _client_data("webauthn.create", challenge, party, changes)
        public = self._public
        if changes.public_key is not None:
            public = changes.public_key(dict(public))
        attested = (
            UUID(self.model).bytes
            + len(self.credential_id).to_bytes(2, "big")
            + self.credential_id
            + cbor2.dumps(public, canonical=True)
        )
        data = self._data(party, changes, PRESENT | VERIFIED | ATTESTED) + attested
        signature = self._attestation.sign(
            data + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256())
        )
        statement: dict[str, Any] = {"alg": ES256, "sig": signature, "x5c": [self._certificate]}
        if changes.statement is not None:
            statement = changes.statement(statement)
        attestation = cbor2.dumps(
            {"fmt": changes.format, "attStmt": statement, "authData": data}, canonical=True
        )
        return self._answer(
            {
                "clientDataJSON": b64url(client_data),
                "attestationObject": b64url(attestation),
                "transports": ["usb"],
            },
            changes,
        )

    def get(self, challenge: bytes, party: RelyingParty, changes: Alterations = HONEST) -> bytes:
        """Answers `navigator.credentials.get()`."""
        client_data = _client_data("webauthn.get", challenge, party, changes)
        self.count += 1
        data = self._data(party, changes, PRESENT | VERIFIED)
        return self._answer(
            {
                "clientDataJSON": b64url(client_data),
                "authenticatorData": b64url(data),
                "signature": b64url(self._sign(data + sha256(client_data).digest())),
                "userHandle": b64url(b"whoever"),
            },
            changes,
        )

    def _make_credential(self) -> None:
        if self.algorithm == ES256:
            key = ec.generate_private_key(ec.SECP256R1())
            self.private: Any = key
            numbers = key.public_key().public_numbers()
            x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
            self._sign: Callable[[bytes], bytes] = lambda data: key.sign(
                data, ec.ECDSA(hashes.SHA256())
            )
            self._public: dict[int, Any] = {1: 2, 3: ES256, -1: 1, -2: x, -3: y}
        elif self.algorithm in _MLDSA:
            lattice = _MLDSA[self.algorithm].generate()
            self._sign = lattice.sign
            self._public = {1: 7, 3: self.algorithm, -1: lattice.public_key().public_bytes_raw()}
        else:
            edwards = ed25519.Ed25519PrivateKey.generate()
            self._sign = edwards.sign
            public = edwards.public_key().public_bytes_raw()
            self._public = {1: 1, 3: self.algorithm, -1: 6, -2: public}

    def _data(self, party: RelyingParty, changes: Alterations, flags: int) -> bytes:
        flags = flags if changes.flags is None else changes.flags
        return sha256(party.id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, inner: dict[str, Any], changes: Alterations) -> bytes:
        name = b64url(changes.credential_id or self.credential_id)
        outer = {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {},
            "response": {**inner, **changes.inner},
            **changes.outer,
        }
        return json.dumps(outer).encode()


def _client_data(
    ceremony: str, challenge: bytes, party: RelyingParty, changes: Alterations
) -> bytes:
    if changes.raw_client_data is not None:
        return changes.raw_client_data
    members = {
        "type": ceremony,
        "challenge": b64url(challenge),
        "origin": party.origins[0],
        "crossOrigin": False,
        **changes.client_data,
    }
    return json.dumps(
        {name: value for name, value in members.items() if name not in changes.without_client_data},
        separators=(",", ":"),
    ).encode()
