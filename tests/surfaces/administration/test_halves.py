"""`keys resume` and `keys destroy` where nobody reaches both the store and the books."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cipher_service import clock
from cipher_service.administration.installation import installation_at, journal_of
from cipher_service.settings import Settings
from keys.cards import read_card
from keys.custody import read_credential
from keys.custody.book import Book, BookFile
from keys.custody.orders import Order
from keys.destruction import read_record
from keys.lifecycle import ARCHIVE_REST
from tests.surfaces.administration.parted import NAMES, Parted, parted_at
from tests.surfaces.administration.running import Ended, run

BUREAU, DESKS = "bureau/MINREX", "desks/MINREX"


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parted]:
    with parted_at(tmp_path_factory.mktemp("halves")) as on:
        yield on


def _there(on: Parted, *typed: str) -> Ended:
    """As the custodian's user, who reaches no settings and no database."""
    place = ("--store", str(on.store), "--credential", str(on.credential))
    return run("--data", str(on.folder / "nowhere"), *typed, "--at-custodian", *place)


def _here(on: Parted, *typed: str) -> Ended:
    """As the service's user, who reaches no store."""
    return run("--data", str(on.data), *typed, language="en")


def _done(ended: Ended) -> str:
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _refused(ended: Ended, code: str) -> str:
    assert (ended.returncode, f"({code})" in ended.stderr) == (1, True), ended.stderr
    return ended.stderr


def _entries(on: Parted, action: str) -> list[Any]:
    database = sqlite3.connect(f"file:{on.data / 'ministry.db'}?mode=ro", uri=True)
    with closing(database):
        rows = database.execute("SELECT record FROM audit_entry ORDER BY seq").fetchall()
    entries = [json.loads(row[0]) for row in rows]
    return [each for each in entries if (each["action"], each["outcome"]) == (action, "done")]


def _waiting(on: Parted, command: str) -> bool:
    checked = _here(on, "check")
    assert checked.returncode == 0, checked.stdout
    return command in checked.stderr


def _ordered(on: Parted, number: int) -> None:
    """The order stands, as three officers gave it, and its rest is over (test_destroying.py)."""
    file = BookFile(on.store, read_credential(on.credential))
    book = file.read()
    assert book is not None
    at = clock.now().replace(microsecond=0) - ARCHIVE_REST - timedelta(minutes=1)
    act = f"01KAMV6R8P3ZDFWQ5XJ900000{number}"
    made = Order(act, "0" * 64, BUREAU, number, ("OFF-1", "OFF-2", "OFF-3"), "Fin de série", at)
    file.write(replace(book, orders=(*book.orders, made)))


def _rotated(on: Parted) -> int:
    place = ("--store", str(on.store), "--credential", str(on.credential))
    made = json.loads(_done(_here(on, "keys", "rotate", *place, "--json")))
    return int(made["edition"])


def _witnessed(on: Parted, *names: str) -> list[str]:
    return [word for name in names for word in ("--witness", str(on.folder / name))]


def test_a_suspension_is_ended_there_and_taken_in_here_once(parted: Parted) -> None:
    before = len(_entries(parted, "key_resume"))
    _done(_here(parted, "keys", "suspend", DESKS, "--reason", "doute"))
    typed = ("keys", "resume", DESKS, "--reason", "levé")
    told = _refused(_here(parted, *typed), "KEY_AT_CUSTODIAN")
    assert "cipher-service keys resume desks/MINREX --at-custodian" in told
    assert "cipher-service keys take-in" in told
    assert not _waiting(parted, "suspension")
    assert "cipher-service keys take-in" in _there(parted, *typed).stderr
    assert _waiting(parted, "The suspension of version 1 of desks/MINREX was ended")
    assert len(_entries(parted, "key_resume")) == before
    assert "end of its suspension" in _here(parted, "keys", "take-in").stderr
    assert not _waiting(parted, "The suspension")
    assert "tells every" in _here(parted, "keys", "take-in").stderr
    [entry] = _entries(parted, "key_resume")[before:]
    assert entry["resource"] == DESKS
    assert len(entry["statement"]) == 64
    _refused(_there(parted, *typed), "KEY_TRANSITION_ILLEGAL")


def test_what_one_user_resumed_who_reaches_both_is_in_already(parted: Parted) -> None:
    place = ("--store", str(parted.store), "--credential", str(parted.credential))
    before = len(_entries(parted, "key_resume"))
    for _ in range(2):
        _done(_here(parted, "keys", "suspend", BUREAU, "--reason", "doute"))
        _done(_here(parted, "keys", "resume", BUREAU, "--reason", "levé", *place))
    assert "tells every" in _here(parted, "keys", "take-in").stderr
    assert len(_entries(parted, "key_resume")) == before + 2


