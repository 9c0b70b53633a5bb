"""The page for a service that is lost while its custodian lives: its commands, and what recurs."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from cipher_service import clock
from cipher_service.administration.installation import custodian_of
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine
from keys import canonical
from keys.custody import read_credential
from keys.custody.rotation import Terminal
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Note
from tests.deploy.test_runbooks import BIN, BLOCK, PAGES_OF, strictly
from tests.surfaces.administration.parted import custody_module, serving
from tests.surfaces.administration.running import run
from tests.surfaces.client.online.live import LiveMinistry, Post

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")


class ApartMinistry(LiveMinistry):
    """A ministry whose custodian serves from a folder of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "service")
        self.home = folder / "custodian"
        self.home.mkdir()
        self.store, self.credential = self.home / "store", self.home / "credential"
        self.settings.custodian_store.rename(self.store)
        self.settings.custodian_credential.rename(self.credential)
        self.settings = replace(self.settings, custodian=f"worker:{self.home}/custodian.sock")
        self.settings.write()

    @contextmanager
    def custodian(self) -> Iterator[None]:
        with serving(self.store, self.credential, self.home / "custodian.sock"):
            yield


def _typed(ministry: LiveMinistry, *words: str) -> str:
    ended = run("--data", str(ministry.settings.data), *words, language="en")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _backup(ministry: LiveMinistry, desk: Path, keeper: Post) -> str:
    """Made with a key of backups whose shares are handed over; a custodian apart admits it."""
    (desk / "holders").mkdir()
    cards = []
    for name in NAMES:
        folder = desk / "holders" / name
        new = ("identity", "new", "--post", name, "--out", str(folder), "--no-passphrase")
        assert keeper.chiffre(*new).status == 0
        cards += ["--holder", str(folder / f"{name}.card")]
    data = ministry.settings.data
    _typed(ministry, "backup", "key", "--threshold", "2", *cards)
    (desk / "handed-over").mkdir()
    for share in data.glob("backup-shares-*/*.share"):
        shutil.move(share, desk / "handed-over")
    if isinstance(ministry, ApartMinistry):
        place = ("--store", str(ministry.store), "--key", str(data / "backup.key"))
        assert custody_module("admitting", *place).returncode == 0
    made = json.loads(_typed(ministry, "backup", "make", "--out", str(desk / "b"), "--json"))
    return str(made["path"])


def _send(ministry: ApartMinistry, letter: Path) -> None:
    words = ("--to", "PARIS", "--level", "SECRET", "--subject", "Essai", "--authority", "SG")
    _typed(ministry, "bureau", "send", *words, "--drafter", "A. Ndongo", str(letter))


def _given(ministry: ApartMinistry) -> dict[str, set[Any]]:
    """Every number of the register and of the series to posts."""
    with ministry.engine.connect() as connection:
        registers = connection.execute(text("SELECT register_number FROM dispatch")).scalars()
        series = connection.execute(text("SELECT epoch, number FROM allotted")).fetchall()
        return {"register": set(registers), "series": {tuple(row) for row in series}}


