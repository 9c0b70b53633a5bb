"""Certificates by which posts' machines show themselves in TLS (RFC 5280, RFC 8705).

A certificate says one thing: this P-256 key, a post's API key, is the post's, for a few days. Its
shape is fixed to the last extension, so that reading one is comparing it with the only certificate
that could be right: there is no chain, no policy and no extension that could be read otherwise.

    certificate = read_client_certificate(der, authority, now)
    present(context, api_key, der)          # at the post: what its TLS shows
"""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys import canonical
from keys.errors import Refusal
from keys.jws import (
    base64url,
    jwk_of,
    jwk_thumbprint,
    point_jwk,
    public_key_of,
    read_point,
)
from keys.records import POST
from keys.statements import encode_statement, parse_statement

if TYPE_CHECKING:
    import ssl

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from keys.jws import ApiKey
    from keys.records import Record

LIFE_MAX: Final = timedelta(days=8)

_TYPE: Final = "depeche/v1 client-key"
_URN: Final = "urn:depeche:post:"
# RFC 5280 §4.1.2.5: no well-defined end. Who trusts the authority trusts the custodian's key.
_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
_NO_END: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class ClientKeyMalformed(Refusal):
    """The statement of a post's key is not canonical JSON of the one shape, or lives too long."""

    code: ClassVar[str] = "CLIENT_KEY_MALFORMED"


class ClientCertificateInvalid(Refusal):
    """A certificate is not one that the authority of the posts makes."""

    code: ClassVar[str] = "CLIENT_CERTIFICATE_INVALID"


class ClientCertificateNotInForce(Refusal):
    """A certificate of the posts' authority has ended, or has not begun."""

    code: ClassVar[str] = "CLIENT_CERTIFICATE_NOT_IN_FORCE"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """What the service asks the custodian to certify.

    Attributes:
        post: code of the post.
        x: first coordinate of its API key, base64url without padding.
        y: second coordinate, likewise.
        valid_from: UTC, whole seconds, included.
        valid_until: UTC, whole seconds, included as X.509 has it; at most `LIFE_MAX` later.
    """

    post: str
    x: str
    y: str
    valid_from: datetime
    valid_until: datetime

    @property
    def jwk(self) -> dict[str, str]:
        """The key as a JWK of exactly kty, crv, x and y."""
        return point_jwk(self.x, self.y)

    def encode(self) -> bytes:
        """Gives the canonical bytes. Raises ClientKeyMalformed."""
        return encode_statement(self, _object_of, _read, ClientKeyMalformed)

    @classmethod
    def parse(cls, data: bytes) -> ClientKey:
        """Reads what `encode` gives; ClientKeyMalformed for anything else."""
        return parse_statement(data, _read, ClientKeyMalformed)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a certificate says.

    Attributes:
        post: code of the post.
        client: RFC 7638 thumbprint of its key.
        digest: SHA-256 of the certificate, base64url without padding (`x5t#S256`).
        valid_from: UTC, included.
        valid_until: UTC, included.
    """

    post: str
    client: str
    digest: str
    valid_from: datetime
    valid_until: datetime

    def require_in_force(self, time: datetime) -> None:
        """Raises ClientCertificateNotInForce outside the certificate's time."""
        if not self.valid_from <= time <= self.valid_until:
            raise ClientCertificateNotInForce(f"the certificate of {self.post} is not in force")


