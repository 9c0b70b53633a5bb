"""What is typed wrongly is said in the user's language, on any terminal, with status 2."""

import json
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.surfaces.client.offline.posts import CHIFFRE, Ending, Post, chiffre, environment

SENDING = ("encipher", "--identity", "x", "--to", "y", "-o", "z", "-")


def misused(ending: Ending, code: str) -> str:
    """Demand that a command was refused as typed; return what was told."""
    assert ending.status == 2, ending.err
    assert f"({code})" in ending.err
    assert ending.out == ""
    return ending.err


def test_help_is_french_unless_the_locale_is_english() -> None:
    french = chiffre("--help")
    english = chiffre("--help", env=environment(LANG="en_GB.UTF-8"))
    asked = chiffre("--lang", "en", "--help")

    assert (french.status, english.status) == (0, 0)
    assert "emploi : chiffre" in french.out
    assert "afficher cette aide" in french.out
    assert "usage: chiffre" in english.out
    assert english.out == asked.out
    for word in ("usage:", "show this help", "positional arguments"):
        assert word not in french.out


@pytest.mark.parametrize(
    "command",
    [
        "identity new",
        "identity export-age",
        "card show",
        "encipher",
        "decipher",
        "reroute",
        "inspect",
        "series",
    ],
)
def test_each_command_explains_itself(command: str) -> None:
    told = chiffre(*command.split(), "--help")
    assert told.status == 0
    assert f"emploi : chiffre {command}" in told.out
    assert chiffre("--lang", "en", *command.split(), "--help").status == 0


def test_the_version() -> None:
    told = chiffre("--version")
    assert told.status == 0
    assert told.out.startswith("chiffre ")


@pytest.mark.parametrize(
    ("typed", "french", "english"),
    [
        ((), "il manque : COMMANDE", "the following arguments are required: COMMAND"),
        (("crypt",), "choix inconnu : 'crypt'", "invalid choice: 'crypt'"),
        (("encipher",), "il manque : --identity", "arguments are required: --identity"),
        (("inspect", "a", "b"), "arguments inconnus : b", "unrecognized arguments: b"),
        (("inspect", "--json=x", "a"), "ne prend pas de valeur", "ignored explicit argument"),
        (("card", "show"), "il manque : FICHIER", "arguments are required: FILE"),
        ((*SENDING, "--level"), "il faut une valeur", "expected one argument"),
        (("identity", "new", "--post"), "il faut une valeur", "expected one argument"),
        (
            ("identity", "new", "--post", "A1", "--out", "x", "--days", "y"),
            "valeur incorrecte",
            "invalid int value",
        ),
        (("--lang", "de", "inspect", "x"), "choix inconnu : 'de'", ""),
        (("deci", "x"), "choix inconnu", "invalid choice"),
        (("inspect", "--js", "x"), "arguments inconnus : --js", "unrecognized arguments: --js"),
    ],
)
def test_wrong_usage(typed: tuple[str, ...], french: str, english: str) -> None:
    told = misused(chiffre(*typed), "USAGE")
    assert french in told
    assert "emploi : chiffre" in told
    if english:
        told = misused(chiffre(*typed, env=environment(LANG="en")), "USAGE")
        assert english in told
        assert "usage: chiffre" in told


def test_wrong_usage_is_told_to_a_script_as_json() -> None:
    ending = chiffre("decipher", "--json")
    assert ending.status == 2
    assert ending.record["error"]["code"] == "USAGE"


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--level", "confidential-ish"), "UNKNOWN_LEVEL", "TRES-SECRET"),
        (("--precedence", "NOW"), "UNKNOWN_PRECEDENCE", "FLASH"),
        (("--info-precedence", "flash"), "PRECEDENCE_INVERTED", "--info-precedence"),
        (("--caveat", "é" * 50), "UNKNOWN_CAVEAT", "40"),
        (("--caveat", ""), "UNKNOWN_CAVEAT", "40"),
        (("--subject", "un\ndeux"), "HEADING_INVALID", "--subject"),
        (("--subject", "x" * 401), "HEADING_INVALID", "--subject"),
        (("--subject", b"\xff\xfe"), "HEADING_INVALID", "--subject"),
        (("--reference", ""), "HEADING_INVALID", "--reference"),
        (("--kind", "letter"), "HEADING_INVALID", "telegram"),
        (("--in-reply-to", "hier"), "HEADING_INVALID", "--in-reply-to"),
        (("--review", "demain"), "HEADING_INVALID", "--review"),
        (("--review", "2026-02-30"), "HEADING_INVALID", "--review"),
        (("--expires", "2099-01-01"), "HEADING_INVALID", "--expires"),
        (("--expires", "2001-01-01T00:00:00Z"), "HEADING_INVALID", "--expires"),
        (("--releasable-to", "Cémac"), "HEADING_INVALID", "--releasable-to"),
        (("--attach", "-"), "ONE_STANDARD_INPUT", ""),
    ],
    ids=str,
)
def test_a_heading_that_cannot_be(
    lome: Post, paris: Post, tmp_path: Path, options: tuple[object, ...], code: str, said: str
) -> None:
    told = misused(lome.encipher(paris, out=tmp_path / "d.age", options=options), code)
    assert said in told
    assert lome.series()["sent"] == []
    assert not (tmp_path / "d.age").exists()


