"""An installation made anew of a backup, on a clean machine, so that nothing is ever used twice.

What happened after the backup was made is not in it: numbers were given, heads signed. Where there
was a second store, all of that is replayed from it (`--second`), and no number is skipped; what the
custodian's terminal and officers changed is in its second place (`--custodian-second`), or in the
custodian itself where that lives (`--custodian-lives`) and is not replaced by the backup's. Else
every counter resumes far above (`--gap`, and above what a post's receipt proves), also those that
this year had not begun. Series open a new epoch as a restored post's do, sessions and links end,
prekeys that were free count as given. The log goes on under a new name: its first entry names the
last head of the old one and this restore, the next ones each interval of numbers that counts as
cancelled. The old log is kept beside.
"""

import json
import re
import shutil
import tarfile
import tempfile
from argparse import Namespace
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, cast

from sqlalchemy import Connection, Engine, select, update

from cipher_service import clock
from cipher_service.administration.backup_parts import DATABASE, lay_parts
from cipher_service.administration.custody import shares_of
from cipher_service.administration.installation import receipt_keys_of
from cipher_service.administration.replaying import replay
from cipher_service.administration.words import Speaker
from cipher_service.audit.export import export, export_records
from cipher_service.audit.ledger import append, latest_note, size_and_origin
from cipher_service.audit.records import DONE, Event
from cipher_service.audit.signers import Signers
from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory.enrolment import install
from cipher_service.directory.register import read_directory
from cipher_service.dispatches.continuity import REGISTER, counter_of, spend
from cipher_service.dispatches.incarnations import PREFIX, following, reopen
from cipher_service.pouches.desk import are_retired
from cipher_service.settings import Settings
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from cipher_service.storage.second_store import OWN
from cipher_service.storage.snapshots import copy_tables
from cipher_service.storage.tables import identity, metadata
from cipher_service.storage.tables.prekeys import prekey
from cipher_service.storage.tables.registers import counter
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.age.stream import OpeningStream
from keys.cards import Card
from keys.custody import Custodian, no_secret, open_custodian, read_credential
from keys.custody.backups import open_with
from keys.custody.lasting import DESKS_KEY
from keys.custody.log_keys import HeadInStore
from keys.custody.place import adopt, end_of
from keys.custody.shares import Share
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Note
from keys.receipts import read_submitted_receipt
from keys.succession import KeyLine

GAP: Final = 10_000
ARCHIVE: Final = "log-archive"
STATEMENT: Final = "restore.json"
_YEARLY: Final = re.compile(r"[/_][0-9]{4}$")

_AUDIT: Final = frozenset(
    table for table in metadata.sorted_tables if table.name.startswith("audit_")
)
_ENDED: Final = frozenset({identity.challenge, identity.session, identity.enrolment_link})


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers of a counter that count as cancelled, both ends included."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Renewed:
    """What a restore made: settings, cancelled numbers, how far both second stores were taken up.

    `desks` says whether the books ended the desks whose keys the backup has.
    """

    settings: Settings
    intervals: list[Interval]
    replayed: int | None
    custody: int | None
    desks: bool


@dataclass(frozen=True, slots=True)
class _Opening:
    """How a restored service goes on: its epoch, how far its counters skip, what was replayed.

    `custody` says how often the custodian's second place was written, where it was taken up; `card`
    is the custodian's where the books do not know it yet.
    """

    now: datetime
    epoch: int
    gap: int
    proved: dict[str, int]
    replayed: int | None
    custody: int | None
    card: Card | None


