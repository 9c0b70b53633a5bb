"""The ministry's cipher bureau from the command line."""

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from cipher_service.access import registers
from cipher_service.administration.entitled import Judge, sworn
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    journal_of,
    opened,
)
from cipher_service.administration.officer_keys import AtHand, hand_of
from cipher_service.administration.words import Speaker, phrase
from cipher_service.audit.journal import Journal
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.client.drafting import attachment_paths, draft, media_type
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
from cipher_service.client.watching import require_file
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import drafts, rules
from cipher_service.dispatches.bureau import HeadquartersBureau, People, Sent
from cipher_service.dispatches.lists import InboxLine, inbox
from cipher_service.labels.scheme import UnknownLabel, default_scheme
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.unit_of_work import reading
from keys.custody import Custodian
from keys.dispatch import Attachment, Destination
from keys.manifest import ACTION, CIPHER, INFO, POUCH
from keys.sources import Content

_PAGE = 200


@dataclass(frozen=True, slots=True)
class OpenDraft:
    """A draft that the custodian opened: what is kept, and what it says."""

    kept: drafts.Draft
    subject: str
    text: str


Hire = Callable[[Custodian], AtHand | None]
"""Gives the officer who stands behind what is done, once the custodian is there."""


@contextmanager
def at_work(
    arguments: Namespace, terminal: Terminal, also: Mapping[str, str] | None = None
) -> Iterator[tuple[Installation, HeadquartersBureau, Judge]]:
    """Open an installation and its bureau for one act of an officer, who signs the command first.

    The custodian is the running service's.
    """
    hire = hire_of(arguments, terminal)
    with opened(arguments) as installation:
        judge = sworn(arguments, terminal, installation, arguments.officer, also)
        with bureau_of(installation, hire, judge.journal) as bureau:
            yield installation, bureau, judge


def hire_of(arguments: Namespace, terminal: Terminal) -> Hire:
    """Return who grants what the custodian asks an officer for: whom `--officer` names."""
    return lambda custodian: hand_of(arguments, custodian, terminal, "officer", "software_key")


@contextmanager
def administered(arguments: Namespace) -> Iterator[tuple[Installation, HeadquartersBureau]]:
    """Open them for what the machine's administrator does; their account stands in the log."""
    with opened(arguments) as installation, bureau_of(installation) as bureau:
        yield installation, bureau


@contextmanager
def looked_at(arguments: Namespace, what: str) -> Iterator[Installation]:
    """Open an installation whose registers the machine's administrator reads, once that is logged.

    Args:
        arguments: as typed.
        what: is read: the command, and what it is about.
    """
    with opened(arguments) as installation:
        with journal_of(installation).act("administrator_look", what):
            pass
        yield installation


@contextmanager
def bureau_of(
    installation: Installation,
    hire: Hire = lambda _custodian: None,
    journal: Journal | None = None,
) -> Iterator[HeadquartersBureau]:
    """Give the bureau of an opened installation.

    Args:
        installation: whose bureau.
        hire: gives the officer who grants what the custodian asks an officer for.
        journal: of who acts; the account of the operating system unless given.
    """
    settings = installation.settings
    with custodian_of(settings) as custodian:
        officer = hire(custodian)
        journal = journal or journal_of(installation)
        warranted = WarrantedCustodian(
            custodian, installation.engine, settings.log_origin, journal.actor, officer
        )
        try:
            yield HeadquartersBureau(
                installation.engine,
                Blobs(settings.data),
                warranted,
                settings.headquarters,
                journal,
            )
        finally:
            if officer is not None:
                officer.close()


def send(arguments: Namespace, terminal: Terminal) -> None:
    """Number, encipher and hand over a dispatch of the ministry."""
    digests = _digests(arguments)
    also = {"digests": ", ".join(digests)}
    with at_work(arguments, terminal, also) as (installation, bureau, judge):
        sent = hand_in(arguments, installation, bureau, judge, digests)
    speaker = _tell_sent(sent, terminal)
    bags = [entry.post for entry in sent.slip.addressees if entry.delivery == POUCH]
    if bags:
        speaker.say("bureau_by_pouch", posts=", ".join(bags))
    if arguments.draft is not None:
        speaker.say("draft_sent", id=arguments.draft)


def reroute(arguments: Namespace, terminal: Terminal) -> None:
    """Give a dispatch of the bureau to more posts, by its header alone."""
    try:
        precedence = default_scheme().precedence(arguments.precedence).code
    except UnknownLabel as error:
        given, known = error.given[:80], ", ".join(error.known)
        raise Misused("UNKNOWN_PRECEDENCE", given=given, known=known) from error
    with at_work(arguments, terminal) as (installation, bureau, judge):
        with reading(installation.engine) as connection:
            directory = read_directory(connection)
        added = [
            Destination(directory.card_in_force(post.upper()).card, precedence, None, role)
            for posts, role in ((arguments.to, ACTION), (arguments.info, INFO))
            for post in posts
        ]
        people = People(arguments.drafter, arguments.authority)
        judge("bureau_reroute", "release", judge.rerouted(arguments.dispatch, added))
        sent = bureau.reroute(arguments.dispatch, added, arguments.reason, people)
    _tell_sent(sent, terminal).say(
        "bureau_rerouted", id=sent.manifest.id, origin=sent.manifest.sender.post
    )


def _tell_sent(sent: Sent, terminal: Terminal) -> Speaker:
    to, speaker = sent.slip.addressees, Speaker(terminal)
    numbers = ", ".join(f"{entry.post} {entry.series.number:04d}" for entry in to if entry.series)
    speaker.show("bureau_sent", id=sent.slip.dispatch_id, register=sent.register, numbers=numbers)
    return speaker


