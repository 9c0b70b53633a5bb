"""`keys propose` and `keys destroy`: three order, two see it go, the register tells."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cipher_service.administration.stage import chiffre
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from keys.cards import read_card
from keys.custody import read_credential
from keys.custody.book import BookFile
from keys.custody.rotation import Terminal
from keys.destruction import read_record
from keys.lifecycle import ARCHIVE_REST
from tests.support.officers import CELL, KEEPER_A, KEEPER_B
from tests.surfaces.administration.house import House, house_of
from tests.surfaces.administration.running import Ended

BUREAU = "bureau/MINREX"


@dataclass(frozen=True)
class Cellar:
    """The house, and two witnesses of whatever ends there."""

    house: House
    folder: Path

    @property
    def witnesses(self) -> list[str]:
        return [
            word
            for name in ("GARDE-A", "GARDE-B")
            for word in ("--witness", str(self.folder / name))
        ]

    def refused(self, code: str, *typed: str) -> None:
        ended = self.house.run(*typed)
        assert (ended.returncode, f"({code})" in ended.stderr) == (1, True), ended.stderr

    def given(self, *typed: str) -> Any:
        return json.loads(_done(self.house.run(*typed, "--json")))

    def order(self, what: str, act: Path, *signers: str) -> None:
        naming = (BUREAU, "--number", "1", "--by", signers[0], "--reason", "Fin de série")
        _done(self.house.run("keys", "propose", what, *naming, "-o", str(act)))
        for signer in signers:
            _done(self.house.approve(act, signer))

    def rested(self) -> None:
        """The orders are thirty days older."""
        settings: Settings = self.house.settings
        file = BookFile(settings.custodian_store, read_credential(settings.custodian_credential))
        book = file.read()
        assert book is not None
        # And a minute more: two clocks may differ by a second.
        rest = ARCHIVE_REST + timedelta(minutes=1)
        older = tuple(replace(each, at=each.at - rest) for each in book.orders)
        file.write(replace(book, orders=older))


def _done(ended: Ended) -> str:
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _state(version: Any) -> str:
    return str(version["history"][-1]["to"])


@pytest.fixture(scope="module")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cellar]:
    folder = tmp_path_factory.mktemp("cellar")
    for name in ("GARDE-A", "GARDE-B"):
        new = ("identity", "new", "--post", name, "--out", str(folder / name))
        chiffre("en", *new, "--no-passphrase")
    functions = {KEEPER_A: "CUSTODIAN-A", KEEPER_B: "CUSTODIAN-B", CELL: "CHIEF-CNTC"}
    with house_of(folder, functions) as house:
        _done(house.run("keys", "rotate"))
        yield Cellar(house, folder)


def test_nothing_goes_that_nobody_ordered(cellar: Cellar, tmp_path: Path) -> None:
    out = ("-o", str(tmp_path / "pv.json"))
    which = (BUREAU, "--number", "1", "--reason", "x")
    cellar.refused(
        "KEY_DESTRUCTION_NOT_ORDERED", "keys", "destroy", *which, *cellar.witnesses, *out
    )
    by = ("--by", KEEPER_A, *out)
    cellar.refused("KEY_DESTRUCTION_NOT_ORDERED", "keys", "propose", "keep", *which, *by)
    in_force = (BUREAU, "--number", "2", "--reason", "x")
    cellar.refused("KEY_NOT_DESTROYABLE", "keys", "propose", "destroy", *in_force, *by)
    unknown = (BUREAU, "--number", "9", "--reason", "x")
    cellar.refused("KEY_VERSION_UNKNOWN", "keys", "propose", "destroy", *unknown, *by)
    assert not (tmp_path / "pv.json").exists()


def test_three_order_two_take_back_and_at_last_two_see_it_go(
    cellar: Cellar, tmp_path: Path
) -> None:
    act, record, paper = (tmp_path / name for name in ("act.json", "pv.json", "pv.pdf"))
    cellar.order("destroy", act, KEEPER_A, KEEPER_B, CELL)
    said = _done(cellar.house.run("keys", "list"))
    shown = cellar.house.run("keys", "list").stderr
    assert ("superseded" in said, "is ordered" in shown) == (True, True)
    typed = ("keys", "destroy", BUREAU, "--number", "1", "--reason", "PV 12")
    out = ("-o", str(record), "--paper", str(paper))
    cellar.refused("KEY_NOT_DESTROYABLE", *typed, *cellar.witnesses, *out)
    cellar.order("keep", tmp_path / "keep.json", KEEPER_B, CELL)
    cellar.rested()
    cellar.refused("KEY_DESTRUCTION_NOT_ORDERED", *typed, *cellar.witnesses, *out)

    cellar.order("destroy", tmp_path / "again.json", KEEPER_A, KEEPER_B, CELL)
    cellar.rested()
    alone = cellar.house.run(*typed, *cellar.witnesses[:2], *out)
    assert (alone.returncode, "(WITNESSES_TWO)" in alone.stderr) == (2, True)
    twice = (*cellar.witnesses[:2], *cellar.witnesses[:2])
    cellar.refused("DESTRUCTION_MALFORMED", *typed, *twice, *out)
    listed = [each for each in cellar.given("keys", "list") if each["key"] == BUREAU]
    states = {each["number"]: _state(each) for each in listed}
    assert states == {1: "deactivated", 2: "active"}

    gone = cellar.given(*typed, *cellar.witnesses, *out)
    assert _state(gone) == "destroyed"
    assert paper.read_bytes().startswith(b"%PDF")
    cards = [
        read_card((cellar.folder / name / f"{name}.card").read_bytes())
        for name in ("GARDE-A", "GARDE-B")
    ]
    stated = read_record(record.read_bytes(), {card.fingerprint: card for card in cards})
    assert stated.designation == f"MINREX 1 {gone['fingerprint']}"
    assert stated.reference == f"key.destroy {gone['history'][-1]['act']}"
    (item,) = (
        each
        for each in cellar.given("items", "list")["items"]
        if each["designation"] == stated.designation
    )
    assert (item["item"], item["kind"], item["state"]) == (stated.item, "key", "destroyed")
    cellar.refused("FILE_EXISTS", *typed, *cellar.witnesses, *out)
    again = tmp_path / "again.pv"
    assert cellar.given(*typed, *cellar.witnesses, "-o", str(again)) == gone
    assert again.read_bytes() == record.read_bytes()


def test_what_was_destroyed_before_it_was_recorded_is_recorded_by_saying_it_again(
    cellar: Cellar, tmp_path: Path
) -> None:
    """Killed between the store and the register."""
    _done(cellar.house.run("keys", "rotate"))
    naming = (BUREAU, "--number", "2", "--by", KEEPER_A, "--reason", "Fin")
    act, out = tmp_path / "act.json", tmp_path / "pv.json"
    _done(cellar.house.run("keys", "propose", "destroy", *naming, "-o", str(act)))
    for signer in (KEEPER_A, KEEPER_B, CELL):
        _done(cellar.house.approve(act, signer))
    cellar.rested()
    settings = cellar.house.settings
    at = Terminal(settings.custodian_store, read_credential(settings.custodian_credential))
    moved = at.destroy(BUREAU, 2, datetime.now(UTC).replace(microsecond=0), "tué ensuite")
    typed = ("keys", "destroy", BUREAU, "--number", "2", "--reason", "PV 13")
    gone = cellar.given(*typed, *cellar.witnesses, "-o", str(out))
    assert gone == moved.to_object()
    assert out.exists()


def test_who_signed_before_the_custodian_stands_in_the_log(cellar: Cellar) -> None:
    engine = open_existing(cellar.house.settings.database)
    try:
        with reading(engine) as connection:
            records = [bytes(row.record) for row in connection.execute(audit_entry.select())]
    finally:
        engine.dispose()
    entries = [json.loads(each) for each in records]
    signed = {
        each["actor"]
        for each in entries
        if (each["action"], each["resource"]) == ("custodian_act_sign", BUREAU)
    }
    assert signed == {KEEPER_A, KEEPER_B, CELL}
    outcomes = [each["outcome"] for each in entries if each["action"] == "key_destroy"]
    assert {"done", "refused"} <= set(outcomes)
