"""What the products never call: held over the syntax tree of every source, not over its text."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("keys", "pouch", "cipher_service")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SCRIPTS = sorted(
    path
    for suffix in ("ts", "js", "mjs")
    for path in (ROOT / "cipher_service").rglob(f"*.{suffix}")
    if "node_modules" not in path.parts and "static" not in path.parts
)
TEMPLATES = sorted(
    path for path in (ROOT / "cipher_service").rglob("*.html") if "node_modules" not in path.parts
)

INTERPRETERS = {"eval", "exec", "compile", "__import__"}
DESERIALISERS = {"pickle", "marshal", "shelve", "yaml", "dill", "jsonpickle"}
WEAK = {"md5", "sha1", "MD5", "SHA1", "ECB", "CBC", "PKCS1v15", "TripleDES", "ARC4", "Blowfish"}
CRYPTOGRAPHY = {"cryptography", "nacl"}


@cache
def _trees() -> list[tuple[str, ast.Module]]:
    """Every source with its tree, read by the first test that asks and not by whoever collects."""
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))) for path in SOURCES]


def _imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


@cache
def _calls() -> list[tuple[str, str, ast.Call]]:
    """Every call: where, of what, and the call itself."""
    return [
        (name, ast.unparse(node.func), node)
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 200


def test_no_text_becomes_code() -> None:
    assert [(name, called) for name, called, _ in _calls() if called in INTERPRETERS] == []


def test_nothing_is_read_by_a_format_that_makes_objects() -> None:
    assert [name for name, tree in _trees() if _imports(tree) & DESERIALISERS] == []


def test_no_shell_reads_a_command() -> None:
    shells = [
        (name, called)
        for name, called, call in _calls()
        if called in {"os.system", "os.popen", "subprocess.getoutput"}
        or any(word.arg == "shell" for word in call.keywords)
    ]
    assert shells == []


def test_chance_comes_from_the_system_only() -> None:
    assert [name for name, tree in _trees() if "random" in _imports(tree)] == []


def test_no_broken_hash_and_no_unauthenticated_cipher() -> None:
    weak = [
        (name, node.attr)
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in WEAK
    ]
    names = [
        (name, alias.name)
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in WEAK
    ]
    assert weak + names == []


def test_only_keys_imports_cryptography() -> None:
    outside = [
        name
        for name, tree in _trees()
        if not name.startswith("keys/") and _imports(tree) & CRYPTOGRAPHY
    ]
    assert outside == []


def test_no_template_is_made_of_a_text() -> None:
    made = {"Template", "jinja2.Template", "from_string", "render_template_string"}
    assert [(name, called) for name, called, _ in _calls() if called.split(".")[-1] in made] == []


def test_no_outgoing_request_follows_a_redirect() -> None:
    following = [
        name
        for name, _, call in _calls()
        for word in call.keywords
        if word.arg == "follow_redirects" and ast.unparse(word.value) != "False"
    ]
    assert following == []


def test_no_secret_is_compared_by_the_plain_operator() -> None:
    """`==` on a name that says mac, tag, token or secret leaks how far two values agree."""
    secret = re.compile(r"(^|_)(mac|tag|token|secret|cookie|nonce|ticket|link)$")
    compared = [
        (name, ast.unparse(node))
        for name, tree in _trees()
        if not name.startswith("keys/log/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and any(
            isinstance(side, ast.Name | ast.Attribute)
            and secret.search(side.id if isinstance(side, ast.Name) else side.attr)
            for side in (node.left, node.comparators[0])
        )
    ]
    assert compared == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_switches_escaping_off(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup\(", text)
    assert not re.search(r"\son[a-z]+=[\"']|javascript:|<script(?![^>]*\bsrc=)[^>]*>", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_script_writes_markup_or_runs_text(path: Path) -> None:
    text = path.read_text("utf-8")
    forbidden = r"\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\("
    assert not re.search(forbidden, text)
