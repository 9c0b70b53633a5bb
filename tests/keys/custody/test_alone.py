"""The custodian's locks: one is in at a time, and none is opened through a link."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from keys.custody import place
from keys.custody.files import alone
from keys.custody.log_keys import HeadInStore
from keys.custody.sealed_file import SealedFile
from keys.custody.worker import hold_store


def _sealed(store: Path) -> AbstractContextManager[None]:
    return SealedFile(store, "versions.age", b"", bytes, bytes).held()


def test_whoever_does_not_wait_is_refused_while_somebody_is_in(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    with alone(lock), pytest.raises(BlockingIOError), alone(lock, wait=False):
        pytest.fail("two are in")
    with alone(lock, wait=False):
        assert lock.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "enter"),
    [
        ("log.lock", lambda store: HeadInStore(store).turn()),
        ("versions.lock", _sealed),
        ("custodian.lock", hold_store),
    ],
)
def test_no_lock_is_opened_through_a_link(
    tmp_path: Path, name: str, enter: Callable[[Path], AbstractContextManager[None]]
) -> None:
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), enter(tmp_path):
        pytest.fail("it was opened")
    assert not (tmp_path / "elsewhere").exists()


def test_nor_is_that_of_the_second_place(tmp_path: Path) -> None:
    (tmp_path / "second.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        place.end(tmp_path)
    assert not (tmp_path / "elsewhere").exists()
