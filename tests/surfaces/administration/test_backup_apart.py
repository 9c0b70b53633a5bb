"""A custodian that serves from a folder of its own is in the backup, and comes back from it."""

import json
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cipher_service.administration.backup_parts import CONTENTS, DATABASE, SEALED, Contents
from cipher_service.administration.installation import custodian_of
from cipher_service.settings import Settings
from keys.custody.backups import BackupKey, make_backup_key, open_with, seal_to
from keys.custody.parts import KEY_FILE, PIECE_BYTES
from keys.custody.shares import Holder, open_share
from keys.identity import load_identity
from tests.surfaces.administration.parted import NAMES, Parted, parted_at, serving
from tests.surfaces.administration.running import run


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parted]:
    with parted_at(tmp_path_factory.mktemp("parted")) as on:
        yield on


def _nothing() -> bytes:
    """The passphrase of identities that have none."""
    return b""


def _refused(on: Parted, code: str, status: int = 1) -> None:
    """No backup is written, under any name, without the custodian's part."""
    out = on.folder / "none"
    ended = run("--data", str(on.data), "backup", "make", "--out", str(out))
    assert (ended.returncode, f"({code})" in ended.stderr) == (status, True), ended.stderr
    assert list(out.iterdir()) == []


def _members(backup: Path, on: Parted) -> dict[str, bytes]:
    """What enough holders see in a backup."""
    words = on.opening
    shares = [
        open_share(Path(file).read_bytes(), load_identity(Path(folder), _nothing).hybrid_key)
        for file, folder in zip(words[1::4], words[3::4], strict=True)
    ]
    with backup.open("rb") as file:
        stream, data = open_with(shares, file), b""
        while piece := stream.next_chunk():
            data += bytes(piece)
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        found = {each.name: archive.extractfile(each) for each in archive if each.isfile()}
        return {name: file.read() for name, file in found.items() if file is not None}


def _packed(members: dict[str, bytes], on: Parted, path: Path) -> str:
    """A backup of these members, sealed to the ministry's key as whoever has it could."""
    data = BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, held in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(held)
            archive.addfile(member, BytesIO(held))
    key = BackupKey.parse((on.data / "backup.key").read_bytes())
    with path.open("wb") as file:
        stream = seal_to(key, file)
        stream.write(data.getvalue())
        stream.finish()
    return str(path)


def test_no_backup_is_made_without_the_custodian(parted: Parted, tmp_path: Path) -> None:
    (parted.store / KEY_FILE).unlink(missing_ok=True)
    _refused(parted, "BACKUP_KEY_NOT_ADMITTED")
    holders = [
        Holder(name, load_identity(parted.folder / name, _nothing).card.recipient) for name in NAMES
    ]
    other = tmp_path / "other.key"
    other.write_bytes(make_backup_key(2, holders).key.to_bytes())
    assert parted.admit(other).returncode == 0
    _refused(parted, "BACKUP_KEYS_DIFFER")
    away = parted.socket.rename(tmp_path / "away.sock")
    _refused(parted, "CUSTODIAN_UNAVAILABLE", status=3)
    away.rename(parted.socket)


def test_both_come_back_on_a_clean_machine(parted: Parted, tmp_path: Path) -> None:
    admitted = parted.admit(parted.data / "backup.key")
    key = BackupKey.parse((parted.data / "backup.key").read_bytes())
    assert admitted.stdout == f"{key.fingerprint} 2 {' '.join(NAMES)}\n"
    at = ("--store", str(parted.store), "--credential", str(parted.credential))
    typed = ("--data", str(parted.data), "keys", "rotate", "desks/MINREX", *at, "--json")
    rotated = json.loads(run(*typed).stdout)
    # Larger than a piece, so that it comes in several.
    (parted.store / "log.head.1").write_bytes(bytes(2 * PIECE_BYTES))
    (parted.store / "log.head.1").chmod(0o600)
    # What a restore left here is not the custodian that serves.
    left = parted.data / "custodian"
    shutil.copytree(parted.store, left)
    made = parted.make()
    shutil.rmtree(left)
    assert made["custodian"]["apart"] is True
    with custodian_of(Settings.load(parted.data)) as custodian:
        card = custodian.card()

    ended = parted.restored(made["path"], "anew")
    assert ended.returncode == 0, ended.stderr
    fresh = parted.folder / "anew"
    store, credential = fresh / "custodian", fresh / "custodian.credential"
    assert f"{store} and {credential}" in ended.stdout
    assert {path.stat().st_mode & 0o777 for path in store.iterdir()} == {0o600}
    assert store.stat().st_mode & 0o777 == 0o700
    assert credential.stat().st_mode & 0o777 == 0o600
    assert credential.read_bytes() == parted.credential.read_bytes()
    assert not {CONTENTS, SEALED, DATABASE} & {path.name for path in fresh.iterdir()}
    settings = Settings.load(fresh)
    assert settings.custodian == f"worker:{parted.socket}"
    [carried] = [each for each in _records(fresh) if each["action"] == "restore_rotation"]
    assert (carried["resource"], carried["card"]) == ("desks/MINREX", rotated["fingerprint"])

    # Brought to a user and a folder of its own again, it serves the restored service.
    moved = Path(shutil.move(store, tmp_path / "store"))
    kept = Path(shutil.move(credential, tmp_path / "credential"))
    text = (fresh / "service.toml").read_text("utf-8")
    socket = tmp_path / "custodian.sock"
    (fresh / "service.toml").write_text(text.replace(str(parted.socket), str(socket)), "utf-8")
    with serving(moved, kept, socket), custodian_of(Settings.load(fresh)) as custodian:
        assert custodian.card() == card
        checked = run("--data", str(fresh), "check", "--json")
        assert checked.returncode == 0, checked.stdout
        _require_rotations_known(fresh, tmp_path)


