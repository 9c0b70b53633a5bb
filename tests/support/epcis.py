"""GS1's own EPCIS schema, where somebody has put it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import jsonschema_rs
import pytest

_ROOT: Final = Path(__file__).resolve().parents[2]
# GS1's disclaimer gives no right to copy: tests/vectors/epcis/README.md says where to put it.
_SCHEMA: Final = next(
    (
        path
        for parent in (_ROOT / "tests" / "vectors", *_ROOT.parents)
        for path in (
            parent / "epcis" / "EPCIS-JSON-Schema.json",
            parent / "shared" / "epcis" / "EPCIS-JSON-Schema.json",
        )
        if path.is_file()
    ),
    None,
)


def official() -> Callable[[object], list[str]]:
    """What the official schema, formats asserted, says against a document.

    Without the schema the test is skipped by name; it fails where continuous integration has the
    folder that should hold it.
    """
    if _SCHEMA is None:
        message = "the official EPCIS schema is absent: see tests/vectors/epcis/README.md"
        if os.environ.get("CI") == "true" and (_ROOT.parent / "shared").is_dir():
            pytest.fail(message)
        pytest.skip(message)
    validator = jsonschema_rs.validator_for(
        json.loads(_SCHEMA.read_text("utf-8")), validate_formats=True
    )
    return lambda document: [error.message for error in validator.iter_errors(document)]
