"""Bodies appear under their name whole and durable, or not at all."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from cipher_service.storage.blobs import WINDOW, Blobs, Body, RealDisk, UploadOffsetWrong

DATA = b"chiffre" * 40_000
NAME = hashlib.sha256(DATA).hexdigest()


class DyingDisk(RealDisk):
    """A real disk that fails once, at the n-th call."""

    def __init__(self, fails_at: int) -> None:
        self.calls = 0
        self.fails_at = fails_at
        self.log: list[str] = []

    def _call(self, name: str) -> None:
        self.calls += 1
        self.log.append(name)
        if self.calls == self.fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write(self, descriptor: int, data: memoryview) -> int:
        self._call("write")
        return super().write(descriptor, data[:100_000])  # short writes are normal

    def flush(self, descriptor: int) -> None:
        self._call("flush")
        super().flush(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        self._call("rename")
        super().rename(source, target)


def keep(blobs: Blobs) -> Body:
    with blobs.spool() as spool:
        spool.write(DATA[:1000])
        spool.write(memoryview(DATA)[1000:])
        return spool.keep()


def test_a_body_is_found_under_its_hash(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert keep(blobs) == Body(NAME, len(DATA))
    assert blobs.path(NAME).read_bytes() == DATA
    assert blobs.size(NAME) == len(DATA)
    assert blobs.digest(NAME) == Body(NAME, len(DATA))
    assert list(blobs.stored()) == [NAME]
    assert list((tmp_path / "spool").iterdir()) == []


def test_the_same_body_twice_is_one_file(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    keep(blobs)
    keep(blobs)
    assert list(blobs.stored()) == [NAME]


def test_a_body_not_kept_leaves_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with blobs.spool() as spool:
        spool.write(DATA)
    assert list(blobs.stored()) == []
    assert list((tmp_path / "spool").iterdir()) == []


def test_the_bytes_are_flushed_before_the_name_and_the_name_before_the_answer(
    tmp_path: Path,
) -> None:
    disk = DyingDisk(fails_at=0)
    keep(Blobs(tmp_path, disk))
    assert disk.log[-3:] == ["flush", "rename", "flush"]


def test_whatever_call_fails_no_partial_body_appears(tmp_path: Path) -> None:
    """Every write, flush and rename fails once with a full disk."""
    total = DyingDisk(fails_at=0)
    keep(Blobs(tmp_path / "whole", total))
    for point in range(1, total.calls + 1):
        folder = tmp_path / str(point)
        with pytest.raises(OSError, match="space"):
            keep(Blobs(folder, DyingDisk(fails_at=point)))
        for name in Blobs(folder).stored():  # a name without its folder's flush may be there
            assert Blobs(folder).digest(name) == Body(NAME, len(DATA))
        spool = folder / "spool"
        assert not spool.exists() or list(spool.iterdir()) == []
        assert keep(Blobs(folder)) == Body(NAME, len(DATA))  # and trying again succeeds


def test_the_disk_begins_with_each_window_while_more_arrives(tmp_path: Path) -> None:
    class WatchedDisk(RealDisk):
        def __init__(self) -> None:
            self.log: list[str] = []

        def write(self, descriptor: int, data: memoryview) -> int:
            self.log.append("write")
            return super().write(descriptor, data)

        def begin(self, descriptor: int) -> None:
            self.log.append("begin")
            super().begin(descriptor)

    half, disk = bytes(WINDOW // 2), WatchedDisk()
    blobs = Blobs(tmp_path, disk)
    with blobs.spool() as spool:
        for _ in range(5):
            spool.write(half)
        body = spool.keep()
    assert disk.log == ["write", "write", "begin", "write", "write", "begin", "write"]
    assert blobs.digest(body.sha256) == Body(hashlib.sha256(5 * half).hexdigest(), 5 * len(half))

    disk.log = []
    with blobs.append("ab" * 16, 0) as piece:
        piece.write(3 * half)
    assert disk.log == ["write", "begin"]


def test_no_request_can_name_another_file(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    for name in ("../../etc/passwd", "", "A" * 64, NAME[:-1], NAME + "0", NAME.upper()):
        with pytest.raises(ValueError, match="hex"):
            blobs.path(name)
        with pytest.raises(ValueError, match="hex"):
            blobs.held(name)


def break_after(blobs: Blobs, upload: str, data: bytes) -> None:
    with blobs.append(upload, blobs.held(upload)) as piece:
        piece.write(data)
        raise ConnectionError


def test_an_upload_resumes_where_it_broke(tmp_path: Path) -> None:
    blobs, upload = Blobs(tmp_path), "ab" * 16
    assert blobs.held(upload) == 0
    with blobs.append(upload, 0) as piece:
        piece.write(DATA[:1000])
    with pytest.raises(ConnectionError):
        break_after(blobs, upload, DATA[1000:5000])
    assert blobs.held(upload) == 5000  # what arrived is kept
    with pytest.raises(UploadOffsetWrong) as refused:
        blobs.append(upload, 1000)
    assert refused.value.held == 5000
    with blobs.append(upload, 5000) as piece:
        piece.write(DATA[5000:])
    assert blobs.complete(upload) == Body(NAME, len(DATA))
    assert blobs.held(upload) == 0
    assert blobs.path(NAME).read_bytes() == DATA


def test_an_upload_may_change_hands_between_processes(tmp_path: Path) -> None:
    first, second, upload = Blobs(tmp_path), Blobs(tmp_path), "ab" * 16
    bounds = (0, 1000, 3000, 4000, len(DATA))
    for start, stop, blobs in zip(bounds, bounds[1:], (first, second, first, second), strict=False):
        with blobs.append(upload, start) as piece:
            piece.write(DATA[start:stop])
    assert first.complete(upload) == Body(NAME, len(DATA))  # it has seen two pieces of four


def test_a_piece_that_the_disk_took_in_part_is_hashed_as_it_lies_there(tmp_path: Path) -> None:
    class ChokingDisk(RealDisk):
        chokes = False

        def write(self, descriptor: int, data: memoryview) -> int:
            if self.chokes:
                super().write(descriptor, data[:500])
                raise OSError(errno.ENOSPC, "no space left")
            return super().write(descriptor, data)

    disk = ChokingDisk()
    blobs, upload = Blobs(tmp_path, disk), "ab" * 16
    with blobs.append(upload, 0) as piece:
        piece.write(DATA[:1000])
        disk.chokes = True
        with pytest.raises(OSError, match="space"):
            piece.write(DATA[1000:])
        disk.chokes = False
    with blobs.append(upload, 1500) as piece:
        piece.write(DATA[1500:])
    assert blobs.complete(upload) == Body(NAME, len(DATA))


def test_only_so_many_hashes_of_uploads_are_kept(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    for number in range(300):
        with blobs.append(f"{number:032x}", 0) as piece:
            piece.write(DATA[:1000])
    for number in (0, 299):  # forgotten, and still known
        with blobs.append(f"{number:032x}", 1000) as piece:
            piece.write(DATA[1000:])
        assert blobs.complete(f"{number:032x}") == Body(NAME, len(DATA))


def test_an_abandoned_upload_is_gone(tmp_path: Path) -> None:
    blobs, upload = Blobs(tmp_path), "ab" * 16
    with blobs.append(upload, 0) as piece:
        piece.write(DATA)
    blobs.abandon(upload)
    assert blobs.held(upload) == 0
    with pytest.raises(FileNotFoundError):
        blobs.complete(upload)


def test_a_disk_that_takes_nothing_is_an_error_not_a_loop(tmp_path: Path) -> None:
    class FullDisk(RealDisk):
        def write(self, descriptor: int, data: memoryview) -> int:
            del descriptor, data
            return 0

    with pytest.raises(OSError, match="nothing"), Blobs(tmp_path, FullDisk()).spool() as spool:
        spool.write(DATA)


def test_a_removed_body_is_not_found(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    keep(blobs)
    blobs.remove(NAME)
    assert blobs.size(NAME) is None
    blobs.remove(NAME)


def test_bodies_are_for_their_owner_only(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    keep(blobs)
    assert blobs.path(NAME).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700
