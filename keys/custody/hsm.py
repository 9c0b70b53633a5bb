"""A store's credential held by a hardware security module, over PKCS#11.

    python -m keys.custody.hsm wrap  --module SO --pin FILE --token LABEL
                                     --credential FILE --out FILE
    python -m keys.custody.hsm check --module SO --pin FILE --wrapped FILE

The module makes an AES-256 key that never leaves it (not extractable, sensitive) and seals the
credential under it by AES-GCM. Whoever takes the disk, with store and wrapped credential, opens
nothing without the module and its PIN. The keys themselves are unwrapped into the custodian's
memory, as with any credential: the module that is tested here does neither ML-KEM with X25519 nor
ML-DSA, so that it cannot hold the bureau's keys and use them.

    wrapped = {"v": 1, "type": "depeche/v1 hsm-credential", "token", "key", "nonce", "sealed"}

Exit status: 0 done, 1 refused (named on stderr), 3 the module or the system failed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pkcs11
from pkcs11 import KeyType, Mechanism, ObjectClass
from pkcs11.constants import Attribute
from pkcs11.mechanisms import GCMParams

from keys import canonical
from keys.custody.errors import HsmCredentialInvalid, HsmUnavailable
from keys.custody.files import read_private
from keys.exits import exit_status
from keys.files import write_new
from keys.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TYPE: Final = "depeche/v1 hsm-credential"
_NONCE_BYTES: Final = 12
_TAG_BITS: Final = 128
_KEY_BITS: Final = 256
_BYTES_MAX: Final = 4096


@dataclass(frozen=True)
class Module:
    """Where a module is, and how it is opened.

    Attributes:
        path: the PKCS#11 library, an absolute path.
        pin: file with the user's PIN, private to this user.
    """

    path: Path
    pin: Path


def wrap(credential: bytes, module: Module, token: str) -> bytes:
    """Seals a credential under a new key of the module.

    Args:
        credential: what `keys.custody.store.read_credential` gives.
        module: which one.
        token: label of the token in it.

    Returns:
        The bytes of the wrapped credential's file.

    Raises:
        HsmUnavailable: the module, the token or the PIN.
    """
    label, nonce = f"custodian-{secrets.token_hex(8)}", secrets.token_bytes(_NONCE_BYTES)
    with _session(module, token, writing=True) as session:
        key = session.generate_key(
            KeyType.AES,
            _KEY_BITS,
            label=label,
            store=True,
            template={Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True},
        )
        sealed = key.encrypt(
            credential,
            mechanism=Mechanism.AES_GCM,
            mechanism_param=GCMParams(nonce, _aad(token, label), _TAG_BITS),
        )
    return canonical.encode(
        {
            "v": 1,
            "type": _TYPE,
            "token": token,
            "key": label,
            "nonce": canonical.text_from_bytes(nonce),
            "sealed": canonical.text_from_bytes(sealed),
        }
    )


def unwrap(wrapped: bytes, module: Module) -> bytes:
    """Gives the credential that the module seals.

    Raises:
        HsmCredentialInvalid: the file is not one, was altered, or is of another module.
        HsmUnavailable: the module, the token or the PIN.
    """
    token, label, nonce, sealed = _read(wrapped)
    with _session(module, token, writing=False) as session:
        try:
            key = session.get_key(
                object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=label
            )
        except pkcs11.NoSuchKey as error:
            raise HsmCredentialInvalid(f"the token {token} has no key {label}") from error
        try:
            credential: bytes = key.decrypt(
                sealed,
                mechanism=Mechanism.AES_GCM,
                mechanism_param=GCMParams(nonce, _aad(token, label), _TAG_BITS),
            )
        except pkcs11.PKCS11Error as error:
            raise HsmCredentialInvalid("the wrapped credential was altered") from error
    return credential


def read_wrapped(path: Path, module: Module) -> bytes:
    """Gives the credential of a wrapped file; see `unwrap`.

    Raises:
        StoreUnsafe: others could read or exchange the file.
        OSError: it cannot be read.
    """
    return unwrap(read_private(path, owners={os.geteuid(), 0}), module)


def main(arguments: Sequence[str] | None = None) -> int:
    """Wraps a credential, or checks that one opens; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m keys.custody.hsm")
    commands = parser.add_subparsers(dest="command", required=True)
    wrapping, checking = commands.add_parser("wrap"), commands.add_parser("check")
    for each in (wrapping, checking):
        each.add_argument("--module", type=Path, required=True)
        each.add_argument("--pin", type=Path, required=True)
    wrapping.add_argument("--token", required=True)
    wrapping.add_argument("--credential", type=Path, required=True)
    wrapping.add_argument("--out", type=Path, required=True)
    checking.add_argument("--wrapped", type=Path, required=True)
    options = parser.parse_args(arguments)
    os.umask(0o077)
    return exit_status(lambda: _wrap_or_check(options))


def _wrap_or_check(options: argparse.Namespace) -> None:
    module = Module(options.module, options.pin)
    if options.command == "wrap":
        credential = read_private(options.credential, owners={os.geteuid(), 0}).strip()
        write_new(options.out, wrap(credential, module, options.token))
    read_wrapped(options.out if options.command == "wrap" else options.wrapped, module)


@contextmanager
def _session(module: Module, token: str, *, writing: bool) -> Iterator[Any]:
    pin = read_private(module.pin, owners={os.geteuid(), 0}).strip().decode()
    try:
        library = pkcs11.lib(str(module.path))
        found = library.get_token(token_label=token)
        session = found.open(user_pin=pin, rw=writing)
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise HsmUnavailable(f"the module does not open {token}: {type(error).__name__}") from error
    try:
        yield session
    finally:
        session.close()


def _aad(token: str, label: str) -> bytes:
    return canonical.encode([_TYPE, token, label])


def _read(wrapped: bytes) -> tuple[str, str, bytes, bytes]:
    if len(wrapped) > _BYTES_MAX:
        raise HsmCredentialInvalid("a wrapped credential is short")
    try:
        record = Record(canonical.decode(wrapped), "wrapped credential")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        token, label = record.any_text("token"), record.any_text("key")
        nonce = record.octets("nonce", _NONCE_BYTES)
        sealed = canonical.bytes_from_text(record.any_text("sealed"))
        record.close()
    except ValueError as error:
        raise HsmCredentialInvalid(f"this is no wrapped credential: {error}") from error
    return token, label, nonce, sealed


if __name__ == "__main__":
    sys.exit(main())
