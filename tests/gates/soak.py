"""Gate 20: `python -m tests.gates.soak [MINUTES] [SEED]`: hours of work, and nothing grows.

A real service and several posts: dispatches small and large, one of a gibibyte now and then, by
wire and by pouch, read and receipted, headquarters writing and opening, beside them fifty requests
a second and two hundred slow connections (`tests.gates.pressure`), and every forty minutes all
processes killed and started anew. At each look the service's processes are measured, at rest and
after they returned what is free. What they remember has bounds; once a quarter of an hour of work
has filled it, memory and open files stay as they are, the log that SQLite writes ahead stays small,
and the database grows by what its dispatches need. At the end every text that was sent was read as
it was, no outbox holds anything, every request was answered as it should be, and `check` finds
nothing.
"""

import filecmp
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression
from typing import Final

from cipher_service.app.serving import TIDY_SECONDS
from cipher_service.storage.checkpoints import LOG_PAGES
from cipher_service.storage.engine import PAGE_BYTES
from tests.gates.pressure import Met, Pressure
from tests.surfaces.administration.running import run
from tests.surfaces.client.online.live import LiveMinistry, Post

MEMORY_MOST: Final = 150 * 2**20
"""Bytes that one process of the service holds (the house's own limit)."""
WARMING: Final = 900.0
"""Seconds of work until everything that is remembered within bounds is there: access tokens live
five minutes, the keys of 512 posts' clients and recipients are kept, and SQLite's pages."""
STRETCH: Final = 2400.0
"""Seconds from one start to the next."""
MEMORY_GROWTH: Final = 8 * 2**20
"""More of all processes together than at the first look after they are warm."""
COLD_GROWTH: Final = 16 * 2**20
"""The same within the first minute of a start."""
MEMORY_SLOPE: Final = 2**20
"""Of all processes together in ten minutes, by least squares over the looks of a stretch."""
SLOPE_SPAN: Final = 1200.0
"""Seconds between the first and the last of the looks that a slope is drawn through."""
BETWEEN_LOOKS: Final = 60.0
LOGIN_MOST: Final = 1.0
"""Seconds within which 99 of a hundred logins are answered."""
FILES_GROWTH: Final = 12
SETTLING: Final = 30.0
"""Seconds within which the service lets go of callers that hung up."""
_HELD: Final = frozenset({"01", "08"})  # ESTABLISHED, CLOSE_WAIT (include/net/tcp_states.h)
WAL_MOST: Final = LOG_PAGES * PAGE_BYTES * 5 // 4
"""Beyond `LOG_PAGES` it begins anew with a commit that finds no reader in it."""
PER_DISPATCH: Final = 160 * 1024
"""Bytes of database and second files that one dispatch of this work may take, its log included."""
LARGE: Final = 200_000
HUGE: Final = 2**30


