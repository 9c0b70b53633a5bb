"""An envelope in a row, in a file or in both is read as one, from any place."""

import hashlib
import os
from pathlib import Path

import pytest

from cipher_service.storage.blobs import Blobs, Body
from cipher_service.storage.held import Held, digest, opened

OLD, HEAD = b"the header of before", b"a header anew"
PAYLOAD = bytes(range(256)) * 20_000


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


@pytest.fixture
def file(blobs: Blobs) -> str:
    with blobs.spool() as spool:
        spool.write(OLD + PAYLOAD)
        return spool.keep().sha256


def body_of(data: bytes) -> Body:
    return Body(hashlib.sha256(data).hexdigest(), len(data))


def test_each_way_of_holding_gives_the_whole_envelope(blobs: Blobs, file: str) -> None:
    for held, whole in (
        (Held(HEAD), HEAD),
        (Held(b"", file), OLD + PAYLOAD),
        (Held(HEAD, file, len(OLD)), HEAD + PAYLOAD),
    ):
        assert held.size(blobs) == len(whole)
        assert digest(blobs, held) == body_of(whole)
        with opened(blobs, held) as source:
            assert source.read() == whole
            assert source.read() == b""


def test_both_parts_are_one_file_to_whoever_reads_from_the_middle(blobs: Blobs, file: str) -> None:
    whole = HEAD + PAYLOAD
    with opened(blobs, Held(HEAD, file, len(OLD))) as source:
        for at in (0, 1, len(HEAD) - 1, len(HEAD), len(HEAD) + 1, 3_000_000, len(whole), 0):
            assert source.seek(at) == at
            assert source.tell() == at
            assert source.read(40) == whole[at : at + 40]
        assert source.seek(-7, os.SEEK_END) == len(whole) - 7
        assert source.read() == whole[-7:]
        source.seek(5)
        assert source.seek(3, os.SEEK_CUR) == 8
        assert source.read(1) == whole[8:9]
        with pytest.raises(ValueError, match="before the first byte"):
            source.seek(-len(whole) - 1, os.SEEK_END)


def test_what_follows_a_header_is_a_part_of_the_same_file(blobs: Blobs, file: str) -> None:
    first = Held(b"", file).beyond(len(OLD))
    assert first == Held(b"", file, len(OLD))
    # A second rerouting goes on with the file of the first: no chain of files comes about.
    assert Held(HEAD, file, len(OLD)).beyond(len(HEAD)) == first
    assert digest(blobs, first) == body_of(PAYLOAD)
    with pytest.raises(ValueError, match="in a file alone"):
        Held(HEAD).beyond(len(HEAD))
    with pytest.raises(ValueError, match="in a file alone"):
        Held(HEAD, file, len(OLD)).beyond(len(HEAD) - 1)


def test_a_file_that_is_gone_or_cut_is_no_envelope(blobs: Blobs, file: str) -> None:
    held = Held(HEAD, file, len(OLD))
    with blobs.path(file).open("r+b") as stored:
        stored.truncate(4)
    assert held.size(blobs) == len(HEAD)
    assert digest(blobs, held) == body_of(HEAD)
    blobs.remove(file)
    assert held.size(blobs) is None
    with pytest.raises(FileNotFoundError):
        digest(blobs, held)
