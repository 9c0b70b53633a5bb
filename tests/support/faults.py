"""A real SQLite connection that fails once, at the n-th call: what a dying disk looks like.

faults = Faults(engine)          # before its first connection
faults.arm(7)                    # the 7th call from now raises
"""

from typing import Any

import sqlcipher3.dbapi2 as sqlite
from sqlalchemy import Engine, event


class Faults:
    """Counts and breaks the database calls of an engine: every execute and every commit."""

    def __init__(self, engine: Engine) -> None:
        self.calls = 0
        self._at = 0
        faults = self

        class FaultyCursor(sqlite.Cursor):  # type: ignore[misc]  # the driver has no types
            def execute(self, *args: Any) -> Any:
                faults._call()
                return super().execute(*args)

            def executemany(self, *args: Any) -> Any:
                faults._call()
                return super().executemany(*args)

        class FaultyConnection(sqlite.Connection):  # type: ignore[misc]  # nor has this class
            def cursor(self, factory: type = FaultyCursor) -> Any:
                return super().cursor(factory)

            def commit(self) -> None:
                faults._call()
                super().commit()

        @event.listens_for(engine, "do_connect")
        def connect(_dialect: Any, _record: Any, args: list[Any], params: dict[str, Any]) -> Any:
            return sqlite.connect(*args, factory=FaultyConnection, **params)

    def arm(self, at: int) -> None:
        """Let the `at`-th call from now fail; 0 only counts."""
        self.calls = 0
        self._at = at

    def _call(self) -> None:
        self.calls += 1
        if self.calls == self._at:
            raise sqlite.OperationalError("disk I/O error")
