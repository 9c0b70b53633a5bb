"""Posts' certificates: the one shape that is made and read, and every other one refused."""

import os
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.certificates import (
    LIFE_MAX,
    ClientCertificateInvalid,
    ClientCertificateNotInForce,
    ClientKey,
    ClientKeyMalformed,
    authorities_of,
    from_pem,
    make_authority,
    make_client_certificate,
    pem,
    present,
    read_client_certificate,
)
from keys.custody.client_authority import ClientAuthority
from keys.custody.core import Custody
from keys.jws import ApiKey

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
POST_KEY = ApiKey.generate()
# The tests' own authority: its key can also sign what ours never would.
AUTHORITY_KEY = ec.generate_private_key(ec.SECP384R1())
AUTHORITY = make_authority(AUTHORITY_KEY, "MINREX")


def client(key: ApiKey = POST_KEY, post: str = "PARIS") -> ClientKey:
    jwk = key.public_jwk()
    return ClientKey(post, jwk["x"], jwk["y"], NOW, NOW + timedelta(days=7))


def made(key: ApiKey = POST_KEY) -> bytes:
    return make_client_certificate(AUTHORITY_KEY, AUTHORITY, client(key))


@dataclass(frozen=True)
class Sheet:
    """A certificate like ours, each part of which can be changed; the authority signs any."""

    public: Any
    subject: str = "PARIS"
    issuer: str = "Posts of MINREX"
    begins: datetime = NOW
    ends: datetime = NOW + timedelta(days=7)
    extensions: tuple[tuple[Any, bool], ...] = ()
    signer: Any = AUTHORITY_KEY
    hash: Any = field(default_factory=SHA384)

    def signed(self) -> bytes:
        builder = x509.CertificateBuilder(
            common(self.issuer), common(self.subject), self.public, 77, self.begins, self.ends
        )
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.signer, self.hash).public_bytes(Encoding.DER)


def common(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


RIGHT = x509.load_der_x509_certificate(made())
SHEET = Sheet(RIGHT.public_key(), extensions=tuple((e.value, e.critical) for e in RIGHT.extensions))


def with_extension(place: int, value: Any, *, critical: bool = True) -> Sheet:
    extensions = list(SHEET.extensions)
    extensions[place] = (value, critical)
    return replace(SHEET, extensions=tuple(extensions))


def without(place: int) -> Sheet:
    return replace(SHEET, extensions=SHEET.extensions[:place] + SHEET.extensions[place + 1 :])


def usage(**changes: bool) -> x509.KeyUsage:
    named = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    return x509.KeyUsage(**{"digital_signature": True, **named, **changes})


def names(*uris: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris])


def beside(extension: Any, *, critical: bool) -> Sheet:
    return replace(SHEET, extensions=(*SHEET.extensions, (extension, critical)))


OTHER_CURVE = ec.generate_private_key(ec.SECP384R1())
URN = "urn:depeche:post:"
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
DEFECTS: dict[str, Callable[[], Sheet]] = {
    "another signer": lambda: replace(SHEET, signer=OTHER_CURVE),
    "another issuer": lambda: replace(SHEET, issuer="Posts of LOME"),
    "sha-256": lambda: replace(SHEET, hash=SHA256()),
    "lives nine days": lambda: replace(SHEET, ends=NOW + LIFE_MAX + timedelta(seconds=1)),
    "two common names": lambda: replace(SHEET, subject="PARIS,CN=LOME"),
    "no post": lambda: replace(SHEET, subject="paris"),
    "rsa": lambda: replace(SHEET, public=rsa.generate_private_key(65537, 2048).public_key()),
    "ed25519": lambda: replace(SHEET, public=ed25519.Ed25519PrivateKey.generate().public_key()),
    "p-384": lambda: replace(SHEET, public=OTHER_CURVE.public_key()),
    "an authority": lambda: with_extension(0, x509.BasicConstraints(ca=True, path_length=0)),
    "constraints not critical": lambda: with_extension(0, SHEET.extensions[0][0], critical=False),
    "no constraints": lambda: without(0),
    "no key usage": lambda: without(1),
    "signs certificates": lambda: with_extension(1, usage(key_cert_sign=True)),
    "agrees keys": lambda: with_extension(1, usage(key_agreement=True)),
    "no extended usage": lambda: without(2),
    "of a server": lambda: with_extension(
        2, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    ),
    "of a server too": lambda: with_extension(
        2,
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
    ),
    "any usage": lambda: with_extension(
        2, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    ),
    "no alternative name": lambda: without(3),
    "another's name": lambda: with_extension(3, names(f"{URN}LOME"), critical=False),
    "two names": lambda: with_extension(3, names(f"{URN}PARIS", f"{URN}LOME"), critical=False),
    "a host's name": lambda: with_extension(
        3, x509.SubjectAlternativeName([x509.DNSName("PARIS")]), critical=False
    ),
    "no authority's key": lambda: without(4),
    "unknown, critical": lambda: beside(UNKNOWN, critical=True),
    "unknown": lambda: beside(UNKNOWN, critical=False),
    "constrains names": lambda: beside(
        x509.NameConstraints([x509.DNSName("example")], None), critical=True
    ),
    "twice another order": lambda: replace(SHEET, extensions=SHEET.extensions[::-1]),
}


