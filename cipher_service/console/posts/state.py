"""A post at one moment, and how bad it is: pure, without books."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cipher_service.directory.prekeys import LOW

SOON: Final = 30
"""Days before the end of an edition from which the next one is due."""
URGENT: Final = 7
QUIET: Final = timedelta(days=1)
SILENT: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Edition:
    """The card in force of a post.

    Attributes:
        number: of the edition.
        fingerprint: hexadecimal SHA-256.
        valid_from: included.
        valid_until: excluded.
        days: whole days that remain, 0 once it is over.
        expired: it is over.
        endorsed: whether an endorsement by the ministry's root stands in the directory.
        prekeys: how many one-time prekeys can still be given out.
    """

    number: int
    fingerprint: str
    valid_from: datetime
    valid_until: datetime
    days: int
    expired: bool
    endorsed: bool
    prekeys: int

    @property
    def share(self) -> float:
        """The part of its life that remains, 0 to 1."""
        life = (self.valid_until - self.valid_from).days
        return min(self.days / life, 1.0) if life > 0 else 0.0


@dataclass(frozen=True, slots=True)
class PostState:
    """A post.

    Attributes:
        state: absent, pending, active or suspended.
        channels: (medium, highest level), the first is tried first.
        edition: in force; None without.
        is_seat: it is headquarters itself.
        sees_mail: whether the reader may see its mail; else `heard` and `missing` mean nothing.
        sees_bags: whether the reader may see its bags; else `bags` and `troubled` mean nothing.
        heard: when it last sent anything.
        missing: how many numbers from it to headquarters never came.
        bags: under way to or from it.
        troubled: of those, how many somebody must look at.
    """

    code: str
    kind: str
    name_fr: str
    name_en: str
    city: str
    state: str
    channels: tuple[tuple[str, str], ...]
    edition: Edition | None
    is_seat: bool
    sees_mail: bool
    sees_bags: bool
    heard: datetime | None
    missing: int
    bags: int
    troubled: int

    def severities(self, now: datetime) -> dict[str, int]:
        """Return what is wrong: 2 for now, 1 for soon, by what (key, root, link, ...)."""
        if self.state == "absent":
            return {}
        found = {
            "state": 2 if self.state == "suspended" else int(self.state == "pending"),
            "key": _key(self.edition, self.state),
            "root": 2 if self.edition is not None and not self.edition.endorsed else 0,
            "prekeys": int(self.edition is not None and self.edition.prekeys < LOW),
            "link": 0 if self.is_seat else _link(self.heard, now),
            "missing": 2 if self.missing else 0,
            "bags": 2 if self.troubled else 0,
        }
        if not self.sees_mail:
            found["link"] = found["missing"] = 0
        if not self.sees_bags:
            found["bags"] = 0
        if self.is_seat:
            # The bureau's own card is introduced with the root.
            found["root"] = 0
        return {what: grade for what, grade in found.items() if grade}


def worst_first(posts: Iterable[PostState], now: datetime) -> list[PostState]:
    """Order posts: what needs somebody now, then soon, then by code; never enrolled ones last."""

    def rank(post: PostState) -> tuple[bool, int, int, int, str]:
        grades = post.severities(now).values()
        days = 10_000 if post.edition is None else post.edition.days
        return (
            post.state == "absent",
            -max(grades, default=0),
            -sum(grades),
            days,
            post.code,
        )

    return sorted(posts, key=rank)


def _key(edition: Edition | None, state: str) -> int:
    if edition is None:
        return 2 if state == "active" else 0
    if edition.expired or edition.days < URGENT:
        return 2
    return int(edition.days < SOON)


def _link(heard: datetime | None, now: datetime) -> int:
    if heard is None:
        return 1
    age = now - heard
    return 2 if age >= SILENT else int(age >= QUIET)
