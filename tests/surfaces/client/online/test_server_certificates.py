"""Whom a post believes to be its ministry's server: every defect of a certificate ends the talk."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server, socket
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cipher_service.client.online_refusals import Unreachable
from cipher_service.client.transport import Transport

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
ROOT, MIDDLE, STRANGER, SERVER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - a defect to be refused


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def dns(*hosts: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])


def usage(*whats: x509.ObjectIdentifier) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage(whats)


@dataclass(frozen=True)
class Sheet:
    """What a certificate says, and who signs it."""

    subject: str
    key: Any
    issuer: str = "Root"
    signer: Any = ROOT
    begins: datetime = NOW - DAY
    ends: datetime = NOW + DAY
    extensions: tuple[x509.ExtensionType, ...] = field(default=())

    def signed(self) -> bytes:
        builder = x509.CertificateBuilder(
            name(self.issuer),
            name(self.subject),
            self.key.public_key(),
            x509.random_serial_number(),
            self.begins,
            self.ends,
        )
        for extension in self.extensions:
            critical = isinstance(extension, x509.BasicConstraints | x509.NameConstraints)
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.signer, SHA256()).public_bytes(Encoding.PEM)


AUTHORITY = x509.BasicConstraints(ca=True, path_length=None)
ROOT_SHEET = Sheet("Root", ROOT, extensions=(AUTHORITY,))
LEAF = Sheet("localhost", SERVER, extensions=(dns("localhost"),))
MIDDLE_SHEET = Sheet("Middle", MIDDLE, extensions=(AUTHORITY,))
BELOW = replace(LEAF, issuer="Middle", signer=MIDDLE)


@dataclass(frozen=True)
class Chain:
    """What a server shows, and the authority that its post was given."""

    leaf: Sheet
    between: tuple[Sheet, ...] = ()
    root: Sheet = ROOT_SHEET
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3


def with_middle(*extensions: x509.ExtensionType, **changes: Any) -> Chain:
    return Chain(BELOW, (replace(MIDDLE_SHEET, extensions=extensions, **changes),))


def only(host: str) -> x509.NameConstraints:
    return x509.NameConstraints([x509.DNSName(host)], None)


def never(host: str) -> x509.NameConstraints:
    return x509.NameConstraints(None, [x509.DNSName(host)])


DEFECTS: dict[str, Chain] = {
    "another authority": Chain(replace(LEAF, signer=STRANGER)),
    "its own authority": Chain(replace(LEAF, issuer="localhost", signer=SERVER)),
    "ended": Chain(replace(LEAF, ends=NOW - timedelta(hours=1))),
    "not begun": Chain(replace(LEAF, begins=NOW + timedelta(hours=1))),
    "another host": Chain(replace(LEAF, extensions=(dns("ministry.example"),))),
    "a host below": Chain(replace(LEAF, extensions=(dns("a.localhost", "*.localhost"),))),
    "a name without the list": Chain(
        replace(LEAF, extensions=(usage(ExtendedKeyUsageOID.SERVER_AUTH),))
    ),
    "every host": Chain(replace(LEAF, extensions=(dns("*"),))),
    "of a client": Chain(
        replace(LEAF, extensions=(dns("localhost"), usage(ExtendedKeyUsageOID.CLIENT_AUTH)))
    ),
    "of programs": Chain(
        replace(LEAF, extensions=(dns("localhost"), usage(ExtendedKeyUsageOID.CODE_SIGNING)))
    ),
    "a weak key": Chain(replace(LEAF, key=WEAK)),
    "signed by a weak key": Chain(
        replace(LEAF, signer=WEAK), root=replace(ROOT_SHEET, key=WEAK, signer=WEAK)
    ),
    "no authority between": with_middle(x509.BasicConstraints(ca=False, path_length=None)),
    "an authority that says nothing": with_middle(),
    "an authority that ended": with_middle(AUTHORITY, ends=NOW - timedelta(hours=1)),
    "a missing authority": Chain(BELOW),
    "a path too long": Chain(
        BELOW,
        (MIDDLE_SHEET,),
        replace(ROOT_SHEET, extensions=(x509.BasicConstraints(ca=True, path_length=0),)),
    ),
    "a name not allowed": with_middle(AUTHORITY, only("ministry.example")),
    "a name forbidden": with_middle(AUTHORITY, never("localhost")),
    "an authority for clients": with_middle(AUTHORITY, usage(ExtendedKeyUsageOID.CLIENT_AUTH)),
    "tls 1.2": Chain(LEAF, version=ssl.TLSVersion.TLSv1_2),
}


@contextmanager
def serving(chain: Chain, folder: Path) -> Iterator[tuple[int, list[bytes]]]:
    """A TLS server on this machine; what it was asked, when a post talked to it at all."""
    file = folder / "server.pem"
    key = chain.leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key + chain.leaf.signed() + b"".join(s.signed() for s in chain.between))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # what a bad server shows, ours must judge
    context.maximum_version = chain.version
    context.load_cert_chain(file)
    heard: list[bytes] = []
    with create_server(("localhost", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, context, heard))
        thread.start()
        try:
            yield listener.getsockname()[1], heard
        finally:
            listener.shutdown(2)
            thread.join(60)


def _answer(listener: socket, context: ssl.SSLContext, heard: list[bytes]) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:  # the test is over
            return
        with plain:
            try:
                with context.wrap_socket(plain, server_side=True) as secured:
                    heard.append(secured.recv(65536))
                    secured.sendall(ANSWER)
            except OSError:  # the post hung up
                continue


def ask(chain: Chain, folder: Path) -> tuple[int, list[bytes]]:
    with (
        serving(chain, folder) as (port, heard),
        Transport(
            f"https://localhost:{port}", authority=chain.root.signed().decode(), pauses=()
        ) as transport,
    ):
        return transport.call("GET", "/v1/health").status, heard


@pytest.mark.parametrize(
    "right",
    [
        Chain(LEAF),
        with_middle(AUTHORITY),
        with_middle(AUTHORITY, only("localhost")),
        Chain(replace(LEAF, extensions=(dns("localhost"), usage(ExtendedKeyUsageOID.SERVER_AUTH)))),
    ],
    ids=["root", "one between", "allowed names", "of a server"],
)
def test_a_server_with_a_sound_certificate_is_talked_to(right: Chain, tmp_path: Path) -> None:
    """Or the refusals below would show nothing."""
    assert ask(right, tmp_path)[0] == 200


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS.keys())
def test_a_server_with_a_defect_hears_nothing(defect: Chain, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="NETWORK_GONE"):
        ask(defect, tmp_path)
