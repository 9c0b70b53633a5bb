"""A post gives a dispatch to others, or to its own next key, with the program alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.surfaces.client.offline.conftest import Founder
from tests.surfaces.client.offline.posts import Ending, Post, chiffre
from tests.surfaces.client.offline.test_usage import misused

TEXT = "Objet : escale.\nPrière d'autoriser l'escale.\n"


@pytest.fixture
def dakar(founded: Founder) -> Post:
    """A post that nobody wrote to."""
    return founded("DAKAR")


@pytest.fixture
def received(lome: Post, paris: Post, tmp_path: Path) -> Path:
    """A dispatch from LOME that PARIS may read."""
    path = tmp_path / "d.age"
    assert lome.encipher(paris, out=path, text=TEXT).status == 0
    return path


def _reroute(by: Post, source: Path, origin: Post, out: Path, *options: object) -> Ending:
    return chiffre(
        *("reroute", "--identity", by.identity, "--from", origin.card, "--reason", "Pour suite."),
        *options,
        *("-o", out, source),
    )


def test_a_rerouted_dispatch_reaches_a_third_post_with_a_number_of_the_rerouter(
    lome: Post, paris: Post, dakar: Post, received: Path, tmp_path: Path
) -> None:
    out = tmp_path / "r.age"
    told = _reroute(paris, received, lome, out, "--to", dakar.card, "--json")
    assert told.status == 0, told.err
    assert told.record["to"][0]["series"]["number"] == 1
    (sent,) = paris.series()["sent"]
    assert (sent["addressee"], _statuses(sent)) == ("DAKAR", ["issued"])

    refused = dakar.decipher(out, lome, out=tmp_path / "no")
    assert refused.status == 1
    assert "UNKNOWN_SENDER" in refused.err
    assert not (tmp_path / "no").exists()

    read = dakar.decipher(out, lome, out=tmp_path / "read", options=("--rerouted-by", paris.card))
    assert read.status == 0, read.err
    assert "réacheminée par PARIS : Pour suite." in read.err
    assert (tmp_path / "read" / "message.txt").read_text() == TEXT
    record = json.loads((tmp_path / "read" / "dispatch.json").read_text())
    assert record["reroutings"][0]["post"] == "PARIS"
    (series,) = dakar.series()["received"]
    assert series["origin"] == "PARIS"


def test_a_post_rewraps_for_its_next_edition(
    lome: Post, paris: Post, received: Path, tmp_path: Path
) -> None:
    made = chiffre(
        *("identity", "new", "--post", "PARIS", "--out", tmp_path / "next", "--no-passphrase"),
        *("--previous", paris.card),
    )
    assert made.status == 0, made.err
    renewed, out = Post("PARIS", tmp_path / "next"), tmp_path / "r.age"
    assert renewed.decipher(received, lome, out=tmp_path / "no").status == 1

    assert _reroute(paris, received, lome, out, "--own-card", renewed.card).status == 0
    assert paris.series()["sent"] == []
    read = renewed.decipher(out, lome, out=tmp_path / "read", options=("--rerouted-by", paris.card))
    assert read.status == 0, read.err
    assert (tmp_path / "read" / "message.txt").read_text() == TEXT


def test_what_is_refused_takes_no_number_and_leaves_no_file(
    lome: Post, paris: Post, dakar: Post, received: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "r.age"
    misused(_reroute(paris, received, lome, out), "REROUTING_TO_NOBODY")
    misused(_reroute(paris, received, lome, out, "--own-card", dakar.card), "REROUTING_ROLE")
    misused(_reroute(paris, received, lome, out, "--to", paris.card), "REROUTING_ROLE")
    stranger = _reroute(dakar, received, lome, out, "--to", paris.card)
    assert (stranger.status, "NOT_ADDRESSED" in stranger.err) == (1, True)
    twice = _reroute(lome, received, lome, out, "--to", paris.card)
    assert (twice.status, "REROUTING_NAMED" in twice.err) == (1, True)
    assert sorted(tmp_path.iterdir()) == before
    assert paris.series()["sent"] == []
    assert [_statuses(each) for each in lome.series()["sent"]] == [["issued"]]


def _statuses(sent: dict[str, Any]) -> list[str]:
    return [number["status"] for number in sent["numbers"]]
