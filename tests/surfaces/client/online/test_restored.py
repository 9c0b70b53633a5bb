"""The ministry is destroyed and restored: what it had acknowledged comes back by itself, once."""

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cipher_service import clock
from cipher_service.client.outbox import Outbox
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine
from tests.surfaces.administration.running import run
from tests.surfaces.client.online.live import PATIENCE, LiveMinistry, Post


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[LiveMinistry]:
    live = LiveMinistry(tmp_path / "ministry")
    live.start()
    yield live
    live.close()


def _administer(ministry: LiveMinistry, *words: str) -> str:
    ended = run("--data", str(ministry.settings.data), *words, language="en")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _backed_up(ministry: LiveMinistry, folder: Path, *keepers: Post) -> tuple[Path, list[str]]:
    """A backup, and the words that open it with what its keepers have."""
    cards = [word for each in keepers for word in ("--holder", str(each.card_file))]
    _administer(ministry, "backup", "key", "--threshold", "2", *cards)
    words = []
    for each in keepers:
        share = next(ministry.settings.data.glob(f"backup-shares-*/{each.code}.share"))
        words += ["--share", str(shutil.copy(share, each.folder)), "--identity", str(each.folder)]
    made = json.loads(_administer(ministry, "backup", "make", "--out", str(folder), "--json"))
    return Path(made["path"]), words


def _restored(ministry: LiveMinistry, backup: Path, shares: list[str], receipt: Path) -> None:
    """The service dies with its folder, and another machine takes its place.

    Fewer numbers are skipped than were given: receipts must make up for it.
    """
    ministry.stop(signal.SIGKILL)
    ministry.engine.dispose()
    ministry.settings.data.rename(ministry.settings.data.with_name("destroyed"))
    words = ("restore", str(backup), *shares, "--gap", "1", "--receipt")
    foreign = run("--data", str(ministry.settings.data), *words, str(backup))
    assert (foreign.returncode, "(RECEIPT_MALFORMED)" in foreign.stderr) == (1, True)
    assert not ministry.settings.data.exists()
    said = _administer(ministry, *words, str(receipt))
    assert "register/2026 from 2 to 3" in said.replace(str(clock.now().year), "2026")
    ministry.settings = Settings.load(ministry.settings.data)
    ministry.engine = open_engine(ministry.settings.database)
    ministry.start()


def _sent(post: Post, to: str, words: str) -> str:
    answer = post.send(to, words, "--json")
    assert answer.status == 0, answer.err
    return str(answer.json["id"])


def _outbox(post: Post) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in post.online("outbox", "--json").json}


def _told(answer: Any) -> Any:
    assert answer.status == 0, answer.err
    return answer


def test_two_posts_give_a_restored_ministry_back_what_it_lost(
    ministry: LiveMinistry, tmp_path: Path
) -> None:
    paris = ministry.enrolled("PARIS", tmp_path / "paris")
    lome = ministry.enrolled("LOME", tmp_path / "lome")
    paris.confirm(lome)
    lome.confirm(paris)
    before = _sent(paris, "LOME", "avant la sauvegarde")
    backup, shares = _backed_up(ministry, tmp_path / "backups", paris, lome)
    _require_reach(paris, _outbox(paris)[before]["register"])
    read, unread = _sent(paris, "LOME", "lu"), _sent(paris, "LOME", "pas encore lu")
    back = _sent(lome, "PARIS", "réponse")
    _told(lome.online("fetch", read, "--decipher", "-o", str(tmp_path / "lu")))
    everything, numbers = ministry.dispatches(), _outbox(paris)
    none = paris.online("receipt", back, "-o", str(tmp_path / "none"))
    assert (none.status, "RECEIPT_NOT_KEPT" in none.err) == (1, True)
    _told(paris.online("receipt", unread, "-o", str(tmp_path / "receipt.json")))

    _restored(ministry, backup, shares, tmp_path / "receipt.json")
    assert ministry.dispatches() == [before]
    # The addressee comes first: what it said of a dispatch waits for the dispatch.
    assert back in _told(lome.online("send", "--pending")).err
    assert len(_told(paris.online("send", "--pending", "--json")).json) == 2
    left = [each["dispatch_id"] for each in _told(lome.online("inbox", "--new", "--json")).json]

    assert ministry.dispatches() == everything
    assert sorted(left) == sorted((before, unread))
    after = _outbox(paris)
    assert after[before]["registers_before"] == []
    for each in (read, unread):
        assert after[each]["registers_before"] == [numbers[each]["register"]]
        assert after[each]["numbers"] == numbers[each]["numbers"]
    _require_no_number_twice(paris, lome)
    with ministry.engine.connect() as connection:
        states = connection.execute(text("SELECT count(*) FROM receipt WHERE post = 'LOME'"))
        assert states.scalar_one() == 2  # delivered and deciphered, of what was read before
    assert (
        "REPLAYED" not in lome.online("fetch", "--all", "--decipher", "-o", str(tmp_path / "r")).err
    )
    assert (tmp_path / "r" / unread / "message.txt").read_text() == "pas encore lu"
    assert not (tmp_path / "r" / read).exists()

    assert _told(paris.online("send", "--pending", "--json")).json == []
    checked = run("--data", str(ministry.settings.data), "check", "--json")
    assert checked.returncode == 0, checked.stdout


def _require_reach(post: Post, register: str) -> None:
    """The post believes the log's word on the backup, once a signed head covers it."""
    _told(post.online("sync"))
    until = time.monotonic() + PATIENCE
    covered = None
    while covered is None and time.monotonic() < until:
        _told(post.online("send", "--pending"))
        with Outbox(post.folder) as outbox:
            standing = outbox.standing()
        covered = standing and standing.covered
    assert covered == register


def _require_no_number_twice(*posts: Post) -> None:
    """Each register number, of before and after, belongs to one dispatch."""
    owners: dict[str, set[str]] = {}
    for post in posts:
        for entry in _outbox(post).values():
            for register in (*entry["registers_before"], entry["register"]):
                owners.setdefault(register, set()).add(entry["id"])
    assert all(len(ids) == 1 for ids in owners.values()), owners
