"""The seal's vectors: one defect a file, and the verdict that it must meet."""

import json
from pathlib import Path
from typing import Any

import pytest

from keys.canonical import time_from_text
from keys.cards import read_card
from keys.endorsement import read_root_file
from pouch.findings import Name
from pouch.pack import read_pack
from pouch.physical import Observed
from pouch.sealed import read_sealed
from pouch.verdict import Trust, judge
from tests.vectors.logged_cases import logged_cases
from tests.vectors.pouch_cases import cases

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "pouch"
INDEX: dict[str, Any] = json.loads((FOLDER / "index.json").read_text("utf-8"))
TRUST = Trust(read_card((FOLDER / f"{post}.card").read_bytes()) for post in INDEX["trusted"])
ROOT = read_root_file((FOLDER / f"{INDEX['root']}.root").read_bytes())


@pytest.mark.parametrize("vector", INDEX["vectors"], ids=lambda vector: vector["file"][:-4])
def test_a_vector_meets_its_verdict(vector: dict[str, Any]) -> None:
    at = time_from_text(vector["at"])
    pack = vector.get("pack")
    sealed = vector.get("manifest")
    verdict = judge(
        (FOLDER / vector["file"]).read_bytes().decode(),
        trust=TRUST,
        at=at,
        sealed=sealed and read_sealed((FOLDER / sealed).read_bytes()),
        pack=pack and read_pack((FOLDER / pack).read_bytes(), ROOT, least_version=0, at=at),
        observed=_observed(vector),
    )
    assert verdict.name == vector["expect"]


def _observed(vector: dict[str, Any]) -> Observed | None:
    if not {"seals", "weight"} & vector.keys():
        return None
    seals = vector.get("seals")
    return Observed(None if seals is None else tuple(seals), weight_g=vector.get("weight"))


def test_the_index_is_that_of_the_cases() -> None:
    listed = {(vector["file"], vector["expect"]) for vector in INDEX["vectors"]}
    assert listed == {(f"{case.name}.txt", case.expect) for case in (*cases(), *logged_cases())}
    files = {path.name for path in FOLDER.iterdir()} - {"index.json"}
    named = {
        vector[member]
        for vector in INDEX["vectors"]
        for member in ("file", "manifest", "pack")
        if member in vector
    }
    cards = {f"{post}.card" for post in INDEX["trusted"]}
    assert files == named | cards | {f"{INDEX['root']}.root"}


def test_every_verdict_that_a_text_can_meet_has_a_vector() -> None:
    met = {vector["expect"] for vector in INDEX["vectors"]}
    elsewhere = {"KEY_NOT_IN_FORCE", "BAG_COUNT_WRONG"}
    assert {str(name) for name in Name} - met == elsewhere
