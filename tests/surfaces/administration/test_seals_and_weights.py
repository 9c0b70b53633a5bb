"""Physical seals and weights as officers' commands keep them, on each database (R4, R14)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cipher_service.administration.stage import Stage, chiffre
from pouch.classes import PROHIBITED
from tests.support import postgres
from tests.surfaces.administration.ministry_on import ministry_on
from tests.surfaces.administration.running import done, given, refused, run

CHECKED = [part for code in sorted(PROHIBITED) for part in ("--checked", code)]
WINDOW = ("--from", "2026-01-01", "--until", "2030-01-01")
TOLERANCE_G = 100


class Bureau:
    """A pouch bureau of a ministry that runs, whose bags come back to it.

    Args:
        on: the ministry.
        fresh: the address of an empty database, "" for a file.
    """

    def __init__(self, on: Stage, fresh: str) -> None:
        self.on, self.fresh = on, fresh
        self.bag = self.last = ""
        self.before: tuple[int, ...] = (0, 0, 0, 0)
        self.people = {
            name: self._engage(name, role)
            for name, role in (
                ("chief", "CHIEF-POUCH"),
                ("agent", "POUCH-AGENT"),
                ("second", "POUCH-AGENT"),
                ("courier", "COURIER"),
            )
        }
        self.by = ("--by", self.people["chief"])
        self.pair = (*self.by, "--with", self.people["agent"])
        self("route", "R-PARIS", "--leg", "MINREX:PARIS:400", "--tolerance", str(TOLERANCE_G))
        days = [part for day in ("mon", "wed", "fri", "sun") for part in ("--day", day)]
        self("plan", "R-PARIS", "--mode", "courier", "--at", "21:00", *days, "--weeks", "4",
             "--takes", "9")  # fmt: skip
        self.departures = [
            line["departure"] for line in self("departures") if line["open"] and not line["sealed"]
        ]

    def __call__(self, *words: str, by: tuple[str, ...] = ()) -> Any:
        return given(self.on, "pouch", *words, *(by or self.by))

    def refused(self, code: str, *words: str) -> str:
        return refused(self.on, code, "pouch", *words)

    def seals(self, *words: str) -> Any:
        return self("seals", *words, by=self.pair)

    def balance(self, *shown: str) -> tuple[int, ...]:
        """Issued, applied, in hand, voided since `begin`: of a register that is in order."""
        told = self("seals", "balance", *shown)
        assert told["issued"] == told["applied"] + told["in_hand"] + told["voided"]
        assert told["in_hand"] == told["counted"] == len(shown)
        sum_ = (told["issued"], told["applied"], told["in_hand"], told["voided"])
        return tuple(now - before for now, before in zip(sum_, self.before, strict=True))

    def begin(self) -> None:
        """Leave out of the sums what was before; none of it is in hand."""
        self.before = self.balance()

    def sealed(self, number: int, seals: list[str], folder: Path, weight: int = 7400) -> str:
        """A bag on its way, by its locator."""
        self(*self.closing(self.filled(number), seals, folder, weight), by=self.two)
        self("hand-over", self.bag, "--to", self.people["courier"])
        return self.bag

    def filled(self, number: int) -> str:
        """A bag with one piece in it, by its closing."""
        departure = self.departures.pop(0)
        self("waybill", departure, "--number", f"LC 2026-{number:04d}", "--consignee",
             "Chancellerie", "--carrier", "NDONGO Paul", "--status", "Courrier diplomatique",
             "--passport", "DP 004417", "--packages", "1", "--courier",
             self.people["courier"])  # fmt: skip
        self.bag = self("bag")["locator"]
        agent = ("--by", self.people["agent"])
        self.last = self("begin", departure, self.bag, "SECRET", by=agent)["seal"]
        piece = self(
            "hand-in", "--to", "paris", "--register", f"2026/{number:06d}", "--sender", "DNU",
            "--addressee", "Chancellerie", "--level", "secret", "--weight", "240", by=agent,
        )["number"]  # fmt: skip
        self("scan", self.last, piece, by=agent)
        return self.last

    def onto(self) -> list[str]:
        """Where a restore writes."""
        return ["--database", self.fresh] if self.fresh else []

    @property
    def two(self) -> tuple[str, ...]:
        return (*self.by, "--with", self.people["second"])

    def closing(self, seal: str, seals: list[str], folder: Path, weight: int) -> list[str]:
        numbers = [part for number in seals for part in ("--seal-number", number)]
        return ["seal", seal, *numbers, "--weight", str(weight), *CHECKED, "-o", str(folder)]

    def _engage(self, name: str, role: str) -> str:
        officer: str = given(
            self.on, "officers", "add", "--name", f"Agent {name}", "--grade", "CAE",
            "--grade-since", "2015-01-01", "--service-since", "2005-01-01", "--post", "MINREX",
        )["officer"]  # fmt: skip
        given(self.on, "officers", "assign", officer, role, "--act", "DEC-1", *WINDOW)
        given(self.on, "officers", "habilitate", officer, "SECRET", "--act", "H-1", *WINDOW,
              "--trained-until", "2030-01-01")  # fmt: skip
        return officer


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bureau(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    url, fresh = "", ""
    if request.param == "postgresql":
        cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
        url, fresh = cluster.fresh(), cluster.fresh()
    with ministry_on(tmp_path_factory.mktemp("ministry") / "data", url) as on:
        on.enrol("PARIS")
        yield Bureau(on, fresh)


def test_the_sum_of_the_seals_holds_whatever_becomes_of_them(
    bureau: Bureau, tmp_path: Path
) -> None:
    bureau.begin()
    numbers = [f"CM-5000{digit}" for digit in range(9)]
    bureau.seals("take-in", "--type", "plastic", "--strength", "S", *numbers)
    bureau.refused("SEAL_NUMBER_USED", "seals", "take-in", "--type", "lead", numbers[8],
                   *bureau.pair)  # fmt: skip
    assert bureau.balance() == (0, 0, 0, 0)
    one, two, spoilt, *rest = bureau.seals("issue", "6")
    bureau.refused("STOCK_TOO_LOW", "seals", "issue", "4", *bureau.pair)
    in_stock = next(iter({*numbers} - {one, two, spoilt, *rest}))
    bureau.seals("void", in_stock)
    assert bureau.balance(one, two, spoilt, *rest) == (6, 0, 6, 0), "that one was never issued"
    bureau.seals("void", spoilt)
    bureau.seals("destroy", spoilt)
    assert bureau.balance(one, two, *rest) == (6, 0, 5, 1)
    bureau.refused("SEAL_NOT_IN_HAND", "seals", "void", spoilt, *bureau.pair)

    bag = bureau.sealed(11, [one, two], tmp_path / "one")
    after = (6, 2, 3, 1)
    assert bureau.balance(*rest) == after
    bureau.refused("SEAL_NOT_IN_HAND", "seals", "void", one, *bureau.pair)
    assert rest[1] in bureau.refused("SEALS_UNEXPLAINED", "seals", "balance", rest[0], *bureau.by)
    for elsewhere in (one, spoilt):
        told = bureau.refused("SEALS_SURPLUS", "seals", "balance", *rest, elsewhere, *bureau.by)
        assert elsewhere in told
    seal = bureau.filled(12)
    for used in (two, spoilt):
        bureau.refused(
            "SEAL_NUMBER_USED", *bureau.closing(seal, [rest[0], used], tmp_path / "two", 7400),
            *bureau.two,
        )  # fmt: skip
        assert bureau.balance(*rest) == after, "no seal of a bag that was refused is applied"
    bureau("lose", bag)
    bureau.refused("BAG_LOST", "receive", bag, "--seal-number", one, *bureau.by)
    assert bureau.balance(*rest) == after
    bureau("recover", bag, by=bureau.two)
    bureau("recall", bag)
    bureau("receive", bag, "--seal-number", one, "--seal-number", two)
    bureau("open", bag, by=bureau.two)
    bureau.seals("destroy", one)
    assert bureau.balance(*rest) == after, "broken and destroyed, they were applied once"
    bureau.refused("STEP_FORBIDDEN", "open", bag, *bureau.two)
    _require_restored(bureau, tmp_path, rest, after)


def _require_restored(
    bureau: Bureau, folder: Path, in_hand: list[str], sum_: tuple[int, ...]
) -> None:
    """The sum holds in a restored register too, and a seal that was used stays so."""
    holders = [folder / "garde-a", folder / "garde-b"]
    for holder in holders:
        post = ("--post", holder.name.upper(), "--out", str(holder))
        chiffre("en", "identity", "new", *post, "--no-passphrase")
    cards = [
        part for one in holders for part in ("--holder", str(one / f"{one.name.upper()}.card"))
    ]
    said = done(bureau.on, "backup", "key", "--threshold", "2", *cards)
    shares = sorted(word for word in said.split() if word.endswith(".share"))
    opened = [
        part
        for share, holder in zip(shares, holders, strict=True)
        for part in ("--share", share, "--identity", str(holder))
    ]
    made = given(bureau.on, "backup", "make", "--out", str(folder / "backups"))
    fresh = folder / "anew"
    ended = run("--data", str(fresh), "restore", made["path"], *opened, *bureau.onto())
    assert ended.returncode == 0, ended.stderr
    with (fresh / "service.toml").open("a", encoding="utf-8") as file:
        file.write(f'custodian = "file:{fresh / "custodian"}"\n')
    told = run("--data", str(fresh), "pouch", "seals", "balance", *in_hand, *bureau.by, "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    restored = (found["issued"], found["applied"], found["in_hand"], found["voided"])
    assert tuple(now - before for now, before in zip(restored, bureau.before, strict=True)) == sum_


def test_weights_are_held_against_what_was_sealed_or_put_right_since(
    bureau: Bureau, tmp_path: Path
) -> None:
    numbers = [f"CM-6000{digit}" for digit in range(8)]
    bureau.seals("take-in", "--type", "bolt", "--strength", "H", *numbers)
    seals = bureau.seals("issue", "8")
    lead = 7400
    for number, (put_right, weighed, differs) in enumerate(
        (
            (None, lead + TOLERANCE_G, False),
            (None, lead + TOLERANCE_G + 1, True),
            (lead + 600, lead + 600 - TOLERANCE_G, False),
            (lead + 600, lead, True),
        )
    ):
        two = seals[2 * number : 2 * number + 2]
        departure = bureau.departures[0]
        bag = bureau.sealed(number, two, tmp_path / f"bag{number}", lead)
        assert bureau("count", departure, bag) == {"complete": True}
        if put_right is not None:
            bureau("rectify", bag, "--set", f"weight={put_right}", "--reason", "Pesée fausse",
                   "-o", str(tmp_path / f"right{number}"), by=bureau.two)  # fmt: skip
        bureau("recall", bag)
        bureau.refused("COUNT_WRONG", "count", departure, "0" * 22 + "98", *bureau.by)
        typed = [part for seal in two for part in ("--seal-number", seal)]
        answer = bureau("receive", bag, *typed, "--weight", str(weighed))
        assert answer["receipt"] == "granted"
        found = [kind for kind, _ in answer["differences"]]
        assert found == (["weight-differs"] if differs else []), (put_right, weighed)
        opened = {case["kind"] for case in bureau("cases") if case["seal"] == bureau.last}
        assert ("weight-differs" in opened) is differs