@dataclass(frozen=True)
class Look:
    """The service at one moment: of all its processes together, in bytes and numbers.

    `at` counts seconds. `memory` is what no file backs, each shared page once; `largest` all that
    one process maps.
    """

    at: float
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
        self.pressure = Pressure(
            self.ministry.server, self.ministry.settings.issuer, self.stations[0].folder
        )
        self.pressure.go()

    def close(self) -> Met:
        """End everything, and tell what those beside the dispatches met."""
        try:
            return self.pressure.end()
        finally:
            self.ministry.close()

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
        self.pressure.rest()
        self.ministry.stop(signal.SIGKILL)
        self.ministry.start()
        self.pressure.go()
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
        for enclosed in out.glob("*/attachments/*"):
            self.differences += not filecmp.cmp(enclosed, self._huge, shallow=False)
        shutil.rmtree(out, ignore_errors=True)

    def huge(self) -> None:
        """One post sends another a gibibyte."""
        if not self._huge.exists():
            piece = self.chance.randbytes(2**20)
            with self._huge.open("wb") as file:
                file.writelines(piece for _ in range(HUGE // len(piece)))
        one, other = self.chance.sample(self.stations, 2)
        enclosing = ("--attach", str(self._huge))
        self._keep(other.code, self._send(one, other.code, self._text(400), *enclosing))
        self.read(other)

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
        self.pressure.rest()
        late = time.monotonic() + SETTLING
        while _callers_held(self.ministry.settings.port) and time.monotonic() < late:
            time.sleep(0.1)
        time.sleep(TIDY_SECONDS + 1)
        memory, mapped, files = 0, [], 0
        for pid in _family(service.pid):
            held = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
            memory += _kibibytes(held, "Pss_Anon:") * 1024
            mapped.append(_kibibytes(held, "Pss:") * 1024)
            files += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        data = self.ministry.settings.data
        wal = data / "ministry.db-wal"
        self.pressure.go()
        return Look(
            time.monotonic(),
            memory,
            max(mapped),
            files,
            wal.stat().st_size if wal.exists() else 0,
            (data / "ministry.db").stat().st_size,
        )

    @property
    def _huge(self) -> Path:
        return self.folder / "huge.bin"

    def _send(self, one: Post, to: str, text: str, *options: str) -> tuple[str, str]:
        told = one.send(to, text, "--json", *options, level="SECRET")
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


def excessive(now: Look) -> list[str]:
    """What of the service is beyond the bounds that hold from its start."""
    return _beyond(
        {
            "memory of one process": (now.largest, MEMORY_MOST),
            "write-ahead log": (now.wal, WAL_MOST),
        }
    )


def excesses(first: Look, now: Look, dispatches: int, growth: int = MEMORY_GROWTH) -> list[str]:
    """What of the service is beyond its bounds since a first look."""
    return _beyond(
        {
            "memory": (now.memory, first.memory + growth),
            "open files": (now.files, first.files + FILES_GROWTH),
            "database": (now.database, first.database + PER_DISPATCH * dispatches + 2**20),
        }
    ) + excessive(now)


def _beyond(told: dict[str, tuple[int, int]]) -> list[str]:
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


def _callers_held(port: int) -> int:
    """How many lines a server has at a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] in _HELD for row in rows)


def _kibibytes(told: str, name: str) -> int:
    (line,) = (each for each in told.splitlines() if each.startswith(name))
    return int(line.split()[1])


def slope(looks: Sequence[Look]) -> float:
    """Bytes in ten minutes by which the line grows that runs nearest to all looks' memory."""
    times, memory = [look.at for look in looks], [look.memory for look in looks]
    return linear_regression(times, memory).slope * 600


def main() -> int:
    """Work for so many minutes."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 120
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    if minutes * 60 < STRETCH:
        print(f"memory is judged over {STRETCH / 60:.0f} minutes: give as many", file=sys.stderr)
        return 2
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
            met = soak.close()
    wrong += met.wrong()
    if met.p99 > LOGIN_MOST:
        wrong.append(f"logins took {met.p99:.2f} s, at most {LOGIN_MOST}")
    print(f"{soak.dispatches} dispatches, {soak.kills} kills, {soak.differences} differences")
    print(f"beside them {met}")
    for each in wrong:
        print(f"WRONG {each}")
    return 1 if wrong else 0


def _stretch(soak: Soak, until: float) -> list[str]:
    """One start of the service until the next; what goes beyond the bounds meanwhile."""
    begun = time.monotonic()
    end = min(until, begun + STRETCH)
    soak.huge()
    while time.monotonic() < min(end, begun + WARMING):
        over = excessive(_next_look(soak, end))
        if over:
            return over
    first, before, looks = soak.look(), soak.dispatches, []
    soak.huge()
    while time.monotonic() < end:
        now = _next_look(soak, end)
        looks.append(now)
        over = excesses(first, now, soak.dispatches - before)
        if over:
            return over
    if not looks or looks[-1].at - looks[0].at < SLOPE_SPAN:
        return []
    grown = slope(looks)
    print(f"memory grew by {grown / 2**20:.2f} MiB in ten minutes", flush=True)
    return [f"memory grew, at most {MEMORY_SLOPE / 2**20} MiB"] if grown > MEMORY_SLOPE else []


def _next_look(soak: Soak, end: float) -> Look:
    """Work on until it is time to look, and look."""
    due = min(time.monotonic() + BETWEEN_LOOKS, end)
    while time.monotonic() < due:
        soak.round()
    now = soak.look()
    print(f"{soak.dispatches} dispatches: {now}", flush=True)
    return now


if __name__ == "__main__":
    sys.exit(main())
