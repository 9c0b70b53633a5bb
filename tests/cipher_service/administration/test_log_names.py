"""The name of a log after a restore is never one that a restore before it gave."""

import pytest

from cipher_service.administration.restored_log import next_name
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Ed25519Signer, Note

FIRST = "minrex.example/audit"


def _head(origin: str) -> bytes:
    text = Checkpoint(origin, 7, bytes(32)).encode()
    return Note(text, (Ed25519Signer(origin, bytes(32)).sign(text),)).encode()


@pytest.mark.parametrize(
    ("origin", "number", "last", "name"),
    [
        (FIRST, 1, None, "/r1"),
        (FIRST, 1, FIRST, "/r1"),
        (f"{FIRST}/r1", 2, f"{FIRST}/r1", "/r2"),
        # The backup was made before two restores that the newest head tells of.
        (FIRST, 1, f"{FIRST}/r2", "/r3"),
        (f"{FIRST}/r4", 5, f"{FIRST}/r2", "/r5"),
        (FIRST, 1, "other.example/audit/r9", "/r1"),
    ],
)
def test_it_is_above_every_restore_that_is_known(
    origin: str, number: int, last: str | None, name: str
) -> None:
    assert next_name(origin, number, b"" if last is None else _head(last)) == FIRST + name
