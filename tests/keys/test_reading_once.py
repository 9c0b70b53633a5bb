"""A large dispatch whose contents are read once: the same file, the same refusals."""

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keys.age import stream as age_stream
from keys.age.stream import CHUNK_SIZE, LateStream, OpeningStream
from keys.dispatch import Attachment, Destination, Enciphered, encipher_reading_once
from keys.errors import PartTooLarge, SignatureInvalid, SourceChangedError
from keys.hashing import LARGE
from keys.manifest import Manifest, Series
from keys.signing import Signatures
from keys.sources import Content, Source
from tests.vectors.forge import heading, identity, open_with

MINREX, PARIS = map(identity, ("MINREX", "PARIS"))
FILE_KEY = bytes(range(16))


def _seal(
    sink: io.BytesIO, message: Content, *attachments: Attachment, **options: Any
) -> Enciphered:
    to = [Destination(PARIS.card, "ROUTINE", Series(202600, 1))]
    options.setdefault("signer", MINREX)
    return encipher_reading_once(heading(), to, message, attachments, sink=sink, **options)


def _opens(sealed: bytes, folder: Path, *contents: bytes) -> None:
    with open_with(sealed, PARIS, folder) as opened:
        parts = [(opened.folder / part.name).read_bytes() for part in opened.parts]
    assert parts == list(contents)


@pytest.mark.parametrize("size", [0, 1, LARGE - 1, LARGE, LARGE + 1, LARGE + 5 * CHUNK_SIZE + 7])
def test_what_was_read_once_opens_like_any_other(size: int, tmp_path: Path) -> None:
    content, sink = os.urandom(size), io.BytesIO()
    done = _seal(sink, b"Ci-joint.", Attachment("plan", content), Attachment("vide", b""))
    assert done.size == len(sink.getvalue()) == sink.tell()
    _opens(sink.getvalue(), tmp_path, b"Ci-joint.", content, b"")


def test_files_are_read_once_and_bytes_behind_others_too(tmp_path: Path) -> None:
    path, content, read = tmp_path / "plan", os.urandom(LARGE), []

    class Counting(io.FileIO):
        def readinto(self, buffer: Any, /) -> int | None:
            count = super().readinto(buffer)
            read.append(count or 0)
            return count

    path.write_bytes(content)
    sink = io.BytesIO(b"before")
    sink.seek(6)
    with Counting(path) as file:
        done = _seal(sink, b"", Attachment("plan", file), Attachment("same", path))
    assert sum(read) == LARGE
    assert done.size == len(sink.getvalue()) - 6
    assert sink.getvalue()[:6] == b"before"
    _opens(sink.getvalue()[6:], tmp_path, b"", content, content)


def test_a_beginning_of_many_chunks(tmp_path: Path) -> None:
    """Lines of a thousand parts are more than two chunks."""
    small = [Attachment("x" * 60, bytes([at % 256])) for at in range(998)]
    content, sink = os.urandom(LARGE), io.BytesIO()
    _seal(sink, b"", *small, Attachment("plan", content))
    expected = [b"", *(bytes([at % 256]) for at in range(998)), content]
    _opens(sink.getvalue(), tmp_path, *expected)


# Nonces


@pytest.mark.parametrize("late", [1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE])
@pytest.mark.parametrize("more", [1, CHUNK_SIZE - 1, CHUNK_SIZE, 5 * CHUNK_SIZE + 9])
def test_each_nonce_serves_once(late: int, more: int, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[bytes] = []
    make = age_stream._cipher

    class Noting:
        def __init__(self, file_key: bytes, nonce: bytes) -> None:
            self._cipher = make(file_key, nonce)

        def encrypt_into(self, nonce: bytes, *rest: Any) -> None:
            used.append(bytes(nonce))
            self._cipher.encrypt_into(nonce, *rest)

    sink = io.BytesIO()
    beginning = os.urandom(late)
    filling = -late % CHUNK_SIZE
    rest = os.urandom(filling + more)
    with monkeypatch.context() as patch:
        patch.setattr(age_stream, "_cipher", Noting)
        stream = LateStream(FILE_KEY, sink, late)
        for at in range(0, len(rest), 50_000):
            stream.write(rest[at : at + 50_000])
        stream.finish_with(beginning)
    chunks = -(-(late + filling + more) // CHUNK_SIZE)
    expected = [struct.pack(">3xQB", at, at == chunks - 1) for at in range(chunks)]
    assert sorted(used) == sorted(expected)
    opening = OpeningStream(FILE_KEY, io.BytesIO(sink.getvalue()))
    opened = b"".join(map(bytes, iter(opening.next_chunk, b"")))
    assert opened == beginning + rest


@pytest.mark.parametrize(("late", "rest"), [(1, 0), (1, CHUNK_SIZE - 1), (CHUNK_SIZE, 0)])
def test_a_beginning_needs_something_behind_its_chunks(late: int, rest: int) -> None:
    stream = LateStream(FILE_KEY, io.BytesIO(), late)
    stream.write(bytes(rest))
    with pytest.raises(ValueError, match="announced"):
        stream.finish_with(bytes(late))


def test_a_beginning_has_the_size_that_was_announced_and_is_given_once() -> None:
    stream = LateStream(FILE_KEY, io.BytesIO(), 5)
    stream.write(bytes(CHUNK_SIZE))
    for size in (0, 4, 6):
        with pytest.raises(ValueError, match="announced"):
            stream.finish_with(bytes(size))
    stream.finish_with(bytes(5))
    with pytest.raises(ValueError, match="finished"):
        stream.finish_with(bytes(5))


# Refusals


class Meddling(io.FileIO):
    """A file that is changed while it is read."""

    def __init__(self, path: Path, meddle: Callable[[Path], object]) -> None:
        super().__init__(path)
        self._path, self._meddle = path, meddle
        self._reads = 0

    def readinto(self, buffer: Any, /) -> int | None:
        self._reads += 1
        if self._reads == 3:
            self._meddle(self._path)
        return super().readinto(buffer)


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


@pytest.mark.parametrize("meddle", [_append, _overwrite, lambda path: os.truncate(path, LARGE - 1)])
def test_a_file_that_changes_while_it_is_read(
    meddle: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "plan"
    path.write_bytes(bytes(LARGE))
    os.utime(path, ns=(0, 0))
    sink = io.BytesIO()
    with Meddling(path, meddle) as file, pytest.raises(SourceChangedError):
        _seal(sink, b"", Attachment("plan", file))
    assert not any(sink.getvalue()[:1000])


def test_a_signature_that_does_not_hold_leaves_a_file_without_a_header() -> None:
    class WrongSigner:
        card = MINREX.card

        def sign_manifest(self, manifest: Manifest) -> Signatures:
            return PARIS.sign_manifest(manifest)

    sink = io.BytesIO()
    with pytest.raises(SignatureInvalid):
        _seal(sink, b"", Attachment("plan", bytes(LARGE)), signer=WrongSigner())
    assert not any(sink.getvalue()[:1000])


def test_a_part_of_eight_gibibytes_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def huge(source: Source) -> None:
        source.size = 8**11

    monkeypatch.setattr(Source, "gauge", huge)
    sink = io.BytesIO()
    with pytest.raises(PartTooLarge):
        _seal(sink, b"")
    assert not sink.getvalue()


def test_a_pipe_has_no_size() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe, pytest.raises(OSError, match="seek"):
        _seal(io.BytesIO(), pipe)
