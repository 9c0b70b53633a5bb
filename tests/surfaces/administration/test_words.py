"""Everything that `cipher-service` says, whole and in both languages."""

import ast
import string
import tomllib
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

import pouch
from cipher_service import administration
from cipher_service.administration import command, words
from cipher_service.administration.words import explain
from cipher_service.client.messages import texts as client_texts
from cipher_service.errors import ServiceError
from keys.errors import Refusal
from keys.service_messages import RULES

HERE = Path(administration.__file__).parent
TEXTS: dict[str, dict[str, Any]] = words._texts()


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _codes_raised(folder: Path, names: set[str]) -> set[str]:
    """Every code that the source raises one of these with."""
    return {
        node.args[0].value
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in names
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_every_text_is_whole_and_tells_the_same_facts_in_both_languages() -> None:
    for name, entry in TEXTS["phrase"].items():
        assert set(entry) == {"fr", "en"}, name
        assert all(entry.values()), name
        assert _places(entry["fr"]) == _places(entry["en"]), name
    for code, entry in TEXTS["failure"].items():
        assert set(entry) == {"fr", "en"}, code
        assert all(len(parts) == 3 and all(parts) for parts in entry.values()), code
        assert _places(" ".join(entry["fr"])) == _places(" ".join(entry["en"])), code


def test_no_name_stands_in_two_files() -> None:
    """The second would silently take the place of the first."""
    read = [tomllib.loads((HERE / name).read_text("utf-8")) for name in words.FILES]
    assert {path.name for path in HERE.glob("*.toml")} == set(words.FILES)
    for part in ("phrase", "failure"):
        assert sum(len(file.get(part, {})) for file in read) == len(TEXTS[part])


def test_whatever_is_refused_has_its_words() -> None:
    own = _codes_raised(HERE, {"Refused", "Misused", "Unavailable"})
    service = {
        code
        for part in ("dispatches", "directory", "access")
        for code in _codes_raised(HERE.parent / part, {"ServiceError"})
    }
    assert len(own) > 10
    assert len(service) > 10
    known = set(client_texts()["failures"])
    spoken = {code for code in own | service if explain(code, {}, "fr") is not None}
    assert own | service <= spoken | known


def _refused_of_bags() -> set[type[Refusal]]:
    """Every refusal of the pouch's knowledge, which reaches a terminal as it was raised."""
    modules = [import_module(each.name) for each in walk_packages(pouch.__path__, "pouch.")]
    return {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Refusal)
        and kind.__module__.startswith("pouch.")
    }


def _raise(error: Exception, _name: str) -> None:
    raise error


def test_what_is_refused_of_a_bag_is_told_by_name_and_never_as_a_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "unwind_when_asked", lambda: None)  # leave pytest its signals
    kinds = _refused_of_bags()
    assert len(kinds) > 20
    for kind in kinds:
        monkeypatch.setattr(command, "import_module", partial(_raise, kind("in detail")))
        assert command.main(["--lang", "fr", "check"]) == 1, kind.code
        assert f"({kind.code})" in capsys.readouterr().err


def test_every_service_message_has_a_name_in_words() -> None:
    assert {f"kind_{kind}" for kind in RULES} <= set(TEXTS["phrase"])


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "service a rencontré"), ("en", "service met")]
)
def test_a_defect_is_this_program_s_own(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    said: str,
) -> None:
    monkeypatch.setattr(command, "unwind_when_asked", lambda: None)  # leave pytest its signals
    for error in (ZeroDivisionError("x"), ServiceError("NEVER_HEARD_OF")):

        def fail(_name: str, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(command, "import_module", fail)
        assert command.main(["--lang", language, "check"]) == 3
        told = capsys.readouterr().err
        assert "(DEFECT)" in told
        assert said in told
        assert "chiffre a" not in told
