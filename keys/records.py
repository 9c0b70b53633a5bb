"""Reads the members of a JSON object strictly: each one named, typed and bounded, none left over.

A `Record` is opened on a parsed object, its members are taken one by one, and `close()` refuses
what was not taken. A format that grows takes a new version, so an unknown member is never
silently dropped from under a signature.

    record = Record(decode(data), "card")
    post = record.text("post", POST)
    edition = record.integer("edition", least=1)
    record.close()
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from keys.canonical import INTEGER_MAX, bytes_from_text, time_from_text

if TYPE_CHECKING:
    from datetime import datetime

# A post's code: PARIS, NEWYORK-ONU.
POST: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{1,15}")
# The post of exercises, and with a hyphen behind it any other place in them: no ministry has one.
EXERCISE: Final = "EXERCICE"
# A lower-case hexadecimal SHA-256.
FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
# A ULID in Crockford's alphabet; its first character stays below 8 to fit 128 bits.
ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
# A code of the ministry's scheme (level, precedence, caveat, policy): opaque to keys/.
CODE: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9 -]{0,38}[A-Z0-9])?")
DATE: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")


class Record:
    """One JSON object being read; every method raises ValueError naming the member."""

    def __init__(self, value: object, name: str) -> None:
        """Opens `value`, which must be an object as parsed; `name` is for the messages."""
        if not isinstance(value, dict):
            raise ValueError(f"{name} is not an object")
        self._members: dict[str, Any] = dict(value)
        self._name = name

    def text(self, member: str, pattern: re.Pattern[str]) -> str:
        """A string that `pattern` matches as a whole."""
        value = self._take(member)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self._wrong(member)
        return value

    def any_text(self, member: str) -> str:
        """A string, whose content the caller judges."""
        value = self._take(member)
        if not isinstance(value, str):
            raise self._wrong(member)
        return value

    def optional_text(self, member: str, pattern: re.Pattern[str]) -> str | None:
        """A string as in `text`, or null; the member itself must be there."""
        if self._is_null(member):
            return None
        return self.text(member, pattern)

    def texts(
        self, member: str, pattern: re.Pattern[str], *, least: int = 0, most: int
    ) -> tuple[str, ...]:
        """An array of between `least` and `most` distinct strings that `pattern` matches."""
        values = self.items(member, least=least, most=most)
        for value in values:
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise self._wrong(member)
        if len(set(values)) != len(values):
            raise self._wrong(member)
        return values

    def constant(self, member: str, expected: str | int) -> None:
        """The one value a member may have."""
        value = self._take(member)
        if isinstance(value, bool) or value != expected:
            raise self._wrong(member)

    def integer(self, member: str, *, least: int = 0, most: int = INTEGER_MAX) -> int:
        """An integer from `least` to `most`."""
        value = self._take(member)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._wrong(member)
        return value

    def optional_integer(self, member: str, *, least: int = 0) -> int | None:
        """An integer as in `integer`, or null."""
        if self._is_null(member):
            return None
        return self.integer(member, least=least)

    def boolean(self, member: str) -> bool:
        """True or false."""
        value = self._take(member)
        if not isinstance(value, bool):
            raise self._wrong(member)
        return value

    def octets(self, member: str, length: int) -> bytes:
        """Exactly `length` bytes from their base64."""
        value = self._take(member)
        if not isinstance(value, str):
            raise self._wrong(member)
        try:
            data = bytes_from_text(value)
        except ValueError as error:
            raise self._wrong(member) from error
        if len(data) != length:
            raise self._wrong(member)
        return data

    def time(self, member: str) -> datetime:
        """A UTC time of whole seconds."""
        value = self._take(member)
        if not isinstance(value, str):
            raise self._wrong(member)
        try:
            return time_from_text(value)
        except ValueError as error:
            raise self._wrong(member) from error

    def optional_time(self, member: str) -> datetime | None:
        """A time as in `time`, or null."""
        if self._is_null(member):
            return None
        return self.time(member)

    def items(self, member: str, *, least: int = 0, most: int) -> tuple[Any, ...]:
        """An array of between `least` and `most` values, unchecked."""
        value = self._take(member)
        # A tuple is what a writer of ours holds before it becomes JSON (`encode_statement`).
        if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
            raise self._wrong(member)
        return tuple(value)

    def mapping(self, member: str) -> dict[str, Any]:
        """An object, unchecked."""
        value = self._take(member)
        if not isinstance(value, dict):
            raise self._wrong(member)
        return value

    def record(self, member: str) -> Record:
        """An object, opened."""
        return Record(self._take(member), f"{self._name}.{member}")

    def optional_record(self, member: str) -> Record | None:
        """An object, opened, or null."""
        if self._is_null(member):
            return None
        return self.record(member)

    def has(self, member: str) -> bool:
        """Whether a member stands there that may be left out, and was not taken yet."""
        return member in self._members

    def close(self) -> None:
        """Demands that every member was taken."""
        if self._members:
            raise ValueError(f"{self._name} has an unknown member {min(self._members)[:40]!r}")

    def _is_null(self, member: str) -> bool:
        if member in self._members and self._members[member] is None:
            del self._members[member]
            return True
        return False

    def _take(self, member: str) -> Any:
        try:
            return self._members.pop(member)
        except KeyError:
            raise ValueError(f"{self._name} lacks {member}") from None

    def _wrong(self, member: str) -> ValueError:
        return ValueError(f"{self._name}.{member} is not as it must be")


def is_exercise(post: str) -> bool:
    """Says whether a post's code is one of those that exercises alone have."""
    return post == EXERCISE or post.startswith(f"{EXERCISE}-")
