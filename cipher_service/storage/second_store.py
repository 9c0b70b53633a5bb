"""A second store: what a transaction changed is there, durably, before the transaction ends.

    begin(connection, Path("/mnt/second"), data, backup_key)   # once; then a backup
    tell(connection)                                           # the last act of each unit of work

Triggers note which rows a transaction touches. Before it commits, these rows as they now are go
into the second store as one record, sealed to the key of backups, and the bodies of envelopes that
they name beside it. When the store cannot take them, the transaction is undone by name: nothing is
acknowledged that stands in one place only. A restore replays above the backup what is there
(`administration.replaying`).

What ends with a restore anyway is not told: sessions, links, challenges, used tokens.
"""

import io
import json
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copyfileobj
from typing import Any, Final
from weakref import WeakSet

import cbor2
from sqlalchemy import Connection, Engine, Row, Table, delete, insert, select, text, update

from cipher_service.errors import ServiceError
from cipher_service.storage import second_triggers
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.second_files import FIRST, Place, SecondFiles
from cipher_service.storage.statements import run_plain
from cipher_service.storage.tables import identity, metadata
from cipher_service.storage.tables.compositions import composition
from cipher_service.storage.tables.dispatches import dispatch, rerouted_header
from cipher_service.storage.tables.registers import replay
from cipher_service.storage.tables.second_store import second_store, second_store_change
from keys.custody.backups import BackupKey, seal_to
from keys.files import flush_folder

OWN: Final = frozenset({second_store, second_store_change})
_UNTOLD: Final = OWN | {
    replay,
    identity.challenge,
    identity.session,
    identity.enrolment_link,
}
_SHAPED: "WeakSet[Engine]" = WeakSet()
"""Engines whose database is known to have our tables: every one but that of an older release."""


def told_tables() -> list[Table]:
    """Return the tables whose changes the second store is told."""
    return [each for each in metadata.sorted_tables if each not in _UNTOLD]


def tell(connection: Connection) -> None:
    """Write what this transaction changed into the second store, where there is one.

    Call it last before the commit.

    Raises:
        ServiceError: SECOND_STORE_UNREACHABLE, SECOND_STORE_BEHIND, SECOND_STORE_AHEAD; the
            transaction must then be undone.
    """
    if not _is_shaped(connection) or not _has_changes(connection):
        return
    store = standing(connection)
    notes = connection.execute(select(second_store_change).order_by(second_store_change.c.seq))
    changes = list(dict.fromkeys((note.subject, note.key) for note in notes))
    if store is not None:
        files_of(store).require()
        rows = list(_images(connection, changes))
        _copy_bodies(store, rows)
        body = cbor2.dumps({"shape": _shape(connection), "rows": rows})
        place = files_of(store).append(place_of(store), _sealed(store.key, body))
        moved = {
            "position": place.position,
            "segment": place.segment,
            "length": place.length,
            "digest": place.digest.hex(),
        }
        connection.execute(update(second_store).values(moved))
    # Nobody else's notes are visible here, and ours are all read.
    connection.execute(delete(second_store_change))


def begin(connection: Connection, folder: Path, data: Path, key: BackupKey) -> str:
    """Begin a second store in a folder, instead of any other; return the name of ours in it.

    What stands in the database before belongs to a backup that is made afterwards.

    Args:
        connection: a unit of work's, of a user who may make triggers.
        folder: absolute, on another disk.
        data: the installation's folder, whose bodies of envelopes are copied.
        key: to which records are sealed.

    Raises:
        OSError: the folder cannot be written.
    """
    end(connection)
    name = secrets.token_hex(16)
    (folder / name).mkdir(mode=0o700)
    flush_folder(folder)
    begun = {
        "one": 1,
        "folder": str(folder),
        "name": name,
        "data": str(data),
        "key": key.to_bytes(),
        "secret": secrets.token_bytes(32),
        "position": 0,
        "segment": 0,
        "length": 0,
        "digest": FIRST.hex(),
    }
    connection.execute(insert(second_store).values(begun))
    second_triggers.install(connection, told_tables())
    store = standing(connection)
    if store is not None:
        source = Blobs(data)
        for sha256 in source.stored():
            _copy_body(source, _bodies(store), sha256)
    return name


def end(connection: Connection) -> bool:
    """Tell the second store nothing any more; what is there stays. False where there was none."""
    second_triggers.remove(connection, told_tables())
    had = standing(connection) is not None
    connection.execute(delete(second_store_change))
    connection.execute(delete(second_store))
    return had


def renew_triggers(connection: Connection) -> None:
    """Note changes of the tables as an upgrade has left them, where there is a second store."""
    if standing(connection) is not None:
        second_triggers.install(connection, told_tables())


def rekey(connection: Connection, key: BackupKey) -> None:
    """Seal to another key of backups from now on."""
    connection.execute(update(second_store).values(key=key.to_bytes()))


def standing(connection: Connection) -> Row[Any] | None:
    """Return the row of the second store, None where none was begun."""
    return connection.execute(select(second_store)).one_or_none()