def _records(data: Path) -> list[dict[str, Any]]:
    database = sqlite3.connect(f"file:{data / 'ministry.db'}?mode=ro", uri=True)
    with closing(database):
        rows = database.execute("SELECT record FROM audit_entry ORDER BY seq").fetchall()
    return [json.loads(row[0]) for row in rows]


def _require_rotations_known(fresh: Path, folder: Path) -> None:
    """What the old log told of is not entered anew, and what comes after is."""
    data, key = ("--data", str(fresh)), "desks/MINREX"
    taken = run(*data, "keys", "take-in", "--json")
    assert (taken.returncode, json.loads(taken.stdout)) == (0, []), taken.stderr
    for typed in (("record", key, "-o", "r.json"), ("confirm", key, "--by", "GARDE-A")):
        ended = run(*data, "keys", *typed)
        assert (ended.returncode, "(ROTATION_BEFORE_RESTORE)" in ended.stderr) == (1, True)
    at = ("--store", str(folder / "store"), "--credential", str(folder / "credential"))
    assert run("--data", "nowhere", "keys", "exchange", key, *at).returncode == 0
    [again] = json.loads(run(*data, "keys", "take-in", "--json").stdout)
    assert (again["key"], again["number"]) == (key, 3)
    drawn = run(*data, "keys", "record", key, "-o", str(folder / "third.json"))
    assert drawn.returncode == 0, drawn.stderr


def test_a_part_that_is_missing_or_another_is_named(parted: Parted, tmp_path: Path) -> None:
    parted.admit(parted.data / "backup.key")
    members = _members(Path(parted.make()["path"]), parted)
    assert next(iter(members)) == CONTENTS
    contents = Contents.parse(members[CONTENTS])
    without = {name: held for name, held in members.items() if name != SEALED}
    altered = {**members, SEALED: members[SEALED] + b"x"}
    nothing = {name: held for name, held in without.items() if name != CONTENTS}
    claimed = Contents(contents.database, contents.custodian, apart=False)
    here = {**without, CONTENTS: claimed.to_bytes()}
    other = {**members, DATABASE: members[DATABASE] + b"x"}
    for number, (found, part) in enumerate(
        (
            (without, SEALED),
            (altered, SEALED),
            (nothing, "custodian"),
            (here, "custodian"),
            (other, DATABASE),
            ({name: held for name, held in members.items() if name != DATABASE}, DATABASE),
        )
    ):
        backup = _packed(found, parted, tmp_path / f"{number}.backup")
        ended = parted.restored(backup, f"not-{number}")
        assert (ended.returncode, "(BACKUP_PART_MISSING)" in ended.stderr) == (1, True), number
        assert f'no "{part}"' in ended.stderr
        assert not (parted.folder / f"not-{number}").exists()
    backup = _packed({**members, CONTENTS: b"{}"}, parted, tmp_path / "form.backup")
    assert "(BACKUP_UNREADABLE)" in parted.restored(backup, "not-form").stderr


def test_a_backup_of_before_its_contents_were_told_is_restored(
    parted: Parted, tmp_path: Path
) -> None:
    """It has the custodian's store as it lay in the data folder."""
    parted.admit(parted.data / "backup.key")
    members = _members(Path(parted.make()["path"]), parted)
    old = {name: held for name, held in members.items() if name not in {CONTENTS, SEALED}}
    store = {f"custodian/{path.name}": path.read_bytes() for path in parted.store.glob("*.*")}
    old |= {"custodian.credential": parted.credential.read_bytes(), **store}
    ended = parted.restored(_packed(old, parted, tmp_path / "old.backup"), "old")
    assert ended.returncode == 0, ended.stderr
    assert "restore.md §6" not in ended.stdout
