"""The scoreboard of ASVS 5.0: every applicable requirement, and the tests that hold it.

`tests/asvs.toml` lists the requirements by level; an empty list says openly that no test of ours
holds it yet. Run with `-s` to see the score.
"""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SCORE: dict[str, dict[str, list[str]]] = tomllib.loads((TESTS / "asvs.toml").read_text("utf-8"))
# How many apply to this product, by level: a requirement is not dropped in silence.
APPLICABLE = {"level-1": 55, "level-2": 139, "level-3": 72}
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
    assert {level: len(held) for level, held in SCORE.items()} == APPLICABLE
    ids = [name for held in SCORE.values() for name in held]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"V([1-9]|1[0-7])\.[1-9][0-9]?\.[1-9][0-9]?", name) for name in ids)


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_test_that_is_named_is_there(reference: str) -> None:
    file, _, name = reference.partition("::")
    assert name in _collected(file)


def test_the_score_is_told() -> None:
    for level, held in SCORE.items():
        covered = sum(bool(names) for names in held.values())
        print(f"ASVS 5.0 {level}: {covered} of {len(held)} applicable requirements held by tests")
    assert sum(bool(names) for held in SCORE.values() for names in held.values()) >= 100