def files_of(store: Row[Any], folder: Path | None = None) -> SecondFiles:
    """Return the files of a store, in another folder than the one it was begun in if need be."""
    return SecondFiles((folder or Path(store.folder)) / store.name, store.secret)


def place_of(store: Row[Any]) -> Place:
    """Return how far the database knows that its store has come."""
    return Place(store.position, store.segment, store.length, bytes.fromhex(store.digest))


def compare(connection: Connection) -> Iterator[tuple[str, str]]:
    """Give what is wrong between the database and its second store: code and place.

    Records are held against each other and against the place that the database remembers; bodies
    against their names, and those of the data folder against the second store.
    """
    store = standing(connection)
    if store is None:
        return
    ours, theirs = Blobs(Path(store.data)), _bodies(store)
    try:
        yield from _compare_records(store)
        for sha256 in _named(connection):
            if ours.size(sha256) != theirs.size(sha256):
                yield "SECOND_STORE_BODY_MISSING", sha256
        for sha256 in theirs.stored():
            if theirs.digest(sha256).sha256 != sha256:
                yield "SECOND_STORE_BODY_DAMAGED", sha256
    except OSError:
        yield "SECOND_STORE_UNREACHABLE", store.folder
    except ServiceError as refusal:
        yield refusal.code, str(refusal.facts.get("position", store.folder))


def _compare_records(store: Row[Any]) -> Iterator[tuple[str, str]]:
    files, known = files_of(store), place_of(store)
    files.require()
    last = Place(0, 0, 0, FIRST)
    start = files.before_first()
    if start is not None:
        last = start
        for record in files.records(start):
            last = record.place
            if last.position == known.position:
                break
    if last != known:
        yield "SECOND_STORE_BEHIND", str(known.position)


def _images(
    connection: Connection, changes: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, list[Any], dict[str, Any] | None]]:
    """Give each changed row as it now is: table, primary key, and columns or None."""
    for subject, encoded in changes:
        table, key = metadata.tables[subject], json.loads(encoded)
        same = [column == value for column, value in zip(table.primary_key, key, strict=True)]
        row = connection.execute(select(table).where(*same)).mappings().one_or_none()
        yield subject, key, None if row is None else dict(row)


def _copy_bodies(store: Row[Any], rows: Sequence[tuple[str, list[Any], Any]]) -> None:
    """Copy the bodies that changed rows name and that lie on our disk."""
    source, target = Blobs(Path(store.data)), _bodies(store)
    for subject, _, row in rows:
        if row is not None and subject == dispatch.name:
            _copy_body(source, target, row["sha256"])
        elif row is not None and subject == rerouted_header.name:
            _copy_body(source, target, row["payload"])
        elif row is not None and subject == composition.name and row["enclosed"] is not None:
            for sha256, _ in json.loads(row["enclosed"]):
                _copy_body(source, target, sha256)


def _named(connection: Connection) -> Iterator[str]:
    """Give the hash of every body that dispatches and drafts name, also of those that are rows."""
    yield from connection.scalars(select(dispatch.c.sha256))
    yield from connection.scalars(select(rerouted_header.c.payload).distinct())
    enclosed = composition.c.enclosed
    for listed in connection.scalars(select(enclosed).where(enclosed.is_not(None))):
        for sha256, _ in json.loads(listed):
            yield sha256


def _copy_body(source: Blobs, target: Blobs, sha256: str) -> None:
    size = source.size(sha256)
    if size is None or size == target.size(sha256):
        return  # small ones are rows
    try:
        with source.path(sha256).open("rb") as file, target.spool() as spool:
            copyfileobj(file, spool, 2**20)
            spool.keep()
    except OSError as error:
        reason = (error.strerror or type(error).__name__)[:80]
        path = str(target.path(sha256).parents[3])
        raise ServiceError("SECOND_STORE_UNREACHABLE", path=path, reason=reason) from error


def _bodies(store: Row[Any]) -> Blobs:
    return Blobs(Path(store.folder) / store.name)


def _sealed(key: bytes, body: bytes) -> bytes:
    sink = io.BytesIO()
    stream = seal_to(BackupKey.parse(key), sink)
    stream.write(body)
    stream.finish()
    return sink.getvalue()


def _shape(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def _has_changes(connection: Connection) -> bool:
    noted = run_plain(connection, "SELECT 1 FROM second_store_change LIMIT 1")
    return bool(noted.fetchall())


def _is_shaped(connection: Connection) -> bool:
    """Tell whether the database has our tables; asked once for each engine that has."""
    engine = connection.engine
    if engine not in _SHAPED:
        wanted = (
            "SELECT name FROM sqlite_master WHERE name = 'second_store_change'"
            if connection.dialect.name == "sqlite"
            else "SELECT to_regclass('second_store_change')::text"
        )
        if connection.exec_driver_sql(wanted).scalar() is None:
            return False
        _SHAPED.add(engine)
    return True
