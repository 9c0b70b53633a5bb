"""`cipher-service pouch`: headquarters' pouch bureau packs, seals and announces (article 15)."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cipher_service.administration import presence
from cipher_service.administration.bureau import Hire, bureau_of
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    opened,
)
from cipher_service.administration.officer_keys import AtHand, answer_of, hand_of
from cipher_service.administration.words import Speaker
from cipher_service.audit.journal import Journal
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Misused
from cipher_service.client.passphrases import open_identity
from cipher_service.client.terminal import Terminal
from cipher_service.directory import officers
from cipher_service.directory.enrolment import introduction
from cipher_service.directory.register import read_directory
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import (
    announcing,
    closing,
    dossiers,
    handing_in,
    packing,
    planning,
    rectified_notices,
    signing,
)
from cipher_service.pouches.closing import Closure
from cipher_service.pouches.handing_in import Piece
from cipher_service.pouches.office import Office
from cipher_service.pouches.signing import Kept
from keys.endorsement import read_introduction, root_fingerprint
from keys.errors import KeysError
from pouch.errors import LocatorWrong
from pouch.locator import grouped_locator, read_locator
from pouch.manifest import BagClass, ItemKind
from pouch.papers.folder import RECTIFICATION, RECTIFICATION_PAPER, bag_folder


@dataclass(frozen=True)
class OfficeHere(Office):
    """The pouch bureau as a command has it: what is done stands in the journal of who signed."""

    journal: Journal


@contextmanager
def at_desk(arguments: Namespace, terminal: Terminal) -> Iterator[tuple[Installation, OfficeHere]]:
    """Open an installation and its pouch bureau; the custodian is the running service's.

    Those whom the command names sign it before anything of it is done or shown; what the custodian
    asks officers for, they grant. A look that names nobody is the account's, and stands in the log.
    """
    with opened(arguments) as installation, custodian_of(installation.settings) as custodian:
        names = ("by", "approver", "certifier")
        named = [getattr(arguments, name, None) for name in names]
        settings = installation.settings
        journal = presence.attend(arguments, terminal, installation, named)
        acting = hand_of(arguments, custodian, terminal, "by", "software_key")
        other = hand_of(arguments, custodian, terminal, "approver", "with_software_key")
        warranted = WarrantedCustodian(
            custodian, installation.engine, settings.log_origin, journal.actor, acting, other
        )
        try:
            yield (
                installation,
                OfficeHere(installation.engine, warranted, settings.headquarters, journal),
            )
        finally:
            if acting is not None:
                acting.close()


def tell(terminal: Terminal, phrase: str, facts: dict[str, Any], **shown: str | int) -> None:
    """Give what an act did: as JSON its facts, else one sentence."""
    if terminal.as_json:
        terminal.show_json(facts)
    else:
        Speaker(terminal).show(phrase, **shown)


def add_bag(arguments: Namespace, terminal: Terminal) -> None:
    """Take a new bag into service."""
    sides = None if arguments.sides is None else tuple(arguments.sides)
    with at_desk(arguments, terminal) as (_, office):
        bag = planning.add_bag(
            office, by=arguments.by, cycles_most=arguments.cycles, sides_cm=sides
        )
    named = grouped_locator(bag)
    tell(terminal, "pouch_bag_added", {"bag": bag, "locator": named}, locator=named)


def hand_in(arguments: Namespace, terminal: Terminal) -> None:
    """Take a letter, document or parcel in for the next bag."""
    piece = Piece(
        destination=arguments.to.upper(),
        register=arguments.register,
        sender=arguments.sender,
        addressee=arguments.addressee,
        kind=ItemKind(arguments.kind),
        level=arguments.level.upper(),
        quantity=arguments.quantity,
        weight_g=arguments.weight,
        enclosure=arguments.enclosure,
    )
    with at_desk(arguments, terminal) as (_, office):
        number = packing.hand_in(office, piece, by=arguments.by)
    tell(terminal, "pouch_handed_in", {"number": number}, number=number)


def hand_in_dispatch(arguments: Namespace, terminal: Terminal) -> None:
    """Take in a dispatch that was sent with delivery by pouch."""
    with at_desk(arguments, terminal) as (_, office):
        number = packing.hand_in_dispatch(
            office, arguments.dispatch, arguments.to.upper(), arguments.weight, by=arguments.by
        )
    tell(terminal, "pouch_handed_in", {"number": number}, number=number)


def list_waiting(arguments: Namespace, terminal: Terminal) -> None:
    """List what waits for a bag, and the dispatches marked for the pouch that nobody handed in."""
    with (
        at_desk(arguments, terminal) as (_, office),
        office.journal.act("administrator_look", "pouch waiting"),
        office.look() as sitting,
    ):
        to = None if arguments.to is None else arguments.to.upper()
        waiting = handing_in.waiting(sitting.connection, to)
        due = [
            row
            for row in handing_in.due_by_pouch(sitting.connection, office.post)
            if to in (None, row.post)
        ]
    names = ("number", "destination", "kind", "level", "quantity", "weight_g", "handed_at")
    if terminal.as_json:
        terminal.show_json(
            {
                "waiting": [{name: getattr(row, name) for name in names} for row in waiting],
                "dispatches": [row._asdict() for row in due],
            }
        )
        return
    speaker = Speaker(terminal)
    for row in waiting:
        terminal.show("  ".join(str(getattr(row, name)) for name in names))
    for row in due:
        speaker.show("pouch_due_dispatch", dispatch=row.dispatch_id, post=row.post)
    if not waiting and not due:
        speaker.show("pouch_nothing_waits")


def begin(arguments: Namespace, terminal: Terminal) -> None:
    """Begin the make-up of a bag for a departure."""
    try:
        bag = read_locator(arguments.bag)
    except LocatorWrong as error:
        raise ServiceError(error.code) from error
    with at_desk(arguments, terminal) as (_, office):
        seal = packing.begin(
            office, arguments.departure, bag, BagClass(arguments.bag_class), by=arguments.by
        )
    tell(terminal, "pouch_begun", {"seal": seal}, seal=seal)


def scan(arguments: Namespace, terminal: Terminal) -> None:
    """Lay pieces into a bag by their numbers, as scanned or typed."""
    laid = []
    with at_desk(arguments, terminal) as (_, office):
        for number in arguments.number:
            laid.append(packing.scan(office, arguments.seal, number, by=arguments.by))
            if not terminal.as_json:
                piece = laid[-1]
                name = "pouch_laid" if piece.new else "pouch_laid_before"
                Speaker(terminal).show(name, number=piece.number, line=piece.line)
    if terminal.as_json:
        terminal.show_json([asdict(piece) for piece in laid])


def take_out(arguments: Namespace, terminal: Terminal) -> None:
    """Take the last piece out of a bag again."""
    with at_desk(arguments, terminal) as (_, office):
        number = packing.take_out(office, arguments.seal, by=arguments.by)
    tell(terminal, "pouch_taken_out", {"number": number}, number=number or "-")


def seal(arguments: Namespace, terminal: Terminal) -> None:
    """Close a bag by two persons, write its papers, and tell the receiver."""
    closure = Closure(
        seals=tuple(arguments.seal_number),
        weight_g=arguments.weight,
        certifier=arguments.certifier or arguments.by,
        absent=frozenset(arguments.checked),
        days=arguments.days,
    )
    second = Namespace(
        identity=arguments.witness, passphrase_file=arguments.witness_passphrase_file
    )
    witness = None if arguments.witness is None else open_identity(second, terminal)
    out = new_folder(arguments.output)
    with at_desk(arguments, terminal) as (installation, office):
        kept = closing.close(
            office,
            arguments.seal,
            closure,
            by=arguments.by,
            second=arguments.approver,
            witness=witness,
        )
        sealers = _names(office, [arguments.by, arguments.approver])
        names = _write(kept, out, terminal, sealers, _root(office))
        told = _announce(installation, office, kept, arguments, terminal)
    manifest = kept.sealed.manifest
    facts = {
        "seal": manifest.seal,
        "number": manifest.number,
        "locator": grouped_locator(manifest.bag),
        "folder": str(out),
        "files": names,
        "announcement": told,
    }
    tell(terminal, "pouch_sealed", facts, number=manifest.number, folder=str(out))


def papers(arguments: Namespace, terminal: Terminal) -> None:
    """Write the papers of a sealed bag again."""
    out = new_folder(arguments.output)
    with at_desk(arguments, terminal) as (_, office):
        found = dossiers.dossier_of(office, arguments.seal, by=arguments.by)
        names = _write(found.kept, out, terminal, (None, None), _root(office))
    for ordinal, filed in enumerate(found.filed, 1):
        paper = found.paper(ordinal, terminal.language)
        written = {RECTIFICATION: filed.file + b"\n", RECTIFICATION_PAPER: paper}
        for name, content in written.items():
            path = out / f"{Path(name).stem}-{ordinal}{Path(name).suffix}"
            write_durably(path, content)
            names.append(path.name)
    number = found.right.number
    facts = {"number": number, "folder": str(out), "files": sorted(names)}
    tell(terminal, "pouch_papers", facts, number=number, folder=str(out))


def announce(arguments: Namespace, terminal: Terminal) -> None:
    """Tell the receivers of the bags of which they were not told yet."""
    with (
        at_desk(arguments, terminal) as (installation, office),
        bureau_of(installation, hire_of(arguments, terminal), office.journal) as bureau,
    ):
        with office.look() as sitting:
            seals = arguments.seal or [row.seal for row in signing.unannounced(sitting.connection)]
        told = [
            announcing.announce(
                office, bureau, each, by=arguments.by, authority=arguments.authority
            )
            for each in seals
        ]
        told += rectified_notices.announce_all(
            office, bureau, arguments.seal, by=arguments.by, authority=arguments.authority
        )
    if terminal.as_json:
        terminal.show_json([asdict(each) for each in told])
        return
    for each in told:
        Speaker(terminal).show("pouch_announced", seal=each.seal, dispatch=each.dispatch_id)
    if not told:
        Speaker(terminal).show("pouch_all_announced")


def _announce(
    installation: Installation,
    office: OfficeHere,
    kept: Kept,
    arguments: Namespace,
    terminal: Terminal,
) -> str | None:
    """Tell the receiver; a bag that is sealed stays sealed when that fails."""
    try:
        with bureau_of(installation, hire_of(arguments, terminal), office.journal) as bureau:
            return announcing.announce(
                office,
                bureau,
                kept.sealed.manifest.seal,
                by=arguments.by,
                authority=arguments.approver,
            ).dispatch_id
    except (ServiceError, KeysError) as error:
        Speaker(terminal).say("pouch_not_announced", code=error.code)
        return None


def hire_of(arguments: Namespace, terminal: Terminal) -> Hire:
    """Return who grants what the cipher bureau's dispatch about a bag needs: who acts."""
    answer = answer_of(arguments, terminal)
    return lambda custodian: AtHand(custodian, arguments.by, answer)


def _names(office: Office, codes: Sequence[str]) -> tuple[str | None, str | None]:
    with office.look() as sitting:
        first, second = (officers.read(sitting.connection, code).identity.name for code in codes)
    return first, second


def _root(office: Office) -> str | None:
    """Return the fingerprint of the root, as the bureau's card introduced it; None if never."""
    with office.look() as sitting:
        card = read_directory(sitting.connection).card_in_force(office.post)
        known = introduction(sitting.connection, card.fingerprint)
    return None if known is None else root_fingerprint(read_introduction(known, card.card))


def _write(
    kept: Kept,
    out: Path,
    terminal: Terminal,
    sealers: tuple[str | None, str | None],
    root: str | None,
) -> list[str]:
    language = terminal.language
    levels = default_scheme().level_names(language)
    written = bag_folder(kept.sealed, kept.nonce, language, levels, sealers, root)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in written.items():
        write_durably(out / name, content)
    return sorted(written)


def new_folder(name: str) -> Path:
    """Return a folder to write into. Raises Misused FOLDER_NOT_EMPTY."""
    out = Path(name).absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Misused("FOLDER_NOT_EMPTY", path=str(out))
    return out
