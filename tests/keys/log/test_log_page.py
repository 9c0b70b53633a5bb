"""LOG.md names every refusal of the log."""

from pathlib import Path

import pytest

from keys.errors import Refusal
from keys.log import errors

PAGE = (Path(__file__).resolve().parents[3] / "keys" / "LOG.md").read_text("utf-8")
CODES = {
    kind.code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal
}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_on_the_page(code: str) -> None:
    assert f"`{code}`" in PAGE
