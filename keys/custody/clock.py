"""The custodian's clock, the one that keys/ reads: whoever asks it may lie about the time.

It never goes back. Whoever sets the machine's clock back would otherwise bring to life again what
had ended: a grant, a challenge, an intent, an officer's term. Nor does it across a start: a store
remembers how late it was, to the minute, and a custodian that finds the machine's clock behind that
does not start. A clock that was set ahead by mistake keeps the custodian ahead, and once it is
right the persons at the custodian's terminal remove the mark.

    STORE/clock.mark    a time (SPEC.md §2); written once a minute while there is work
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.custody.errors import ClockSetBack, StoreInvalid
from keys.custody.files import read_private
from keys.files import exchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARK_FILE: Final = "clock.mark"
MARKED_EVERY: Final = timedelta(minutes=1)
SLACK: Final = timedelta(minutes=5)
"""How far a clock may be behind the mark: what keeping time corrects; an intent's time."""


class ClockMark:
    """How late it was when a custodian last worked from a store.

    Args:
        store: the custodian's folder.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / MARK_FILE

    def read(self) -> datetime | None:
        """Gives the time; None before the first.

        Raises:
            StoreUnsafe: the file is not private to this user.
            StoreInvalid: it holds no time.
        """
        try:
            return canonical.time_from_text(read_private(self._path).decode())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StoreInvalid(f"{MARK_FILE} holds no time: {error}") from error

    def keep(self, at: datetime) -> None:
        """Exchanges it, durably. Raises OSError: the disk refuses."""
        exchange(self._path, canonical.text_from_time(at).encode())


class SteadyClock:
    """The time of this machine, never earlier than what it told before has become since.

    Args:
        wall: gives the machine's time, UTC; it may jump.
        running: gives seconds that only grow.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        running: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._running = running
        self._lock = threading.Lock()
        self._told = wall()
        self._at = running()
        self._mark: ClockMark | None = None
        self._marked: datetime | None = None

    def __call__(self) -> datetime:
        """Gives the time, UTC, whole seconds."""
        with self._lock:
            at = self._running()
            self._told = max(self._wall(), self._told + timedelta(seconds=at - self._at))
            self._at = at
            told = self._told.replace(microsecond=0)
            if self._marked is None or told >= self._marked + MARKED_EVERY:
                self._keep(told)
            return told

    def go_on_from(self, mark: ClockMark) -> None:
        """Goes on from a mark, and keeps it from now on.

        Raises:
            ClockSetBack: the machine's clock is behind it by more than `SLACK`.
            StoreUnsafe, StoreInvalid: as `ClockMark.read`.
        """
        kept = mark.read()
        with self._lock:
            now = self._wall()
            if kept is not None and now < kept - SLACK:
                raise ClockSetBack(
                    f"the machine says {now:%Y-%m-%d %H:%M}, and {kept:%Y-%m-%d %H:%M} was already"
                )
            self._told = max(self._told, kept or now)
            self._mark, self._marked = mark, None
        self()

    def _keep(self, told: datetime) -> None:
        # A full disk stops nobody's work: the next call keeps it.
        with suppress(OSError):
            if self._mark is not None:
                self._mark.keep(told)
                self._marked = told


system_clock: Final = SteadyClock()
