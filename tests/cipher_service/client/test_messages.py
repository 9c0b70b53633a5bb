"""Every failure is told in three parts and two languages; nothing that a sender chose steers it."""

import ast
import errno
import importlib
import pkgutil
import string
from pathlib import Path

import pytest

from cipher_service.client import messages
from cipher_service.client.endings import conclude
from cipher_service.client.failures import Refused
from cipher_service.client.messages import choose_language, explain, phrase, printable, texts
from keys.errors import KeysError, Refusal
from tests.surfaces.client.offline.posts import ROOT

CLIENT = ROOT / "cipher_service" / "client"
NO_POST_S = ("keys.custody", "keys.rotation_record")
"""What no post runs: the ministry's own commands have their words of what these refuse."""


def _kinds(kind: type[KeysError]) -> set[type[KeysError]]:
    return {kind}.union(*map(_kinds, kind.__subclasses__()))


def _refusals() -> dict[str, type[KeysError]]:
    """Every named refusal of keys/ that a post can meet, wherever it is."""
    for module in pkgutil.walk_packages([str(ROOT / "keys")], "keys."):
        if not module.name.startswith(NO_POST_S):
            importlib.import_module(module.name)
    return {
        kind.code: kind
        for kind in _kinds(KeysError) - {KeysError, Refusal}
        if kind.__module__.startswith("keys.") and not kind.__module__.startswith(NO_POST_S)
    }


def _raised_codes() -> set[str]:
    """Every code that the client itself raises a failure with, read from its source."""
    found = set()
    for path in CLIENT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in {"Refused", "Misused", "Unavailable"} and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
    return found


@pytest.mark.parametrize("code", sorted(_refusals()))
def test_every_refusal_of_keys_has_its_words(code: str) -> None:
    for language in ("fr", "en"):
        told = explain(code, {}, language)
        assert told is not None
        assert all((told.cause, told.effect, told.remedy))


def test_every_failure_that_the_client_raises_has_its_words() -> None:
    codes = _raised_codes()
    assert len(codes) > 20
    assert codes <= set(texts()["failures"])


def test_every_ending_has_its_words() -> None:
    for error in (
        *(OSError(number, "x") for number in (28, 13, 2, 21, 20, 5)),
        *(KeyboardInterrupt(), MemoryError(), BrokenPipeError()),
    ):
        assert conclude(error, "fr").code != "DEFECT"


def test_every_text_is_whole_in_both_languages() -> None:
    for code, entry in texts()["failures"].items():
        assert set(entry) == {"fr", "en"}, code
        assert all(len(parts) == 3 and all(parts) for parts in entry.values()), code
    for name, entry in texts()["phrases"].items():
        assert set(entry) == {"fr", "en"}, name
        assert all(isinstance(text, str) and text for text in entry.values()), name


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_tell_the_same_facts() -> None:
    for code, entry in texts()["failures"].items():
        assert _places(" ".join(entry["fr"])) == _places(" ".join(entry["en"])), code
    for name, entry in texts()["phrases"].items():
        assert _places(entry["fr"]) == _places(entry["en"]), name


def test_the_voice_is_calm() -> None:
    """No exclamation marks, and never 'an error has occurred'."""
    for entry in (*texts()["failures"].values(), *texts()["phrases"].values()):
        for language in ("fr", "en"):
            text = " ".join(entry[language])
            assert "!" not in text
            assert "erreur est survenue" not in text
            assert "error occurred" not in text


def test_each_phrase_that_a_command_says_exists() -> None:
    for path in CLIENT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            named = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            named = node.func.id if isinstance(node.func, ast.Name) else named
            name = node.args[0]
            if named in {"say", "phrase"} and isinstance(name, ast.Constant):
                assert name.value in texts()["phrases"], (path.name, name.value)


@pytest.mark.parametrize(
    ("wanted", "environment", "language"),
    [
        (None, {}, "fr"),
        (None, {"LANG": "C"}, "fr"),
        (None, {"LANG": "en_GB.UTF-8"}, "en"),
        (None, {"LANG": "en_GB.UTF-8", "LC_MESSAGES": "fr_CM.UTF-8"}, "fr"),
        (None, {"LC_ALL": "en_US", "LC_MESSAGES": "fr_CM.UTF-8", "LANG": "fr"}, "en"),
        (None, {"LC_ALL": "", "LANG": "en"}, "en"),
        ("fr", {"LC_ALL": "en_US"}, "fr"),
        ("en", {"LC_ALL": "fr_FR"}, "en"),
    ],
)
def test_the_language_is_asked_for_or_the_locale_s_or_french(
    wanted: str | None, environment: dict[str, str], language: str
) -> None:
    assert choose_language(wanted, environment) == language


def test_what_a_sender_chose_cannot_steer_a_terminal() -> None:
    hostile = "a\x1b[2Jb\r\nc\u202ed\u2028e\x9bf\u200bg\ud800h"
    assert printable(hostile) == (
        "a<U+001B>[2Jb<U+000D><U+000A>c<U+202E>d<U+2028>e<U+009B>f<U+200B>g<U+D800>h"
    )
    assert printable("Œuvre n° 5 : « à suivre »") == "Œuvre n° 5 : « à suivre »"


def test_facts_are_made_printable_and_braces_in_them_mean_nothing() -> None:
    told = explain("FILE_MISSING", {"path": "{cause}\x1b[0m"}, "en")
    assert told is not None
    assert "{cause}<U+001B>[0m" in told.cause


def test_a_fact_that_is_not_given_leaves_no_hole_of_python() -> None:
    told = explain("FILE_MISSING", {}, "fr")
    assert told is not None
    assert "{" not in told.cause


def test_a_failure_without_words_is_a_defect_that_names_itself() -> None:
    ending = conclude(Refused("NEVER_WRITTEN"), "en")
    assert (ending.status, ending.code) == (3, "DEFECT")
    assert "NEVER_WRITTEN" in ending.text()


def test_a_defect_tells_its_place_and_not_its_values() -> None:
    try:
        int("Refusez le visa")
    except ValueError as error:
        ending = conclude(error, "fr")
    assert ending.status == 3
    assert "visa" not in ending.text()
    assert Path(__file__).name in ending.detail


def test_phrases_are_found_by_name() -> None:
    assert phrase("enciphering", "fr") == "Chiffrage"
    with pytest.raises(KeyError):
        phrase("never written", "fr")
    assert messages.argparse_words("en") == {}


def test_a_disk_error_without_a_name_leaves_no_blank_to_fill() -> None:
    """ENOSPC on a write names no file."""
    told = conclude(OSError(errno.ENOSPC, "No space left on device"), "fr").explanation
    assert told.cause == "Il n'y a plus de place sur le disque."
    named = conclude(OSError(errno.ENOSPC, "No space left on device", "/d.age"), "en").explanation
    assert named.cause == "There is no room left on the disk. /d.age"


def test_a_taken_address_is_not_blamed_on_the_disk() -> None:
    ending = conclude(OSError(errno.EADDRINUSE, "Address already in use"), "fr")
    assert (ending.status, ending.code) == (3, "ADDRESS_TAKEN")
    assert "disque" not in ending.text("cipher-service")
