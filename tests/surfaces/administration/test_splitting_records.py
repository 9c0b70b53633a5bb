"""`cipher-service custody record`, `confirm`, `recorded`: a splitting that its holders confirm."""

import json
import os
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from cipher_service.administration.stage import chiffre
from keys.custody.compartment import Splitting
from keys.custody.shares import HOLDERS_MAX
from keys.custody.splitting_record import begin_record
from tests.support.dying import die_at
from tests.surfaces.administration.running import run
from tests.vectors.forge import NOW, identity

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")
ANOTHER = "ab" * 32


class Desk:
    """A terminal of the custodian's machine, whose key is split among three holders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "record.json"
        for name in (*NAMES, "GARDE-D"):
            new = ("identity", "new", "--post", name, "--out", str(folder / name))
            chiffre("en", *new, "--no-passphrase")
        self.done("init")
        self.shares = self.split("split")

    def cards(self, *names: str) -> list[str]:
        return [
            word
            for name in names
            for word in ("--holder", str(self.folder / name / f"{name}.card"))
        ]

    def split(self, command: str, *more: str) -> dict[str, str]:
        typed = ("custody", command, "--threshold", "2", *self.cards(*NAMES), *more, "--json")
        return {made["holder"]: made["share"] for made in json.loads(self.done(*typed))}

    def begin(self, *names: str) -> Any:
        typed = ("custody", "record", *self.cards(*names), "--reason", "Relève")
        return json.loads(self.done(*typed, "-o", str(self.record), "--json"))

    def confirm(self, fingerprint: str, name: str, share: str, *more: str) -> list[str]:
        return [
            *("custody", "confirm", "--fingerprint", fingerprint, "--share", share),
            *("--identity", str(self.folder / name), str(self.record), *more),
        ]

    def run(self, *typed: str, language: str = "fr") -> Any:
        return run("--data", str(self.folder / "data"), *typed, language=language)

    def done(self, *typed: str, language: str = "fr") -> str:
        ended = self.run(*typed, language=language)
        assert ended.returncode == 0, ended.stderr
        return str(ended.stdout)

    def refused(self, code: str, *typed: str) -> None:
        before = self.record.read_bytes() if self.record.exists() else None
        ended = self.run(*typed)
        assert ended.returncode == 1, ended.stdout + ended.stderr
        assert f"({code})" in ended.stderr
        assert (self.record.read_bytes() if self.record.exists() else None) == before


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _text(paper: Path) -> str:
    with pypdfium2.PdfDocument(paper.read_bytes()) as document:
        return " ".join(page.get_textpage().get_text_range() for page in document)


def test_a_splitting_is_recorded_confirmed_by_each_holder_and_printed(desk: Desk) -> None:
    begun = desk.begin("GARDE-C", "GARDE-A", "GARDE-B")
    assert begun["missing"] == list(NAMES)
    assert f"shares-{begun['set']}" in desk.shares["GARDE-A"]
    spoken = begun["fingerprint"].upper()
    for name in NAMES:
        desk.done(*desk.confirm(spoken, name, desk.shares[name]))
    paper = desk.folder / "record.pdf"
    look = ("custody", "recorded", str(desk.record), "--paper", str(paper))
    shown = desk.done(*look, language="en")
    assert "All 3 holders have confirmed." in shown
    assert f"Splitting {begun['set']}: Relève" in shown
    told = "".join(_text(paper).split())
    assert begun["fingerprint"] in told
    assert "shareinhand" in told
    desk.refused("FILE_EXISTS", *look)


def test_the_paper_has_room_for_the_most_holders_there_are(tmp_path: Path) -> None:
    cards = [identity(f"GARDE-{letter}").card for letter in "ABCDEFGHIJKLMNOP"]
    names = tuple(card.post for card in cards)
    assert len(names) == HOLDERS_MAX
    splitting = Splitting(bytes(16), ANOTHER, 2, names)
    record, paper = tmp_path / "record.json", tmp_path / "record.pdf"
    record.write_bytes(begin_record("MINREX", splitting, cards, "Relève", NOW))
    typed = ("custody", "recorded", str(record), "--paper", str(paper))
    assert run("--data", str(tmp_path), *typed).returncode == 0
    with pypdfium2.PdfDocument(paper.read_bytes()) as document:
        last = document[len(document) - 1].get_textpage()
        [foot] = _tops(last, "page ")
        boxes = _tops(last, "GARDE-")
        pens = _tops(last, "signature")
    assert len(boxes) == len(cards)
    assert min(pens) > foot + 6


def _tops(page: pypdfium2.PdfTextPage, word: str) -> list[float]:
    """How high above the sheet's lower edge a word stands, each time it does."""
    search, found = page.search(word), []
    while (place := search.get_next()) is not None:
        found.append(page.get_charbox(place[0])[3])
    return found


