"""The log's keys: they sign a head only if it continues the last one they signed.

What was signed last is kept in the store before a signature leaves, so that neither a robbed caller
nor a restored database can have two heads signed that do not continue each other:

    STORE/log.head      the last signed checkpoint's text; absent before the first
    STORE/log.head.N    that of a log that a restore ended; none of its name is begun again
    STORE/log.lock      held while one is signed: two custodians on one store take turns

Whoever asks also shows the last head that was published. A custodian whose own memory is behind it
was restored from a copy, or has a twin, and refuses.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from keys.custody.errors import LogHeadLost
from keys.custody.files import alone
from keys.files import exchange, flush_folder
from keys.log.checkpoints import (
    Checkpoint,
    cosign,
    read_checkpoint,
    require_continuation,
)
from keys.log.errors import LogOfAnother, NoteMalformed
from keys.log.notes import Ed25519Signer, MlDsa44Signer, Note, new_seed
from keys.log.succession import LogVerifiers
from keys.merkle import HASH_SIZE, root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from keys.log.succession import LogLine

HEAD_FILE: Final = "log.head"
LOCK_FILE: Final = "log.lock"

# keys/ is told the time, and nobody's word on it is worth a signature: a cosigner says 0 then.
_NO_TIME: Final = 0


class Heads(Protocol):
    """Where the last signed head is kept."""

    def turn(self) -> AbstractContextManager[None]:
        """Holds off whoever else signs with the same memory."""
        ...

    def last(self) -> str | None:
        """The text of the last signed checkpoint."""
        ...

    def keep(self, text: str) -> None:
        """Keeps another one, durably."""
        ...

    def ended(self) -> frozenset[str]:
        """The names of logs that go on under another one."""
        ...


class LogKeys:
    """The two keys, each as its 32-byte seed."""

    def __init__(self, ed25519_seed: bytes, mldsa44_seed: bytes) -> None:
        self.ed25519_seed = ed25519_seed
        self.mldsa44_seed = mldsa44_seed
        self._signers = lru_cache(1)(self._signers_of)

    @classmethod
    def generate(cls) -> LogKeys:
        """New keys from the system's random source."""
        return cls(new_seed(), new_seed())

    def verifiers(self) -> LogVerifiers:
        """The public sides."""
        note, cosigner = self._signers("log")
        return LogVerifiers(note.verifier.public, cosigner.verifier.public)

    def sign(self, text: str, path: bytes, published: bytes, heads: Heads, line: LogLine) -> bytes:
        """Signs a head that continues the last one; see `Custodian.sign_checkpoint`.

        Args:
            text: of the checkpoint, three lines.
            path: the consistency proof from the last head, hashes of 32 bytes one after the other.
            published: the newest signed head that the caller knows; empty for none.
            heads: where the last signed head is remembered; its turn is the caller's.
            line: these keys, and those before them.

        Raises:
            NoteMalformed: the proof is not of whole hashes, or the checkpoint has further lines.
            LogHeadLost: a newer head was signed than is remembered.
            LogOfAnother, LogRolledBack, LogForked: as `require_continuation`.
        """
        checkpoint = Checkpoint.parse(text)
        if len(path) % HASH_SIZE or checkpoint.extensions:
            raise NoteMalformed("a proof of whole hashes, and a checkpoint of three lines")
        hashes = [path[at : at + HASH_SIZE] for at in range(0, len(path), HASH_SIZE)]
        note_signer, cosigner = self._signers(checkpoint.origin)
        kept = heads.last()
        if kept is None:
            if checkpoint.origin in heads.ended():
                raise LogOfAnother("this log has ended: a restore gave it another name")
            before = Checkpoint(checkpoint.origin, 0, root(()))
        else:
            before = Checkpoint.parse(kept)
        if published:
            seen = read_checkpoint(Note.parse(published), line.notes(checkpoint.origin))
            if seen.size > before.size:
                raise LogHeadLost(f"signed {seen.size} before, remembers {before.size}")
        # The same head again is an answer that got lost on its way.
        if text != kept:
            require_continuation(before, checkpoint, hashes)
            heads.keep(text)
        lines = (note_signer.sign(text), cosign(checkpoint, cosigner, _NO_TIME))
        return Note(text, lines).encode()

    def _signers_of(self, origin: str) -> tuple[Ed25519Signer, MlDsa44Signer]:
        return Ed25519Signer(origin, self.ed25519_seed), MlDsa44Signer(origin, self.mldsa44_seed)


class HeadInMemory:
    """Forgotten with the process, as the keys beside it are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text: str | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One thread at a time."""
        with self._lock:
            yield

    def last(self) -> str | None:
        """The text of the last signed checkpoint."""
        return self._text

    def keep(self, text: str) -> None:
        """Keeps another one."""
        self._text = text

    def ended(self) -> frozenset[str]:
        """None."""
        return frozenset()


class HeadInStore:
    """In two files of the custodian's store."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def turn(self) -> AbstractContextManager[None]:
        """One signature at a time, of whichever process."""
        return alone(self._store / LOCK_FILE)

    def last(self) -> str | None:
        """The text of the last signed checkpoint."""
        try:
            return (self._store / HEAD_FILE).read_text("utf-8")
        except FileNotFoundError:
            return None

    def keep(self, text: str) -> None:
        """Replaces the file by rename; both are flushed before this returns."""
        exchange(self._store / HEAD_FILE, text.encode())

    def ended(self) -> frozenset[str]:
        """By what was put aside."""
        aside = self._store.glob(f"{HEAD_FILE}.*")
        return frozenset(path.read_text("utf-8").partition("\n")[0] for path in aside)

    def put_aside(self) -> str | None:
        """Ends the log that was signed, for another one; gives its last head, None where none was.

        Raises:
            OSError: the disk refuses; the log goes on.
        """
        with self.turn():
            head = self.last()
            if head is not None:
                number = 1 + len(list(self._store.glob(f"{HEAD_FILE}.*")))
                (self._store / HEAD_FILE).replace(self._store / f"{HEAD_FILE}.{number}")
                flush_folder(self._store)
        return head