def restore(arguments: Namespace, terminal: Terminal) -> None:
    """Restore a backup into an absent or empty folder, whole or not at all.

    Raises:
        Refused: FOUNDED_ALREADY, RESTORE_GAP_INVALID, BACKUP_UNREADABLE, SHARE_OF_ANOTHER,
            BACKUP_PART_MISSING, CUSTODIAN_NOT_APART, DATABASE_IN_USE, RESTORE_EPOCHS_EXHAUSTED,
            and those of `replaying.replay`.
        KeysError: the shares do not open the backup, it is damaged, or a receipt is not this
            ministry's; nothing was made.
        OSError: the disk refuses; nothing was made.
    """
    data = Path(arguments.data).absolute()
    if data.exists() and any(data.iterdir()):
        raise Refused("FOUNDED_ALREADY", data=str(data))
    if arguments.gap is not None and not 1 <= arguments.gap <= 10**6:
        raise Refused("RESTORE_GAP_INVALID", most=10**6)
    checkpoint = _checkpoint(arguments.checkpoint)
    shares = shares_of(arguments.share, arguments.identity, arguments, terminal)
    data.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{data.name}-restoring-", dir=data.parent))
    try:
        with Path(arguments.backup).open("rb") as source:
            _unpack(open_with(shares, source), making)
        apart = lay_parts(making, shares, lives=arguments.custodian_lives)
        made = _renew(making, arguments, shares, checkpoint)
        if data.exists():
            data.rmdir()
        making.rename(data)
        sync_folder(data.parent)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    _tell(data, made, arguments, terminal, apart=apart)


def _tell(
    data: Path, made: _Renewed, arguments: Namespace, terminal: Terminal, *, apart: bool
) -> None:
    speaker = Speaker(terminal)
    speaker.show("restored", data=str(data), log=made.settings.log_origin)
    if arguments.custodian_lives:
        speaker.show("restored_beside", custodian=made.settings.custodian)
    elif apart:
        store, credential = data / "custodian", data / "custodian.credential"
        speaker.show("restored_apart", store=str(store), credential=str(credential))
    if made.custody is not None:
        speaker.show("restored_place", position=made.custody)
    if made.replayed is not None:
        speaker.show("restored_second", position=made.replayed)
    for each in made.intervals:
        speaker.show("restored_interval", book=each.name, first=each.first, last=each.last)
    if made.desks:
        speaker.show("found_DESKS_RETIRED", place=f"{DESKS_KEY}/{made.settings.headquarters}")
    speaker.say("restored_next")


def _unpack(stream: OpeningStream, folder: Path) -> None:
    try:
        with tarfile.open(fileobj=cast("BinaryIO", _Source(stream)), mode="r|") as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise Refused("BACKUP_UNREADABLE", problem=str(error)) from error
    while stream.next_chunk():  # what follows the archive's end must be authentic too
        pass
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _renew(folder: Path, arguments: Namespace, shares: list[Share], checkpoint: bytes) -> _Renewed:
    """Make a database of the snapshot, in which nothing of the old one's future can recur."""
    now = clock.now()
    (folder / "run").mkdir(mode=0o700)
    before = open_engine(f"sqlite:///{folder / DATABASE}")
    settings = replace(Settings.load(folder), database_url=arguments.database)
    replayed = None
    try:
        if arguments.second:
            replayed = replay(before, Path(arguments.second).resolve(), shares, folder)
        migrations.upgrade(before)
        with reading(before) as connection:
            epoch = _following(connection, now)
            custody = _adopted(settings, arguments)
            card = _require_keys(connection, settings)
            desks = are_retired(connection, _custodian_of(settings))
            last = checkpoint or _last_signed(settings, arguments)
            statement = _statement(connection, arguments, shares, last)
            number = _archive(connection, folder, settings, statement)
        settings = replace(settings, log=next_name(settings.log_origin, number, last))
        # Before anything is written elsewhere: a refusal leaves no trace.
        proved = _proved(arguments.receipt, receipt_keys_of(_custodian_of(settings)))
        after = open_engine(settings.database)
        try:
            if settings.database_url and not migrations.is_vacant(after):
                raise Refused("DATABASE_IN_USE")
            migrations.upgrade(after)
            with reading(before) as connection:
                copy_tables(connection, after, without=_AUDIT | _ENDED | OWN)
            gap = arguments.gap or _gap(replayed)
            opening = _Opening(now, epoch, gap, proved, replayed, custody, card)
            intervals = _resume(after, settings, opening, statement)
        finally:
            after.dispose()
    finally:
        before.dispose()
    (folder / DATABASE).unlink()
    if not arguments.custodian_lives:
        HeadInStore(settings.custodian_store).put_aside()
    settings.write()
    return _Renewed(settings, intervals, replayed, custody, desks)