def test_entries_of_before_resumptions_had_digests_tell_of_the_oldest(parted: Parted) -> None:
    key = "certifying/MINREX"
    for reason in ("un", "deux"):
        _done(_here(parted, "keys", "suspend", key, "--reason", "doute"))
        _done(_there(parted, "keys", "resume", key, "--reason", reason))
    with installation_at(Settings.load(parted.data)) as on, journal_of(on).act("key_resume", key):
        pass
    taken = _here(parted, "keys", "take-in").stderr
    assert taken.count("end of its suspension") == 1
    assert "tells every" in _here(parted, "keys", "take-in").stderr


def test_a_version_goes_there_and_has_its_record_here(parted: Parted, tmp_path: Path) -> None:
    number = _rotated(parted) - 1
    which = ("keys", "destroy", BUREAU, "--number", str(number), "--reason", "PV 12")
    witnesses = _witnessed(parted, *NAMES[:2])
    out = ("-o", str(tmp_path / "pv.json"))
    _refused(_there(parted, *which, *witnesses, *out), "KEY_DESTRUCTION_NOT_ORDERED")
    _ordered(parted, number)
    told = _refused(_here(parted, *which, *witnesses, *out), "KEY_AT_CUSTODIAN")
    assert f"keys destroy {BUREAU} --number {number} --at-custodian" in told
    _refused(
        _there(parted, *which, *_witnessed(parted, NAMES[0], NAMES[0]), *out),
        "DESTRUCTION_MALFORMED",
    )
    assert _state(parted, number) == "deactivated"

    _done(_there(parted, *which, *witnesses, *out))
    assert _state(parted, number) == "destroyed"
    assert not (tmp_path / "pv.json").exists()
    waits = f"cipher-service keys destroy {BUREAU} --number {number}"
    assert _waiting(parted, waits)

    gone = json.loads(_done(_here(parted, *which, *witnesses, *out, "--json")))
    assert not _waiting(parted, waits)
    cards = [read_card((parted.folder / name / f"{name}.card").read_bytes()) for name in NAMES[:2]]
    record = (tmp_path / "pv.json").read_bytes()
    stated = read_record(record, {card.fingerprint: card for card in cards})
    assert stated.designation == f"MINREX {number} {gone['fingerprint']}"
    listed = json.loads(_done(_here(parted, "items", "list", "--json")))["items"]
    [item] = [each for each in listed if each["designation"] == stated.designation]
    assert (item["item"], item["state"]) == (stated.item, "destroyed")
    again = ("-o", str(tmp_path / "again.json"))
    _done(_here(parted, *which, *witnesses, *again))
    assert (tmp_path / "again.json").read_bytes() == record
    assert len(_entries(parted, "key_destroy")) == 1


def _state(on: Parted, number: int) -> str:
    file = BookFile(on.store, read_credential(on.credential))
    return (file.read() or Book()).find(BUREAU, number).state


def test_a_split_custodian_that_runs_lets_go_of_what_was_destroyed(
    parted: Parted, tmp_path: Path
) -> None:
    """It held the key in memory, and no share of its holders is needed to let go."""
    cards = [word for name in NAMES for word in ("--holder", f"{parted.folder}/{name}/{name}.card")]
    place = ("--store", str(parted.store), "--credential", str(parted.credential))
    _done(run("--data", "nowhere", "custody", "split", "--threshold", "2", *cards, *place))
    [folder] = parted.store.glob("shares-*")
    opening = []
    for name in NAMES[:2]:
        opening += ["--share", f"{folder}/{name}.share", "--identity", f"{parted.folder}/{name}"]
    number = int(
        json.loads(_done(run("--data", "x", "keys", "exchange", *opening, *place, "--json")))[
            "number"
        ]
    )
    _done(_here(parted, "keys", "take-in"))
    _offered(parted, folder)
    _ordered(parted, number - 1)
    which = ("keys", "destroy", BUREAU, "--number", str(number - 1), "--reason", "PV 13")
    typed = (*which, *_witnessed(parted, *NAMES[:2]), "-o", str(tmp_path / "pv.json"))
    _done(_there(parted, *typed, *opening))
    assert _open(parted)
    _done(_here(parted, *typed))
    assert not _open(parted)
    _offered(parted, folder)


def _offered(on: Parted, folder: Path) -> None:
    for name in NAMES[:2]:
        bearer = ("--identity", str(on.folder / name))
        _done(_here(on, "custody", "offer", str(folder / f"{name}.share"), *bearer))
    assert _open(on)


def _open(on: Parted) -> bool:
    return not json.loads(_done(_here(on, "custody", "state", "--json")))["sealed"]


def test_a_restored_log_knows_which_suspensions_were_ended(parted: Parted) -> None:
    assert parted.admit(parted.data / "backup.key").returncode == 0
    _done(_here(parted, "keys", "take-in"))
    ended = parted.restored(parted.make()["path"], "anew")
    assert ended.returncode == 0, ended.stderr
    taken = run("--data", str(parted.folder / "anew"), "keys", "take-in", language="en")
    assert (taken.returncode, "tells every" in taken.stderr) == (0, True), taken.stderr
