"""Count lines and branches only where the gates of coverage need it."""

import os
import sys
from pathlib import Path

import pytest
from coverage import Coverage

TESTS = Path(__file__).parents[1]
COUNTED = (TESTS / "keys", TESTS / "pouch")
"""Folders whose tests alone take every branch of the package of the same name."""


class Counting:
    """Stops the counters that `pytest --cov` started before a test that nothing is counted in.

    A running counter is called at every line, of the product, of the tests and of every library.
    """

    def __init__(self) -> None:
        self._everywhere = os.environ.get("COUNT") == "all"
        self._stopped: list[Coverage] = []
        """The one on top first: in a runner of several, pytest-cov starts one upon another."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        if self._everywhere or any(item.path.is_relative_to(folder) for folder in COUNTED):
            if self._stopped:
                _empty_caches()
            while self._stopped:
                self._stopped.pop().start()
        else:
            while (running := Coverage.current()) is not None:
                running.stop()
                self._stopped.append(running)


def _empty_caches() -> None:
    """Have what ran once, for a test that was not counted, run again."""
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] in {folder.name for folder in COUNTED}:
            for member in vars(module).values():
                if hasattr(member, "cache_clear"):
                    member.cache_clear()
