"""The payload of an age file (C2SP age.md, "Payload"): STREAM over ChaCha20-Poly1305.

A 16-byte nonce, then chunks of 64 KiB, each with a 16-byte tag. Buffers are made once and
reused, so memory does not depend on the size of the file.
"""

import secrets
import struct
from collections import deque
from typing import Final, NoReturn, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.age.header import FILE_KEY_SIZE, FILE_KEY_SIZES
from keys.errors import HeaderMalformed, PayloadDamaged

CHUNK_SIZE: Final = 1 << 16
TAG_SIZE: Final = 16
SEALED_CHUNK_SIZE: Final = CHUNK_SIZE + TAG_SIZE
NONCE_SIZE: Final = 16
_S2_PAYLOAD: Final = b"depeche/v1 S2 payload"

# A chunk's nonce: an 11-byte big-endian counter, then 1 for the final chunk and 0 before. Eight
# bytes of counter outlast any file, so the first three stay zero.
_CHUNK_NONCE: Final = struct.Struct(">3xQB")


class ByteSink(Protocol):
    """Where a payload goes: any buffered binary stream, which takes all that it is given."""

    def write(self, data: memoryview | bytes, /) -> object:
        """Takes the whole of `data` before returning."""
        ...


class SeekableSink(ByteSink, Protocol):
    """A sink in which one can go back: a file opened for writing, or bytes in memory."""

    def tell(self) -> int:
        """Where the next byte goes."""
        ...

    def seek(self, place: int, /) -> int:
        """Has the next byte go elsewhere; what is left out is zero."""
        ...


class ByteSource(Protocol):
    """Where a payload comes from: any binary stream with `readinto`."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fills the start of `buffer`; 0 only at the end of the stream."""
        ...


def _cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305 | AESGCM:
    """The cipher of a payload: age's, or that of suite S2, whose file keys have 32 bytes."""
    if len(file_key) not in FILE_KEY_SIZES:
        raise ValueError(f"a file key has {FILE_KEY_SIZE} bytes, or 32 in suite S2")
    if len(file_key) == FILE_KEY_SIZE:
        derive = HKDF(hashes.SHA256(), 32, salt=nonce, info=b"payload").derive
        return ChaCha20Poly1305(derive(file_key))
    return AESGCM(HKDF(hashes.SHA384(), 32, salt=nonce, info=_S2_PAYLOAD).derive(file_key))


class SealingStream:
    """Encrypts a payload of any size onto a sink.

    The nonce is written at construction, right after the header that the caller wrote. Whole
    chunks inside a large buffer are encrypted from where they lie; only what may turn out to be
    the final chunk (1 to 65,536 bytes) is copied and waits. Buffers of 256 KiB to 1 MiB are
    therefore the fastest to give.
    """

    def __init__(self, file_key: bytes, sink: ByteSink) -> None:
        nonce = secrets.token_bytes(NONCE_SIZE)
        self._cipher = _cipher(file_key, nonce)
        self._sink = sink
        self._counter = 0
        self._nonce = bytearray(_CHUNK_NONCE.size)
        self._sealed = memoryview(bytearray(SEALED_CHUNK_SIZE))
        self._waiting = memoryview(bytearray(CHUNK_SIZE))
        self._filled = 0
        self._finished = False
        sink.write(nonce)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Takes the next bytes of plaintext; the buffer may be reused on return.

        Args:
            data: any size, contiguous, one byte per item.

        Raises:
            ValueError: after `finish`.
            OSError: from the sink.
        """
        if self._finished:
            raise ValueError("the payload is finished")
        view = memoryview(data)
        size = len(view)
        at = min(size, CHUNK_SIZE - self._filled)
        self._waiting[self._filled : self._filled + at] = view[:at]
        self._filled += at
        if at == size:
            return
        # The waiting chunk is full and more follows: neither it nor the whole chunks that have
        # at least one byte behind them can be the final one.
        self._seal(self._waiting, final=0)
        while size - at > CHUNK_SIZE:
            self._seal(view[at : at + CHUNK_SIZE], final=0)
            at += CHUNK_SIZE
        self._filled = size - at
        self._waiting[: self._filled] = view[at:]

    def finish(self) -> None:
        """Encrypts what waits as the final chunk; the sink is neither flushed nor closed.

        Raises:
            ValueError: when already finished.
            OSError: from the sink.
        """
        if self._finished:
            raise ValueError("the payload is finished")
        self._finished = True
        self._seal(self._waiting[: self._filled], final=1)

    def _seal(self, chunk: memoryview, *, final: int) -> None:
        _CHUNK_NONCE.pack_into(self._nonce, 0, self._counter, final)
        self._counter += 1
        sealed = self._sealed[: len(chunk) + TAG_SIZE]
        self._cipher.encrypt_into(self._nonce, chunk, None, sealed)
        self._sink.write(sealed)


class LateStream(SealingStream):
    """Encrypts a payload whose first bytes are known last.

    The chunks in which those bytes lie are encrypted when all the others are, in their place. Each
    counter serves one chunk: those of the first chunks are left out at the beginning, and taken
    once, at the end.

    Args:
        file_key: of the payload.
        sink: right after the header's place; seekable, and not one that appends wherever it stands.
        late: how many bytes are known last, at least one.
    """

    def __init__(self, file_key: bytes, sink: SeekableSink, late: int) -> None:
        super().__init__(file_key, sink)
        self._places = sink
        self._begin = sink.tell()
        self._late = late
        self._counter = -(-late // CHUNK_SIZE)
        self._first = bytearray(late)
        self._missing = self._counter * CHUNK_SIZE - late
        sink.seek(self._begin + self._counter * SEALED_CHUNK_SIZE)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Takes the next bytes behind those that are known last; see `SealingStream.write`."""
        view = memoryview(data)
        taken = min(len(view), self._missing)
        self._first += view[:taken]
        self._missing -= taken
        super().write(view[taken:])

    def finish_with(self, first: bytes) -> None:
        """Finishes the payload, and encrypts its beginning; the sink then stands at its end.

        Raises:
            ValueError: when already finished; not as many bytes as were announced; or nothing lies
                behind the chunks that they fill, so that one of these would be the final one.
            OSError: from the sink.
        """
        if len(first) != self._late or not self._filled:
            raise ValueError("the beginning of the payload has not the size that was announced")
        self.finish()
        end = self._places.tell()
        self._places.seek(self._begin)
        self._first[: self._late] = first
        self._counter = 0
        for at in range(0, len(self._first), CHUNK_SIZE):
            self._seal(memoryview(self._first)[at : at + CHUNK_SIZE], final=0)
        self._places.seek(end)