def _resume(
    engine: Engine, settings: Settings, opening: _Opening, statement: bytes
) -> list[Interval]:
    """Let every counter go on above the gap and every series in a new epoch; open the new log."""
    now = opening.now
    time_us = int(now.timestamp() * 1_000_000)
    old = json.loads(statement)
    told = partial(Event, time_us, "account/restore", outcome=DONE)
    with unit_of_work(engine) as connection:
        spent = _spent(connection, settings.headquarters, now.year)
        intervals = [
            Interval(name, value + 1, max(value + opening.gap, opening.proved.get(name, 0)))
            for name, value in sorted(spent.items())
        ]
        intervals = [each for each in intervals if each.last >= each.first]
        for each in intervals:
            spend(connection, each.name, each.last, now)
        given = {"state": "taken", "taken_at": clock.text(now)}
        connection.execute(update(prekey).where(prekey.c.state == "free").values(given))
        reopen(connection, opening.epoch, now.year)
        if opening.card is not None:
            install(connection, opening.card, now)
        named = f"{old['origin']}@{old['size']}"
        events = [
            told("restore", resource=named, request=sha256(statement).hexdigest()),
            told("restore_epoch", resource=str(opening.epoch)),
        ]
        if opening.replayed is not None:
            events.append(told("restore_second_store", resource=str(opening.replayed)))
        if opening.custody is not None:
            events.append(told("restore_second_place", resource=str(opening.custody)))
        events += [
            told("restore_interval", resource=f"{each.name} {each.first}-{each.last}")
            for each in intervals
        ]
        append(connection, settings.log_origin, events)
    return intervals


def _adopted(settings: Settings, arguments: Namespace) -> int | None:
    """Make the restored custodian's store what its second place has, where that is given.

    Raises:
        KeysError: see `keys.custody.place.adopt`.
        OSError: it cannot be read.
    """
    store = settings.custodian_store
    if arguments.custodian_lives:
        return None
    if arguments.custodian_second:
        return adopt(store, Path(arguments.custodian_second).resolve())
    end_of(store)
    return None


def _following(connection: Connection, now: datetime) -> int:
    """Return the epoch that this restore opens, before anything is written elsewhere."""
    try:
        return following(connection, now)
    except ValueError:
        raise Refused("RESTORE_EPOCHS_EXHAUSTED", year=now.year) from None


def _require_keys(connection: Connection, settings: Settings) -> Card | None:
    """Demand that the custodian has the keys of the card that the books have in force.

    A second store tells of a rotation that is in no backup, and not its keys.

    Returns:
        Its card where the books do not know it yet: its second place may be ahead of them.

    Raises:
        Refused: SECOND_STORE_NEWER_KEYS.
    """
    told = read_directory(connection).card_in_force(settings.headquarters)
    card = _custodian_of(settings).card()
    if told.fingerprint == card.fingerprint:
        return None
    if told.edition >= card.edition:
        raise Refused("SECOND_STORE_NEWER_KEYS", post=settings.headquarters)
    return card


def _gap(replayed: int | None) -> int:
    """How many numbers to skip unless told: none where all that was given is known."""
    return GAP if replayed is None else 0


def _spent(connection: Connection, headquarters: str, year: int) -> dict[str, int]:
    """Return where each counter stands, with those of this year that the backup has not begun."""
    rows = connection.execute(select(counter).where(~counter.c.name.startswith(PREFIX)))
    spent = {str(row.name): int(row.value) for row in rows}
    books = {name[:-4] for name in spent if _YEARLY.search(name)}
    books |= {REGISTER, f"departures/{headquarters}/", f"openings/{headquarters}/"}
    books.add("pouch_bordereau_")
    return {f"{book}{year}": 0 for book in books} | spent


