"""The custodian's clock, the one that keys/ reads: whoever asks it may lie about the time.

It never goes back. Whoever sets the machine's clock back would otherwise bring to life again what
had ended: a grant, a challenge, an intent. A clock that was set ahead by mistake and then right
keeps the custodian ahead until it starts anew, and that ends every grant and challenge.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


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

    def __call__(self) -> datetime:
        """Gives the time, UTC, whole seconds."""
        with self._lock:
            at = self._running()
            self._told = max(self._wall(), self._told + timedelta(seconds=at - self._at))
            self._at = at
            return self._told.replace(microsecond=0)


system_clock: Final = SteadyClock()