class OpeningStream:
    """Decrypts a payload chunk by chunk; nothing unauthenticated is ever given out.

    What was given out before a refusal is an authentic prefix of the payload, no more: the
    caller keeps it in quarantine until `next_chunk` has returned the empty end. A source cut
    after whole chunks gives those chunks before it is refused, which is how a custodian reads a
    manifest from a prefix of a file.
    """

    def __init__(self, file_key: bytes, source: ByteSource) -> None:
        """Reads the nonce.

        Raises:
            HeaderMalformed: the source ends within the nonce.
            ValueError: a file key of another size.
            OSError: from the source.
        """
        nonce = memoryview(bytearray(NONCE_SIZE))
        if _fill(source, nonce) != NONCE_SIZE:
            raise HeaderMalformed("the file ends within the payload's nonce")
        self._cipher = _cipher(file_key, bytes(nonce))
        self._source = source
        self._counter = 0
        self._nonce = bytearray(_CHUNK_NONCE.size)
        self._sealed = memoryview(bytearray(SEALED_CHUNK_SIZE))
        self._plain = memoryview(bytearray(CHUNK_SIZE))
        self._later: deque[memoryview] = deque()
        self._ended = False
        self._refused = ""

    def keep_chunks(self, count: int) -> None:
        """From here on, a chunk stays as it was given until `count` more were asked for.

        For those who hand chunks to another thread; takes a buffer of 64 KiB for each, once.
        """
        while len(self._later) < count - 1:
            self._later.append(memoryview(bytearray(CHUNK_SIZE)))

    def next_chunk(self) -> memoryview:
        """Decrypts the next chunk.

        Returns:
            1 to 65,536 bytes of plaintext, valid until the next call (see `keep_chunks`); empty
            once the end of the payload is verified, and from then on.

        Raises:
            PayloadDamaged: altered, cut, extended or reordered; also on every later call.
            OSError: from the source.
        """
        if self._refused:
            raise PayloadDamaged(self._refused)
        size = _fill(self._source, self._sealed)
        if self._ended:
            return self._plain[:0] if not size else self._refuse("bytes follow the final chunk")
        if size < TAG_SIZE:
            return self._refuse("the payload ends before its final chunk")
        self._later.append(self._plain)
        self._plain = self._later.popleft()
        # Only the final chunk may be short, so a full one is tried as not final first.
        if size < SEALED_CHUNK_SIZE or not self._open(size, final=0):
            if not self._open(size, final=1):
                return self._refuse(f"chunk {self._counter} of the payload is not authentic")
            if size == TAG_SIZE and self._counter:
                return self._refuse("the final chunk is empty after others")
            self._ended = True
        self._counter += 1
        return self._plain[: size - TAG_SIZE]

    def _open(self, size: int, *, final: int) -> bool:
        _CHUNK_NONCE.pack_into(self._nonce, 0, self._counter, final)
        sealed, plain = self._sealed[:size], self._plain[: size - TAG_SIZE]
        try:
            self._cipher.decrypt_into(self._nonce, sealed, None, plain)
        except InvalidTag:
            return False
        return True

    def _refuse(self, detail: str) -> NoReturn:
        self._refused = detail
        raise PayloadDamaged(detail)


def _fill(source: ByteSource, buffer: memoryview) -> int:
    """Reads until the buffer is full or the source ends; gives the number of bytes read."""
    filled = 0
    while filled < len(buffer) and (count := source.readinto(buffer[filled:])):
        filled += count
    return filled
