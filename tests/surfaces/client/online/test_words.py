"""Every way in which an online command ends or speaks has its words, and none is left over."""

import ast
import io
import re
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from cipher_service.client.__main__ import main
from tests.surfaces.client.online.live import ROOT

CLIENT = ROOT / "cipher_service" / "client"
OURS = ("online", "transport", "sdk", "outbox")
WORDS = tomllib.loads((CLIENT / "texts" / "online.toml").read_text("utf-8"))
KINDS = {"Distrusted", "Unready", "Unreachable", "MinistryRefused"}
COMMANDS = (
    *("enrol", "send", "outbox", "inbox", "fetch", "receipt"),
    *("service-message", "directory", "cards", "sync", "differences", "photograph", "certificate"),
)


def sources() -> list[Path]:
    return [path for path in CLIENT.glob("*.py") if path.name.startswith(OURS)]


def test_every_failure_of_the_line_has_its_words() -> None:
    raised = {
        node.args[0].value
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in KINDS
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(raised) > 20
    assert raised <= set(WORDS["failures"])


def test_no_phrase_is_left_over() -> None:
    code = "".join(path.read_text("utf-8") for path in CLIENT.glob("*.py"))
    named = set(re.findall(r'"([a-z_]+)"', code))
    families = ("help_", "enrolled_", "state_", "outbox_", "card_is_", "difference_")
    assert [
        name for name in WORDS["phrases"] if name not in named and not name.startswith(families)
    ] == []


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, language: str) -> None:
    shown = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(shown):
        assert main(["--lang", language, command, "--help"]) == 0
    shown.seek(0)
    assert "--identity" in shown.read()