def _proved(files: list[str], keys: KeyLine) -> dict[str, int]:
    """Return the highest number that receipts prove, by counter.

    Raises:
        Refusal: one is not a receipt of this ministry.
    """
    proved: dict[str, int] = {}
    for file in files:
        statement = read_submitted_receipt(Path(file).read_bytes(), keys)
        name, number = counter_of(statement.register)
        proved[name] = max(number, proved.get(name, 0))
    return proved


def _statement(
    connection: Connection, arguments: Namespace, shares: list[Share], checkpoint: bytes
) -> bytes:
    """Say what the new log begins with: the last head known of the old one, and this restore."""
    size, origin = size_and_origin(connection)
    _, note = latest_note(connection)
    with Path(arguments.backup).open("rb") as source:
        digest = sha256()
        while piece := source.read(2**20):
            digest.update(piece)
    return canonical.encode(
        {
            "v": 1,
            "type": "depeche/v1 restore",
            "origin": origin,
            "size": size,
            "checkpoint": canonical.text_from_bytes(checkpoint or note),
            "backup": digest.hexdigest(),
            "holders": [share.holder for share in shares],
            "at": canonical.text_from_time(clock.now().replace(microsecond=0)),
        }
    )


def _archive(connection: Connection, folder: Path, settings: Settings, statement: bytes) -> int:
    """Keep the old log as files, with the records that only auditors are given."""
    archive = folder / ARCHIVE
    archive.mkdir(mode=0o700, exist_ok=True)
    number = len(list(archive.iterdir())) + 1
    out = archive / str(number)
    signed = export(connection, Signers.of(_custodian_of(settings), settings.log_origin), out)
    size, _ = size_and_origin(connection)
    export_records(connection, out / "records", first=0, end=signed)
    # What had no signed head yet is kept, and proves nothing.
    export_records(connection, out / "records-unsigned", first=signed, end=size)
    (out / STATEMENT).write_bytes(statement)
    return number


def _custodian_of(settings: Settings) -> Custodian:
    """Open the restored custodian's store, which no process serves yet, or the one that lives."""
    if not settings.custodian_store.exists():
        return open_custodian(settings.custodian, no_secret)
    credential = read_credential(settings.custodian_credential)
    return open_custodian(f"file:{settings.custodian_store}", lambda _uri: credential)


def _root(origin: str) -> str:
    """The log's first name: restores add /r1, /r2 and so on to it."""
    head, _, tail = origin.rpartition("/r")
    return head if head and tail.isdecimal() else origin


def next_name(origin: str, number: int, last: bytes) -> str:
    """Return the name under which a log goes on: above every restore that is known.

    Args:
        origin: the backup's log.
        number: of this restore, as the backup counts them.
        last: the newest head known, signed; it may be of a restore that the backup was made before.
    """
    root = _root(origin)
    named = Checkpoint.parse(Note.parse(last).text).origin if last else ""
    known = named.removeprefix(f"{root}/r")
    return f"{root}/r{max(number, 1 + int(known) if known.isdecimal() else 0)}"


def _last_signed(settings: Settings, arguments: Namespace) -> bytes:
    """Return the last head that a custodian which lives signed, as it signs it again; else none."""
    if not arguments.custodian_lives:
        return b""
    custodian = _custodian_of(settings)
    head = custodian.log_head()
    return custodian.sign_checkpoint(head, b"", b"") if head else b""


def _checkpoint(path: str | None) -> bytes:
    if path is None:
        return b""
    data = Path(path).read_bytes()
    Note.parse(data)
    return data


class _Source:
    """What `tarfile` reads from."""

    def __init__(self, stream: OpeningStream) -> None:
        self._stream = stream
        self._rest = b""

    def read(self, size: int) -> bytes:
        pieces, missing = [], size
        while missing:
            if not self._rest:
                self._rest = bytes(self._stream.next_chunk())
                if not self._rest:
                    break
            pieces.append(self._rest[:missing])
            self._rest = self._rest[missing:]
            missing -= len(pieces[-1])
        return b"".join(pieces)