def hand_in(
    arguments: Namespace,
    installation: Installation,
    bureau: HeadquartersBureau,
    judge: Judge | None = None,
    digests: Sequence[str] = (),
) -> Sent:
    """Send what was typed after `cipher-service bureau send`: a file, or a draft's text.

    Args:
        arguments: as typed.
        installation: whose bureau.
        bureau: at work.
        judge: says whether it may be released; nobody is asked without one.
        digests: SHA-256 of text and attachments as they were signed; see `HeadquartersBureau.send`.

    Raises:
        Misused: SEND_TEXT_OR_DRAFT, or as `drafting.draft`.
        ServiceError, KeysError, OSError: see `drafting.draft`, `HeadquartersBureau.send`.
    """
    if (arguments.file is None) == (arguments.draft is None):
        raise Misused("SEND_TEXT_OR_DRAFT")
    paths = attachment_paths(arguments.attach)
    with reading(installation.engine) as connection:
        directory = read_directory(connection)
    text: Content
    if arguments.draft is None:
        kept, text = None, Path(arguments.file)
        require_file(text)
    else:
        told = read_draft(installation, bureau, arguments.draft, arguments.drafter)
        kept, text = told.kept, told.text.encode("utf-8")
        arguments = Namespace(**(vars(arguments) | {"subject": arguments.subject or told.subject}))
    drafted = draft(
        arguments, bureau.card, lambda post: directory.card_in_force(post.upper()).card, None
    )
    if judge is not None:
        departing = judge.departing(drafted.heading, drafted.destinations, arguments.drafter)
        judge("bureau_send", "release", lambda _connection: departing, own=True)
    return bureau.send(
        drafted.heading,
        drafted.destinations,
        text,
        [Attachment(path.name, path, media_type(path)) for path in paths],
        People(arguments.drafter, arguments.authority),
        kept,
        digests,
    )


def read_draft(
    installation: Installation, bureau: HeadquartersBureau, draft_id: str, drafter: str
) -> OpenDraft:
    """Open a draft of one drafter: its subject, a line end, its text.

    Raises:
        ServiceError: NOT_FOUND: no such draft of this drafter.
        KeysError: the custodian refuses.
    """
    with reading(installation.engine) as connection:
        kept = drafts.read(connection, draft_id, drafter)
    subject, _, text = bureau.unseal(kept.body).partition("\n")
    return OpenDraft(kept, subject, text)


def list_inbox(arguments: Namespace, terminal: Terminal) -> None:
    """List what awaits the bureau, the most urgent first; subjects stay inside."""
    with looked_at(arguments, "bureau inbox") as installation:
        lines = [*waiting(installation), *waiting(installation, POUCH)]
    if terminal.as_json:
        terminal.show_json([_members(line) for line in lines])
        return
    if not lines:
        Speaker(terminal).show("bureau_empty")
    under_way = phrase("bureau_under_way", terminal.language)
    for line in lines:
        number = "" if line.number is None else f"{line.number:04d}"
        terminal.show(
            f"{line.precedence:<9} {line.level:<20} {line.origin:<12} {number:<5} "
            f"{line.register}  {line.dispatch_id}"
            + ("" if line.delivery == CIPHER else f"  {under_way}")
        )


def open_dispatch(arguments: Namespace, terminal: Terminal) -> None:
    """Decipher an arrival into a folder."""
    target = Path(arguments.output).absolute()
    with at_work(arguments, terminal) as (_, bureau, judge):
        wanted = arguments.dispatch
        judge("bureau_open", "read", lambda connection: registers.subject(connection, wanted))
        arrival = bureau.open(wanted, target)
    Speaker(terminal).show(
        "bureau_again" if arrival.again else "bureau_opened",
        id=arrival.manifest.id,
        origin=arrival.manifest.sender.post,
        folder=str(target),
        register=arrival.register,
    )


def missing(arguments: Namespace, terminal: Terminal) -> None:
    """List the numbers that are missing in the series to the bureau."""
    with looked_at(arguments, "bureau missing") as installation, bureau_of(installation) as bureau:
        gaps = bureau.missing()
    if terminal.as_json:
        terminal.show_json([asdict(gap) for gap in gaps])
        return
    speaker = Speaker(terminal)
    if not gaps:
        speaker.show("bureau_complete")
    for gap in gaps:
        for number in range(gap.first, gap.last + 1):
            speaker.show("bureau_missing", number=number, origin=gap.origin, year=gap.epoch // 100)


def _digests(arguments: Namespace) -> list[str]:
    """Return the SHA-256 of the text, empty for a draft's, and of each attachment.

    Raises:
        OSError: one cannot be read.
    """
    text = [] if arguments.file is None else [arguments.file]
    paths = [*text, *attachment_paths(arguments.attach)]
    found = []
    for path in paths:
        require_file(Path(path))
        with Path(path).open("rb") as file:
            found.append(file_digest(file, "sha256").hexdigest())
    return found if text else ["", *found]


def waiting(installation: Installation, delivery: str = CIPHER) -> list[InboxLine]:
    """Return every arrival that remains to be deciphered, the most urgent first.

    Args:
        installation: whose bureau.
        delivery: `POUCH` for what is announced and under way in a bag.
    """
    lines: list[InboxLine] = []
    with reading(installation.engine) as connection:
        while True:
            page = inbox(
                connection,
                installation.settings.headquarters,
                rules.OPEN_STATES,
                after=lines[-1].place if lines else 0,
                limit=_PAGE,
                delivery=delivery,
            )
            lines += page
            if len(page) < _PAGE:
                return lines


def _members(line: InboxLine) -> dict[str, Any]:
    return {
        name: value for name, value in asdict(line).items() if name not in ("place", "seq", "role")
    }
