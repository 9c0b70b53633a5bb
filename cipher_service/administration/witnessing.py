"""The end of a controlled item, before two witnesses: who they are, and its record on paper."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cipher_service.administration.words import phrase
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.passphrases import passphrase_to_open, require_identity
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from keys.destruction import Destruction
from keys.identity import Identity, load_identity
from pouch.papers import forms
from pouch.papers.forms import Destroyed, Signatory

_TWO = 2


@dataclass(frozen=True, slots=True)
class Told:
    """What the paper tells besides the signed record: at whose order it was done, how and where."""

    ordered_by: str
    method: str
    place: str
    issuer: str
    reason: str


def witnesses_of(
    folders: Sequence[str], arguments: Namespace, terminal: Terminal
) -> tuple[Identity, Identity]:
    """Open the identities of the two witnesses.

    Raises:
        Misused: WITNESSES_TWO.
        KeysError: an identity does not open.
    """
    if len(folders) != _TWO:
        raise Misused("WITNESSES_TWO")
    first, second = map(Path, folders)
    for folder in (first, second):
        require_identity(folder)
    asked = passphrase_to_open(arguments.passphrase_file, terminal)
    return load_identity(first, asked), load_identity(second, asked)


def require_vacant(*paths: str | None) -> None:
    """Refuse names that are taken. Raises Refused FILE_EXISTS."""
    for path in filter(None, paths):
        if Path(path).exists():
            raise Refused("FILE_EXISTS", path=path)


def write_record(
    arguments: Namespace, terminal: Terminal, record: bytes, stated: Destruction, told: Told
) -> None:
    """Write the signed record to `--out`, and to `--paper` what the hands sign."""
    write_durably(Path(arguments.out), record)
    if arguments.paper is None:
        return
    witness = phrase("item_witness", terminal.language)
    paper = forms.Destruction(
        number=stated.reference,
        issuer=told.issuer,
        ordered_by=told.ordered_by,
        method=told.method.replace("'", "’"),  # as paper is set, not as terminals type
        destroyed=stated.at,
        place=told.place,
        objects=(Destroyed("controlled", f"{stated.item} : {stated.designation}", told.reason),),
        signatories=tuple(Signatory(witness, post) for post, _ in stated.witnesses),
    )
    level = default_scheme().papers["ceremony"].name(terminal.language)
    write_durably(Path(arguments.paper), forms.destruction_record(paper, terminal.language, level))
