"""The record of a rotation: confirmed by who was present, drawn from the log, verified, printed.

A rotation's entry in the log commits to what it did. Whoever was present confirms that with their
security key (by name while nobody of the ministry has to sign), each in an entry of their own; the
record is drawn from these entries with their proofs, as often as it is wanted.
"""

from argparse import Namespace
from datetime import datetime
from pathlib import Path

from cipher_service import clock
from cipher_service.administration import presence
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    journal_of,
    opened,
)
from cipher_service.administration.ordering import require_name
from cipher_service.administration.versions import number_of
from cipher_service.administration.witnessing import require_vacant
from cipher_service.administration.words import Speaker, phrase
from cipher_service.audit.heads import sign_head
from cipher_service.audit.journal import Found
from cipher_service.audit.rotations import confirmed, entries_of, is_carried, is_told
from cipher_service.audit.signers import Signers
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Refused
from cipher_service.client.messages import Language
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from cipher_service.storage.unit_of_work import reading
from keys.cards import grouped
from keys.custody.book import Book
from keys.custody.protocol import Custodian
from keys.log.errors import LogForked, LogKeyEnded, LogOfAnother, NoteMalformed, NoteNotSigned
from keys.merkle import ProofInvalid
from keys.rotation_record import (
    CONFIRMED_NAMED,
    CONFIRMED_SIGNED,
    ROTATION_BYTES_MAX,
    Rotation,
    RotationRecord,
    Told,
    draw_record,
    read_rotation_record,
)
from pouch.papers.printing import render

_ACT = "key_confirm"
_NOT_IN_LOG = (LogForked, LogKeyEnded, LogOfAnother, NoteMalformed, NoteNotSigned, ProofInvalid)


def confirm(arguments: Namespace, terminal: Terminal) -> None:
    """Have each of those who were present at a rotation confirm it; again changes nothing.

    Raises:
        Misused: KEY_NAME_UNKNOWN, PERSON_NAME_MALFORMED.
        Refused: ROTATION_UNTOLD, ROTATION_BEFORE_RESTORE; see `presence.sign`.
        KeyNotRotated: no rotation put this version in force.
    """
    for name in arguments.by:
        require_name(name)
    with opened(arguments) as installation:
        with custodian_of(installation.settings) as custodian:
            rotation = _told_in(installation, custodian, arguments)
        show_rotation(rotation, terminal)
        journal = journal_of(installation)
        with journal.told(_ACT, rotation.key):
            digest = {"rotation": rotation.digest}
            answers = presence.sign(arguments, terminal, installation, digest, arguments.by)
        with reading(installation.engine) as connection:
            known = confirmed(connection, rotation)
        for name in answers.named:
            given = {name: answers.given[name]} if name in answers.given else {}
            if name in known:
                continue
            found = Found(signers=(name,), statement=rotation.digest)
            action = CONFIRMED_SIGNED if given else CONFIRMED_NAMED
            with journal.act(action, rotation.key, found) as connection:
                one = presence.Answers((name,), given)
                presence.verify(connection, one, installation.settings, clock.now())
    Speaker(terminal).say("rotation_confirmed_next", key=rotation.key, number=rotation.number)


def record(arguments: Namespace, terminal: Terminal) -> None:
    """Draw the record of a rotation from the log, and on demand print it.

    Raises:
        Misused: KEY_NAME_UNKNOWN.
        Refused: FILE_EXISTS, ROTATION_UNTOLD, ROTATION_BEFORE_RESTORE, ROTATION_UNPROVED.
        KeyNotRotated: no rotation put this version in force.
    """
    require_vacant(arguments.out, arguments.paper)
    with opened(arguments) as installation, custodian_of(installation.settings) as custodian:
        rotation = _told_in(installation, custodian, arguments)
        sign_head(installation.engine, custodian)
        signers = Signers.of(custodian, installation.settings.log_origin)
        with reading(installation.engine) as connection:
            entries = entries_of(connection, rotation)
    if entries is None:
        raise Refused("ROTATION_UNPROVED", key=rotation.key)
    data = draw_record(rotation, entries)
    known = read_rotation_record(data, signers.notes)
    write_durably(Path(arguments.out), data)
    _tell(known, arguments, terminal)


def recorded(arguments: Namespace, terminal: Terminal) -> None:
    """Verify a record against this service's log, and show or print what it tells.

    Raises:
        Refused: FILE_EXISTS, ROTATION_NOT_IN_LOG.
        RotationRecordMalformed, RotationRecordUntrue: as `read_rotation_record`.
    """
    require_vacant(arguments.paper)
    with Path(arguments.record).open("rb") as file:
        data = file.read(ROTATION_BYTES_MAX + 1)
    with opened(arguments) as installation, custodian_of(installation.settings) as custodian:
        signers = Signers.of(custodian, installation.settings.log_origin)
    try:
        known = read_rotation_record(data, signers.notes)
    except _NOT_IN_LOG as error:
        raise Refused("ROTATION_NOT_IN_LOG", path=arguments.record) from error
    _tell(known, arguments, terminal)


