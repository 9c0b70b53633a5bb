"""A custodian that serves from a folder of its own is in the backup, and comes back from it."""

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cipher_service.administration.backup_parts import CONTENTS, DATABASE, SEALED, Contents
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import chiffre
from cipher_service.settings import Settings
from keys.custody.backups import BackupKey, make_backup_key, open_with, seal_to
from keys.custody.parts import KEY_FILE, PIECE_BYTES
from keys.custody.shares import Holder, open_share
from keys.identity import load_identity
from tests.surfaces.administration.running import run

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")


@dataclass(frozen=True)
class Parted:
    """A service and its custodian, each in a folder that the other does not have."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "service"

    @property
    def store(self) -> Path:
        return self.folder / "cipher-custodian" / "store"

    @property
    def credential(self) -> Path:
        return self.folder / "credstore" / "custodian"

    @property
    def socket(self) -> Path:
        return self.folder / "custodian.sock"

    @property
    def opening(self) -> list[str]:
        words = []
        for name in NAMES[:2]:
            [share] = self.data.glob(f"backup-shares-*/{name}.share")
            words += ["--share", str(share), "--identity", str(self.folder / name)]
        return words

    def admit(self, key: Path) -> "subprocess.CompletedProcess[str]":
        return _custody("admitting", "--store", str(self.store), "--key", str(key))

    def make(self) -> Any:
        typed = ("backup", "make", "--out", str(self.folder / "backups"), "--json")
        ended = run("--data", str(self.data), *typed)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def restored(self, backup: str, name: str, language: str = "en") -> Any:
        restore = ("--data", str(self.folder / name), "restore", backup, *self.opening)
        return run(*restore, language=language)


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parted]:
    """Founded apart, with a key of backups that the custodian has not admitted yet."""
    on = Parted(tmp_path_factory.mktemp("parted"))
    place = ("--store", str(on.store), "--credential", str(on.credential))
    founded = _custody("founding", *place, "--post", "MINREX")
    assert founded.returncode == 0, founded.stderr
    with serving(on.store, on.credential, on.socket):
        init = ("init", "--issuer", "https://chiffre.example.cm")
        made = run("--data", str(on.data), *init, "--custodian", f"worker:{on.socket}")
        assert made.returncode == 0, made.stderr
        cards = []
        for name in NAMES:
            new = ("identity", "new", "--post", name, "--out", str(on.folder / name))
            chiffre("en", *new, "--no-passphrase")
            cards += ["--holder", str(on.folder / name / f"{name}.card")]
        key = run("--data", str(on.data), "backup", "key", "--threshold", "2", *cards)
        assert key.returncode == 0, key.stderr
        yield on


@contextmanager
def serving(store: Path, credential: Path, socket: Path) -> Iterator[None]:
    """A custodian's process."""
    place = ("--store", str(store), "--credential", str(credential), "--socket", str(socket))
    command = [sys.executable, "-m", "keys.custody.worker", *place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline().startswith("READY")
            yield
        finally:
            worker.terminate()


def _custody(module: str, *typed: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", f"keys.custody.{module}", *typed]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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
    # Larger than a piece, so that it comes in several.
    (parted.store / "log.head.1").write_bytes(bytes(2 * PIECE_BYTES))
    (parted.store / "log.head.1").chmod(0o600)
    made = parted.make()
    assert made["custodian"]["apart"] is True
    assert not (parted.data / "custodian").exists()
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
