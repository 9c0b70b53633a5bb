"""Every sentence of the console has its English; every refusal has its words in both languages."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import cipher_service.console
from cipher_service.audit.recorder import SILENT
from cipher_service.console import journal, refusals
from cipher_service.console.flows import FLOWS
from cipher_service.console.language import (
    LANGUAGES,
    chosen,
    english_catalogues,
    moment,
    number,
    span,
    translations,
)
from cipher_service.identity import approvals, officer_commands, passkey_book, shared_acts
from keys.act_rules import RULES
from keys.custody.acts import ACTS
from keys.custody.admission import KINDS

HERE = Path(cipher_service.console.__file__).parent
ACTS_OF_CUSTODIAN = {name for name, act in ACTS.items() if "warrant" in act.arguments}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None, "mark": None}


def said() -> Iterator[tuple[str, str]]:
    """Each sentence of the source: (where, msgid)."""
    for folder, method in ((HERE, [("**.py", "python")]), (HERE / "templates", _JINJA)):
        for where, _, message, _, _ in extract_from_dir(
            folder, method, keywords=KEYWORDS, options_map=_OPTIONS
        ):
            first = message[0] if isinstance(message, tuple) else message
            if "assets" not in Path(where).parts:
                yield where, str(first)


_JINJA = [("**.html", "jinja2.ext.babel_extract")]
_OPTIONS = {
    "**.html": {
        "trimmed": "false",
        "newstyle_gettext": "true",
        "silent": "false",
        "extensions": "jinja2.ext.do",
    }
}


def test_every_sentence_has_its_english() -> None:
    known: set[str] = set()
    for catalogue in english_catalogues():
        for message in catalogue:
            one = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
            if message.string and all(message.string):
                known.add(str(one))
    missing = sorted({(where, one) for where, one in said() if one not in known})
    to_paste = "\n".join(f'# {where}\nmsgid "{one}"\nmsgstr ""\n' for where, one in missing)
    assert not missing, f"missing in locale/en:\n{to_paste}"
    assert len(known) > 30


def test_no_english_is_left_over() -> None:
    asked = {one for _, one in said()} | {"%(num)d jour", "%(num)d heure", "%(num)d minute"}
    for catalogue in english_catalogues():
        for message in catalogue:
            one = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
            assert not one or one in asked, f"nobody says {one!r} any more"


def test_translations_keep_the_facts() -> None:
    translations("en")
    for catalogue in english_catalogues():
        for message in catalogue:
            if not message.id:
                continue
            ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            for one, other in zip(ids, strings, strict=True):
                assert one.count("%(") == str(other).count("%("), one
                assert one.count("{") == str(other).count("{"), one


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_refusal_is_whole_in_both_languages() -> None:
    for code, row in refusals.TABLE.items():
        french = (row.fr.cause, row.fr.effect, row.fr.remedy)
        english = (row.en.cause, row.en.effect, row.en.remedy)
        assert all(french), code
        assert all(english), code
        assert _places(" ".join(french)) == _places(" ".join(english)), code
        assert 400 <= row.status < 600, code


@pytest.mark.parametrize("module", [officer_commands, passkey_book, approvals, shared_acts])
def test_what_an_officer_meets_at_the_door_has_its_words(module: object) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))  # type: ignore[attr-defined]  # a module has its file
    raised = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "ServiceError"
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised <= set(refusals.TABLE)


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "language"),
    [
        (None, None, "", "fr"),
        (None, None, "en-GB,en;q=0.9,fr;q=0.5", "en"),
        (None, None, "fr-FR,fr;q=0.9,en;q=0.5", "fr"),
        (None, None, "de", "fr"),
        ("en", "fr", "fr", "en"),
        ("xx", "en", "fr", "en"),
    ],
)
def test_the_language_is_asked_kept_or_wanted(
    asked: str | None, kept: str | None, accepted: str, language: str
) -> None:
    assert chosen(asked, kept, accepted) == language


def test_dates_and_numbers_follow_the_language() -> None:
    assert moment("2026-11-22T10:34:00Z", "fr") == "22 nov. 2026, 10 h 34"
    assert moment("2026-11-22T10:34:00Z", "en") == "22 Nov 2026, 10:34"
    assert moment("2026-08-01T00:05:00Z", "fr") == "1er août 2026, 00 h 05"
    assert number(1234567, "fr") == "1\u202f234\u202f567"
    assert number(1234567, "en") == "1,234,567"
    assert span(7200, translations("fr")) == "2 heures"
    assert span(86400, translations("en")) == "1 day"
    assert span(3, translations("fr")) == "moins d’une minute"


def _acts_of_the_log() -> Iterator[str]:
    """Each name that an entry can have: commands, what the journal surrounds, acts of several."""
    for file in sorted(HERE.parent.rglob("*.py")):
        if "node_modules" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name in ("handlers", "acts", "completed"):
                for each in (one for one in node.body if isinstance(one, ast.Return)):
                    yield from _keys_of(each)
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("act", "effect", "told", "_event")
            ):
                for first in node.args[:1]:
                    if isinstance(first, ast.Constant):
                        yield str(first.value).partition(".")[0]
    yield from (kind.replace(".", "_").replace("-", "_") for kind in set(RULES) - set(KINDS))
    yield from ACTS_OF_CUSTODIAN


def _keys_of(returned: ast.Return) -> Iterator[str]:
    for each in ast.walk(returned):
        if isinstance(each, ast.Dict):
            for key in each.keys:
                if isinstance(key, ast.Constant):
                    yield str(key.value).partition(".")[0]


def test_what_the_log_says_has_its_words() -> None:
    missing = set(_acts_of_the_log()) - SILENT - set(journal.words())
    assert missing == set()
    assert all(len(words) == len(LANGUAGES) and all(words) for words in journal.words().values())
    assert journal.action_name("habilitation_grant", "en") == "habilitation granted"
    assert journal.action_name("of another time", "fr") == "of another time"


def test_a_letter_leads_to_one_page_and_the_help_says_which() -> None:
    places = [place for flow in FLOWS for place in flow.places if place.shortcut]
    letters = [place.shortcut for place in places]
    assert len(set(letters)) == len(letters), letters
    told = {key for flow in FLOWS for key, _ in flow.keys}
    assert {f"g {letter}" for letter in letters} <= told


def test_a_reason_in_the_log_is_told_in_words_with_its_code() -> None:
    assert refusals.reason_told("NOT_FOUND", "en").endswith("(NOT_FOUND)")
    assert refusals.reason_told("NOT_FOUND", "fr") != refusals.reason_told("NOT_FOUND", "en")
    # No facts are kept: a sentence with a gap would be worse than its code.
    gap = next(code for code, row in refusals.TABLE.items() if "{" in row.fr.cause)
    assert refusals.reason_told(gap, "fr") == gap
    assert refusals.reason_told("OF_NOBODY", "fr") == "OF_NOBODY"
    assert refusals.reason_told(None, "fr") == ""
