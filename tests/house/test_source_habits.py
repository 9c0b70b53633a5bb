"""Habits of the sources that keep strangers' texts from becoming something else.

`test_dangerous_calls.py` says what is never called; this says how things are called.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]  # not in its stub
from re import _parser as parser  # type: ignore[attr-defined]  # not in its stub
from typing import Any

import pytest

from cipher_service.storage.tables import metadata
from tests.house.test_dangerous_calls import SCRIPTS, TEMPLATES, _calls, _imports, _trees

ROOT = Path(__file__).resolve().parents[2]
CONSOLE_SCRIPTS = [path for path in SCRIPTS if "src" in path.parts]
NETWORK = {"httpx", "requests", "urllib3", "aiohttp", "smtplib", "ftplib", "telnetlib", "imaplib"}
HASHED = re.compile(r"hashlib\.(\w+)")
HASHES = {"sha256", "sha384", "sha512", "sha3_256", "blake2b"}
LOGGED = {"debug", "info", "warning", "error", "exception", "critical"}
# What these give of what is written in the source is as written there.
MAKES_OF_CONSTANTS = {"'|'.join", "sorted", "re.sub", "_list_of"}


def _constant(node: ast.expr) -> bool:  # noqa: PLR0911 - one line a kind of expression
    """Say whether a text is written in the source: a literal, a name in capitals, made of them."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Attribute) and node.attr == "pattern":  # of a pattern that is one
        return _constant(node.value)
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        return name.strip("_").isupper()
    if isinstance(node, ast.Call):  # "|".join(sorted(KINDS))
        named = ast.unparse(node.func)
        return named in MAKES_OF_CONSTANTS and all(_constant(each) for each in node.args)
    if isinstance(node, ast.FormattedValue):
        return _constant(node.value)
    if isinstance(node, ast.BinOp | ast.IfExp | ast.JoinedStr | ast.Dict):
        test = node.test if isinstance(node, ast.IfExp) else None
        parts = (each for each in ast.iter_child_nodes(node) if each is not test)
        return all(_constant(each) for each in parts if isinstance(each, ast.expr))
    return False


def _first(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else None


def test_a_pattern_is_written_in_the_source_or_escapes_what_is_put_into_it() -> None:
    made = [
        (name, ast.unparse(call))
        for name, called, call in _calls()
        if re.fullmatch(r"re\.(compile|match|fullmatch|search|sub|split|findall|finditer)", called)
        and (first := _first(call)) is not None
        and not _constant(first)
        and "re.escape" not in ast.unparse(first)
    ]
    # What reads a member of a query is given its pattern by the endpoint, which writes it.
    readers = {"cipher_service/api/inbound.py", "cipher_service/console/scan.py"}
    assert {name for name, _ in made} == readers, made


def test_a_format_is_written_in_the_source() -> None:
    """Logging takes its values apart from its text; nothing a caller wrote becomes a format."""
    logged = [
        (name, ast.unparse(call))
        for name, called, call in _calls()
        if re.fullmatch(r"(_?log|_?LOG|logging)\.\w+", called)
        and called.rpartition(".")[2] in LOGGED
        and (first := _first(call)) is not None
        and not isinstance(first, ast.Constant)
    ]
    assert logged == []


def test_sql_takes_values_as_parameters_alone() -> None:
    """Texts of SQL are constants, or made of constants of the source; values are bound."""
    server = [
        (name, called, call)
        for name, called, call in _calls()
        if name.startswith("cipher_service/")
        and not name.startswith(("cipher_service/client/", "cipher_service/storage/migrations/"))
    ]
    of_sqlalchemy = {
        name
        for name, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy"
        if any(alias.name in ("text", "literal_column") for alias in node.names)
    }
    made = [
        (name, ast.unparse(call))
        for name, called, call in server
        if (called in ("text", "literal_column") and name in of_sqlalchemy)
        or called.rpartition(".")[2] in ("exec_driver_sql", "executescript")
        or called == "run_plain"
        or (called.rpartition(".")[2] == "execute" and isinstance(_first(call), ast.JoinedStr))
        # `run_plain` is given the connection before the text.
        if (text := call.args[-1] if called == "run_plain" else _first(call)) is not None
        and not _constant(text)
    ]
    # Settings of a connection, triggers, rows put back: made of names of our own tables.
    of_the_shape = {
        "cipher_service/storage/engine.py",
        "cipher_service/storage/second_store.py",
        "cipher_service/storage/second_triggers.py",
        "cipher_service/administration/replaying.py",
    }
    assert {name for name, _ in made} == of_the_shape, made


def test_the_service_asks_nobody_by_network() -> None:
    """Only the client has a way out: what a caller writes leads the service nowhere."""
    asking = [
        name
        for name, tree in _trees()
        if _imports(tree) & NETWORK and not name.startswith("cipher_service/client/")
    ]
    assert asking == []
    assert any(_imports(tree) & NETWORK for _, tree in _trees())


def test_every_digest_resists_collisions() -> None:
    used = {
        alias.name
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "hashlib"
        for alias in node.names
    }
    used |= {found[1] for _, called, _ in _calls() if (found := HASHED.match(called))}
    # The last draws a hybrid key's two seeds out of one of 32 bytes, as its format says.
    assert used <= HASHES | {"file_digest", "shake_256"}, used
    assert "sha256" in used


def test_nothing_keeps_a_hint_a_question_or_an_address_of_electronic_mail() -> None:
    columns = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
    ]
    wrong = re.compile(r"password|hint|question|secret_answer|e?mail|phone|sms")
    assert [column for column in columns if wrong.search(column)] == []
    fields = [
        path.name
        for path in TEMPLATES
        if re.search(r"type=.(password|email|tel)\b", path.read_text("utf-8"))
    ]
    assert fields == []


