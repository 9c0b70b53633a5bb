"""A ministry dies with its disk: all that its second store took is there, none skipped."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine
from tests.surfaces.administration.running import Ended, run
from tests.surfaces.client.online.live import LiveMinistry, Post


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[LiveMinistry]:
    live = LiveMinistry(tmp_path / "ministry")
    live.start()
    yield live
    live.close()


def _typed(ministry: LiveMinistry, *words: str) -> Ended:
    return run("--data", str(ministry.settings.data), *words, language="en")


def _done(ministry: LiveMinistry, *words: str) -> str:
    ended = _typed(ministry, *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _written(ministry: LiveMinistry, letter: Path) -> Ended:
    words = ("--to", "PARIS", "--level", "SECRET", "--subject", "Essai", "--authority", "SG")
    return _typed(ministry, "bureau", "send", *words, "--drafter", "A. Ndongo", str(letter))


def _begun(ministry: LiveMinistry, folder: Path, *keepers: Post) -> tuple[str, list[str]]:
    """A second store, and a backup that knows of it: its path, the words that open it."""
    second = folder / "second"
    second.mkdir()
    none = _typed(ministry, "backup", "second", "--at", str(second))
    assert "(BACKUP_WITHOUT_KEY)" in none.stderr
    cards = [word for each in keepers for word in ("--holder", str(each.card_file))]
    _done(ministry, "backup", "key", "--threshold", "2", *cards)
    inside = ("--at", str(ministry.settings.data / "run"))
    assert "(SECOND_STORE_UNFIT)" in _typed(ministry, "backup", "second", *inside).stderr
    assert "(SECOND_STORE_NONE)" in _typed(ministry, "backup", "second", "--end").stderr
    _done(ministry, "backup", "second", "--at", str(second))
    words = []
    for each in keepers:
        share = next(ministry.settings.data.glob(f"backup-shares-*/{each.code}.share"))
        words += ["--share", str(shutil.copy(share, each.folder)), "--identity", str(each.folder)]
    made = json.loads(_done(ministry, "backup", "make", "--out", str(folder / "b"), "--json"))
    return str(made["path"]), words


def _numbers(ministry: LiveMinistry) -> dict[str, Any]:
    with ministry.engine.connect() as connection:
        registers = connection.execute(
            text("SELECT dispatch_id, register_number FROM dispatch ORDER BY 2")
        ).fetchall()
        series = connection.execute(
            text("SELECT epoch, number, dispatch_id FROM allotted ORDER BY 1, 2")
        ).fetchall()
    return {"registers": [tuple(row) for row in registers], "series": [*map(tuple, series)]}


def test_the_first_store_is_lost_whole_and_the_second_brings_everything_back(
    ministry: LiveMinistry, tmp_path: Path
) -> None:
    paris = ministry.enrolled("PARIS", tmp_path / "paris")
    lome = ministry.enrolled("LOME", tmp_path / "lome")
    paris.confirm(lome)
    short, long = tmp_path / "short.txt", tmp_path / "long.txt"
    short.write_text("Le ministre arrive mardi.", "utf-8")
    long.write_bytes(bytes(range(256)) * 1024)  # a body that lies on the disk, not in the database
    backup, shares = _begun(ministry, tmp_path, paris, lome)
    for letter in (short, long):
        assert _written(ministry, letter).returncode == 0
    assert paris.send("LOME", "d'un poste", "--json").status == 0

    _require_nothing_while_away(ministry, paris, short, tmp_path)
    checked = _typed(ministry, "check", "--json")
    assert checked.returncode == 0, checked.stdout
    given = _numbers(ministry)
    _die(ministry)

    restore = ("restore", backup, *shares, "--second", str(tmp_path / "second"))
    elsewhere = _typed(ministry, *restore[:-1], str(tmp_path))
    assert "(SECOND_STORE_UNREACHABLE)" in elsewhere.stderr
    assert not ministry.settings.data.exists()
    said = _done(ministry, *restore)
    assert "cancelled" not in said
    ministry.settings = Settings.load(ministry.settings.data)
    ministry.engine = open_engine(ministry.settings.database)
    assert _numbers(ministry) == given
    ministry.start()
    checked = _typed(ministry, "check", "--json")
    assert checked.returncode == 0, checked.stdout

    got = paris.online("fetch", "--all", "--decipher", "-o", str(tmp_path / "got"))
    # The log has another name now: whoever saw it go on after the backup is told by a person that
    # this is the restore; the others believe the ministry. Which of them Paris is, seconds decide.
    assert "(LOG_CONTRADICTED)" in got.err or "was restored from a backup" in got.err
    read = {path.read_bytes() for path in (tmp_path / "got").glob("*/message.txt")}
    assert read == {short.read_bytes(), long.read_bytes()}
    assert _written(ministry, short).returncode == 0
    after = _numbers(ministry)
    last = given["registers"][-1][1]
    assert [number for _, number in after["registers"]] == list(range(1, last + 2))
    # The log goes on under another name, and says from where.
    with ministry.engine.connect() as connection:
        told = connection.execute(text("SELECT action FROM audit_entry ORDER BY seq LIMIT 3"))
        assert [*told.scalars()] == ["restore", "restore_epoch", "restore_second_store"]


def _require_nothing_while_away(
    ministry: LiveMinistry, paris: Post, letter: Path, folder: Path
) -> None:
    """What the second store cannot take is refused by name, at headquarters and to a post."""
    before = _numbers(ministry)
    (folder / "second").rename(folder / "away")
    refused = _written(ministry, letter)
    assert (refused.returncode, "(SECOND_STORE_UNREACHABLE)" in refused.stderr) == (1, True)
    waits = paris.send("LOME", "attend", "--json")
    assert waits.status != 0
    assert "SECOND_STORE_UNREACHABLE" in waits.err + waits.out
    checked = _typed(ministry, "check")
    assert (checked.returncode, checked.stdout.count("cannot be reached")) == (1, 1)
    assert _numbers(ministry) == before
    (folder / "away").rename(folder / "second")
    sent = paris.online("send", "--pending", "--json")
    assert (sent.status, len(sent.json)) == (0, 1), sent.err


def _die(ministry: LiveMinistry) -> None:
    ministry.stop(signal.SIGKILL)
    ministry.engine.dispose()
    shutil.rmtree(ministry.settings.data)