def test_addressees_that_cannot_be(lome: Post, paris: Post, tmp_path: Path) -> None:
    misused(lome.encipher(paris, paris, out=tmp_path / "d.age"), "ADDRESSEE_TWICE")
    misused(lome.encipher(lome, out=tmp_path / "d.age"), "ADDRESSEE_SELF")


@pytest.mark.parametrize("level", ["secret", "SECRET", "Très secret", "tres-secret", "TRES_SECRET"])
def test_levels_forget_case_and_accents(
    lome: Post, paris: Post, tmp_path: Path, level: str
) -> None:
    ending = chiffre(
        "encipher",
        *("--identity", lome.identity, "--to", paris.card, "--level", level),
        *("-o", tmp_path / "d.age", "--json", "-"),
    )
    assert ending.record["label"]["level"] in {"SECRET", "TRES-SECRET"}


@pytest.mark.parametrize(
    "terminal",
    [
        {"LANG": "C"},
        {"LC_ALL": "POSIX"},
        {"PYTHONIOENCODING": "ascii"},
        {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LANG": None},
    ],
    ids=str,
)
def test_any_terminal_can_be_written_to(
    lome: Post, paris: Post, tmp_path: Path, terminal: dict[str, str | None]
) -> None:
    """On one that knows no accents they are left out: no end is an encoding error."""
    alone = partial(chiffre, env=environment(**terminal), program=CHIFFRE)
    subject = "Œuvre « à suivre » – Привет".encode()
    common = ("--identity", lome.identity, "--to", paris.card, "--level", "SECRET")

    sent = alone("encipher", *common, "--subject", subject, "-o", tmp_path / "d", "-")
    shown = alone("inspect", tmp_path / "d")
    wrong = alone("inspect")

    # A locale that cannot read the subject may refuse it, by name.
    assert sent.status == 0 or "HEADING_INVALID" in sent.err
    assert wrong.status == 2
    assert "COMMANDE INCORRECTE" in wrong.err
    if sent.status == 0:
        assert shown.status == 0
        assert "vre" in sent.out


def test_results_and_messages_keep_apart(lome: Post, paris: Post, tmp_path: Path) -> None:
    sent = lome.encipher(paris, out=tmp_path / "d.age", options="--json")
    assert json.loads(sent.out)["file"] == str(tmp_path / "d.age")
    assert "Votre exemplaire" not in sent.out


@pytest.mark.parametrize("typed", [("--help",), ("card", "show", "CARD"), ("series", "--json")])
def test_a_reader_that_goes_away_is_no_accident(lome: Post, typed: tuple[str, ...]) -> None:
    words = [str(lome.card) if word == "CARD" else word for word in typed]
    if words[0] == "series":
        words += ["--identity", str(lome.identity)]
    command = subprocess.Popen(
        [*CHIFFRE, *words], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None
    command.stdout.close()
    assert command.stderr is not None
    told = command.stderr.read()
    command.stderr.close()

    assert command.wait(120) == 3
    assert told == b""


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_are_no_accident(
    lome: Post, paris: Post, tmp_path: Path, closed: str
) -> None:
    done = subprocess.run(
        [
            *("sh", "-c", f'"$@" {closed}', "sh", *CHIFFRE, "encipher", "--identity"),
            *(lome.identity, "--to", paris.card, "--level", "SECRET"),
            *("-o", tmp_path / "d.age", paris.card),
        ],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode == (3 if "1>" in closed else 0)
    # Nobody could be told, but the dispatch is there and its number is issued.
    assert paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "out").status == 0


def test_standard_input_that_is_closed(lome: Post, paris: Post, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *("sh", "-c", '"$@" 0<&-', "sh", *CHIFFRE, "encipher", "--identity", lome.identity),
            *("--to", paris.card, "--level", "SECRET", "-o", tmp_path / "d.age", "-"),
        ],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    assert lome.series()["sent"] == []
