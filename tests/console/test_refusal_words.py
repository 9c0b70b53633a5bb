"""Every refusal that the console can meet has its words: by where it is raised, not by a list."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import cipher_service
from cipher_service.console import refusals
from cipher_service.console.language import LANGUAGES
from cipher_service.errors import ServiceError
from keys import opening
from keys.custody import errors as custody_errors
from keys.errors import KeysError
from keys.lifecycle import KeyNotUsable
from keys.slip_agreement import SlipMismatch

HERE = Path(cipher_service.__file__).parent
RAISED_FOR_OFFICERS = (
    *("console", "pouches", "dispatches/office", "dispatches/openings.py"),
    *("dispatches/departures.py", "access/writing.py", "access/policies.py"),
)
# Where the words are others': the scanning page's own, and those of commands and of terminals.
SCANNING = {"INVALID_REQUEST", "CLOCK_SKEWED"}
AT_A_TERMINAL = {
    # Founding, admission, destruction and shares of keys happen at the custodian's terminal.
    *("CUSTODY_STORE_SPLIT", "CUSTODY_STORE_UNSPLIT", "CUSTODY_STORE_INVALID"),
    *("CUSTODY_STORE_UNSAFE", "CUSTODY_CLOCK_BACK", "CEREMONY_NOT_BEGUN", "CEREMONY_INCOMPLETE"),
    *("CARD_ENDORSED_OTHERWISE", "FINGERPRINT_DIFFERS", "HSM_CREDENTIAL_INVALID"),
    *("KEY_BOOK_FULL", "KEY_NOT_DESTROYABLE", "KEY_DESTRUCTION_NOT_ORDERED", "OFFICERS_FOUNDED"),
    *("PERSON_UNKNOWN", "NOT_ADMITTED", "KEY_NOT_ATTESTED", "SHARE_NOT_AWAITED"),
    # So do backups, and the record of how the unseal key was split.
    *("BACKUP_KEY_NOT_ADMITTED", "SPLITTING_HOLDER_UNKNOWN", "SPLITTING_RECORD_MALFORMED"),
    # The service has prekeys made and destroyed by itself, and tells its journal why not.
    *("PREKEYS_FULL", "PREKEY_NOT_KEPT"),
    # Of packs, checkpoints and acts of several persons: their commands speak.
    *(
        "RECTIFICATION_NOT_SIGNABLE",
        "PACK_NOT_SIGNABLE",
        "LOG_HEAD_LOST",
        "ACT_NOT_OF_CUSTODIAN",
        "WARRANT_MALFORMED",
    ),
}


def _named_in(module: ModuleType) -> set[str]:
    return set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b", module.__doc__ or ""))


def _raised(places: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for place in places:
        whole = HERE / place
        for file in whole.rglob("*.py") if whole.is_dir() else (whole,):
            if "node_modules" in file.parts:
                continue
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == ServiceError.__name__
                    and node.args
                    and isinstance(node.args[0], ast.Constant)
                ):
                    yield str(node.args[0].value), f"{place}: {file.name}"


def test_each_step_of_an_opening_has_its_words() -> None:
    codes = _named_in(opening) | {KeyNotUsable.code, SlipMismatch.code}
    assert len(codes) > 15
    assert codes - {"SHA256SUMS"} <= set(refusals.TABLE)


def test_what_the_custodian_refuses_an_officer_has_its_words() -> None:
    codes = {
        each.code
        for each in vars(custody_errors).values()
        if isinstance(each, type) and issubclass(each, KeysError) and "code" in vars(each)
    }
    assert codes >= AT_A_TERMINAL, "named here and raised nowhere"
    assert codes - AT_A_TERMINAL - {KeysError.code} <= set(refusals.TABLE)


def test_what_is_raised_behind_the_pages_has_its_words() -> None:
    missing = {
        (code, where)
        for code, where in _raised(RAISED_FOR_OFFICERS)
        if code not in refusals.TABLE and code not in SCANNING
    }
    assert missing == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_suspended_key_is_told_in_words(language: str) -> None:
    refusal = refusals.named(KeyNotUsable("kem/3 is suspended"))
    assert refusal is not None
    assert refusals.status_of(refusal) == 409
    told = refusals.words_of(refusal, "fr" if language == "fr" else "en")
    assert {"fr": "suspendue", "en": "suspended"}[language] in told.cause
    assert "KEY_NOT_USABLE" not in told.cause
