"""The registrar's part in an officer's grant to the custodian, and in the intents of its acts.

The grant is put before the officer on the page of the approval origin with the custodian's own
nonce; the custodian alone judges the answer. The intents judge as the act itself does, so that a
console can have none logged for what its officer may not open.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.dispatches.office.commands import Answer, OfficeDesk
from cipher_service.dispatches.office.sending import require_own_departure
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.identity.officer_commands import OfficerAct
from keys.custody.grants import BAG, OPEN, SIGN, Grant
from keys.custody.intents import request_digest

RequireOwn = Callable[[Connection, str, Grant, bytes], None]
"""Refuses a grant to sign that is not this officer's, for this manifest alone."""


class GrantDesk:
    """What officers ask for before the custodian opens.

    Args:
        office: judges who may open what.
        require_own: demands that a grant to sign is of the officer's own departure.
        now: the clock.
    """

    def __init__(
        self,
        office: OfficeDesk,
        require_own: RequireOwn = require_own_departure,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._office = office
        self._require_own = require_own
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "grant_ask": self.ask,
            "grant_take": self.take,
            "open_file_key.intend": self._office.open,
            "open_file_key.end": self.ended,
            "rewrap_header.intend": self._office.open,
            "rewrap_header.end": self.ended,
            "open_sealed.intend": self.sealed,
            "open_sealed.end": self.ended,
        }

    def ask(self, connection: Connection, officer: str, payload: Answer) -> str:
        """Take `{"grant", "nonce", "party", "credentials": hex ids, "back", "beside"}`.

        `beside` is the manifest of a grant to sign, shown with it, and None for one to open. Gives
        the ticket. Refuses FORM_REFUSED: not this officer's grant. GRANT_MALFORMED, and as
        `sending.require_own_departure`.
        """
        grant, beside = Grant.parse(payload["grant"]), payload["beside"]
        purposes = (OPEN, BAG) if beside is None else (SIGN,)
        if grant.officer != officer or grant.purpose not in purposes:
            raise ServiceError("FORM_REFUSED")
        if beside is not None:
            self._require_own(connection, officer, grant, beside)
        asked = approvals.Asked(payload["party"], payload["nonce"], tuple(payload["credentials"]))
        return approvals.ask(
            connection, officer, grant.encoded, payload["back"], self._now(),
            asked=asked, beside=beside,
        )  # fmt: skip

    def take(self, connection: Connection, officer: str, payload: Answer) -> dict[str, bytes]:
        """Take `{"ticket"}`; give `{"response"}`, once. Refuses TICKET_UNKNOWN."""
        answer = approvals.answer_of(connection, officer, payload["ticket"], self._now())
        return {"response": answer}

    def sealed(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"composition", "request"}`; give `{"decision"}`.

        The log's entry names no dispatch: the custodian knows of none in a sealed text. Refuses
        NOT_FOUND, NOT_ALLOWED, FORM_REFUSED: the request opens something else.
        """
        given = self._office.review(connection, officer, {"dispatch_id": payload["composition"]})
        earlier = (given["earlier"] or {}).get("body")
        sealed = (given["body"], given["attachments"], given["refusal"], earlier)
        texts = [text for text in sealed if text]
        if payload["request"] not in {request_digest("open_sealed", text) for text in texts}:
            raise ServiceError("FORM_REFUSED")
        return {"decision": given["decision"]}

    def ended(self, _connection: Connection, _officer: str, _payload: Any) -> None:
        """Take `{"dispatch_id" or "composition", "refused": code or None}`: how the act ended."""