def make_authority(key: ec.EllipticCurvePrivateKey, bureau: str) -> bytes:
    """Makes the certificate of the posts' authority, DER: the same for the same key."""
    name, public = _name(f"Posts of {bureau}"), key.public_key()
    builder = (
        x509.CertificateBuilder(name, name, public, 1, _BEGINNING, _NO_END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    made = builder.sign(key, SHA384(), ecdsa_deterministic=True)
    return made.public_bytes(Encoding.DER)


def make_client_certificate(
    key: ec.EllipticCurvePrivateKey, authority: bytes, client: ClientKey
) -> bytes:
    """Makes a post's certificate, DER.

    Raises:
        ClientKeyMalformed: the coordinates are of no point of the curve.
    """
    try:
        public = public_key_of(client.jwk)
    except ValueError as error:
        raise ClientKeyMalformed(str(error)) from error
    issuer = x509.load_der_x509_certificate(authority)
    builder = _certificate(client, public, issuer, x509.random_serial_number())
    return builder.sign(key, SHA384()).public_bytes(Encoding.DER)


def read_client_certificate(data: bytes, authority: bytes) -> ClientCertificate:
    """Reads a post's certificate; its time is for `require_in_force`, its post for the directory.

    Args:
        data: DER.
        authority: the certificate of the posts' authority, DER, from the custodian.

    Raises:
        ClientCertificateInvalid: it is not, byte for byte, what the authority makes.
    """
    try:
        certificate = x509.load_der_x509_certificate(data)
        issuer = x509.load_der_x509_certificate(authority)
        certificate.verify_directly_issued_by(issuer)
        client, public = _client_of(certificate)
        again = _certificate(client, public, issuer, certificate.serial_number)
        # Only what is signed is compared, so that any key may sign it here.
        expected = again.sign(ec.generate_private_key(ec.SECP384R1()), SHA384())
    except Exception as error:  # the library's own have no common type; each means that it is none
        raise ClientCertificateInvalid("this is no certificate of the posts' authority") from error
    whole = data.endswith(b"\x00" + certificate.signature)  # no bit of it is called unused
    if not whole or expected.tbs_certificate_bytes != certificate.tbs_certificate_bytes:
        raise ClientCertificateInvalid("the certificate has another shape than the authority's own")
    return ClientCertificate(
        post=client.post,
        client=jwk_thumbprint(client.jwk),
        digest=base64url(sha256(data).digest()),
        valid_from=client.valid_from,
        valid_until=client.valid_until,
    )


def pem(data: bytes) -> str:
    """Gives a certificate's PEM, as proxies take it."""
    return x509.load_der_x509_certificate(data).public_bytes(Encoding.PEM).decode("ascii")


def from_pem(text: str) -> bytes:
    """Gives the DER of the one certificate of a PEM. Raises ClientCertificateInvalid."""
    try:
        (certificate,) = x509.load_pem_x509_certificates(text.encode("ascii"))
    except (ValueError, x509.InvalidVersion) as error:
        raise ClientCertificateInvalid("this is not the PEM of one certificate") from error
    return certificate.public_bytes(Encoding.DER)


def authorities_of(bundle: bytes) -> tuple[bytes, ...]:
    """Takes apart what `Custodian.client_authorities` gives: each certificate's DER.

    Raises:
        ClientCertificateInvalid: it is no PEM of certificates.
    """
    try:
        found = x509.load_pem_x509_certificates(bundle)
    except (ValueError, x509.InvalidVersion) as error:
        raise ClientCertificateInvalid("this is no PEM of certificates") from error
    return tuple(each.public_bytes(Encoding.DER) for each in found)


def present(context: ssl.SSLContext, key: ApiKey, certificate: bytes) -> None:
    """Lets TLS show a certificate and prove its key.

    The library takes keys from files only: this one is enciphered under a password that exists
    nowhere but here, and gone when the key is loaded.

    Raises:
        ssl.SSLError: the key is another than the certificate's.
    """
    password = secrets.token_hex(32).encode("ascii")
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem(certificate).encode("ascii") + key.enciphered_pem(password))
        file.flush()
        context.load_cert_chain(file.name, password=password)


def _client_of(certificate: x509.Certificate) -> tuple[ClientKey, CertificatePublicKeyTypes]:
    """Takes from a certificate what may differ between two; all else is compared."""
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ClientCertificateInvalid("the certificate's key is on no curve")
    jwk = jwk_of(public)
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    client = ClientKey(
        str(name.value),
        jwk["x"],
        jwk["y"],
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )
    # The statement's own reader judges names and times.
    return ClientKey.parse(client.encode()), public


def _certificate(
    client: ClientKey,
    public: CertificatePublicKeyTypes,
    issuer: x509.Certificate,
    serial: int,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(
        issuer.subject,
        _name(client.post),
        public,
        serial,
        client.valid_from,
        client.valid_until,
    )
    name = x509.UniformResourceIdentifier(f"{_URN}{client.post}")
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False
        )
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _object_of(client: ClientKey) -> dict[str, Any]:
    return {
        "v": 1,
        "type": _TYPE,
        "post": client.post,
        "jwk": client.jwk,
        "valid_from": canonical.text_from_time(client.valid_from),
        "valid_until": canonical.text_from_time(client.valid_until),
    }


def _read(record: Record) -> ClientKey:
    record.constant("v", 1)
    record.constant("type", _TYPE)
    x, y = read_point(record.record("jwk"))
    client = ClientKey(
        post=record.text("post", POST),
        x=x,
        y=y,
        valid_from=record.time("valid_from"),
        valid_until=record.time("valid_until"),
    )
    record.close()
    if not timedelta(0) < client.valid_until - client.valid_from <= LIFE_MAX:
        raise ValueError(f"a certificate of a post lives at most {LIFE_MAX.days} days")
    return client
