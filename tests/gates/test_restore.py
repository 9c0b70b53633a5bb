"""Gate 19: backed up under load, killed, restored on a clean folder, again and again.

One ministry goes through all points, each chosen by the seed: what was sent before the backup, what
is being sent while it is made, and what after it, until every process dies and the folder is gone.
Posts then hand in by themselves what the restored service lacks. Over all points no register
number and no number of a series ever belongs to two dispatches, no counter stands where it stood,
no one-time prekey is taken twice, no two envelopes are sealed alike, no number of a key's version
belongs to two keys, and nothing that was acknowledged to a post is missing. Keys are exchanged
between backup and death; the custodian's second place has them. `GATES=full` takes 20 points.
"""

import json
import os
import random
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cipher_service.administration.installation import custodian_of
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine
from keys.custody.book import Book
from keys.custody.place import begin
from tests.surfaces.administration.running import run
from tests.surfaces.client.online.live import LiveMinistry, Post

POINTS = 20 if os.environ.get("GATES") == "full" else 2
OF_ONE_MINISTRY = 5
"""Restores in one week: at the end of a year nine of its epochs are left."""
SEED = int(os.environ.get("SEED", "19"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@dataclass
class Given:
    """What may belong to one dispatch alone, and to which one it was given."""

    owners: dict[str, str] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[str, str] = field(default_factory=dict)

    def belongs(self, what: str, dispatch: str) -> None:
        """Note an owner; another one before is the failure that this gate looks for."""
        assert self.owners.setdefault(what, dispatch) == dispatch, what


class Story:
    """The ministry, its two posts, and all that was ever given."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.chance = chance
        self.given = Given()
        self.ministry = LiveMinistry(folder / "ministry")
        self.ministry.start()
        self.posts = [self.ministry.enrolled(code, folder / code) for code in ("PARIS", "LOME")]
        for one, other in (self.posts, self.posts[::-1]):
            one.confirm(other)
        cards = [word for each in self.posts for word in ("--holder", str(each.card_file))]
        self.administer("backup", "key", "--threshold", "2", *cards)
        self.opening: list[str] = []
        for each in self.posts:
            share = next(self.ministry.settings.data.glob(f"backup-shares-*/{each.code}.share"))
            self.opening += ["--share", str(shutil.copy(share, each.folder))]
            self.opening += ["--identity", str(each.folder)]

    def administer(self, *words: str) -> str:
        """Run one command of the ministry."""
        ended = run("--data", str(self.ministry.settings.data), *words, language="en")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def load(self, most: int) -> None:
        """Some dispatches of posts and of headquarters, some of them read."""
        for _ in range(self.chance.randint(1, most)):
            one, other = self.chance.sample(self.posts, 2)
            match self.chance.randrange(4):
                case 0:
                    self._of_headquarters(other)
                case 1:
                    told = other.online("fetch", "--all", "--decipher", "-o", str(self._new()))
                    assert "PREKEY" not in told.err, told.err
                case _:
                    self._sent(one, other)
            if self.chance.random() < 0.3:
                own = ("--identity", str(one.folder))
                made = one.chiffre("prekeys", "new", *own, "--count", "2")
                assert made.status == 0, made.err
        self.note()

    def back_up_under_load(self) -> str:
        """A backup while posts hand dispatches in; its path."""
        place = self.folder / "place"
        place.mkdir(exist_ok=True)
        begin(self.ministry.settings.custodian_store, place)
        letter = self.folder / "letter.txt"
        letter.write_text("pendant la sauvegarde", "utf-8")
        level = ("--level", "SECRET", str(letter))
        sending = [
            one.begin("send", "--identity", str(one.folder), "--to", other.code, *level)
            for one, other in (self.posts, self.posts[::-1])
        ]
        made = json.loads(
            self.administer("backup", "make", "--out", str(self.folder / "backups"), "--json")
        )
        for each in sending:
            _, said = each.communicate(timeout=300)
            assert each.returncode == 0, said.decode()
        self.note()
        return str(made["path"])

    def exchange_keys(self) -> None:
        """Keys that no backup has, of which posts learn by themselves."""
        kind = self.chance.choice([(), ("desks/MINREX",), ("receipts/MINREX",)])
        self.administer("keys", "rotate", *kind)
        self.note()

    def note(self) -> None:
        """Write down whose each number is, and how far each counter stands."""
        for key, number, fingerprint in self.versions():
            self.given.belongs(f"version {key} {number}", fingerprint)
        for post in self.posts:
            for entry in post.online("outbox", "--json").json:
                for register in (*entry["registers_before"], entry["register"]):
                    if register is not None:
                        self.given.belongs(f"register {register}", entry["id"])
                        self.given.acknowledged[entry["id"]] = post.code
                for number in entry["numbers"]:
                    told = f"{post.code} {number['post']} {number['epoch']} {number['number']}"
                    self.given.belongs(told, entry["id"])
        with self.ministry.engine.connect() as connection:
            for row in connection.execute(text("SELECT * FROM allotted")).mappings():
                told = f"MINREX {row['post']} {row['epoch']} {row['number']}"
                self.given.belongs(told, str(row["dispatch_id"]))
            query = "SELECT dispatch_id, register_year, register_number, sha256 FROM dispatch"
            for row in connection.execute(text(query)).mappings():
                told = f"register {row['register_year']:04}/{row['register_number']:06}"
                self.given.belongs(told, row["dispatch_id"])
                self.given.belongs(f"envelope {row['sha256']}", row["dispatch_id"])
            for name, value in connection.execute(text("SELECT name, value FROM counter")):
                self.given.counters[name] = max(value, self.given.counters.get(name, 0))

    def versions(self) -> set[tuple[str, int, str]]:
        """Every version of a key that the custodian knows."""
        with custodian_of(self.ministry.settings) as custodian:
            book = Book.parse(custodian.key_versions())
        return {(each.key, each.number, each.fingerprint) for each in book.versions}

    def die_and_return(self, backup: str) -> None:
        """Every process is killed, the folder is gone, and another one is made of the backup."""
        data, versions = self.ministry.settings.data, self.versions()
        self.ministry.stop(signal.SIGKILL)
        self.ministry.engine.dispose()
        # What was killed may still hold files of it for a moment.
        data.rename(self.folder / f"gone-{self.chance.getrandbits(40):x}")
        place = ("--custodian-second", str(self.folder / "place"))
        ended = run("--data", str(data), "restore", backup, *self.opening, *place, language="en")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        self.ministry.settings = Settings.load(data)
        self.ministry.engine = open_engine(self.ministry.settings.database)
        with self.ministry.engine.connect() as connection:
            rows = connection.execute(text("SELECT name, value FROM counter"))
            now = {str(row.name): int(row.value) for row in rows}
            free = connection.scalar(text("SELECT count(*) FROM prekey WHERE state = 'free'"))
        for name, value in self.given.counters.items():
            if name != "directory" and name in now and name[-4:].isdecimal():
                assert now[name] > value or value == 0, f"{name} stands at {now[name]} again"
        assert free == 0
        self.ministry.start()
        assert self.versions() == versions

    def require_whole(self) -> None:
        """What was acknowledged to posts comes back by itself, under numbers of its own."""
        for post in (*self.posts, *self.posts):
            told = post.online("send", "--pending", "--json")
            assert told.status == 0, told.err
        missing = set(self.given.acknowledged) - set(self.ministry.dispatches())
        assert not missing
        self.note()
        checked = run("--data", str(self.ministry.settings.data), "check", "--json")
        assert checked.returncode == 0, checked.stdout

    def _sent(self, one: Post, other: Post) -> None:
        told = one.send(other.code, f"point {self.chance.random()}", "--json")
        assert told.status == 0, told.err

    def _of_headquarters(self, to: Post) -> None:
        letter = self.folder / "letter.txt"
        letter.write_text(f"du siège {self.chance.random()}", "utf-8")
        people = ("--drafter", "A. Ndongo", "--authority", "SG", "--level", "SECRET")
        self.administer("bureau", "send", "--to", to.code, *people, str(letter))

    def _new(self) -> Path:
        return self.folder / f"read-{self.chance.getrandbits(40):x}"


def test_no_number_recurs_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for at in range(0, POINTS, OF_ONE_MINISTRY):
        folder = tmp_path / str(at)
        folder.mkdir()
        _follow(Story(folder, chance), min(POINTS, OF_ONE_MINISTRY))


def _follow(story: Story, points: int) -> None:
    try:
        for _ in range(points):
            story.load(3)
            backup = story.back_up_under_load()
            story.load(4)
            story.exchange_keys()
            story.load(2)
            story.die_and_return(backup)
            story.require_whole()
    finally:
        story.ministry.close()
    owners: dict[str, Any] = story.given.owners
    assert sum(each.startswith("register") for each in owners) > 2 * points
