"""An officer has what is missing asked for again (ACP 127 paragraph 405): at once, and once.

The officer's act is a number of a counter, taken in the transaction that records it. The bureau,
which signs outside of any transaction, compares it with the number up to which it has asked: a
process that dies in between asks after its next start, and nothing is asked twice (`speaking`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.subjects import Dispatch
from cipher_service.audit.journal import Journal
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.office.entitlement import demand
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.labels.scheme import Scheme
from cipher_service.storage import counters
from cipher_service.storage.unit_of_work import reading

ACTION: Final = "release"
"""Of the matrix: whoever may let mail leave at the lowest level may have the bureau ask."""
FACTS: Final = {"opened": True}
"""A request has no text that could be opened first."""


def request(scheme: Scheme, headquarters: str) -> Dispatch:
    """Return what a request for repetition is to decisions."""
    return Dispatch("", scheme.levels[0].rank, origin=headquarters)


def acts(
    gate: Gate, headquarters: str, now: Callable[[], datetime] = clock.now
) -> dict[str, OfficerAct]:
    """Return the officers' act by name.

    `numbers_chase` takes nothing and gives `{"decision"}`. Refuses NOT_FOUND, NOT_ALLOWED.
    """

    def chase(connection: Connection, officer: str, _payload: object) -> dict[str, Any]:
        thing = request(gate.scheme, headquarters)
        ruled = demand(connection, gate, officer, ACTION, thing, now(), FACTS, own=True)
        counters.advance(connection, _wanted(headquarters))
        return {"decision": ruled}

    return {"numbers_chase": chase}


def awaited(connection: Connection, headquarters: str) -> bool:
    """Tell whether an officer has asked and the bureau has not yet."""
    wanted = counters.read(connection, _wanted(headquarters))
    return wanted > counters.read(connection, _done(headquarters))


class Chasing:
    """Asks what officers want asked.

    Args:
        engine: the books.
        bureau: the bureau that signs.
        journal: records what is done.
        headquarters: the bureau's post code.
    """

    def __init__(
        self, engine: Engine, bureau: HeadquartersBureau, journal: Journal, headquarters: str
    ) -> None:
        self._engine = engine
        self._bureau = bureau
        self._journal = journal
        self._post = headquarters

    def round(self) -> bool:
        """Ask once, for as much as one asks at a time; tells whether anybody wanted it.

        Raises:
            KeysError: the custodian refuses; it stays wanted.
        """
        with reading(self._engine) as connection:
            wanted = counters.read(connection, _wanted(self._post))
            done = counters.read(connection, _done(self._post))
        if wanted == done:
            return False
        self._bureau.chase()
        with self._journal.act("bureau_chased") as connection:
            counters.advance(connection, _done(self._post), wanted - done)
        return True


def _wanted(headquarters: str) -> str:
    return f"chases-wanted/{headquarters}"


def _done(headquarters: str) -> str:
    return f"chases-done/{headquarters}"