def test_a_log_has_no_place_but_standard_error_and_the_ledger() -> None:
    handlers = [
        (name, called)
        for name, called, _ in _calls()
        if re.search(r"(\w+Handler|basicConfig|dictConfig|fileConfig|openlog)$", called)
    ]
    assert {called for _, called in handlers} <= {"logging.basicConfig", "logging.StreamHandler"}


def test_the_console_knows_no_token() -> None:
    """Tokens are posts' machines': no page is given one, and no script could send one."""
    pages = [
        name
        for name, tree in _trees()
        if name.startswith("cipher_service/console/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "cipher_service.identity.tokens"
    ]
    scripts = [
        path.name
        for path in CONSOLE_SCRIPTS
        if re.search(r"authorization|bearer|access_token", path.read_text("utf-8"), re.IGNORECASE)
    ]
    assert pages + scripts == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_needs_no_plugin_and_loads_from_nobody_else(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<(object|embed|applet|iframe|frame)\b", text)
    assert not re.search(r"(src|href|action)=.?(https?:)?//", text)


@pytest.mark.parametrize("path", CONSOLE_SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_script_is_a_module_and_sets_nothing_on_shared_objects(path: Path) -> None:
    """Nothing is kept on what all scripts share, no key from outside written into a prototype."""
    text = path.read_text("utf-8")
    assert not re.search(r"\b(window|document|globalThis|self)\.(?!on|title)[a-z]\w* = ", text)
    assert not re.search(r"\b(window|document|globalThis)\[", text)
    assert not re.search(
        r"__proto__|\.prototype\b|Object\.assign|setPrototypeOf|\bvar\s|\bwith \(", text
    )


# -- patterns ------------------------------------------------------------------------------------


def _patterns() -> Iterator[tuple[str, str]]:
    for name, called, call in _calls():
        first = _first(call)
        if re.fullmatch(r"re\.\w+", called) and isinstance(first, ast.Constant):
            yield name, str(first.value)


def _repeats(parsed: Any) -> Iterator[tuple[int, Any]]:
    """Give the unbounded repetitions of a parsed pattern, with what each repeats."""
    for operation, argument in parsed:
        if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            _, most, inner = argument
            if most is codes.MAXREPEAT:
                yield most, inner
            yield from _repeats(inner)
        elif operation is codes.SUBPATTERN:
            yield from _repeats(argument[-1])
        elif operation is codes.BRANCH:
            for branch in argument[1]:
                yield from _repeats(branch)
        elif operation in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _repeats(argument[1])


def _ambiguous(inner: Any) -> bool:
    """Say whether one round may itself be of any length and begin anew anywhere: (a+)+, (a|a*)*."""
    items = list(inner)
    while len(items) == 1 and items[0][0] is codes.SUBPATTERN:
        items = list(items[0][1][-1])
    if len(items) == 1 and items[0][0] is codes.BRANCH:
        return any(_ambiguous(branch) for branch in items[0][1][1])
    return len(items) == 1 and any(True for _ in _repeats(items))


def test_no_pattern_repeats_a_repetition() -> None:
    """Such a pattern takes exponential time on a text that almost fits."""
    patterns = list(_patterns())
    assert len(patterns) > 60
    nested = [
        (name, pattern)
        for name, pattern in patterns
        for _, inner in _repeats(parser.parse(pattern))
        if _ambiguous(inner)
    ]
    assert nested == []
    assert any(_ambiguous(inner) for _, inner in _repeats(parser.parse(r"(?:a+)+b")))
