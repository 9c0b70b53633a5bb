"""The round of released dispatches (article 15): numbered, signed, handed over, each exactly once.

    departing = Departing(engine, bureau, journal)
    departing.round()                  # as often as one likes

A release is a row. Where the custodian has no officers, whoever runs the round sends what stands
there; where it has, an officer sends it (`sending`) and the round ends what was cut short. That is
found by its intent: issued, it has left; open, its numbers are cancelled and told, and the dispatch
leaves under new ones. What cannot leave goes back to its author with the name of why.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, select

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures
from cipher_service.dispatches.bureau import HeadquartersBureau, People
from cipher_service.dispatches.office import compositions
from cipher_service.dispatches.office.addressing import addressed
from cipher_service.dispatches.office.attaching import enclosures, opened_list
from cipher_service.dispatches.office.compositions import DRAFT, LEFT, RELEASED, Composition
from cipher_service.dispatches.office.sending import begin
from cipher_service.dispatches.sealed import seal_text
from cipher_service.errors import ServiceError
from cipher_service.references import new_id
from cipher_service.storage.tables.compositions import composition
from cipher_service.storage.unit_of_work import reading
from keys.custody.errors import CustodianUnavailable, CustodySealed
from keys.errors import KeysError

AGAIN: Final = timedelta(seconds=60)
"""How long after a failure that may pass the next trial comes."""
ABANDONED: Final = timedelta(minutes=10)
"""After how long a departure that an officer began and did not end is cut short: twice a grant."""
SYSTEM: Final = "departures"
"""Who acts, in the log, once two persons have released."""

_TELLING: Final = "telling"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """What a round did with one composition: `register` when it left, `refused` when not."""

    composition_id: str
    register: str | None
    refused: str | None


class Departing:
    """Sends what is released.

    Args:
        engine: the books.
        bureau: the bureau that signs.
        journal: records what is done.
    """

    def __init__(self, engine: Engine, bureau: HeadquartersBureau, journal: Journal) -> None:
        self._engine = engine
        self._bureau = bureau
        self._journal = journal
        self._later: dict[str, datetime] = {}

    def round(self) -> list[Left]:
        """Send everything that is released; what may pass is tried again a minute later.

        Where an officer sends, end what was cut short instead, and tell the numbers cancelled.
        """
        try:
            founded = self._bureau.founded
        except CustodianUnavailable:
            return []
        if founded:
            return self._ended()
        with reading(self._engine) as connection:
            waiting = select(composition).where(composition.c.state == RELEASED)
            rows = list(connection.execute(waiting.order_by(composition.c.state_at)))
        found = [compositions.composed(row) for row in rows]
        due = [each for each in found if self._due(each.composition_id)]
        return [left for left in map(self._depart, due) if left is not None]

    def _ended(self) -> list[Left]:
        begun = (composition.c.state == RELEASED, composition.c.dispatch_id.is_not(None))
        with reading(self._engine) as connection:
            rows = list(connection.execute(select(composition).where(*begun)))
        if self._due(_TELLING):
            try:
                for known in map(compositions.composed, rows):
                    self._has_left(known, since=clock.now() - ABANDONED)
                self._bureau.announce_cancellations()
            except KeysError as error:
                _LOG.warning("cancelled numbers wait to be told: %s", error.code)
                self._later[_TELLING] = clock.now() + AGAIN
        return []

    def _due(self, composition_id: str) -> bool:
        return self._later.get(composition_id, clock.now()) <= clock.now()

    def _depart(self, known: Composition) -> Left | None:
        number = known.composition_id
        try:
            if self._has_left(known):
                return Left(number, None, None)
            subject, _, text = self._bureau.unseal(known.content.body).partition("\n")
            dispatch_id = self._begin(known)
            with reading(self._engine) as connection:
                directory = read_directory(connection)
            heading, to = addressed(
                known.content,
                dispatch_id,
                subject,
                directory=directory,
                own=self._bureau.card,
                created=clock.now().replace(microsecond=0),
            )
            people = People(known.author, known.released_by or known.enciphers)
            listed = opened_list(known.content.attachments, self._bureau.unseal)
            attachments = enclosures(self._bureau.blobs, listed)
            sent = self._bureau.send(heading, to, text.encode("utf-8"), attachments, people)
        except (CustodianUnavailable, CustodySealed, OSError) as error:
            _LOG.warning("a released dispatch waits: %s", type(error).__name__)
            self._later[number] = clock.now() + AGAIN
            return None
        except (ServiceError, KeysError) as error:
            self._give_back(known, error)
            return Left(number, None, error.code)
        self._settle(number, LEFT)
        return Left(number, sent.register, None)

    def _has_left(self, known: Composition, since: datetime | None = None) -> bool:
        """Say whether a departure was issued, and settle it; cancel it when it was cut short.

        Args:
            known: what was released.
            since: from when on a departure may still be under way; None when none may.
        """
        if known.dispatch_id is None:
            return False
        with reading(self._engine) as connection:
            found = departures.standing(connection, known.dispatch_id)
        state, begun = found or ("", clock.now())
        if state == "open" and (since is None or begun < since):
            with self._journal.act("dispatch_depart_again", known.dispatch_id) as connection:
                departures.cancel(
                    connection, known.dispatch_id, departures.INTERRUPTED, clock.now()
                )
            self._bureau.announce_cancellations()
        if state == "issued":
            self._settle(known.composition_id, LEFT)
        return state == "issued"

    def _begin(self, known: Composition) -> str:
        """Choose the departure's id and write who may know of it, before any number is taken."""
        dispatch_id = new_id(clock.now())
        with self._journal.act("dispatch_depart", known.composition_id) as connection:
            begin(connection, known, dispatch_id)
        return dispatch_id

    def _give_back(self, known: Composition, error: ServiceError | KeysError) -> None:
        reason = seal_text(error.code, self._bureau.card)
        with self._journal.act("dispatch_give_back", known.composition_id) as connection:
            compositions.settle(
                connection, known.composition_id, DRAFT, clock.now(),
                assigned="", enciphers="", act=None, released_by=None, refusal=reason,
            )  # fmt: skip

    def _settle(self, composition_id: str, state: str) -> None:
        with self._journal.act("dispatch_left", composition_id) as connection:
            compositions.settle(connection, composition_id, state, clock.now(), assigned="")
