"""Every way a command can end badly, as one code, one exit status and three lines of text."""

import errno
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cipher_service.client.durable import StateUnreadable
from cipher_service.client.failures import MISUSED, REFUSED, UNAVAILABLE, Failure
from cipher_service.client.interruptions import Stopped
from cipher_service.client.messages import Explanation, Language, explain, printable
from cipher_service.errors import Facts
from cipher_service.pouches.members import member_told
from keys.errors import KeysError, Refusal
from pouch.errors import BordereauMalformed, RectificationMalformed, SealedMalformed
from pouch.naming import member_named

_ERRNO_CODES = {
    errno.ENOSPC: "DISK_FULL",
    errno.EDQUOT: "DISK_FULL",
    errno.EFBIG: "DISK_FULL",
    errno.EACCES: "PERMISSION_DENIED",
    errno.EPERM: "PERMISSION_DENIED",
    errno.EROFS: "PERMISSION_DENIED",
    errno.ENOENT: "FILE_MISSING",
    errno.EISDIR: "NOT_A_FILE",
    errno.ENOTDIR: "NOT_A_FOLDER",
    errno.EADDRINUSE: "ADDRESS_TAKEN",
}
_SQLITE_CODES = {
    sqlite3.SQLITE_FULL: "DISK_FULL",
    sqlite3.SQLITE_BUSY: "STATE_BUSY",
    sqlite3.SQLITE_LOCKED: "STATE_BUSY",
    sqlite3.SQLITE_READONLY: "PERMISSION_DENIED",
    sqlite3.SQLITE_CANTOPEN: "PERMISSION_DENIED",
    sqlite3.SQLITE_PERM: "PERMISSION_DENIED",
    sqlite3.SQLITE_CORRUPT: "STATE_DAMAGED",
    sqlite3.SQLITE_NOTADB: "STATE_DAMAGED",
}
_SIGNALLED = 128  # a shell's own convention for what a signal ended
_PRIMARY = 0xFF  # SQLite's extended result codes keep the primary one in the low byte
_TITLES: dict[int, dict[Language, str]] = {
    REFUSED: {"fr": "REFUSÉ", "en": "REFUSED"},
    MISUSED: {"fr": "COMMANDE INCORRECTE", "en": "WRONG USAGE"},
    UNAVAILABLE: {"fr": "IMPOSSIBLE", "en": "NOT POSSIBLE"},
}
_STOPPED: dict[Language, str] = {"fr": "INTERROMPU", "en": "INTERRUPTED"}
_DETAIL: dict[Language, str] = {"fr": "Détail technique, en anglais : ", "en": "Detail: "}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended, when it did not succeed.

    Attributes:
        status: exit status.
        code: stable name.
        language: of the texts.
        explanation: cause, effect, remedy.
        detail: one technical line in English, what is wrong in a bag's papers, or nothing.
        silent: whether nobody is left to be told.
    """

    status: int
    code: str
    language: Language
    explanation: Explanation
    detail: str = ""
    silent: bool = False

    def text(self, program: str = "chiffre") -> str:
        """Return what a person reads, under the name of the program that ended."""
        title = _TITLES.get(self.status, _STOPPED)[self.language]
        told = self.explanation
        lines = [f"{program}: {title} ({self.code})", told.cause, told.effect, told.remedy]
        if self.detail:
            lines.append(_DETAIL[self.language] + printable(self.detail))
        return "\n  ".join(lines)

    def facts(self) -> dict[str, Any]:
        """Return what a script reads."""
        return {
            "code": self.code,
            "status": self.status,
            "cause": self.explanation.cause,
            "effect": self.explanation.effect,
            "remedy": self.explanation.remedy,
            "detail": self.detail,
        }


def conclude(error: BaseException, language: Language) -> Ending:
    """Return the ending that an exception means; any exception means one."""
    verdict = next(judge(error) for kind, judge in _JUDGES if isinstance(error, kind))
    explanation = verdict.words or explain(verdict.code, verdict.facts, language)
    if explanation is None:
        verdict = _Verdict("DEFECT", UNAVAILABLE, detail=f"{verdict.code}: {verdict.detail}")
        explanation = explain("DEFECT", {}, language) or Explanation(verdict.detail, "", "")
    detail = member_told(verdict.member, language) if verdict.member else verdict.detail
    return Ending(
        verdict.status,
        verdict.code,
        language,
        explanation,
        detail,
        silent=isinstance(error, BrokenPipeError),
    )


@dataclass(frozen=True, slots=True)
class _Verdict:
    code: str
    status: int
    facts: Facts = field(default_factory=dict)
    detail: str = ""
    words: Explanation | None = None
    member: str | None = None


def _judge_failure(error: Failure) -> _Verdict:
    return _Verdict(error.code, error.status, error.facts, words=error.words)


def _judge_keys(error: KeysError) -> _Verdict:
    status = REFUSED if isinstance(error, Refusal) else UNAVAILABLE
    return _Verdict(error.code, status, detail=str(error))


def _judge_papers(error: Refusal) -> _Verdict:
    """Name what is wrong in a bag's papers, for who corrects it and not only for who maintains."""
    return replace(_judge_keys(error), member=member_named(str(error)))


def _judge_interruption(error: KeyboardInterrupt) -> _Verdict:
    number = error.number if isinstance(error, Stopped) else signal.SIGINT
    return _Verdict("INTERRUPTED", _SIGNALLED + number)


def _judge_state(error: StateUnreadable) -> _Verdict:
    return _Verdict("STATE_UNREADABLE", UNAVAILABLE, detail=str(error))


def _judge_sqlite(error: sqlite3.Error) -> _Verdict:
    # Errors that the module itself raises carry no result code.
    result = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    code = _SQLITE_CODES.get(result, "STATE_DAMAGED")
    return _Verdict(code, UNAVAILABLE, {"path": "state.db"}, str(error))


def _judge_memory(_error: MemoryError) -> _Verdict:
    return _Verdict("MEMORY_FULL", UNAVAILABLE)


def _judge_system(error: OSError) -> _Verdict:
    # A write to an open file fails without a name.
    path = error.filename2 or error.filename or ""
    facts = {"path": os.fsdecode(path) if isinstance(path, bytes) else path}
    code = _ERRNO_CODES.get(error.errno or 0)
    if code is not None:  # whose words say all that the system's own would
        return _Verdict(code, UNAVAILABLE, facts)
    return _Verdict("DISK_ERROR", UNAVAILABLE, facts, error.strerror or str(error))


def _judge_defect(error: BaseException) -> _Verdict:
    """Name the type and the line, never the values: a plaintext may be among them."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return _Verdict("DEFECT", UNAVAILABLE, detail=f"{type(error).__name__} {place}")


# The first kind that fits judges.
_JUDGES: tuple[tuple[type[BaseException], Callable[[Any], _Verdict]], ...] = (
    (Failure, _judge_failure),
    (BordereauMalformed, _judge_papers),
    (SealedMalformed, _judge_papers),
    (RectificationMalformed, _judge_papers),
    (KeysError, _judge_keys),
    (KeyboardInterrupt, _judge_interruption),
    (StateUnreadable, _judge_state),
    (sqlite3.Error, _judge_sqlite),
    (MemoryError, _judge_memory),
    (OSError, _judge_system),
    (BaseException, _judge_defect),
)
