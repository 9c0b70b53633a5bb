"""Whatever hostile input a command of bags is given, a French reader is refused in French."""

import json
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from tests.support.languages import english_in
from tests.surfaces.client.offline.posts import Ending, Post
from tests.surfaces.valise.bags import Bag, draft, sealed, valise

SPOILT: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "deep": b"[" * 40 + b"]" * 40,
    "binary": bytes(range(256)),
    "loose": b'{"v": 1}',
    "half": b'{"statement":{"type":"valise/v1 rectification","v":1}}',
}
SAID = ("--number", "RECT 1", "--reason", "Erreur", "--signed-by", "N", "--function", "F")
HEADED = (
    *("--ministry-fr", "Ministère", "--ministry-en", "Ministry", "--place", "Yaoundé"),
    *("--signed-by", "Nom", "--function", "Chef"),
)


@pytest.fixture(scope="module")
def bag(posts: dict[str, Post], tmp_path_factory: pytest.TempPathFactory) -> Bag:
    return sealed(tmp_path_factory.mktemp("sac"), posts["YAOUNDE"])


def refused(done: Ending, *, details: bool = False) -> str:
    assert done.status in (1, 2), done.err
    assert english_in(done.err, details=details) == []
    return done.err


@pytest.mark.parametrize("spoilt", SPOILT)
def test_files_that_are_nothing_of_the_kind(
    spoilt: str, bag: Bag, yaounde: Post, tmp_path: Path
) -> None:
    file, out = tmp_path / "lu", tmp_path / "sortie"
    file.write_bytes(SPOILT[spoilt])
    manifest, seal = bag.folder / "manifest.json", bag.folder / "seal.txt"
    identity, trust = ("--identity", yaounde.identity), ("--trust", bag.card)
    right = ("rectify", *identity, *SAID, "--set", "weight=1", "-o", out, "--manifest")
    for typed in (
        ("seal", *identity, "--manifest", file, "-o", out),
        ("verify", "--trust", file, seal),
        ("verify", *trust, "--manifest", file, seal),
        ("verify", *trust, "--manifest", manifest, "--rectification", file, seal),
        ("verify", *trust, "--pack", file, "--root", bag.card, seal),
        (*right, file),
        (*right, manifest, "--rectification", file),
        ("letter", *trust, *HEADED, "-o", out, file),
        ("letter", *trust, *HEADED, "-o", out, manifest, "--rectification", file),
        ("pack", "--root", bag.card, file),
        ("prove", "--manifest", file, "-o", out, "1"),
        ("line", *trust, "--seal", seal, file),
    ):
        refused(valise(*typed))
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"number": "minuscule"}, "numéro de registre"),
        ({"seals": []}, "numéros des scellés"),
        ({"weight_g": 2_000_001}, "poids"),
        ({"expires": "2020-01-01T00:00:00Z"}, "fin de validité"),
        ({"certifier": {"officer": "A1", "name": "", "function": "F"}}, "agent qui certifie"),
        ({"ordinal": 99}, "rang du sac"),
    ],
)
def test_a_sealed_file_that_says_what_no_bag_can_be(
    change: dict[str, Any], told: str, bag: Bag, tmp_path: Path
) -> None:
    whole = json.loads((bag.folder / "manifest.json").read_bytes())
    whole["manifest"].update(change)
    file = tmp_path / "manifest.json"
    file.write_bytes(canonical.encode(whole))
    done = valise("verify", "--trust", bag.card, "--manifest", file, bag.folder / "seal.txt")
    assert told in refused(done, details=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("--number", "minuscule"), "numéro de registre"),
        (("--signed-by", ""), "nom de qui signe"),
        (("--function", "x" * 121), "fonction de qui signe"),
        (("--reason", "deux\nlignes"), "raison"),
        (("--set", "weight=0"), "valeur rectifiée"),
        (("--set", "weight=8450"), "valeur rectifiée"),
        (("--set", "weight=9000", "--set", "weight=9001"), "chacune nommée une fois"),
    ],
)
def test_a_rectification_that_none_can_be(
    change: tuple[str, ...], told: str, bag: Bag, yaounde: Post, tmp_path: Path
) -> None:
    place = () if "--set" in change else ("--set", "weight=9000")
    done = valise(
        *("rectify", "--identity", yaounde.identity, "--manifest", bag.folder / "manifest.json"),
        *(*SAID, *place, *change, "-o", tmp_path / "sortie"),
    )
    assert told in refused(done)
    assert not (tmp_path / "sortie").exists()


def test_drafts_that_are_wrong_everywhere(yaounde: Post, tmp_path: Path) -> None:
    for change in (
        {"weight_g": 2_000_001},
        {"seals": ["x"]},
        {"waybill": {"mode": "by air"}},
        {"items": [{"register": "the first"}]},
        {"class": "the highest"},
    ):
        file = draft(tmp_path, change)
        typed = ("seal", "--identity", yaounde.identity, "--manifest", file)
        refused(valise(*typed, "-o", tmp_path / "sortie"))
