"""Opens a custodian by its URI. One scheme, one line of the table.

memory:              keys made now and forgotten with the process, for tests and plays
file:/path/store     keys of a store, opened in this process
worker:/path/socket  keys of another process (keys.custody.worker)
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from keys.custody.core import Custody
from keys.custody.remote import RemoteCustodian
from keys.custody.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.custody.protocol import Custodian

_MEMORY_POST: Final = "MINREX"
_MEMORY_FROM: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MEMORY_UNTIL: Final = datetime(2100, 1, 1, tzinfo=UTC)


def open_custodian(
    uri: str, secrets: Callable[[str], bytes], *, production: bool = False
) -> Custodian:
    """Opens the custodian that `uri` names.

    Args:
        uri: `memory:` or `memory:POST`, `file:/absolute/store`, `worker:/absolute/socket`, or
            `pkcs11:/absolute/store?module-path=SO&pin-source=FILE&credential=FILE`: a store whose
            credential a hardware security module seals.
        secrets: asked for the credential of a store, with the URI, when the scheme needs one.
        production: whether keys must be with a process of their own.

    Raises:
        ValueError: an unknown scheme, a path that is not absolute, or keys in this very process
            although it is production.
        StoreUnsafe, StoreInvalid: the store does not open.
        OSError: it cannot be read.
    """
    scheme, _, rest = uri.partition(":")
    try:
        opener = _SCHEMES[scheme]
    except KeyError:
        known = ", ".join(sorted(_SCHEMES))
        raise ValueError(f"a custodian's URI begins with one of {known}, then a colon") from None
    if production and scheme not in _APART:
        raise ValueError(f"in production a custodian is not opened by {scheme}:")
    return opener(uri, rest, secrets)


def no_secret(uri: str) -> bytes:
    """For schemes that need no secret.

    Raises:
        ValueError: always: the scheme of `uri` does.
    """
    raise ValueError(f"{uri} needs a credential")


def _open_memory(_uri: str, rest: str, _secrets: Callable[[str], bytes]) -> Custodian:
    return Custody.generate(
        rest or _MEMORY_POST, valid_from=_MEMORY_FROM, valid_until=_MEMORY_UNTIL
    )


def _open_file(uri: str, rest: str, secrets: Callable[[str], bytes]) -> Custodian:
    return open_store(_absolute(rest), secrets(uri))


def _open_worker(_uri: str, rest: str, _secrets: Callable[[str], bytes]) -> Custodian:
    return RemoteCustodian(_absolute(rest))


def _open_pkcs11(_uri: str, rest: str, _secrets: Callable[[str], bytes]) -> Custodian:
    # Loads the module's library, which few installations have.
    from keys.custody.hsm import Module, read_wrapped  # noqa: PLC0415  loads the library

    store, _, query = rest.partition("?")
    named = dict(parse_qsl(query))
    if set(named) != {"module-path", "pin-source", "credential"}:
        raise ValueError("pkcs11: takes module-path, pin-source and credential")
    module = Module(_absolute(named["module-path"]), _absolute(named["pin-source"]))
    return open_store(_absolute(store), read_wrapped(_absolute(named["credential"]), module))


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValueError("a custodian's path is absolute")
    return path


_APART: Final = frozenset({"worker"})
_SCHEMES: Final = {
    "memory": _open_memory,
    "file": _open_file,
    "worker": _open_worker,
    "pkcs11": _open_pkcs11,
}
