"""Who signs the log's heads: the keys that do now, and those that did before them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from keys.custody.protocol import Custodian
from keys.log.checkpoints import NoteKeys
from keys.log.notes import Note, VerifierKey
from keys.log.succession import LogLine, LogVerifiers
from keys.succession import files_of


def log_line(custodian: Custodian) -> LogLine:
    """Return the keys of the log of a custodian, whatever its name."""
    return LogLine.told(custodian.log_keys(), files_of(custodian.log_successions()))


@dataclass(frozen=True, slots=True)
class Signers:
    """The keys of one log, as the ministry's custodian tells them.

    Attributes:
        origin: the log's name.
        line: the keys.
        successions: what the root said of them, as `Custodian.log_successions` gives it.
    """

    origin: str
    line: LogLine
    successions: bytes

    @classmethod
    def of(cls, custodian: Custodian, origin: str) -> Self:
        """Ask a custodian."""
        keys = custodian.log_keys()
        return cls._told(origin, keys, custodian.log_successions())

    @classmethod
    def in_seals(cls, told: Mapping[str, Any], origin: str) -> Self:
        """Read what the registrar's command `seals` gives."""
        return cls._told(origin, LogVerifiers(*told["log_keys"]), told["log_successions"])

    @classmethod
    def _told(cls, origin: str, keys: LogVerifiers, successions: bytes) -> Self:
        return cls(origin, LogLine.told(keys, files_of(successions)), successions)

    @property
    def notes(self) -> NoteKeys:
        """What verifies the log's checkpoints."""
        return self.line.notes(self.origin)

    def signer(self, note: bytes) -> VerifierKey:
        """Return the key that signed a head; the one that signs now where there is none yet.

        Raises:
            NoteMalformed, NoteNotSigned: it is no head of this log.
        """
        return self.notes.signer(Note.parse(note)) if note else self.notes.current
