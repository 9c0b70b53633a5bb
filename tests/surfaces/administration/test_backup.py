"""A ministry is backed up while it runs and restored elsewhere: nothing is lost, nothing recurs."""

import json
import shutil
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from cipher_service import clock
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.audit.ledger import latest_note
from cipher_service.directory.register import read_directory
from cipher_service.dispatches.incarnations import PREFIX
from cipher_service.settings import Settings
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.headquarters import allotted
from cipher_service.storage.tables.registers import counter
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.book import Book
from keys.custody.place import begin, end
from keys.lifecycle import KeyVersion
from tests.support import postgres
from tests.surfaces.administration.running import done, given, refused, run

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")


@pytest.fixture(scope="module")
def holders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("holders")
    for name in NAMES:
        new = ("identity", "new", "--post", name, "--out", str(folder / name))
        chiffre("en", *new, "--no-passphrase")
    return {name: folder / name for name in NAMES}


@pytest.fixture(scope="module")
def shares(ministry: Stage, holders: dict[str, Path]) -> dict[str, str]:
    cards = [word for name in NAMES for word in ("--holder", str(holders[name] / f"{name}.card"))]
    refused(ministry, "BACKUP_WITHOUT_KEY", "backup", "make", "--out", "/nowhere")
    said = done(ministry, "backup", "key", "--threshold", "2", *cards, language="en")
    files = [word for word in said.split() if word.endswith(".share")]
    return {Path(file).stem: file for file in files}


def _with(shares: dict[str, str], holders: dict[str, Path], *names: str) -> list[str]:
    return [
        word
        for name in names
        for word in ("--share", shares[name], "--identity", str(holders[name]))
    ]


