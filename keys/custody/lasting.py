"""The custodian's keys that no edition carries: one table of what they are for and how long.

The bureau's keys live by editions, whose cards say their validity (`keys.custody.book`). These
have no card, so their periods stand here: SP 800-57 part 1 rev. 5, table 1 gives a private
signature key one to three years. All of them sign; none opens anything, so nothing needs the
private half of a superseded one, and it is gone with the rotation that supersedes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from keys.lifecycle import (
    ACTIVE,
    COMPROMISED,
    DEACTIVATED,
    DESTROYED,
    IN_FORCE,
    NOT_KEPT,
    SUCCEEDED,
    TRAFFIC,
    KeyVersion,
)
from keys.succession import RECEIPTS_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keys.custody.book import Book

ROOT_KEY: Final = "root"
CERTIFYING_KEY: Final = "certifying"
LOG_KEY: Final = "log"
AUTHORITY_KEY: Final = "authority"
DESKS_KEY: Final = "desks"


@dataclass(frozen=True)
class Lasting:
    """What a kind of key is for, and how long it serves.

    Attributes:
        signs: what, in the words of `keys/SPEC.md`.
        days: its cryptoperiod.
        rotates: whether a successor can be put in force without a new founding.
    """

    signs: str
    days: int
    rotates: bool = False


LASTING: Final[dict[str, Lasting]] = {
    ROOT_KEY: Lasting("endorsements of cards", 1096),
    RECEIPTS_KEY: Lasting("roots of receipts", 1096, rotates=True),
    CERTIFYING_KEY: Lasting("statements of token keys", 366, rotates=True),
    LOG_KEY: Lasting("checkpoints of the log", 1096, rotates=True),
    AUTHORITY_KEY: Lasting("certificates of posts' keys", 1096, rotates=True),
    DESKS_KEY: Lasting("events of bags at the bureau's two desks", 1096, rotates=True),
}


def lasting_kind(key: str) -> str | None:
    """The kind of a key of `LASTING` by its name, `kind/POST`; None for any other key."""
    kind = key.partition("/")[0]
    return kind if kind in LASTING else None


def advised(version: KeyVersion, warning: str) -> str:
    """Names a warning of a version by what can be done about it.

    Returns:
        The warning as it is for a key with editions, `WARNING_rotates` for one that a rotation
        exchanges, `WARNING_lasting` for one that only a new founding does.
    """
    kind = lasting_kind(version.key)
    if kind is None:
        return warning
    return f"{warning}_rotates" if LASTING[kind].rotates else f"{warning}_lasting"


def with_lasting(book: Book, post: str, present: Mapping[str, str], now: datetime) -> Book:
    """Gives the book in which every key that is there stands as a version.

    A key that the book does not know is the next version of its kind; those before it are
    superseded and destroyed, since the store holds one of each kind only. That also finishes what a
    rotation that was killed had begun.

    Args:
        book: with the bureau's first edition, from which on the keys of a founding serve.
        post: code of the bureau's post.
        present: fingerprint of each key that is there, by kind; sealed ones are not.
        now: UTC, whole seconds.
    """
    founded = book.of(f"bureau/{post}")[0].starts
    for kind, fingerprint in present.items():
        key = f"{kind}/{post}"
        known = book.of(key)
        if any(each.fingerprint == fingerprint for each in known):
            continue
        starts = max(now, known[-1].since) if known else founded
        made = KeyVersion(
            key=key,
            number=len(known) + 1,
            fingerprint=fingerprint,
            end_of_life=TRAFFIC,
            starts=starts,
            ends=starts + timedelta(days=LASTING[kind].days),
        )
        for each in known:
            book = book.with_version(_superseded(each, now))
        book = book.with_version(made.moved(ACTIVE, at=starts, reason=IN_FORCE))
    return book


def fingerprint_of(public: bytes) -> str:
    """Lower-case hexadecimal SHA-256 over public keys, one after the other."""
    return sha256(public).hexdigest()


def _superseded(version: KeyVersion, now: datetime) -> KeyVersion:
    if version.state == DESTROYED:
        return version
    at = max(now, version.since)
    if version.state != COMPROMISED:
        version = version.moved(DEACTIVATED, at=at, reason=SUCCEEDED)
    return version.moved(DESTROYED, at=at, reason=NOT_KEPT)
