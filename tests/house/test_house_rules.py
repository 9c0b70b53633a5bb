"""Rules of the house that no linter knows, each with the accident that it prevents."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from cipher_service.administration.components import installed

ROOT = Path(__file__).resolve().parents[2]
TRACKED = tuple(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    if (ROOT / name).is_file()
)
PYTHON = tuple(path for path in TRACKED if path.suffix == ".py")

FOLDERS = {".ci", "cipher_service", "keys", "pouch", "tests", "deploy"}
LONGEST_FILE = 450
LONGEST_FUNCTION = 70


def _functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    documented = ast.get_docstring(function) is not None
    docstring = function.body[0] if documented else None
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if docstring is not None:
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def test_the_top_level_holds_only_what_was_agreed() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in TRACKED if path.parent != ROOT}
    assert folders <= FOLDERS


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_keeps_one_subject_and_a_function_one_thought(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE
    too_long = {
        function.name: _length(function)
        for function in _functions(ast.parse(text))
        if _length(function) > LONGEST_FUNCTION
    }
    assert not too_long


def test_no_package_marker_under_tests() -> None:
    """tests/keys/__init__.py would make `import keys` find the tests."""
    assert not [path for path in TRACKED if path.match("tests/**/__init__.py")]


def test_the_keys_package_holds_no_key_material() -> None:
    """A folder called keys/ invites key files, and a wheel would publish them."""
    strange = [
        path
        for path in (ROOT / "keys").rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.suffix not in {".py", ".md"}
        and path.name != "py.typed"
    ]
    assert not strange


def test_nobody_imports_the_package_keys_by_that_name() -> None:
    """`import keys` would be hidden by any variable of that name, silently."""
    offenders = [
        path
        for path in PYTHON
        # Reading a tree takes a hundred times as long as looking for the words.
        if re.search(r"\bimport\b[^\n]*\bkeys\b", text := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import) and any(alias.name == "keys" for alias in node.names)
    ]
    assert not offenders


def test_products_never_assert_at_run_time() -> None:
    """An assert vanishes under -O, and with it the check."""
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in PYTHON
        if "tests" not in path.relative_to(ROOT).parts
        if "assert" in (text := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assert)
    ]
    assert not offenders


def test_every_suppression_says_which_rule_and_why() -> None:
    """A bare suppression hides the next mistake too, and "see above" will be one."""
    mark = re.compile(r"#\s*(noqa|type:\s*ignore)(?P<rest>.*)$")
    rules = r"(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*|\[[a-z, -]+\])"
    reason = re.compile(rules + r"\s+(?!\W*(see|as|said) (above|said)|\W*likewise)\W*\w+")
    offenders = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in PYTHON
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (found := mark.search(line)) and not reason.match(found["rest"])
    ]
    assert not offenders


def test_lock_files_name_no_address() -> None:
    for name in ("requirements.lock", "requirements-bench.lock"):
        assert "://" not in (ROOT / name).read_text("utf-8"), name
    assert '"resolved"' not in (ROOT / "tests/foreign/package-lock.json").read_text("utf-8")


def test_every_locked_requirement_has_a_hash() -> None:
    for name in ("requirements.lock", "requirements-bench.lock"):
        text = (ROOT / name).read_text("utf-8")
        pins = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert all("==" in pin and "--hash=sha256:" in pin for pin in pins), name


def test_every_declared_requirement_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        declared += extra
    locked = set(
        re.findall(
            r"^([a-z0-9-]+)(?:\[[a-z0-9, -]+\])?==",
            (ROOT / "requirements.lock").read_text("utf-8"),
            re.MULTILINE,
        )
    )
    wanted = {re.split(r"[\[>=]", requirement)[0].lower() for requirement in declared}
    assert wanted <= locked


def test_nothing_is_installed_beside_the_locks() -> None:
    """A venv brings parts of its own, which nobody pinned and nobody raises."""
    locked: set[tuple[str, str]] = set()
    for name in ("requirements.lock", "requirements-bench.lock"):
        pins = re.findall(
            r"^([a-z0-9.-]+)(?:\[.*\])?==(\S+)", (ROOT / name).read_text(), re.MULTILINE
        )
        locked |= {(part, version) for part, version in pins}
    found = {(part.name, part.version) for part in installed()}
    assert found - locked == set()


def test_make_help_lists_every_verb() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    verbs = set(re.findall(r"^\.PHONY: ([a-z-]+)$", makefile, re.MULTILINE))
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert verbs == {line.split()[0] for line in shown.splitlines()}
