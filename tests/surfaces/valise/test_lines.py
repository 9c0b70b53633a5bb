"""One line shown without the others, and the bordereau inside held against the seal outside."""

import json
from pathlib import Path

import pytest

from pouch.papers.manifest_symbol import manifest_text
from pouch.sealed import read_sealed
from tests.surfaces.client.offline.posts import Post
from tests.surfaces.valise.bags import Bag, sealed, valise


@pytest.fixture(scope="module")
def bags(posts: dict[str, Post], tmp_path_factory: pytest.TempPathFactory) -> tuple[Bag, Bag]:
    """A bag, and another of the same sealer."""
    place = tmp_path_factory.mktemp("bags")
    return (
        sealed(place, posts["YAOUNDE"], name="first"),
        sealed(place, posts["YAOUNDE"], name="second", number="VAL 2026-000124"),
    )


def test_a_line_is_proved_and_checked_without_the_others(
    bags: tuple[Bag, Bag], tmp_path: Path
) -> None:
    bag, other = bags
    proof = tmp_path / "line.json"
    assert valise(
        "prove", "--manifest", bag.folder / "manifest.json", "2", "-o", proof
    ).status == 0  # fmt: skip
    manifest = read_sealed((bag.folder / "manifest.json").read_bytes()).manifest
    shown = proof.read_text("utf-8")
    assert manifest.items[1].register in shown
    assert not any(item.register in shown for item in (manifest.items[0], manifest.items[2]))

    checked = valise(
        "line", "--trust", bag.card, "--seal", bag.folder / "seal.png", "--json", proof
    )
    assert checked.status == 0, checked.err
    assert checked.record["item"]["register"] == manifest.items[1].register
    assert "salt" not in checked.record["item"]

    elsewhere = valise("line", "--trust", bag.card, "--seal", other.folder / "seal.txt", proof)
    assert elsewhere.status == 1
    edited = json.loads(shown)
    edited["item"]["quantity"] += 1
    proof.write_text(json.dumps(edited, separators=(",", ":"), sort_keys=True), "utf-8")
    refused = valise("line", "--trust", bag.card, "--seal", bag.folder / "seal.txt", proof)
    assert refused.status == 1
    assert "PROOF_INVALID" in refused.err


def test_a_line_that_is_not_there_and_a_seal_that_is_not_trusted_are_named(
    bags: tuple[Bag, Bag], posts: dict[str, Post], tmp_path: Path
) -> None:
    bag, _ = bags
    proof = tmp_path / "line.json"
    absent = valise("prove", "--manifest", bag.folder / "manifest.json", "9", "-o", proof)
    assert absent.status == 1
    assert "LINE_ABSENT" in absent.err
    assert not proof.exists()
    valise("prove", "--manifest", bag.folder / "manifest.json", "1", "-o", proof)
    stranger = posts["LOME"].identity / "LOME.card"
    refused = valise("line", "--trust", stranger, "--seal", bag.folder / "seal.txt", proof)
    assert refused.status == 1
    assert "LINE_SEAL_REFUSED" in refused.err


def test_the_bordereau_inside_is_held_against_the_seal_outside(
    bags: tuple[Bag, Bag], tmp_path: Path
) -> None:
    bag, other = bags

    def symbol(of: Bag) -> Path:
        path = tmp_path / f"{of.folder.name}.txt"
        manifest = read_sealed((of.folder / "manifest.json").read_bytes()).manifest
        path.write_text(manifest_text(manifest), "ascii")
        return path

    def verify(of: Path) -> tuple[int, str]:
        done = valise("verify", "--trust", bag.card, "--bordereau", of, bag.folder / "seal.txt")
        return done.status, done.err

    assert verify(symbol(bag))[0] == 0
    status, told = verify(symbol(other))
    assert status == 1
    assert "BORDEREAU_DIFFERS" in told
    assert verify(bag.folder / "seal.txt")[0] == 1
