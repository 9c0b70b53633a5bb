"""Gate 20: `python -m tests.gates.soak [MINUTES] [SEED]`: hours of work, and nothing grows.

A real service and several posts: dispatches small and large, by wire and by pouch, read and
receipted, headquarters writing and opening, and every so often all processes killed and started
anew. At each look the service's processes are measured; once the first looks are over, memory and
open files stay within their bounds, the log of the database that SQLite writes ahead stays small,
and the database grows by what its dispatches need. At the end every text that was sent was read as
it was, no outbox holds anything, and `check` finds nothing.
"""

import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.surfaces.administration.running import run
from tests.surfaces.client.online.live import LiveMinistry, Post

MEMORY_MOST: Final = 150 * 2**20
"""Bytes that one process of the service holds (the house's own limit)."""
MEMORY_GROWTH: Final = 16 * 2**20
"""More of all processes together than at the first look after the last start."""
FILES_GROWTH: Final = 12
WAL_MOST: Final = 64 * 2**20
PER_DISPATCH: Final = 160 * 1024
"""Bytes of database and second files that one dispatch of this work may take, its log included."""
LARGE: Final = 200_000


@dataclass(frozen=True)
class Look:
    """The service at one moment: of all its processes together, in bytes and numbers."""

    memory: int
    largest: int
    files: int
    wal: int
    database: int


