"""The mutator changes what it says and nothing else, and a child with the change is another one."""

import ast
from pathlib import Path

import pytest

from tests.mutants.mutation import apply, mutants
from tests.mutants.run_mutants import TESTS, path_of

SOURCE = '''
"""A text with 3 numbers."""
LEAST = 2
def enough(count: "int", sealed=False):
    if sealed and not count < LEAST + 1:
        raise ValueError("2 are too few")
    print(count)
    return count == 7
'''


def test_each_change_is_one_and_compiles() -> None:
    found = mutants(SOURCE)
    told = [each.told for each in found]
    assert "LEAST + 1  ->  LEAST - 1" in told
    assert "print(count)  ->  pass" in told
    assert "count == 7  ->  count != 7" in told
    assert "raise ValueError('2 are too few')  ->  pass" in told
    sound = ast.unparse(ast.parse(SOURCE)).splitlines()
    for each in found:
        changed = ast.unparse(apply(SOURCE, each)).splitlines()
        assert len([1 for old, new in zip(sound, changed, strict=True) if old != new]) == 1, each
        compile(apply(SOURCE, each), "changed", "exec")


@pytest.mark.parametrize("module", TESTS)
def test_every_module_of_the_list_is_there_and_so_are_its_tests(module: str) -> None:
    assert len(mutants(path_of(module).read_text("utf-8"))) > 10
    for each in TESTS[module]:
        assert (Path(__file__).parents[2] / each).exists()
