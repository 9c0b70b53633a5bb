"""The payload: only authentic bytes come out, whatever is cut, swapped or added."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.age.stream import CHUNK_SIZE, NONCE_SIZE, SEALED_CHUNK_SIZE, OpeningStream, SealingStream
from keys.errors import HeaderMalformed, PayloadDamaged

FILE_KEY = bytes(range(16))


def seal(*writes: bytes | memoryview) -> bytes:
    sink = io.BytesIO()
    stream = SealingStream(FILE_KEY, sink)
    for data in writes:
        stream.write(data)
    stream.finish()
    return sink.getvalue()


def read_all(stream: OpeningStream) -> bytes:
    plaintext = bytearray()
    while chunk := stream.next_chunk():
        plaintext += chunk
    return bytes(plaintext)


def open_all(data: bytes) -> bytes:
    return read_all(OpeningStream(FILE_KEY, io.BytesIO(data)))


def released_before_refusal(data: bytes) -> bytes:
    """Reads a payload that must be refused; gives what came out before."""
    stream = OpeningStream(FILE_KEY, io.BytesIO(data))
    released = bytearray()
    try:
        while chunk := stream.next_chunk():
            released += chunk
    except PayloadDamaged:
        return bytes(released)
    pytest.fail("the payload was accepted")


def text_of(size: int) -> bytes:
    # Chunks differ from each other, so that an exchange of chunks cannot pass unseen.
    return b"".join(n.to_bytes(4, "big") for n in range(size // 4 + 1))[:size]


def chunks_of(payload: bytes) -> list[bytes]:
    body = payload[NONCE_SIZE:]
    return [body[at : at + SEALED_CHUNK_SIZE] for at in range(0, len(body), SEALED_CHUNK_SIZE)]


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE + 5]
)
def test_every_size_around_a_chunk_comes_back(size: int) -> None:
    sealed = seal(text_of(size))
    assert len(sealed) == NONCE_SIZE + size + 16 * max(1, -(-size // CHUNK_SIZE))
    assert open_all(sealed) == text_of(size)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 150_000), max_size=6))
def test_how_the_writer_cuts_its_writes_does_not_show(sizes: list[int]) -> None:
    whole = memoryview(text_of(sum(sizes)))
    writes, at = [], 0
    for size in sizes:
        writes.append(whole[at : at + size])
        at += size
    sealed = seal(*writes)
    assert [len(chunk) for chunk in chunks_of(sealed)] == [
        len(chunk) for chunk in chunks_of(seal(bytes(whole)))
    ]
    assert open_all(sealed) == whole


def test_a_writer_may_reuse_its_buffer() -> None:
    sink = io.BytesIO()
    stream = SealingStream(FILE_KEY, sink)
    buffer = bytearray(100_000)
    for letter in b"abc":
        buffer[:] = bytes([letter]) * len(buffer)
        stream.write(buffer)
    stream.finish()
    assert open_all(sink.getvalue()) == b"a" * 100_000 + b"b" * 100_000 + b"c" * 100_000


def test_two_payloads_under_one_key_share_nothing() -> None:
    assert seal(b"same")[:NONCE_SIZE] != seal(b"same")[:NONCE_SIZE]
    assert seal(b"same")[NONCE_SIZE:] != seal(b"same")[NONCE_SIZE:]


def test_truncation_at_every_boundary_releases_an_authentic_prefix_and_is_refused() -> None:
    plaintext = text_of(2 * CHUNK_SIZE + 100)
    sealed = seal(plaintext)
    ends = [NONCE_SIZE + n * SEALED_CHUNK_SIZE for n in range(3)]
    near = {
        end + by
        for end in [*ends, len(sealed)]
        for by in (-100, -17, -16, -15, -1, 0, 1, 15, 16, 17)
    }
    for end in sorted(near & set(range(NONCE_SIZE, len(sealed)))):
        released = released_before_refusal(sealed[:end])
        assert plaintext.startswith(released)
        assert len(released) == (end - NONCE_SIZE) // SEALED_CHUNK_SIZE * CHUNK_SIZE


@pytest.mark.parametrize("size", range(NONCE_SIZE))
def test_truncation_within_the_nonce_is_refused(size: int) -> None:
    with pytest.raises(HeaderMalformed):
        OpeningStream(FILE_KEY, io.BytesIO(seal(b"text")[:size]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_bit_flip_in_the_payload_releases_nothing_of_its_chunk(data: st.DataObject) -> None:
    plaintext = text_of(CHUNK_SIZE + 300)
    sealed = bytearray(seal(plaintext))
    at = data.draw(
        st.integers(0, 400)
        | st.integers(SEALED_CHUNK_SIZE - 20, len(sealed) - 1)
        | st.integers(0, len(sealed) - 1)
    )
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    in_second = at >= NONCE_SIZE + SEALED_CHUNK_SIZE
    assert released_before_refusal(bytes(sealed)) == (plaintext[:CHUNK_SIZE] if in_second else b"")


@pytest.mark.parametrize(
    "order",
    [(1, 0, 2), (0, 2), (0, 0, 1, 2), (0, 1), (0, 1, 2, 2), (2,), (0, 1, 2, 0), (1, 2)],
)
def test_chunks_swapped_dropped_or_repeated_are_refused(order: tuple[int, ...]) -> None:
    sealed = seal(text_of(2 * CHUNK_SIZE + 100))
    chunks = chunks_of(sealed)
    with pytest.raises(PayloadDamaged):
        open_all(sealed[:NONCE_SIZE] + b"".join(chunks[n] for n in order))


@pytest.mark.parametrize("size", [0, 10, CHUNK_SIZE, CHUNK_SIZE + 1])
@pytest.mark.parametrize("extra", [b"\0", b"\0" * 16, b"\0" * SEALED_CHUNK_SIZE])
def test_bytes_after_the_end_are_refused(size: int, extra: bytes) -> None:
    with pytest.raises(PayloadDamaged):
        open_all(seal(text_of(size)) + extra)


def test_a_refused_payload_stays_refused() -> None:
    sealed = bytearray(seal(text_of(2 * CHUNK_SIZE)))
    sealed[NONCE_SIZE] ^= 1
    stream = OpeningStream(FILE_KEY, io.BytesIO(sealed))
    for _ in range(4):
        with pytest.raises(PayloadDamaged, match="chunk 0 "):
            stream.next_chunk()


def test_an_opened_payload_stays_at_its_end() -> None:
    stream = OpeningStream(FILE_KEY, io.BytesIO(seal(b"text")))
    assert bytes(stream.next_chunk()) == b"text"
    assert [len(stream.next_chunk()) for _ in range(3)] == [0, 0, 0]


def test_a_prefix_gives_the_whole_chunks_that_it_holds() -> None:
    plaintext = text_of(3 * CHUNK_SIZE)
    prefix = seal(plaintext)[: NONCE_SIZE + 2 * SEALED_CHUNK_SIZE]
    stream = OpeningStream(FILE_KEY, io.BytesIO(prefix))
    assert bytes(stream.next_chunk()) == plaintext[:CHUNK_SIZE]
    assert bytes(stream.next_chunk()) == plaintext[CHUNK_SIZE : 2 * CHUNK_SIZE]
    with pytest.raises(PayloadDamaged):
        stream.next_chunk()


class Dribbling(io.RawIOBase):
    """A pipe: gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._rest = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        assert isinstance(buffer, memoryview)
        return self._rest.readinto(buffer[:1000])


