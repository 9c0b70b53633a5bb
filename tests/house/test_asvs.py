"""The scoreboard of ASVS 5.0: every applicable requirement, and the tests that hold it.

`tests/asvs.toml` lists the requirements by level; an empty list says openly that no test of ours
holds it yet, and what is set aside says why it is not for this product. `-s` shows the score.
"""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
WHOLE = tomllib.loads((TESTS / "asvs.toml").read_text("utf-8"))
ASIDE: dict[str, dict[str, str]] = WHOLE.pop("aside")
SCORE: dict[str, dict[str, list[str]]] = WHOLE
# How many there are in ASVS 5.0, by level: a requirement is not dropped in silence.
LISTED = {"level-1": 70, "level-2": 183, "level-3": 92}
OPEN = 0
"""How many no test holds yet, at most."""
REFERENCES = sorted({name for level in SCORE.values() for held in level.values() for name in held})


@cache
def _collected(file: str) -> frozenset[str]:
    """The tests that pytest finds in a file, by their names."""
    path = TESTS / file
    assert path.name.startswith("test_"), f"pytest does not look into {file}"
    tree = ast.parse(path.read_text("utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    bodies = [tree.body, *(node.body for node in classes if node.name.startswith("Test"))]
    return frozenset(
        node.name
        for body in bodies
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    )


def test_every_applicable_requirement_stands_once() -> None:
    counts = {level: len(held) + len(ASIDE.get(level, {})) for level, held in SCORE.items()}
    assert counts == LISTED
    ids = [name for held in SCORE.values() for name in held]
    ids += [name for aside in ASIDE.values() for name in aside]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"V([1-9]|1[0-7])\.[1-9][0-9]?\.[1-9][0-9]?", name) for name in ids)


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_test_that_is_named_is_there(reference: str) -> None:
    file, _, name = reference.partition("::")
    assert name in _collected(file)


def test_the_score_is_told() -> None:
    missing = []
    for level, held in SCORE.items():
        covered = sum(bool(names) for names in held.values())
        aside = len(ASIDE.get(level, {}))
        print(f"ASVS 5.0 {level}: {covered} of {len(held)} applicable held, {aside} set aside")
        missing += [name for name, names in held.items() if not names]
    print(f"held by no test: {', '.join(missing) or 'none'}")
    assert len(missing) <= OPEN


def test_what_is_set_aside_says_why() -> None:
    reasons = [reason for part in ASIDE.values() for reason in part.values()]
    assert all(len(reason) > 40 for reason in reasons)


def test_the_service_is_nobodys_relying_party() -> None:
    """What is set aside for want of a federation would apply on the day when there is one."""
    words = re.compile(r"id_token|authorization_code|code_verifier|openid|backchannel")
    code = [
        path for part in ("cipher_service", "keys") for path in (TESTS.parent / part).rglob("*.py")
    ]
    assert len(code) > 200
    assert [path.name for path in code if words.search(path.read_text("utf-8"))] == []