def _send(on: Path, text: Path, subject: str) -> Any:
    ended = run(
        *("--data", str(on), "bureau", "send", "--to", "PARIS", "--level", "SECRET"),
        *("--subject", subject, "--drafter", "A. Ndongo", "--authority", "SG", str(text)),
        language="en",
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _await_head(on: Stage) -> None:
    """Wait until the running service has had a head of the log signed."""
    engine, until = open_engine(on.settings.database), time.monotonic() + 120
    try:
        while time.monotonic() < until:
            with reading(engine) as connection:
                signed, _ = latest_note(connection)
            if signed > 0:
                return
            time.sleep(0.1)
    finally:
        engine.dispose()
    raise AssertionError("no head")


def _numbers(on: Path) -> list[tuple[int, int]]:
    database = sqlite3.connect(f"file:{on / 'ministry.db'}?mode=ro", uri=True)
    try:
        return database.execute("SELECT epoch, number FROM allotted ORDER BY 1, 2").fetchall()
    finally:
        database.close()


def _require_new_log(ministry: Stage, fresh: Path) -> None:
    """It begins with the old one's head and the restore; the old one is whole beside it."""
    database = sqlite3.connect(f"file:{fresh / 'ministry.db'}?mode=ro", uri=True)
    records = [
        json.loads(row[0])
        for row in database.execute("SELECT record FROM audit_entry ORDER BY seq").fetchall()
    ]
    sessions = database.execute("SELECT count(*) FROM session").fetchone()
    database.close()
    told = json.loads((fresh / "log-archive" / "1" / "restore.json").read_bytes())
    assert records[0]["action"] == "restore"
    assert records[0]["resource"] == f"{told['origin']}@{told['size']}"
    assert told["origin"] == ministry.settings.log_origin
    assert told["holders"] == ["GARDE-A", "GARDE-C"]
    assert {record["action"] for record in records[1:]} == {"restore_epoch", "restore_interval"}
    assert sessions == (0,)
    assert (fresh / "log-archive" / "1" / "checkpoint").is_file()
    assert not list(fresh.glob("snapshot*"))
    assert (fresh / "custodian").stat().st_mode & 0o077 == 0


def test_it_is_restored_by_enough_holders_and_numbers_nothing_twice(
    ministry: Stage, holders: dict[str, Path], shares: dict[str, str], tmp_path: Path
) -> None:
    data, text = ministry.settings.data, tmp_path / "texte.txt"
    text.write_text("Le ministre arrive mardi.", "utf-8")
    _send(data, text, "Avant")
    _await_head(ministry)
    made = given(ministry, "backup", "make", "--out", str(tmp_path / "backups"))
    _send(data, text, "Après la sauvegarde")
    lost = set(_numbers(data))

    fresh = tmp_path / "anew"
    restore = ("--data", str(fresh), "restore", made["path"])
    few = run(*restore, *_with(shares, holders, "GARDE-A"))
    assert (few.returncode, "(SHARES_TOO_FEW)" in few.stderr) == (1, True)
    assert not fresh.exists()
    assert not list(tmp_path.glob(".anew*"))
    ended = run(*restore, *_with(shares, holders, "GARDE-A", "GARDE-C"), language="en")
    assert ended.returncode == 0, ended.stderr
    assert "register" in ended.stdout or "departures" in ended.stdout
    again = run(*restore, *_with(shares, holders, "GARDE-A", "GARDE-C"))
    assert "(FOUNDED_ALREADY)" in again.stderr

    _require_new_log(ministry, fresh)
    settings = Settings.load(fresh)
    assert settings.log_origin == f"{ministry.settings.log_origin}/r1"
    with (fresh / "service.toml").open("a", encoding="utf-8") as file:
        file.write(f'custodian = "file:{settings.custodian_store}"\n')
    checked = run("--data", str(fresh), "check", "--json")
    assert checked.returncode == 0, checked.stdout
    _send(fresh, text, "Après la restauration")
    assert not (set(_numbers(fresh)) - set(_numbers(data))) & lost
    new = set(_numbers(fresh)) - lost
    assert len(new) == 1
    assert min(new)[0] > max(lost)[0]


def test_it_is_restored_onto_postgresql(
    ministry: Stage,
    holders: dict[str, Path],
    shares: dict[str, str],
    postgres_cluster: postgres.Cluster,
    tmp_path: Path,
) -> None:
    data, text, url = ministry.settings.data, tmp_path / "texte.txt", postgres_cluster.fresh()
    text.write_text("Le ministre arrive jeudi.", "utf-8")
    _send(data, text, "Avant")
    made = given(ministry, "backup", "make", "--out", str(tmp_path / "backups"))
    before = set(_numbers(data))

    fresh = tmp_path / "anew"
    opened = _with(shares, holders, "GARDE-B", "GARDE-C")
    restore = ("--data", str(fresh), "restore", made["path"], *opened, "--database", url)
    wrong = run(*restore, "--receipt", str(text))
    assert (wrong.returncode, "(RECEIPT_MALFORMED)" in wrong.stderr) == (1, True)
    ended = run(*restore, language="en")
    assert ended.returncode == 0, ended.stderr
    assert not (fresh / "ministry.db").exists()
    shutil.rmtree(fresh)
    again = run(*restore)
    assert (again.returncode, "(DATABASE_IN_USE)" in again.stderr) == (1, True)
    assert not fresh.exists()
    _require_restored_on(postgres_cluster.fresh(), restore, fresh, text, before)


def _require_restored_on(
    url: str, restore: tuple[str, ...], fresh: Path, text: Path, before: set[tuple[int, int]]
) -> None:
    ended = run(*restore[:-1], url)
    assert ended.returncode == 0, ended.stderr
    with (fresh / "service.toml").open("a", encoding="utf-8") as file:
        file.write(f'custodian = "file:{fresh / "custodian"}"\n')
    checked = run("--data", str(fresh), "check", "--json")
    assert checked.returncode == 0, checked.stdout
    _send(fresh, text, "Après")
    engine = open_engine(url)
    with reading(engine) as connection:
        rows = connection.execute(select(allotted.c.epoch, allotted.c.number))
        numbers = {(row.epoch, row.number) for row in rows}
    engine.dispose()
    assert before < numbers
    assert len(numbers - before) == 1


def test_a_year_without_an_epoch_left_leaves_the_new_database_empty(
    ministry: Stage,
    holders: dict[str, Path],
    shares: dict[str, str],
    postgres_cluster: postgres.Cluster,
    tmp_path: Path,
) -> None:
    last = {"name": f"{PREFIX}{clock.now().year}", "value": 99}
    engine, url = open_engine(ministry.settings.database), postgres_cluster.fresh()
    with unit_of_work(engine) as connection:
        connection.execute(insert(counter).values(last))
    made = given(ministry, "backup", "make", "--out", str(tmp_path / "backups"))
    with unit_of_work(engine) as connection:
        connection.execute(delete(counter).where(counter.c.name == last["name"]))
    engine.dispose()
    fresh, opened = tmp_path / "anew", _with(shares, holders, "GARDE-A", "GARDE-B")
    ended = run("--data", str(fresh), "restore", made["path"], *opened, "--database", url)
    assert (ended.returncode, "(RESTORE_EPOCHS_EXHAUSTED)" in ended.stderr) == (1, True)
    assert not fresh.exists()
    engine = open_engine(url)
    assert migrations.is_vacant(engine)
    engine.dispose()


def test_a_stolen_backup_shows_neither_text_nor_key_nor_name(
    ministry: Stage, shares: dict[str, str], tmp_path: Path
) -> None:
    assert shares
    made = given(ministry, "backup", "make", "--out", str(tmp_path / "backups"))
    stolen = Path(made["path"]).read_bytes()
    credential = ministry.settings.custodian_credential.read_bytes().strip()
    for secret in (credential, b"SQLite format 3", b"ministry", b"PARIS", b"service-keys"):
        assert secret not in stolen
    assert Path(made["path"]).stat().st_mode & 0o077 == 0


def test_keys_that_were_rotated_after_the_backup_are_missed_by_name(
    ministry: Stage, holders: dict[str, Path], shares: dict[str, str], tmp_path: Path
) -> None:
    """The second store tells of the new card; its keys are the custodian's, and in no backup."""
    (tmp_path / "second").mkdir()
    done(ministry, "backup", "second", "--at", str(tmp_path / "second"))
    made = given(ministry, "backup", "make", "--out", str(tmp_path / "backups"))
    opened = _with(shares, holders, "GARDE-A", "GARDE-B")
    second = ("--second", str(tmp_path / "second"))

    # Desks of before that had told nothing yet: the books know all the same whom they ended.
    given(ministry, "keys", "rotate", "desks/MINREX")
    early = tmp_path / "early"
    ended = run("--data", str(early), "restore", made["path"], *opened, *second, language="en")
    assert ended.returncode == 0, ended.stderr
    assert "cipher-service keys rotate desks/MINREX" in ended.stdout
    checked = run("--data", str(early), "check", language="en")
    assert (checked.returncode, "keys rotate desks/MINREX" in checked.stdout) == (1, True)

    given(ministry, "keys", "rotate")
    fresh = tmp_path / "anew"
    ended = run("--data", str(fresh), "restore", made["path"], *opened, *second)
    assert (ended.returncode, "(SECOND_STORE_NEWER_KEYS)" in ended.stderr) == (1, True)
    assert not fresh.exists()
    _require_second_place(ministry, (*opened, *second), tmp_path)
    made = given(ministry, "backup", "make", "--out", str(tmp_path / "later"))
    ended = run("--data", str(fresh), "restore", made["path"], *opened, *second)
    assert ended.returncode == 0, ended.stderr
    assert "desks/MINREX" not in ended.stdout
    done(ministry, "backup", "second", "--end")


def _unused(book: bytes) -> tuple[KeyVersion, ...]:
    """The versions of a book; how often each was used goes on, for the service makes prekeys."""
    return tuple(replace(each, uses=0) for each in Book.parse(book).versions)


def _require_second_place(ministry: Stage, words: tuple[str, ...], folder: Path) -> None:
    """Where the custodian has a second place, keys that no backup has come back from there."""
    place = folder / "custodian-second"
    place.mkdir()
    begin(ministry.settings.custodian_store, place)
    made = given(ministry, "backup", "make", "--out", str(folder / "with-place"))
    given(ministry, "keys", "rotate")
    given(ministry, "keys", "rotate", "desks/MINREX")
    with custodian_of(ministry.settings) as custodian:
        card, desks = custodian.card().fingerprint, custodian.desk_keys()
        book = _unused(custodian.key_versions())
    fresh = folder / "with-both"
    at = ("--custodian-second", str(place))
    early = run("--data", str(fresh), "restore", made["path"], *words)
    assert (early.returncode, "(SECOND_STORE_NEWER_KEYS)" in early.stderr) == (1, True)
    ended = run("--data", str(fresh), "restore", made["path"], *words, *at, language="en")
    assert ended.returncode == 0, ended.stderr
    assert "Custodian taken from its second place" in ended.stdout
    assert "desks/MINREX" not in ended.stdout
    settings = Settings.load(fresh)
    with custodian_of(settings, f"file:{settings.custodian_store}") as custodian:
        assert (custodian.card().fingerprint, custodian.desk_keys()) == (card, desks)
        assert _unused(custodian.key_versions()) == book
    # Without the service's second store the books are the backup's: they learn the newer card.
    alone = run("--data", str(folder / "alone"), "restore", made["path"], *words[:-2], *at)
    assert alone.returncode == 0, alone.stderr
    engine = open_engine(Settings.load(folder / "alone").database)
    with reading(engine) as connection:
        assert read_directory(connection).card_in_force("MINREX").fingerprint == card
    engine.dispose()
    place.rename(folder / "away")
    refused(ministry, "CUSTODY_SECOND_UNREACHABLE", "keys", "rotate", status=3)
    assert given(ministry, "keys", "list")
    end(ministry.settings.custodian_store)