def test_a_holder_counts_once_and_those_missing_are_named(desk: Desk) -> None:
    fingerprint = desk.begin(*NAMES)["fingerprint"]
    typed = desk.confirm(fingerprint, "GARDE-B", desk.shares["GARDE-B"])
    first = desk.done(*typed)
    record = desk.record.read_bytes()
    assert desk.done(*typed) == first
    assert desk.record.read_bytes() == record
    assert "GARDE-A, GARDE-C" in first


def test_what_is_not_the_holders_confirms_nothing(desk: Desk) -> None:
    fingerprint = desk.begin(*NAMES)["fingerprint"]
    a, b = desk.shares["GARDE-A"], desk.shares["GARDE-B"]
    desk.refused("FINGERPRINT_OF_RECORD", *desk.confirm(ANOTHER, "GARDE-A", a))
    desk.refused("SHARE_OF_ANOTHER", *desk.confirm(fingerprint, "GARDE-A", b))
    desk.refused("SHARE_OF_ANOTHER", *desk.confirm(fingerprint, "GARDE-D", a))
    look = ("custody", "recorded", str(desk.record))
    desk.refused("FINGERPRINT_OF_RECORD", *look, "--fingerprint", ANOTHER)
    desk.record.write_bytes(b"{}")
    desk.refused("SPLITTING_RECORD_MALFORMED", *look)


def test_a_share_that_was_retired_confirms_no_newer_splitting(desk: Desk) -> None:
    kept = desk.folder / "old.share"
    kept.write_bytes(Path(desk.shares["GARDE-A"]).read_bytes())
    enough = [
        word
        for name in ("GARDE-A", "GARDE-B")
        for word in ("--share", desk.shares[name], "--identity", str(desk.folder / name))
    ]
    desk.split("resplit", *enough)
    fingerprint = desk.begin(*NAMES)["fingerprint"]
    desk.refused("SHARES_MIXED", *desk.confirm(fingerprint, "GARDE-A", str(kept)))


def test_a_record_names_every_holder_and_nobody_else(desk: Desk) -> None:
    for names in (("GARDE-A", "GARDE-B"), ("GARDE-A", "GARDE-B", "GARDE-D")):
        typed = ("custody", "record", *desk.cards(*names), "--reason", "Relève")
        desk.refused("SPLITTING_HOLDER_UNKNOWN", *typed, "-o", str(desk.record))


def test_what_was_never_split_has_no_record(desk: Desk) -> None:
    other = str(desk.folder / "other")
    assert run("--data", other, "init").returncode == 0
    typed = ("custody", "record", *desk.cards(*NAMES), "--reason", "x", "-o", str(desk.record))
    ended = run("--data", other, *typed)
    assert "(CUSTODY_STORE_UNSPLIT)" in ended.stderr


def _killed_at(desk: Desk, step: int, typed: list[str]) -> int:
    child = os.fork()
    if child == 0:
        try:
            die_at(desk.record.parent, step)
            os._exit(desk.run(*typed).returncode)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_at_any_step_a_record_is_as_before_or_confirmed(desk: Desk) -> None:
    """And what was cut short is done again: nobody counts twice, nothing has to be begun anew."""
    fingerprint = desk.begin(*NAMES)["fingerprint"]
    typed = desk.confirm(fingerprint, "GARDE-A", desk.shares["GARDE-A"])
    look = ("custody", "recorded", str(desk.record), "--json")
    for step in range(1, 60):
        ended = _killed_at(desk, step, typed)
        assert ended in {0, 9}
        missing = json.loads(desk.done(*look))["missing"]
        assert missing in (list(NAMES), list(NAMES[1:]))
        if ended == 0:
            break
    assert missing == list(NAMES[1:])
    assert step > 3
    desk.done(*desk.confirm(fingerprint, "GARDE-B", desk.shares["GARDE-B"]))
    assert json.loads(desk.done(*look))["missing"] == ["GARDE-C"]
