"""What is acknowledged stands in two places; what the second cannot take is not acknowledged."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from cipher_service.administration.replaying import replay
from cipher_service.client.failures import Refused
from cipher_service.errors import ServiceError
from cipher_service.storage import counters, migrations, second_files, second_store, second_triggers
from cipher_service.storage.engine import open_engine
from cipher_service.storage.second_store import begin, compare, end, told_tables
from cipher_service.storage.snapshots import copy_tables
from cipher_service.storage.tables.registers import counter, void_numbers
from cipher_service.storage.tables.second_store import second_store as book
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.age.hybrid import HybridKey
from keys.custody.backups import MadeBackupKey, make_backup_key
from keys.custody.shares import Holder, Share, open_share
from keys.errors import KeysError


@pytest.fixture(scope="module")
def persons() -> dict[str, HybridKey]:
    return {name: HybridKey.generate() for name in ("GARDE-A", "GARDE-B")}


@pytest.fixture(scope="module")
def made(persons: dict[str, HybridKey]) -> MadeBackupKey:
    return make_backup_key(2, [Holder(name, key.recipient) for name, key in persons.items()])


@pytest.fixture(scope="module")
def shares(made: MadeBackupKey, persons: dict[str, HybridKey]) -> list[Share]:
    return [open_share(one, key) for one, key in zip(made.sealed, persons.values(), strict=True)]


class Second:
    """A database with a second store, and a backup of the moment after it was begun."""

    def __init__(self, engine: Engine, folder: Path, made: MadeBackupKey, template: Path) -> None:
        self.engine, self.mount, self.data = engine, folder / "second", folder / "data"
        self.mount.mkdir()
        self.data.mkdir()
        with unit_of_work(engine) as connection:
            self.name = begin(connection, self.mount, self.data, made.key)
        shutil.copy(template, folder / "snapshot.db")
        self.snapshot = open_engine(f"sqlite:///{folder / 'snapshot.db'}")
        with reading(engine) as connection:
            copy_tables(connection, self.snapshot)

    @property
    def records(self) -> Path:
        return max((self.mount / self.name).glob("*.records"))

    def take(self, name: str = "register/2026") -> int:
        with unit_of_work(self.engine) as connection:
            return counters.advance(connection, name)

    def interrupted(self, left: int) -> None:
        """Be killed before the commit, when so much of the record is written; 0 for all of it."""
        with unit_of_work(self.engine) as connection:
            length = connection.execute(select(book.c.length)).scalar_one()
            counters.advance(connection, "register/2026", 1000)
            second_store.tell(connection)
            with self.records.open("r+b") as file:
                file.truncate(length + left if left > 0 else file.seek(left, 2))
            raise InterruptedError

    def refused(self) -> str:
        with pytest.raises(ServiceError) as refusal:
            self.take()
        return refusal.value.code

    def found(self) -> list[str]:
        with reading(self.engine) as connection:
            return [code for code, _ in compare(connection)]

    def replayed(self, shares: list[Share], folder: Path) -> tuple[int, dict[str, Any]]:
        last = replay(self.snapshot, self.mount, shares, folder)
        return last, rows_of(self.snapshot)


@pytest.fixture
def second(
    engine: Engine, tmp_path: Path, made: MadeBackupKey, sqlite_template: Path
) -> Iterator[Second]:
    second = Second(engine, tmp_path, made, sqlite_template)
    yield second
    second.snapshot.dispose()
    with unit_of_work(engine) as connection:  # the server's database serves other tests too
        end(connection)


def rows_of(engine: Engine) -> dict[str, Any]:
    with reading(engine) as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in told_tables()
        }


def test_a_replay_makes_every_row_what_it_was(
    second: Second, shares: list[Share], tmp_path: Path
) -> None:
    for name in ("a", "a", "b", "c"):
        second.take(name)
    with unit_of_work(second.engine) as connection:
        void = {"counter": "a", "first": 3, "last": 9, "recorded_at": "2026-11-26T00:00:00Z"}
        connection.execute(insert(void_numbers).values(void))
        connection.execute(delete(counter).where(counter.c.name == "b"))
        connection.execute(update(counter).where(counter.c.name == "c").values(name="d", value=7))
    assert second.found() == []
    last, rows = second.replayed(shares, tmp_path / "anew")
    assert last == 5
    assert rows == rows_of(second.engine)
    assert rows["counter"] == [("a", 2), ("d", 7)]


def test_nothing_is_recorded_while_the_second_store_is_away(
    second: Second, shares: list[Share], tmp_path: Path
) -> None:
    assert second.take() == 1
    second.mount.rename(tmp_path / "away")
    assert second.refused() == "SECOND_STORE_UNREACHABLE"
    assert second.found() == ["SECOND_STORE_UNREACHABLE"]
    second.mount.mkdir()  # a mount point without its disk
    assert second.refused() == "SECOND_STORE_UNREACHABLE"
    second.mount.rmdir()
    (tmp_path / "away").rename(second.mount)
    assert second.take() == 2
    assert second.replayed(shares, tmp_path / "anew")[1]["counter"] == [("register/2026", 2)]


def test_what_was_told_and_never_committed_is_superseded(
    second: Second, shares: list[Share], tmp_path: Path
) -> None:
    second.take()
    for left in (-1, 40, 0):  # killed within its record, at its beginning, and after it
        with pytest.raises(InterruptedError):
            second.interrupted(left)
    assert second.take() == 2
    assert second.take() == 3
    assert second.found() == []
    last, rows = second.replayed(shares, tmp_path / "anew")
    assert (last, rows["counter"]) == (3, [("register/2026", 3)])


def test_an_old_copy_of_the_database_is_not_gone_on_with(second: Second) -> None:
    second.take()
    with reading(second.engine) as connection:
        old = dict(connection.execute(select(book)).mappings().one())
    second.take()
    second.take()
    with unit_of_work(second.engine) as connection:
        connection.execute(update(book).values(old))
    assert second.refused() == "SECOND_STORE_AHEAD"


def test_an_old_copy_of_the_second_store_is_not_gone_on_with(second: Second) -> None:
    second.take()
    old = second.records.read_bytes()
    second.take()
    second.records.write_bytes(old)
    assert second.found() == ["SECOND_STORE_BEHIND"]
    assert second.refused() == "SECOND_STORE_BEHIND"


def test_a_changed_a_forged_and_a_foreign_record_are_refused(
    second: Second, made: MadeBackupKey, shares: list[Share], tmp_path: Path
) -> None:
    second.take()
    second.take()
    true = second.records.read_bytes()
    for at in (2, 10, 30, 60, len(true) // 2, len(true) - 1):
        second.records.write_bytes(true[:at] + bytes([true[at] ^ 1]) + true[at + 1 :])
        assert second.found(), at
    second.records.write_bytes(true)
    # Whoever knows the public key of backups can seal, and has not the database's secret.
    forger = second_files.SecondFiles(second.mount / second.name, bytes(32))
    with reading(second.engine) as connection:
        place = second_store.place_of(connection.execute(select(book)).one())
    forger.append(place, second_store._sealed(made.key.to_bytes(), b"{}"))
    with pytest.raises(ServiceError, match="SECOND_STORE_DAMAGED"):
        second.replayed(shares, tmp_path / "anew")
    second.records.write_bytes(true)
    with pytest.raises(KeysError):
        second.replayed(shares[:1], tmp_path / "anew")
    assert second.replayed(shares, tmp_path / "anew")[0] == 2


def test_a_backup_without_the_store_or_of_another_shape_is_refused(
    second: Second, shares: list[Share], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_store, "_shape", lambda _connection: "0099_later")
    second.take()
    with pytest.raises(Refused) as refusal:
        second.replayed(shares, tmp_path / "anew")
    assert (refusal.value.code, refusal.value.facts) == (
        "SECOND_STORE_OTHER_SHAPE",
        {"position": 1},
    )
    with unit_of_work(second.snapshot) as connection:
        end(connection)
    with pytest.raises(Refused, match="SECOND_STORE_NOT_IN_BACKUP"):
        second.replayed(shares, tmp_path / "anew")


def test_files_follow_each_other_and_older_ones_may_go(
    second: Second, shares: list[Share], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_files, "SEGMENT_BYTES", 3000)
    for _ in range(7):
        second.take()
    files = sorted((second.mount / second.name).glob("*.records"))
    assert len(files) > 2
    assert second.replayed(shares, tmp_path / "anew")[0] == 7
    files[0].unlink()
    assert second.found() == []
    files[-2].unlink()
    assert second.found() != []


def test_eight_writers_leave_one_chain(second: Second, shares: list[Share], tmp_path: Path) -> None:
    def write(name: str) -> None:
        for _ in range(5):
            second.take(name)

    writers = [threading.Thread(target=write, args=(f"c{each % 4}",)) for each in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert second.found() == []
    last, rows = second.replayed(shares, tmp_path / "anew")
    assert last == 40
    assert rows["counter"] == [(f"c{each}", 10) for each in range(4)]


def test_after_its_end_it_is_told_nothing(second: Second, tmp_path: Path) -> None:
    second.take()
    with unit_of_work(second.engine) as connection:
        assert end(connection)
    second.mount.rename(tmp_path / "away")
    assert second.take() == 2
    with unit_of_work(second.engine) as connection:
        assert not end(connection)


def test_an_upgrade_notes_the_changes_of_the_tables_that_it_left(second: Second) -> None:
    with unit_of_work(second.engine) as connection:
        second_triggers.remove(connection, told_tables())
    migrations.upgrade(second.engine)
    second.take()
    assert second.records.stat().st_size
