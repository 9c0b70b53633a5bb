"""What the custodian demands before it uses the bureau's keys, whoever asks.

Once officers are founded, every act with those keys needs the proof of its logged intent, and one
that opens or signs a dispatch needs an officer's grant as well. Nobody on the service's side can
turn that off. A custodian without officers is a trial installation: it says so in its state, and
when it was started for production it does no such act.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keys.custody.errors import (
    GrantOfAnother,
    IntentMissing,
    OfficersNotFounded,
    OriginUnsafe,
)
from keys.custody.grants import BY_TWO, PURPOSES, Wanted
from keys.custody.intents import Expected, Warrant, request_digest, require_intent
from keys.log.checkpoints import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.custody.log_keys import Heads
    from keys.custody.officers import Officers
    from keys.log.succession import LogLine


@dataclass(frozen=True)
class Use:
    """One use of the bureau's keys.

    Attributes:
        act: name of the custodian's act.
        arguments: as they were given, the warrant apart.
        resource: number of the dispatch or message that it is about, or None.
        levels: codes of what it touches, as the custodian read them; empty where none can be known.
        dispatch: number of the dispatch, as the custodian read it, or None.
    """

    act: str
    arguments: tuple[bytes, ...]
    resource: str | None
    levels: tuple[str, ...] = ()
    dispatch: str | None = None


class Demands:
    """Judges uses of the bureau's keys.

    Args:
        officers: the custodian's own; None for keys that are in no store.
        line: gives the keys of the log in which intents stand, as they are now.
        heads: which log that is.
        production: whether an installation without officers is refused.
    """

    def __init__(
        self,
        officers: Officers | None,
        line: Callable[[], LogLine],
        heads: Heads,
        *,
        production: bool,
    ) -> None:
        self._officers = officers
        self._line = line
        self._heads = heads
        self._production = production

    @property
    def founded(self) -> bool:
        """Whether there are officers whom it serves, and so demands."""
        try:
            return self._officers is not None and self._officers.founded_roll() is not None
        except OriginUnsafe:
            return False

    def require(self, use: Use, warrant: bytes) -> None:
        """Demands that a use is granted and logged; counts it.

        Args:
            use: what is to be done.
            warrant: what came with the request, `Warrant.encode`.

        Raises:
            OfficersNotFounded: production without officers.
            OriginUnsafe: as `Officers.founded_roll`.
            WarrantMalformed, GrantMissing, GrantOfAnother, GrantTooLow, LevelUnknown,
            ApproverNotInForce, ApproverWithoutFunction, ApproverNotCleared: no officer stands
                behind it.
            IntentMissing, IntentOfAnother, IntentOutdated, NoteMalformed, NoteNotSigned,
            LogKeyEnded, LogOfAnother, ProofInvalid: it is not in the log.
        """
        roll = None if self._officers is None else self._officers.founded_roll()
        if self._officers is None or roll is None:
            if self._production:
                raise OfficersNotFounded("in production the keys serve only founded officers")
            return
        given = Warrant.parse(warrant)
        request = request_digest(use.act, *use.arguments)
        wanted = None
        actor = None
        purpose = PURPOSES.get(use.act)
        if purpose is not None:
            rank = max(map(roll.rank_of, use.levels), default=None)
            wanted = Wanted(purpose, rank, use.dispatch, request)
            actor = self._officers.require_grant(given.grant, wanted)
            if use.act in BY_TWO and actor == self._officers.require_grant(given.second, wanted):
                raise GrantOfAnother(f"{actor} granted it twice: another officer must too")
        expected = Expected(use.act, request, use.resource, actor)
        require_intent(given, expected, self._line(), self._origin(), self._officers.now())
        if wanted is not None:
            self._officers.use_grant(given.grant, wanted)
            if use.act in BY_TWO:
                self._officers.use_grant(given.second, wanted)

    def _origin(self) -> str:
        head = self._heads.last()
        if head is None:
            raise IntentMissing("no head of a log was signed here yet")
        return Checkpoint.parse(head).origin
