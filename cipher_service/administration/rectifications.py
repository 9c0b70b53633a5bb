"""`cipher-service pouch rectify`: a sealed bordereau is put right by two, and its receiver told."""

from argparse import Namespace
from pathlib import Path

from cipher_service.administration.bureau import bureau_of
from cipher_service.administration.installation import Installation
from cipher_service.administration.pouches import OfficeHere, at_desk, hire_of, new_folder, tell
from cipher_service.administration.words import Speaker
from cipher_service.client.durable import write_durably
from cipher_service.client.passphrases import open_identity
from cipher_service.client.terminal import Terminal
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import rectified_notices, rectifying
from cipher_service.pouches.rectifying import Correction, Issued
from keys.errors import KeysError
from pouch.papers.correction import rectification_paper
from pouch.papers.folder import RECTIFICATION, RECTIFICATION_PAPER


def rectify(arguments: Namespace, terminal: Terminal) -> None:
    """Put a bordereau right by two persons, write its file and paper, and tell the receiver."""
    second = Namespace(
        identity=arguments.witness, passphrase_file=arguments.witness_passphrase_file
    )
    witness = None if arguments.witness is None else open_identity(second, terminal)
    out = new_folder(arguments.output)
    correction = Correction(tuple(arguments.set), arguments.reason)
    with at_desk(arguments, terminal) as (installation, office):
        issued = rectifying.rectify(
            office,
            arguments.bag,
            correction,
            by=arguments.by,
            second=arguments.approver,
            witness=witness,
        )
        names = write(issued, out, terminal)
        told = _announce(installation, office, issued.statement.seal, arguments, terminal)
    statement = issued.statement
    facts = {
        "seal": statement.seal,
        "number": statement.number,
        "ordinal": statement.ordinal,
        "hash": statement.hash,
        "folder": str(out),
        "files": names,
        "announcement": told,
    }
    tell(terminal, "pouch_rectified", facts, number=statement.number, folder=str(out))


def write(issued: Issued, out: Path, terminal: Terminal) -> list[str]:
    """Write a rectification's file and paper into a folder; return their names."""
    language = terminal.language
    paper = rectification_paper(
        issued.statement,
        issued.sealed.manifest,
        language,
        levels=default_scheme().level_names(language),
        witnessed=issued.witnessed,
        second=issued.second,
    )
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = {RECTIFICATION: issued.file + b"\n", RECTIFICATION_PAPER: paper}
    for name, content in written.items():
        write_durably(out / name, content)
    return sorted(written)


def _announce(
    installation: Installation,
    office: OfficeHere,
    seal: str,
    arguments: Namespace,
    terminal: Terminal,
) -> str | None:
    """Tell the receiver; a rectification that is on record stays so when that fails."""
    try:
        with bureau_of(installation, hire_of(arguments, terminal), office.journal) as bureau:
            told = rectified_notices.announce_all(
                office, bureau, [seal], by=arguments.by, authority=arguments.approver
            )
    except (ServiceError, KeysError) as error:
        Speaker(terminal).say("pouch_rectified_untold", code=error.code)
        return None
    return told[-1].dispatch_id if told else None
