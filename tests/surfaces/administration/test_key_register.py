"""Every version of the ministry's own keys stands in the register of controlled items by itself."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from cipher_service.administration.stage import stage
from cipher_service.app.key_register import KeyRegister
from cipher_service.audit.journal import Journal
from cipher_service.audit.questions import Wanted, page
from cipher_service.directory import controlled
from cipher_service.storage.unit_of_work import reading
from keys.custody.book import Book
from keys.custody.core import Custody
from keys.custody.lasting import LASTING
from tests.support.ministry import apart
from tests.surfaces.administration.running import given, run

KINDS = {"bureau", *LASTING}


def _expected(versions: list[Any]) -> dict[str, str]:
    """What the register must have of the custodian's versions, by their designation."""
    return {
        f"{each['key'].removeprefix('bureau/')} {each['number']} {each['fingerprint']}": (
            "destroyed" if each["history"][-1]["to"] == "destroyed" else "held"
        )
        for each in versions
    }


def _keys(items: list[Any]) -> dict[str, str]:
    keys = [each for each in items if each["kind"] == "key" and each["holder"] == "MINREX"]
    found = {each["designation"]: each["state"] for each in keys}
    assert len(found) == len(keys), "a key stands twice"
    return found


def test_a_founding_enters_every_key_that_it_made(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    assert run(*data, "init").returncode == 0
    listed = json.loads(run(*data, "items", "list", "--json").stdout)["items"]
    kinds = sorted(each["designation"].partition("/")[0].split()[0] for each in listed)
    assert kinds == sorted({"MINREX", *LASTING})
    assert set(_keys(listed).values()) == {"held"}


def test_an_exchange_enters_the_new_key_and_ends_the_one_that_went(tmp_path: Path) -> None:
    with stage(tmp_path / "data", "en", 1) as on:
        rotating = [f"{kind}/MINREX" for kind, each in LASTING.items() if each.rotates]
        for typed in [(), *((key,) for key in rotating)]:
            given(on, "keys", "rotate", *typed)
            kept = _keys(given(on, "items", "list")["items"])
            versions = given(on, "keys", "list")
            assert kept == _expected(versions)
        assert sum(state == "destroyed" for state in kept.values()) == len(rotating)
        assert {each["key"].partition("/")[0] for each in versions} == KINDS
        gone = next(
            each
            for each in given(on, "items", "list")["items"]
            if each["designation"].startswith("log/") and each["state"] == "destroyed"
        )
        told = given(on, "items", "show", str(gone["item"]))
        assert [(each["kind"], each["reference"]) for each in told] == [
            ("entered", "log/MINREX 1"),
            ("destroyed", "log/MINREX 2"),
        ]


def test_what_was_made_elsewhere_is_entered_by_the_service_once(engine: Engine) -> None:
    custodian: Custody = apart()
    journal = Journal(engine, "ministry.example/audit", "service")
    KeyRegister(engine, custodian, journal).round()
    with reading(engine) as connection:
        first = controlled.items(connection)
    versions = Book.parse(custodian.key_versions()).versions
    assert _keys([asdict(each) for each in first]) == _expected(
        [each.to_object() for each in versions]
    )
    KeyRegister(engine, custodian, journal).round()
    with reading(engine) as connection:
        assert controlled.items(connection) == first
        entries = page(connection, Wanted(actions=("keys_register",))).entries
    assert len(entries) == 1
