"""Every refusal has one status and words in both languages; nothing of the input is echoed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import cipher_service
from cipher_service.api.problems import TABLE, Row, answer, prefers_english
from cipher_service.console import refusals
from cipher_service.errors import ServiceError

PACKAGE = Path(cipher_service.__file__).parent
LOADED = """
import sys
import cipher_service.app.processes
print(*(module.__file__ for name, module in sys.modules.items()
        if name.startswith("cipher_service.") and not name.startswith("cipher_service.client")))
"""


@cache
def of_the_api() -> list[Path]:
    """The modules that the service's processes load; administration's own acts are not in them."""
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(loaded) > 60
    return sorted(map(Path, loaded))


def raised_codes() -> Iterator[tuple[str, str]]:
    for file in of_the_api():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id == "ServiceError" and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value), str(file.relative_to(PACKAGE))


def test_every_code_that_the_service_raises_has_a_row() -> None:
    """In the API's table, or in the console's for what only officers meet."""
    told = TABLE.keys() | refusals.TABLE.keys()
    missing = {(code, where) for code, where in raised_codes() if code not in told}
    assert missing == set()


@pytest.mark.parametrize(
    "code",
    [
        "CARD_INVALID",
        "SIGNATURE_INVALID",
        "SLIP_MALFORMED",
        "SLIP_NOT_OF_CARD",
        "NOT_AGE",
        "HEADER_MALFORMED",
        "HEADER_TOO_LARGE",
        "MIXED_RECIPIENTS",
        "ADDRESSEES_MISMATCH",
        "LABEL_MISMATCH",
        "RECEIPT_MALFORMED",
        "RECEIPT_NOT_OF_KEY",
        "SERVICE_MESSAGE_MALFORMED",
        "SERVICE_MESSAGE_NOT_OF_CARD",
        "BAG_LOST",
        "BAG_NOT_REUSABLE",
        "BAG_RECALLED",
        "DEVICE_UNKNOWN",
        "DISCREPANCY_ACT_FORBIDDEN",
        "EVENT_MALFORMED",
        "LIMITS_EXCEEDED",
        "MODE_FORBIDDEN",
        "NOT_CERTIFIED",
        "SEAL_NOT_IN_HAND",
        "SEAL_NUMBER_USED",
        "STEP_FORBIDDEN",
        "STOCK_TOO_LOW",
        "TWO_PERSONS_NEEDED",
    ],
)
def test_what_the_carrier_checks_in_keys_has_a_row(code: str) -> None:
    assert code in TABLE


@pytest.mark.parametrize(("code", "row"), TABLE.items())
def test_a_row_says_what_is_wrong_what_was_lost_and_what_to_do(code: str, row: Row) -> None:
    assert 400 <= row.status < 600
    for words in (row.fr, row.en):
        assert 3 < len(words.title) < 80
        # Two sentences at least: what is wrong, and what became of it.
        assert words.detail.count(".") + words.detail.count("?") >= 2, code
        assert words.remedy.endswith(".")
    assert row.fr != row.en


@pytest.mark.parametrize(
    ("header", "english"),
    [
        ("", False),
        ("fr", False),
        ("en", True),
        ("en-GB,fr;q=0.8", True),
        ("fr-CM,en;q=0.9", False),
        ("de", False),
        ("en;q=0.1, fr;q=0.2", False),
        ("en;q=nonsense", False),
        ("*" * 10_000, False),
    ],
)
def test_french_is_spoken_unless_english_is_preferred(header: str, *, english: bool) -> None:
    assert prefers_english(header) is english


def test_an_unlisted_code_is_an_internal_error_without_its_facts() -> None:
    refusal = ServiceError("NEVER_HEARD_OF", secret="subject")
    written = answer(refusal, reference="r" * 16)
    assert written.status_code == 500
    assert b"subject" not in bytes(written.body)
    assert b"INTERNAL" in bytes(written.body)


def test_a_missing_fact_leaves_a_mark_and_not_a_crash() -> None:
    written = answer(ServiceError("UNKNOWN_POST"), reference="r" * 16, accept_language="en")
    assert b"the code ?" in bytes(written.body)
