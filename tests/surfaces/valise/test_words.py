"""Every verdict and refusal of `valise` has its words in both languages, and none is left over."""

import ast
import inspect
import re
import tomllib

import pytest

from cipher_service.client.messages import explain, texts
from keys.errors import Refusal
from pouch import classes, errors
from pouch.defects import Defect
from pouch.findings import Logging, Name, Witnessing, Word
from pouch.places import OF_BAG, OF_LINE
from tests.surfaces.client.offline.posts import ROOT
from tests.surfaces.valise.bags import valise

CODE = ROOT / "cipher_service" / "valise"
WORDS = tomllib.loads((ROOT / "cipher_service/client/texts/valise.toml").read_text("utf-8"))
RAISED = {
    str(node.args[0].value)
    for path in CODE.glob("*.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.Call)
    and isinstance(node.func, ast.Name)
    and node.func.id in {"Refused", "Misused", "Unavailable"}
    and isinstance(node.args[0], ast.Constant)
}
PAPERS = {
    kind.code
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, Refusal) and kind is not Refusal
}
NAMES = {str(name) for name in Name}
CLASSES = {
    classes.ModeForbidden.code,
    classes.LevelAboveBag.code,
    classes.LimitsExceeded.code,
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_code_has_its_words(language: str) -> None:
    for code in RAISED | PAPERS | NAMES | CLASSES:
        told = explain(code, {}, "en" if language == "en" else "fr")
        assert told is not None, code


def test_no_words_are_left_over() -> None:
    assert set(WORDS["failures"]) <= RAISED | PAPERS | NAMES | CLASSES
    code = "".join(path.read_text("utf-8") for path in CODE.glob("*.py"))
    named = set(re.findall(r"[\"']([a-z_]+)[\"']", code)) | {
        *(f"word_{word.name.lower()}" for word in Word),
        *(f"witnessing_{each}" for each in Witnessing),
        *(f"logging_{each}" for each in Logging),
        *(f"drill_{each}" for each in Defect),
        *(f"put_right_{what}" for what in (*OF_BAG, *OF_LINE)),
        *(f"help_{each}" for each in re.findall(r'"(valise_[a-z_]+)"', code)),
    }
    assert set(WORDS["phrases"]) <= named
    assert {name for name in named if name.startswith(("line_", "help_"))} <= set(
        texts()["phrases"]
    )


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    "command",
    ["example", "seal", "verify", "letter", "pack", "rectify", "drill new", "drill mark"],
)
def test_every_command_explains_itself(command: str, language: str) -> None:
    done = valise("--lang", language, *command.split(), "--help")
    assert done.status == 0
    assert "--json" in done.out
    assert "help_" not in done.out