def _told_in(installation: Installation, custodian: Custodian, arguments: Namespace) -> Rotation:
    """Return the rotation that a command names, of which the log must tell."""
    book = Book.parse(custodian.key_versions())
    number = number_of(arguments, book)
    rotation = Rotation.of(book.of(arguments.key), number)
    with reading(installation.engine) as connection:
        if is_told(connection, rotation):
            return rotation
        code = "ROTATION_BEFORE_RESTORE" if is_carried(connection, rotation) else "ROTATION_UNTOLD"
    raise Refused(code, key=rotation.key, number=number)


def _tell(known: RotationRecord, arguments: Namespace, terminal: Terminal) -> None:
    if arguments.paper is not None:
        write_durably(Path(arguments.paper), _paper(known, terminal.language))
    if terminal.as_json:
        terminal.show_json(_object(known))
        return
    show_rotation(known.rotation, terminal)
    speaker, head = Speaker(terminal), known.head
    entered, ordered = known.entered, known.ordered
    speaker.show(
        "rotation_entered", actor=entered.actor, at=_minute(entered.at), place=entered.place
    )
    if ordered is None:
        speaker.show("rotation_order_untold")
    else:
        how = "rotation_ordered_signed" if ordered.signed else "rotation_ordered_named"
        speaker.show(how, by=ordered.by)
    for each in known.confirmed:
        how = "rotation_signed" if each.signed else "rotation_named"
        speaker.show(how, actor=each.actor, at=_minute(each.at), place=each.place)
    if not known.confirmed:
        speaker.show("rotation_unconfirmed")
    speaker.show("rotation_proved", origin=head.origin, size=head.size, root=head.root.hex())


def show_rotation(rotation: Rotation, terminal: Terminal) -> None:
    """Show which version took which one's place, for people."""
    if terminal.as_json:
        return
    speaker = Speaker(terminal)
    states = {
        name: phrase(f"key_{state.replace('-', '_')}", terminal.language)
        for name, state in (("before", rotation.before), ("after", rotation.after))
    }
    speaker.show(
        "rotation_made",
        key=rotation.key,
        number=rotation.number,
        at=_minute(rotation.at),
        fingerprint=grouped(rotation.fingerprint),
    )
    speaker.show(
        "rotation_previous",
        number=rotation.number - 1,
        fingerprint=grouped(rotation.previous),
        **states,
    )
    speaker.show("rotation_gone" if rotation.gone else "rotation_kept")
    speaker.show("rotation_digest", digest=grouped(rotation.digest))


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def object_of(rotation: Rotation) -> dict[str, object]:
    """Return what a rotation did, for `--json`."""
    return {
        "key": rotation.key,
        "number": rotation.number,
        "fingerprint": rotation.fingerprint,
        "ends": clock.text(rotation.ends),
        "at": clock.text(rotation.at),
        "previous": rotation.previous,
        "before": rotation.before,
        "after": rotation.after,
        "digest": rotation.digest,
    }


def _object(known: RotationRecord) -> dict[str, object]:
    head = known.head
    return {
        **object_of(known.rotation),
        "entered": _said(known.entered),
        "ordered": None
        if known.ordered is None
        else {"by": known.ordered.by, "signed": known.ordered.signed},
        "confirmed": [{**_said(each), "signed": each.signed} for each in known.confirmed],
        "head": {"origin": head.origin, "size": head.size, "root": head.root.hex()},
    }


def _said(told: Told) -> dict[str, object]:
    return {"actor": told.actor, "at": clock.text(told.at), "entry": told.place}


def _paper(known: RotationRecord, language: Language) -> bytes:
    rotation, head, ordered = known.rotation, known.head, known.ordered
    paper = {
        "number": f"{rotation.key} {rotation.number}",
        "issuer": rotation.key.partition("/")[2],
        "version": str(rotation.number),
        "former": str(rotation.number - 1),
        "made": rotation.at,
        "ends": rotation.ends,
        "fingerprint": rotation.fingerprint,
        "previous": rotation.previous,
        "before": rotation.before,
        "after": rotation.after,
        "gone": rotation.gone,
        "digest": rotation.digest,
        "ordered": None if ordered is None else {"by": ordered.by, "signed": ordered.signed},
        "entered": known.entered.actor,
        "entry": str(known.entered.place),
        "origin": head.origin,
        "size": str(head.size),
        "root": head.root.hex(),
        "confirmed": tuple(
            {"actor": each.actor, "signed": each.signed, "at": each.at, "entry": str(each.place)}
            for each in known.confirmed
        ),
    }
    level = default_scheme().papers["ceremony"].name(language)
    made = max([known.entered.at, *(each.at for each in known.confirmed)])
    made = made.replace(microsecond=0)
    return render("rotation", paper, language, made=made, level=level)
