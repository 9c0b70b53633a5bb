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

import shutil
import tarfile
import tempfile
from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, cast

from cipher_service import clock
from cipher_service.administration.backup_parts import DATABASE, lay_parts
from cipher_service.administration.custody import shares_of
from cipher_service.administration.installation import receipt_keys_of
from cipher_service.administration.replaying import replay
from cipher_service.administration.restored_custodian import (
    adopted,
    custodian_of,
    last_signed,
    require_keys,
)
from cipher_service.administration.restored_log import (
    archive_log,
    given_head,
    moves_known,
    next_name,
    statement_of,
)
from cipher_service.administration.resuming import (
    Interval,
    Opening,
    epoch_after,
    gap_after,
    proved_by,
    resume,
)
from cipher_service.administration.words import Speaker
from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.pouches.desk import are_retired
from cipher_service.settings import Settings
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from cipher_service.storage.second_store import OWN
from cipher_service.storage.snapshots import copy_tables
from cipher_service.storage.tables import identity, metadata
from cipher_service.storage.unit_of_work import reading
from keys.age.stream import OpeningStream
from keys.custody.backups import open_with
from keys.custody.lasting import DESKS_KEY
from keys.custody.log_keys import HeadInStore
from keys.custody.shares import Share

_AUDIT: Final = frozenset(
    table for table in metadata.sorted_tables if table.name.startswith("audit_")
)
_ENDED: Final = frozenset({identity.challenge, identity.session, identity.enrolment_link})


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
    checkpoint = given_head(arguments.checkpoint)
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
            epoch = epoch_after(connection, now)
            custody = adopted(settings, arguments)
            card = require_keys(connection, settings)
            desks = are_retired(connection, custodian_of(settings))
            known = moves_known(connection, settings)
            last = checkpoint or last_signed(settings, arguments)
            statement = statement_of(connection, arguments, shares, last)
            number = archive_log(connection, folder, settings, statement)
        settings = replace(settings, log=next_name(settings.log_origin, number, last))
        # Before anything is written elsewhere: a refusal leaves no trace.
        proved = proved_by(arguments.receipt, receipt_keys_of(custodian_of(settings)))
        after = open_engine(settings.database)
        try:
            if settings.database_url and not migrations.is_vacant(after):
                raise Refused("DATABASE_IN_USE")
            migrations.upgrade(after)
            with reading(before) as connection:
                copy_tables(connection, after, without=_AUDIT | _ENDED | OWN)
            gap = arguments.gap or gap_after(replayed)
            opening = Opening(now, epoch, gap, proved, replayed, custody, card, *known)
            intervals = resume(after, settings, opening, statement)
        finally:
            after.dispose()
    finally:
        before.dispose()
    (folder / DATABASE).unlink()
    if not arguments.custodian_lives:
        HeadInStore(settings.custodian_store).put_aside()
    settings.write()
    return _Renewed(settings, intervals, replayed, custody, desks)


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
