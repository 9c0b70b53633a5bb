"""Backups of an installation, custodian and service together, that only their holders open.

    cipher-service backup key --threshold 2 --holder A.card --holder B.card ...    once
    cipher-service backup make --out DIR                                           every night

A backup is one file: what it holds (`backup_parts`), the database as of one moment, the custodian's
store of a later one (so that it is never behind), wherever that lies, the envelopes, and the
settings. It is made while the service runs.
"""

import os
import tarfile
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, cast

from cipher_service import clock
from cipher_service.administration.backup_parts import (
    CONTENTS,
    CUSTODIAN,
    DATABASE,
    Contents,
    CustodianPart,
    hash_of,
    part_of_custodian,
)
from cipher_service.administration.custody import holders_of
from cipher_service.administration.installation import Installation, journal_of, opened
from cipher_service.administration.words import Speaker
from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.dispatches.continuity import BACKED_UP, backup_reach
from cipher_service.settings import FILE
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from cipher_service.storage.second_store import rekey
from cipher_service.storage.snapshots import copy_tables
from cipher_service.storage.unit_of_work import reading
from keys.age.stream import SealingStream
from keys.cards import grouped
from keys.custody.backups import BackupKey, make_backup_key, seal_to
from keys.files import write_new

KEY: Final = "backup.key"
LATEST: Final = "cipher-service"

# What belongs to running processes, or comes into the backup by another way.
_LEFT_OUT: Final = ("run", "spool", "ministry.db", "ministry.db-wal", "ministry.db-shm", CUSTODIAN)


def make_key(arguments: Namespace, terminal: Terminal) -> None:
    """Make the key of backups, once or anew, and a share of it for each holder.

    Raises:
        Refused: SPLITTING_REFUSED.
        OSError: the disk refuses.
    """
    holders = holders_of(arguments)
    with opened(arguments) as installation:
        data = installation.settings.data
        made = make_backup_key(arguments.threshold, holders)
        folder = data / f"backup-shares-{made.key.set.hex()}"
        folder.mkdir(mode=0o700)
        for holder, sealed in zip(holders, made.sealed, strict=True):
            write_new(folder / f"{holder.name}.share", sealed)
        sync_folder(folder)
        making = data / f".{KEY}-{made.key.set.hex()}"
        write_new(making, made.key.to_bytes())
        making.replace(data / KEY)
        sync_folder(data)
        with journal_of(installation).act("backup_key", made.key.fingerprint[:32]) as act:
            rekey(act, made.key)
    speaker = Speaker(terminal)
    for holder in holders:
        path = str(folder / f"{holder.name}.share")
        speaker.show("share_made", holder=holder.name, path=path)
    speaker.say("backup_key_done", folder=str(folder))


def make(arguments: Namespace, terminal: Terminal) -> None:
    """Write a backup, whole or not at all.

    Raises:
        Refused: BACKUP_WITHOUT_KEY, and those of `backup_parts.part_of_custodian`.
        KeysError: the custodian does not give its part; no file is left.
        OSError: the disk refuses; no file is left under a backup's name.
    """
    out = Path(arguments.out)
    now = clock.now()
    with opened(arguments) as installation:
        data = installation.settings.data
        try:
            key = BackupKey.parse((data / KEY).read_bytes())
        except FileNotFoundError:
            raise Refused("BACKUP_WITHOUT_KEY") from None
        target = out / f"{LATEST}-{now:%Y%m%dT%H%M%SZ}.backup"
        out.mkdir(parents=True, exist_ok=True)
        with journal_of(installation).effect("backup_make", target.name[:80]):
            making = target.with_name(f".{target.name}")
            with _new_file(making) as descriptor, os.fdopen(descriptor, "wb") as sink:
                stream = seal_to(key, sink)
                reach, part = _pack(installation, key, stream)
                stream.finish()
                sink.flush()
                os.fsync(sink.fileno())
            making.replace(target)
            sync_folder(out)
        if reach is not None:
            # Posts may now forget what they keep up to here, once they have waited their month.
            with journal_of(installation).act(BACKED_UP, reach):
                pass
    if terminal.as_json:
        told = {"sha256": part.digest, "apart": part.apart}
        size = target.stat().st_size
        terminal.show_json({"path": str(target), "size": size, "custodian": told})
        return
    speaker = Speaker(terminal)
    speaker.show("backup_made", path=str(target), mib=-(-target.stat().st_size // 2**20))
    place = "backup_custodian_apart" if part.apart else "backup_custodian_here"
    speaker.show(place, digest=grouped(part.digest[:32]))
    speaker.say("backup_openers", threshold=key.threshold, names=", ".join(key.holders))


def _pack(
    installation: Installation, key: BackupKey, stream: SealingStream
) -> tuple[str | None, CustodianPart]:
    """Write everything: the database is taken first, so that the custodian is never behind it.

    Returns:
        The last register number that is in it, None when there is none; the custodian's part.
    """
    data = installation.settings.data
    with (
        tempfile.TemporaryDirectory(prefix=".backup-", dir=data) as scratch,
        tarfile.open(
            fileobj=cast("BinaryIO", _Sink(stream)), mode="w|", format=tarfile.PAX_FORMAT
        ) as archive,
    ):
        snapshot = Path(scratch) / DATABASE
        reach = _snapshot(installation, snapshot)
        part = part_of_custodian(installation, key)
        contents = Contents(hash_of(snapshot), part.digest, part.apart)
        _add(archive, CONTENTS, contents.to_bytes())
        archive.add(snapshot, DATABASE)
        snapshot.unlink()
        for name, kept in part.files.items():
            _add(archive, name, kept)
        archive.add(data / FILE, FILE)
        for path in sorted(data.iterdir()):
            left_out = path.name in _LEFT_OUT or path.name.startswith((".", "backup-shares-"))
            if path.name != FILE and not left_out:
                archive.add(path, path.name, filter=_ordinary)
    return reach, part


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, BytesIO(data))


def _snapshot(installation: Installation, path: Path) -> str | None:
    target = open_engine(f"sqlite:///{path}")
    try:
        migrations.upgrade(target)
        with reading(installation.engine) as source:
            copy_tables(source, target)
            return backup_reach(source)
    finally:
        target.dispose()  # the last connection writes the journal back into the file


def _ordinary(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave sockets, locks of processes and half-written files out."""
    name = member.name.rpartition("/")[2]
    if not (member.isfile() or member.isdir()) or name.startswith(".") or name.endswith(".lock"):
        return None
    return member


@contextmanager
def _new_file(path: Path) -> Iterator[int]:
    path.unlink(missing_ok=True)
    try:
        yield os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class _Sink:
    """What `tarfile` writes to."""

    def __init__(self, stream: SealingStream) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        return len(data)
