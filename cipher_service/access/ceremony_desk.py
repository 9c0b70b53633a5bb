"""The registrar's commands of ceremonies of keys: each runs for a signed-in officer."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access import ceremonies
from cipher_service.access.acts import Gate
from cipher_service.access.ceremonies import Holder, Wanted
from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.identity.passkey_book import Site
from cipher_service.identity.shared_acts import Signed
from keys.custody import Custodian, CustodyState
from keys.errors import KeysError


class CeremonyDesk:
    """What the commands need.

    Args:
        site: who asks security keys for signatures, asked at each of them.
        custodian: asked only for its state, which anyone may know.
        gate: what decides.
        now: the clock.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        custodian: Custodian,
        gate: Gate,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._site = site
        self._custodian = custodian
        self._gate = gate
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "ceremony_prepare": self.prepare,
            "ceremony_abandon": self.abandon,
            "ceremony_close": self.close,
            "ceremony_read": self.look,
        }

    def completed(self) -> dict[str, OfficerAct]:
        """Return the act that an officer's signature completes (`identity.approvals`)."""
        return {"ceremony_confirm": self.confirm}

    def prepare(
        self, connection: Connection, officer: str, payload: dict[str, Any]
    ) -> dict[str, str]:
        """Take `{"threshold", "holders": [[code, officer, card]], "second", "third", "reason"}`.

        Gives `{"ceremony"}`. Refuses as `ceremonies.prepare`.
        """
        holders = tuple(Holder(*line) for line in payload["holders"])
        wanted = Wanted(
            payload["threshold"], holders, payload["second"], payload["third"], payload["reason"]
        )
        before = ceremonies.sharing(self._custodian.state())
        now = self._now().replace(microsecond=0)
        number = ceremonies.prepare(connection, self._gate, officer, wanted, before, now)
        return {"ceremony": number}

    def confirm(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"act": the bytes, "nonce", "response"}`. Refuses as `ceremonies.confirm`."""
        signed = Signed(officer, payload["nonce"], payload["response"])
        site, now = self._site(), self._now()
        ceremonies.confirm(connection, officer, payload["act"], signed, site, now)

    def abandon(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"ceremony", "reason"}`. Refuses as `ceremonies.abandon`."""
        number, reason = payload["ceremony"], payload["reason"]
        state: CustodyState | None
        try:
            state = self._custodian.state()
        except KeysError:  # one person suffices, also while the custodian is away
            state = None
        ceremonies.abandon(connection, officer, number, reason, state, self._now())

    def look(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"ceremony": its number, None for the list, "route": what is looked at}`.

        The entry stands before anything is shown. Refuses NOT_FOUND.
        """
        if payload["ceremony"] is None:
            return
        one = ceremonies.read(connection, payload["ceremony"])
        held = self._gate.principals.of(connection, officer, self._now()).functions
        if not ceremonies.sees(one, officer, held):
            raise ServiceError("NOT_FOUND")

    def close(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"ceremony"}`. Refuses as `ceremonies.close`."""
        state = self._custodian.state()
        ceremonies.close(connection, officer, payload["ceremony"], state, self._now())