def test_the_custodian_certifies_a_posts_key() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    custody = Custody.generate("MINREX", valid_from=now, valid_until=now + timedelta(days=300))
    wanted = replace(client(), valid_from=now, valid_until=now + timedelta(days=7))

    certificate = custody.certify_client_key(wanted.encode())
    read = read_client_certificate(certificate, custody.client_authority())

    assert (read.post, read.client) == ("PARIS", POST_KEY.thumbprint())
    read.require_in_force(now)
    read.require_in_force(wanted.valid_until)
    for wrong in (now - timedelta(seconds=1), wanted.valid_until + timedelta(seconds=1)):
        with pytest.raises(ClientCertificateNotInForce):
            read.require_in_force(wrong)


def test_the_authority_is_always_the_same_one_and_of_its_own_seed() -> None:
    first, again, other = (
        ClientAuthority(seed, "MINREX") for seed in (bytes(32), bytes(32), b"\x01" * 32)
    )
    assert first.certificate == again.certificate != other.certificate
    certificate = first.certify(client().encode(), NOW)
    read_client_certificate(certificate, again.certificate)
    with pytest.raises(ClientCertificateInvalid):
        read_client_certificate(certificate, other.certificate)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: replace(client(), valid_until=NOW),
        lambda: replace(client(), valid_until=NOW + LIFE_MAX + timedelta(seconds=1)),
        lambda: replace(client(), post="paris"),
        lambda: replace(client(), x="A" * 42),
        lambda: replace(client(), x="A" * 43),
        lambda: replace(client(), x=client().x[:-1] + chr(ord(client().x[-1]) + 1)),
        lambda: replace(client(), valid_from=NOW + timedelta(minutes=6)),
        lambda: replace(
            client(),
            valid_from=NOW + timedelta(minutes=4),
            valid_until=NOW + LIFE_MAX + timedelta(minutes=1),
        ),
    ],
    ids=["no time", "nine days", "no post", "short", "no point", "spelling", "later", "too late"],
)
def test_what_is_no_posts_key_is_not_certified(wrong: Callable[[], ClientKey]) -> None:
    authority = ClientAuthority(bytes(32), "MINREX")
    with pytest.raises(ClientKeyMalformed):
        authority.certify(wrong().encode(), NOW)


def test_the_sheet_of_these_tests_is_ours_when_nothing_is_changed() -> None:
    read_client_certificate(SHEET.signed(), AUTHORITY)


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS.keys())
def test_a_certificate_with_a_defect_is_refused(defect: Callable[[], Sheet]) -> None:
    """The authority's own key signed it: only what it says is wrong."""
    sheet = defect()
    with pytest.raises(ClientCertificateInvalid):
        read_client_certificate(sheet.signed(), AUTHORITY)


def test_the_authority_itself_is_no_post() -> None:
    with pytest.raises(ClientCertificateInvalid):
        read_client_certificate(AUTHORITY, AUTHORITY)


def test_no_certificate_with_a_changed_byte_is_read() -> None:
    certificate, chance = made(), random.Random(15)
    bits = range(8 * len(certificate))
    for bit in bits if os.environ.get("GATES") == "full" else chance.sample(bits, 500):
        changed = bytearray(certificate)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ClientCertificateInvalid):
            read_client_certificate(bytes(changed), AUTHORITY)
    while certificate[-1] & 1:
        certificate = made()
    unused = bytearray(certificate)
    signature = x509.load_der_x509_certificate(certificate).signature
    unused[-len(signature) - 1] = 1  # the last bit, which is zero, called unused
    for broken in (bytes(unused), b"", certificate[:-1], certificate + b"\x00", certificate * 2):
        with pytest.raises(ClientCertificateInvalid):
            read_client_certificate(broken, AUTHORITY)


def test_a_pem_holds_one_certificate() -> None:
    certificate = made()
    assert from_pem(pem(certificate)) == certificate
    for wrong in ("", "PARIS", "é", pem(certificate) + pem(AUTHORITY)):
        with pytest.raises(ClientCertificateInvalid):
            from_pem(wrong)


def test_only_the_key_of_a_certificate_presents_it() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    present(context, POST_KEY, made())
    with pytest.raises(ssl.SSLError):
        present(context, ApiKey.generate(), made())


@pytest.mark.parametrize("bundle", [b"", b"x", b"-----BEGIN CERTIFICATE-----\n"])
def test_what_is_no_pem_names_no_authority(bundle: bytes) -> None:
    with pytest.raises(ClientCertificateInvalid):
        authorities_of(bundle)
