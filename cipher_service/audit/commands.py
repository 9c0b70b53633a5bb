"""The registrar's commands about the log, by name; `app` joins them with the others."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.audit import witnesses
from cipher_service.audit.hearing import HEARD
from cipher_service.audit.recorder import REQUEST
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Handler


class LogDesk:
    """What the commands need: the time."""

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each method says what it takes and gives."""
        return {"cosign": self.cosign, HEARD: self.refused, REQUEST: self.refused}

    def cosign(self, connection: Connection, payload: dict[str, Any]) -> bool:
        """Take what `witnesses.judge` gave; give whether it was new."""
        return witnesses.record(connection, payload, self._now())

    def refused(self, _connection: Connection, payload: dict[str, Any]) -> None:
        """Take `{"code"}`, who and what: mail that contradicts the log, a request refused.

        `policies` names those that said no, when policies did.

        Always refuses, by that code: the entry of the refusal is what this is for.
        """
        facts = {name: payload[name] for name in ("policies",) if name in payload}
        raise ServiceError(payload["code"], **facts)
