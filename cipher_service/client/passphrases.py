"""How an identity is opened, and where its passphrase comes from.

A file named for a script comes first, else the terminal; never an argument. What is typed is
brought to Unicode NFC, so that two keyboards that spell `é` differently open the same identity; so
is what a file holds, when it is UTF-8. One line end at its end is not part of it.
"""

import getpass
import os
import unicodedata
import warnings
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from cipher_service.client.failures import Misused, Unavailable
from cipher_service.client.messages import phrase
from cipher_service.client.terminal import Terminal, plainly_encoded
from keys.identity import SECRET_AGE, SECRET_JSON, Identity, load_identity

VARIABLE = "CHIFFRE_PASSPHRASE_FILE"
_BYTES_MAX = 4096
_SHORT = 12


def open_identity(arguments: Namespace, terminal: Terminal) -> Identity:
    """Open the identity that `--identity` names.

    Raises:
        Unavailable: the folder is not one.
        Misused: a passphrase is needed and there is nowhere to ask for it.
        PassphraseWrong, IdentityInvalid, CardInvalid: it does not open, or is damaged.
        OSError: it cannot be read.
    """
    folder = Path(arguments.identity)
    require_identity(folder)
    return load_identity(folder, passphrase_to_open(arguments.passphrase_file, terminal))


def require_identity(folder: Path) -> None:
    """Raise Unavailable unless a folder holds an identity."""
    if not any((folder / name).exists() for name in (SECRET_AGE, SECRET_JSON)):
        raise Unavailable("IDENTITY_ABSENT", path=str(folder))


def passphrase_to_open(file: str | None, terminal: Terminal) -> Callable[[], bytes]:
    """Return what asks for the passphrase of an identity, once it turns out to be needed.

    Args:
        file: from `--passphrase-file`; the environment's CHIFFRE_PASSPHRASE_FILE comes second.
        terminal: whose language the question is in.

    Returns:
        A callable that raises Misused when there is nowhere to ask, OSError for the file.
    """
    place = file or os.environ.get(VARIABLE)
    return lambda: _read_file(Path(place)) if place else _ask("ask_passphrase", terminal)


def passphrase_to_create(file: str | None, terminal: Terminal) -> bytes:
    """Return a new passphrase; one that is typed is typed twice.

    Raises:
        Misused: it is empty or too long, the two differ, or there is nowhere to ask.
        OSError: the file cannot be read.
    """
    place = file or os.environ.get(VARIABLE)
    if place:
        return _read_file(Path(place))
    passphrase = _ask("ask_new_passphrase", terminal)
    if _ask("ask_passphrase_again", terminal) != passphrase:
        raise Misused("PASSPHRASES_DIFFER")
    if len(passphrase) < _SHORT:
        terminal.say("short_passphrase")
    return passphrase


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_BYTES_MAX + 1)
    return _checked(data.removesuffix(b"\n").removesuffix(b"\r"), str(path))


def _ask(question: str, terminal: Terminal) -> bytes:
    with warnings.catch_warnings():
        # Without a terminal getpass would warn and read in the open: that is refused instead.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            typed = getpass.getpass(plainly_encoded(phrase(question, terminal.language)))
        except (getpass.GetPassWarning, EOFError, OSError) as error:
            raise Misused("PASSPHRASE_UNAVAILABLE") from error
    return _checked(typed.encode(errors="surrogateescape"), "-")


def _checked(passphrase: bytes, path: str) -> bytes:
    if not passphrase:
        raise Misused("PASSPHRASE_EMPTY")
    if len(passphrase) > _BYTES_MAX:
        raise Misused("PASSPHRASE_TOO_LONG", most=_BYTES_MAX, path=path)
    try:
        return unicodedata.normalize("NFC", passphrase.decode()).encode()
    except UnicodeDecodeError:
        return passphrase
