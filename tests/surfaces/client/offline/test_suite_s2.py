"""Two posts that exchanged complements write to each other under suite S2."""

import json
from pathlib import Path

import pytest

from tests.surfaces.client.offline.posts import Post, chiffre


def _complement(post: Post, out: Path) -> Path:
    words = ("identity", "complement", "--identity", post.identity, "-o", out, "--json")
    made = chiffre(*words)
    assert made.status == 0, made.err
    assert made.record["post"] == post.code
    return out


@pytest.fixture
def complements(lome: Post, paris: Post, tmp_path: Path) -> tuple[Path, Path]:
    """Of LOME and of PARIS."""
    return _complement(lome, tmp_path / "lome.s2"), _complement(paris, tmp_path / "paris.s2")


def test_it_arrives_under_s2_and_the_sender_reads_its_copy(
    lome: Post, paris: Post, complements: tuple[Path, Path], tmp_path: Path
) -> None:
    of_lome, of_paris = complements
    sent = lome.encipher(
        paris, out=tmp_path / "d.age", text="Mardi.", options=("--complement", of_paris)
    )
    assert sent.status == 0, sent.err
    seen = chiffre("inspect", "--json", tmp_path / "d.age").record
    assert (seen["label"]["suite"], seen["recipients"]) == ("S2", 2)

    without = paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "none")
    assert (without.status, "(UNKNOWN_SENDER)" in without.err) == (1, True)
    assert not (tmp_path / "none").exists()
    for reader, name in ((paris, "read"), (lome, "copy")):
        out = tmp_path / name
        words = ("--from", lome.card, "--complement", of_lome, "-o", out, tmp_path / "d.age")
        read = chiffre("decipher", "--identity", reader.identity, *words)
        assert read.status == 0, read.err
        assert (out / "message.txt").read_text() == "Mardi."


def test_a_complement_that_is_missing_or_another_s_takes_no_number(
    lome: Post, paris: Post, complements: tuple[Path, Path], tmp_path: Path
) -> None:
    of_lome, _ = complements
    before = lome.series()
    options = ("--complement", of_lome)
    refused = lome.encipher(paris, out=tmp_path / "d.age", text="Mardi.", options=options)
    assert (refused.status, "(COMPLEMENT_INVALID)" in refused.err) == (1, True)
    assert not (tmp_path / "d.age").exists()
    broken = tmp_path / "broken.s2"
    broken.write_bytes(json.dumps({"statement": 1}).encode())
    options = ("--complement", broken)
    refused = lome.encipher(paris, out=tmp_path / "d.age", text="Mardi.", options=options)
    assert (refused.status, "(COMPLEMENT_INVALID)" in refused.err) == (1, True)
    assert lome.series() == before


def test_a_complement_is_never_written_over(lome: Post, tmp_path: Path) -> None:
    out = _complement(lome, tmp_path / "lome.s2")
    before = out.read_bytes()
    again = chiffre("identity", "complement", "--identity", lome.identity, "-o", out)
    assert (again.status, "(OUTPUT_EXISTS)" in again.err) == (1, True)
    assert out.read_bytes() == before