def test_a_source_that_dribbles_is_read_like_any_other() -> None:
    plaintext = text_of(CHUNK_SIZE + 777)
    assert read_all(OpeningStream(FILE_KEY, Dribbling(seal(plaintext)))) == plaintext


def test_nothing_is_written_after_the_final_chunk() -> None:
    sink = io.BytesIO()
    stream = SealingStream(FILE_KEY, sink)
    stream.write(b"text")
    stream.finish()
    with pytest.raises(ValueError, match="finished"):
        stream.write(b"more")
    with pytest.raises(ValueError, match="finished"):
        stream.finish()
    assert open_all(sink.getvalue()) == b"text"


@pytest.mark.parametrize("size", [0, 15, 17, 31, 33])
def test_a_file_key_of_another_size_is_a_mistake(size: int) -> None:
    with pytest.raises(ValueError):
        SealingStream(bytes(size), io.BytesIO())
    with pytest.raises(ValueError):
        OpeningStream(bytes(size), io.BytesIO(bytes(100)))


class Endless(io.RawIOBase):
    """Carries sealed bytes from a writer to a reader without keeping them."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, data: object, /) -> int:
        assert isinstance(data, bytes | memoryview)
        self.written += len(data)
        return len(data)


def test_memory_does_not_grow_with_the_payload() -> None:
    sink = Endless()
    block = memoryview(bytearray(1 << 20))
    tracemalloc.start()
    try:
        stream = SealingStream(FILE_KEY, sink)
        for _ in range(64):
            stream.write(block)
        stream.finish()
        _, sealing_peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sink.written == NONCE_SIZE + 1024 * SEALED_CHUNK_SIZE
    assert sealing_peak < 4 * CHUNK_SIZE


def test_opening_memory_does_not_grow_with_the_payload() -> None:
    sealed = seal(bytes(32 << 20))
    source = io.BytesIO(sealed)
    tracemalloc.start()
    try:
        stream = OpeningStream(FILE_KEY, source)
        total = 0
        while chunk := stream.next_chunk():
            total += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 32 << 20
    assert peak < 4 * CHUNK_SIZE


def test_chunks_that_are_kept_stay_as_they_were_given() -> None:
    plaintext = text_of(9 * CHUNK_SIZE + 5)
    stream = OpeningStream(FILE_KEY, io.BytesIO(seal(plaintext)))
    kept = [stream.next_chunk()]
    stream.keep_chunks(3)
    stream.keep_chunks(2)  # what was promised stays promised
    given = bytes(kept[0])
    while chunk := stream.next_chunk():
        kept = [*kept[-2:], chunk]
        given += chunk
        assert given.endswith(b"".join(kept))
    assert given == plaintext
