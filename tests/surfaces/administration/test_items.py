"""`cipher-service items`: a share of the unseal key from its first holder to its end."""

import json
from pathlib import Path

import pytest

from cipher_service.administration.stage import chiffre
from cipher_service.settings import Settings
from keys.cards import read_card
from keys.destruction import read_record
from tests.surfaces.administration.running import run


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that nobody serves: the register needs none."""
    data = tmp_path_factory.mktemp("items") / "data"
    assert run("--data", str(data), "init").returncode == 0
    assert Settings.load(data).headquarters
    return data


def _done(books: Path, *typed: str) -> str:
    ended = run("--data", str(books), "items", *typed)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_share_goes_from_hand_to_hand_and_ends_before_two(books: Path, tmp_path: Path) -> None:
    for name in ("GARDE-A", "GARDE-B"):
        new = ("identity", "new", "--post", name, "--out", str(tmp_path / name))
        chiffre("en", *new, "--no-passphrase")
    reference = ("--reference", "PV 1")
    entering = ("enter", "--kind", "share", "--holder", "GARDE-A", *reference, "Part 1", "--json")
    item = str(json.loads(_done(books, *entering))["item"])
    _done(books, "send", item, "--by", "GARDE-A", "--to", "GARDE-B", *reference)
    early = run(
        "--data", str(books), "items", "send", item, "--by", "GARDE-A", "--to", "X", *reference
    )
    assert (early.returncode, "(ITEM_NOT_HELD)" in early.stderr) == (1, True)
    _done(books, "receive", item, "--by", "GARDE-B", *reference)
    exposes = json.loads(_done(books, "exposed", item, "--json"))
    assert exposes == {"item": int(item), "state": "held", "readable": []}
    chiffre(
        "en", "identity", "new", "--post", "PARIS", "--out", str(tmp_path / "P"), "--no-passphrase"
    )
    token = ("enter", "--kind", "token", "--holder", "GARDE-A", *reference, "--card")
    carrying = (*token, str(tmp_path / "P" / "PARIS.card"), "Jeton", "--json")
    assert json.loads(_done(books, *carrying))["item"] == int(item) + 1
    twice = run("--data", str(books), "items", *carrying)
    assert (twice.returncode, '"CARD_CARRIED"' in twice.stdout) == (1, True), twice.stdout
    foreign = (*token, str(tmp_path / "GARDE-A" / "GARDE-A.card"), "Jeton")
    refused = run("--data", str(books), "items", *foreign)
    assert (refused.returncode, "(UNKNOWN_POST)" in refused.stderr) == (1, True)
    unknown = run("--data", str(books), "items", "exposed", "999")
    assert (unknown.returncode, "(ITEM_UNKNOWN)" in unknown.stderr) == (1, True)
    code = run("--data", str(books), "post", "code", "PARIS", "--item", item)
    assert (code.returncode, code.stdout.count("-")) == (0, 4), code.stderr
    assert f"article {item}" in code.stderr
    assert "720" in code.stderr, "thirty days: a bag takes weeks"
    nothing = run("--data", str(books), "post", "code", "PARIS", "--item", "999")
    assert (nothing.returncode, "(ITEM_UNKNOWN)" in nothing.stderr) == (1, True)

    record = tmp_path / "pv.json"
    witness = [
        word for name in ("GARDE-A", "GARDE-B") for word in ("--identity", str(tmp_path / name))
    ]
    alone = run(
        *("--data", str(books), "items", "destroy", item, *witness[:2], *witness[:2]),
        *("-o", str(record), *reference),
    )
    assert (alone.returncode, "(DESTRUCTION_MALFORMED)" in alone.stderr) == (1, True)
    assert not record.exists()
    paper = ("--paper", str(tmp_path / "pv.pdf"))
    _done(books, "destroy", item, *witness, "-o", str(record), *paper, *reference)
    assert (tmp_path / "pv.pdf").read_bytes().startswith(b"%PDF")
    cards = [
        read_card((tmp_path / name / f"{name}.card").read_bytes())
        for name in ("GARDE-A", "GARDE-B")
    ]
    stated = read_record(record.read_bytes(), {card.fingerprint: card for card in cards})
    assert (str(stated.item), stated.designation) == (item, "Part 1")
    said = _done(books, "show", item)
    assert [line.split()[1] for line in said.splitlines()] == [
        "inscrit",
        "remis",
        "reçu",
        "détruit",
    ]
    listed = json.loads(_done(books, "list", "--json"))
    assert {str(each["item"]): each["state"] for each in listed["items"]}[item] == "destroyed"
