"""The custodian as one officer's request asks it: the grants of the session, intents first.

This process writes nothing: the registrar logs the intent for the signed-in officer, and signs the
head that covers it; the proof is read here and goes with the request.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import select

from cipher_service.audit.ledger import latest_note
from cipher_service.audit.warrants import Granting, WarrantedCustodian
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from keys.canonical import decode
from keys.custody import Custodian

_HEAD_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.05
_LATEST: Final = 16


class AskingCustodian(WarrantedCustodian):
    """Stands before the custodian for one request; asked in a thread, never on the event loop.

    Args:
        custodian: whom it stands before.
        visit: the officer's request.
        about: what the registrar is told of an act that is about no dispatch: the composition
            whose sealed texts are opened, or the bag, with the other officer of its seal.
        granting: the session's grants.
        witness: the grants of the other officer's session.
    """

    def __init__(
        self,
        custodian: Custodian,
        visit: Visit,
        about: Mapping[str, str],
        granting: Granting,
        witness: Granting | None = None,
    ) -> None:
        office = visit.office
        origin, actor = office.settings.log_origin, visit.person.number
        super().__init__(custodian, office.engine, origin, actor, granting, witness)
        self._visit = visit
        self._about = about
        self._loop = asyncio.get_running_loop()

    @contextmanager
    def _intended(self, act: str, resource: str | None, request: str, actor: str) -> Iterator[int]:
        about = self._about if resource is None else {"dispatch_id": resource}
        self._registrar(f"{act}.intend", {**about, "request": request})
        refused: str | None = "FAILED"
        try:
            yield self._place(act, request, actor)
            refused = None
        except Exception as error:  # whatever it is, the intent is closed with it; raised again
            refused = getattr(error, "code", refused)
            raise
        finally:
            self._registrar(f"{act}.end", {**about, "refused": refused})

    def _have_signed(self, intent: int) -> None:
        ends = time.monotonic() + _HEAD_SECONDS
        while time.monotonic() < ends:
            with reading(self._engine) as connection:
                size, _note = latest_note(connection)
            if size > intent:
                return
            time.sleep(_LOOK_SECONDS)
        raise ServiceError("HEAD_AWAITED")

    def _place(self, act: str, request: str, actor: str) -> int:
        entry = audit_entry.c
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(entry.seq, entry.record)
                .where(entry.actor == actor, entry.action == act, entry.outcome == "intended")
                .order_by(entry.seq.desc())
                .limit(_LATEST)
            ).all()
        for row in rows:
            if decode(bytes(row.record)).get("request") == request:
                return int(row.seq)
        raise ServiceError("HEAD_AWAITED")

    def _registrar(self, command: str, payload: Any) -> None:
        asked = self._visit.act(command, payload)
        asyncio.run_coroutine_threadsafe(asked, self._loop).result()