def _follow(page: Path, ministry: ApartMinistry, desk: Path, backup: str) -> str:
    blocks = BLOCK.findall(page.read_text("utf-8"))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(map(strictly, blocks))],
        cwd=desk,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
            "LC_ALL": "C.UTF-8",
            "CIPHER_SERVICE_DATA": str(ministry.settings.data),
            "CUSTODIAN_STORE": str(ministry.store),
            "BACKUP": backup,
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_restores_the_service_alone_and_nothing_recurs(tmp_path: Path) -> None:
    ministry, desk = ApartMinistry(tmp_path), tmp_path / "desk"
    desk.mkdir()
    letter = desk / "lettre.txt"
    letter.write_text("Le ministre arrive mardi.", "utf-8")
    data, page = ministry.settings.data, PAGES_OF["service-lost"]
    with ministry.custodian():
        ministry.start()
        paris = ministry.enrolled("PARIS", tmp_path / "paris")
        lome = ministry.enrolled("LOME", tmp_path / "lome")
        paris.confirm(lome)
        _send(ministry, letter)
        backup = _backup(ministry, desk, paris)
        _send(ministry, letter)
        sent = paris.send("LOME", "acquittée après la sauvegarde", "--json").json["id"]
        assert sent in ministry.dispatches()
        # What the custodian's terminal did since is in no backup.
        now = clock.now().replace(microsecond=0)
        terminal = Terminal(ministry.store, read_credential(ministry.credential))
        card = terminal.rotate(now, now + timedelta(days=366), now)
        given = _given(ministry)
        ministry.stop(signal.SIGKILL)
        ministry.engine.dispose()
        shutil.rmtree(data)
        with custodian_of(replace(ministry.settings, data=tmp_path)) as custodian:
            last = Checkpoint.parse(custodian.log_head().decode())

        said = _follow(page, ministry, desk, backup)

        assert f"{last.origin} {last.size}\n" in said
        told = json.loads((data / "log-archive" / "1" / "restore.json").read_bytes())
        note = Note.parse(canonical.bytes_from_text(told["checkpoint"]))
        assert Checkpoint.parse(note.text) == last
        ministry.settings = Settings.load(data)
        assert ministry.settings.log_origin == f"{last.origin}/r1"
        ministry.engine = open_engine(ministry.settings.database)
        with custodian_of(ministry.settings) as custodian:
            assert custodian.card() == card
        ministry.start()
        try:
            _require_nothing_twice(ministry, given, letter, (paris, lome), sent)
            _lost_again(page, ministry, desk, backup, last.origin)
            paris.online("directory")
        finally:
            ministry.close()


def _lost_again(page: Path, ministry: ApartMinistry, desk: Path, backup: str, first: str) -> None:
    """From the same backup, which knows of no restore: the log's name is one that none had yet."""
    data = ministry.settings.data
    ministry.stop(signal.SIGKILL)
    ministry.engine.dispose()
    shutil.rmtree(data)
    said = _follow(page, ministry, desk, backup)
    assert f"{first}/r1 " in said
    ministry.settings = Settings.load(data)
    assert ministry.settings.log_origin == f"{first}/r2"
    ministry.engine = open_engine(ministry.settings.database)
    ministry.start()
    _typed(ministry, "check")


def _require_nothing_twice(
    ministry: ApartMinistry,
    given: dict[str, set[Any]],
    letter: Path,
    posts: tuple[Post, Post],
    sent: str,
) -> None:
    before = _given(ministry)
    _send(ministry, letter)
    paris, lome = posts
    # PARIS hands in what the restored service lacks, with its next command.
    paris.online("directory")
    assert sent in ministry.dispatches()
    got = lome.online("fetch", "--all", "-o", str(letter.parent / "got"))
    assert list((letter.parent / "got").rglob(f"*{sent}*")), got.err
    now = _given(ministry)
    assert now["series"] - before["series"]
    for book, numbers in now.items():
        assert not (numbers - before[book]) & given[book], book
    _typed(ministry, "check")


def test_it_is_refused_where_the_custodian_was_lost_too(tmp_path: Path) -> None:
    """A backup of an installation that runs its own custodian."""
    own, desk = LiveMinistry(tmp_path / "own"), tmp_path / "desk"
    desk.mkdir()
    own.start()
    try:
        keeper = Post("PARIS", tmp_path / "paris", own)
        words = ["restore", _backup(own, desk, keeper), "--custodian-lives"]
        for name in NAMES[:2]:
            words += ["--share", str(desk / "handed-over" / f"{name}.share")]
            words += ["--identity", str(desk / "holders" / name)]
        for language, cause in (("fr", "dossier même"), ("en", "own folder")):
            ended = run("--data", str(tmp_path / "anew"), *words, language=language)
            assert (ended.returncode, "(CUSTODIAN_NOT_APART)" in ended.stderr) == (1, True)
            assert cause in ended.stderr
        assert not (tmp_path / "anew").exists()
    finally:
        own.close()
