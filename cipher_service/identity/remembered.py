"""What one API process read and verified of a text, for as long as the text says that it holds.

Each client brings a text of its own, and a command is a client: what has ended leaves at once, so
that a process holds what is in use and not the last thousands of what was.
"""

from typing import Final, Generic, TypeVar

_MOST: Final = 4096

T = TypeVar("T")


class Remembered(Generic[T]):
    """What was read, by its text; at most `_MOST`, the oldest leaves first."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[T, float]] = {}

    def get(self, text: str, now: float) -> T | None:
        """Return what was read of a text, None of one that is not known or has ended.

        Args:
            text: as it was given.
            now: seconds since 1970.
        """
        value, until = self._read.get(text, (None, 0.0))
        return value if now < until else None

    def keep(self, text: str, value: T, until: float, now: float) -> None:
        """Keep what was read until a moment, and let go of what ended before the present one.

        Args:
            text: as it was given.
            value: what was read of it.
            until: seconds since 1970.
            now: likewise.
        """
        self._read.pop(text, None)
        # All live about as long: those that came first end first.
        while self._read:
            oldest = next(iter(self._read))
            if len(self._read) < _MOST and now < self._read[oldest][1]:
                break
            del self._read[oldest]
        self._read[text] = value, until
