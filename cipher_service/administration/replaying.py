"""What stands above a backup, taken from the second store: nothing of it is lost or given again."""

import io
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfileobj
from typing import Any

import cbor2
from sqlalchemy import Connection, Engine, inspect

from cipher_service.client.failures import Refused
from cipher_service.storage import migrations
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.second_files import Sealed
from cipher_service.storage.second_store import files_of, place_of, standing
from cipher_service.storage.tables.second_store import second_store
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.age.files import open_age
from keys.age.hybrid import HybridKey
from keys.custody.backups import opening_key
from keys.custody.shares import Share


def replay(snapshot: Engine, second: Path, shares: Sequence[Share], data: Path) -> int:
    """Bring a backup's database and bodies to where its second store was; return the last record.

    Args:
        snapshot: the backup's database, embedded, of the shape that it was made in.
        second: the folder that the second store was begun in, wherever it is mounted now.
        shares: opened, of the key of backups.
        data: the folder that is being restored.

    Raises:
        Refused: SECOND_STORE_NOT_IN_BACKUP, SECOND_STORE_OTHER_SHAPE.
        ServiceError: SECOND_STORE_UNREACHABLE, SECOND_STORE_DAMAGED, SECOND_STORE_BEHIND.
        KeysError: the shares do not open a record, or it is damaged.
        OSError: the disk refuses.
    """
    with reading(snapshot) as connection:
        known = inspect(connection).has_table(second_store.name)
        store = standing(connection) if known else None
    if store is None:
        raise Refused("SECOND_STORE_NOT_IN_BACKUP")
    shape, key = migrations.version(snapshot), opening_key(shares)
    place = place_of(store)
    with unit_of_work(snapshot) as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for record in files_of(store, second).records(place):
            _apply(connection, _opened(record, key, shape))
            place = record.place
    ours, theirs = Blobs(data), Blobs(second / store.name)
    for sha256 in theirs.stored():
        if ours.size(sha256) is None:
            with theirs.path(sha256).open("rb") as file, ours.spool() as spool:
                copyfileobj(file, spool, 2**20)
                spool.keep()
    return place.position


def _opened(record: Sealed, key: HybridKey, shape: str | None) -> list[Any]:
    stream = open_age(io.BytesIO(record.body), [key])
    pieces = []
    while piece := bytes(stream.next_chunk()):
        pieces.append(piece)
    told = cbor2.loads(b"".join(pieces))
    if told["shape"] != shape:
        raise Refused("SECOND_STORE_OTHER_SHAPE", position=record.place.position)
    rows: list[Any] = told["rows"]
    return rows


def _apply(connection: Connection, rows: list[Any]) -> None:
    """Make each row what it was: in the columns' own names, since the shape may be an older one."""
    quoted = connection.dialect.identifier_preparer.quote
    for subject, key, row in rows:
        if row is None:
            named = inspect(connection).get_pk_constraint(subject)["constrained_columns"]
            same = " AND ".join(f"{quoted(column)} = ?" for column in named)
            connection.exec_driver_sql(f"DELETE FROM {quoted(subject)} WHERE {same}", tuple(key))  # noqa: S608 - names of our own tables
    for subject, _, row in rows:
        if row is not None:
            columns = ", ".join(map(quoted, row))
            places = ", ".join("?" * len(row))
            insert = f"INSERT OR REPLACE INTO {quoted(subject)} ({columns}) VALUES ({places})"  # noqa: S608 - names of our own tables
            connection.exec_driver_sql(insert, tuple(row.values()))