@dataclass
class Soak:
    """A ministry at work.

    Args:
        folder: empty.
        posts: codes.
        seed: of what is done, and in which order.
    """

    folder: Path
    posts: tuple[str, ...] = ("PARIS", "LOME", "ADDIS")
    seed: int = 20
    sent: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each addressee: the text of each dispatch that it has to read."""
    differences: int = 0
    dispatches: int = 0
    kills: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.ministry = LiveMinistry(self.folder / "ministry")
        self.ministry.start()
        self.stations = [self.ministry.enrolled(code, self.folder / code) for code in self.posts]
        for one in self.stations:
            self.sent[one.code] = {}
            for other in self.stations:
                if other is not one:
                    one.confirm(other)
        self.sent["MINREX"] = {}

    def round(self) -> None:
        """One act of somebody."""
        one, other = self.chance.sample(self.stations, 2)
        match self.chance.randrange(8):
            case 0:
                self._headquarters_writes(other)
            case 1:
                self._headquarters_reads()
            case 2:
                self._by_pouch(one, other)
            case 3 | 4:
                self.read(other)
            case _:
                size = LARGE if self.chance.random() < 0.1 else 400
                to = self.chance.choice([other.code, "MINREX"])
                self._keep(to, self._send(one, to, self._text(size)))

    def kill(self) -> None:
        """SIGKILL to the service, and another start."""
        self.ministry.stop(signal.SIGKILL)
        self.ministry.start()
        self.kills += 1

    def read(self, post: Post) -> None:
        """One post takes everything in, and what it reads is compared."""
        out = self.folder / f"read-{self.chance.getrandbits(48):x}"
        told = post.online("fetch", "--all", "--decipher", "-o", str(out))
        assert told.status == 0, told.err
        waiting = self.sent[post.code]
        for text in out.glob("*/message.txt"):
            expected = waiting.pop(text.parent.name, None)
            self.differences += text.read_text("utf-8") != expected

    def end(self) -> list[str]:
        """Let everything be read, and give what is wrong."""
        self._headquarters_reads()
        wrong = []
        for post in self.stations:
            self.read(post)
            pending = [
                each["id"]
                for each in post.online("outbox", "--json").json
                if each["status"] in {"queued", "uploading"}
            ]
            wrong += [f"{post.code} still holds {name}" for name in pending]
        for code, waiting in self.sent.items():
            wrong += [f"{code} never read {name}" for name in waiting]
        if self.differences:
            wrong.append(f"{self.differences} texts differ")
        checked = run("--data", str(self.ministry.settings.data), "check", "--json")
        if checked.returncode:
            wrong.append(checked.stdout)
        return wrong

    def look(self) -> Look:
        """Measure the service."""
        service = self.ministry.service
        assert service is not None
        memory, files = [], 0
        for pid in _family(service.pid):
            held = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
            memory.append(_kibibytes(held, "Pss:") * 1024)
            files += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        data = self.ministry.settings.data
        wal = data / "ministry.db-wal"
        return Look(
            sum(memory),
            max(memory),
            files,
            wal.stat().st_size if wal.exists() else 0,
            (data / "ministry.db").stat().st_size,
        )

    def _send(self, one: Post, to: str, text: str) -> tuple[str, str]:
        told = one.send(to, text, "--json", level="SECRET")
        assert told.status == 0, told.err
        return told.json["id"], text

    def _keep(self, to: str, sent: tuple[str, str]) -> None:
        self.sent[to][sent[0]] = sent[1]
        self.dispatches += 1

    def _by_pouch(self, one: Post, other: Post) -> None:
        text = self._text(300)
        name, _ = self._sent_by_pouch(one, other.code, text)
        stick = self.folder / f"{name}.age"
        told = one.online("bag", "-o", str(stick), name)
        assert told.status == 0, told.err
        out = self.folder / f"bag-{name}"
        told = other.online("decipher", "--from", str(one.card_file), "-o", str(out), str(stick))
        assert told.status == 0, told.err
        self.dispatches += 1
        self.differences += (out / "message.txt").read_text("utf-8") != text

    def _sent_by_pouch(self, one: Post, to: str, text: str) -> tuple[str, str]:
        told = one.send(to, text, "--pouch", to, "--json", level="SECRET")
        assert told.status == 0, told.err
        return told.json["id"], text

    def _headquarters_writes(self, to: Post) -> None:
        text = self._text(500)
        letter = self.folder / "letter.txt"
        letter.write_text(text, "utf-8")
        people = ("--drafter", "A. Ndongo", "--authority", "SG", "--level", "SECRET")
        said = self._administer("bureau", "send", "--to", to.code, *people, str(letter))
        self._keep(to.code, (said.split()[1], text))

    def _headquarters_reads(self) -> None:
        waiting = self.sent["MINREX"]
        for name in list(waiting):
            out = self.folder / f"opened-{name}"
            self._administer("bureau", "open", name, "-o", str(out))
            self.differences += (out / "message.txt").read_text("utf-8") != waiting.pop(name)

    def _administer(self, *words: str) -> str:
        ended = run("--data", str(self.ministry.settings.data), *words, language="en")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def _text(self, size: int) -> str:
        return f"{self.chance.getrandbits(64):x} " * (size // 17 + 1)


def excesses(first: Look, now: Look, dispatches: int) -> list[str]:
    """What of the service is beyond its bounds."""
    told = {
        "memory of one process": (now.largest, MEMORY_MOST),
        "memory": (now.memory, first.memory + MEMORY_GROWTH),
        "open files": (now.files, first.files + FILES_GROWTH),
        "write-ahead log": (now.wal, WAL_MOST),
        "database": (now.database, first.database + PER_DISPATCH * dispatches + 2**20),
    }
    return [
        f"{name}: {value}, at most {most}" for name, (value, most) in told.items() if value > most
    ]


def _family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for each in found:
        tasks = Path(f"/proc/{each}/task")
        for task in tasks.iterdir():
            found += map(int, (task / "children").read_text("ascii").split())
    return found


def _kibibytes(told: str, name: str) -> int:
    (line,) = (each for each in told.splitlines() if each.startswith(name))
    return int(line.split()[1])


def main() -> int:
    """Work for so many minutes; a kill every ten, a look every minute."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 120
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as name:
        soak = Soak(Path(name), seed=seed)
        wrong: list[str] = []
        try:
            until = time.monotonic() + minutes * 60
            while time.monotonic() < until and not wrong:
                wrong = _stretch(soak, until)
                if time.monotonic() < until:
                    soak.kill()
            wrong += soak.end()
        finally:
            soak.ministry.close()
    print(f"{soak.dispatches} dispatches, {soak.kills} kills, {soak.differences} differences")
    for each in wrong:
        print(f"WRONG {each}")
    return 1 if wrong else 0


def _stretch(soak: Soak, until: float) -> list[str]:
    """Ten minutes of one start of the service; what goes beyond the bounds meanwhile."""
    for _ in range(20):
        soak.round()  # what a process takes once, it takes now
    first, before = soak.look(), soak.dispatches
    end = min(until, time.monotonic() + 600)
    while time.monotonic() < end:
        look = time.monotonic() + 60
        while time.monotonic() < min(look, end):
            soak.round()
        now = soak.look()
        print(f"{soak.dispatches} dispatches: {now}", flush=True)
        over = excesses(first, now, soak.dispatches - before)
        if over:
            return over
    return []


if __name__ == "__main__":
    sys.exit(main())
