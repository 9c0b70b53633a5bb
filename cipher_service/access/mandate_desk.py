"""The registrar's commands of mandates (article 8): each runs for a signed-in officer.

The Head of the Cell writes a mandate down as a draft; it is made by the Minister's security key,
over the very bytes of the draft, and by nothing else. One person suffices to end it.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from cipher_service import clock
from cipher_service.access import mandates
from cipher_service.access.acts import Gate, anybody, circumstances, require
from cipher_service.access.mandates import Draft
from cipher_service.audit.ledger import append
from cipher_service.audit.records import DONE, Event
from cipher_service.directory.officers import Window, in_force
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals, passkey_book
from cipher_service.identity.approvals import Then
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.identity.passkey_book import Site
from cipher_service.storage.tables.officers import function_held
from keys.canonical import decode, encode

TYPE: Final = "cipher-service/v1 mandate"
KINDS: Final = ("interim", "signature")
_MINISTER: Final = "MINISTER"


def statement(draft: Row[Any]) -> bytes:
    """Return the bytes of a mandate's row that the Minister signs."""
    return encode(
        {
            "type": TYPE,
            "v": 1,
            "mandate": draft.mandate_id,
            "kind": draft.kind,
            "holder": draft.holder,
            "delegator": draft.delegator,
            "role": draft.role,
            "actions": decode(draft.actions.encode()),
            "level": draft.level,
            "starts": draft.starts,
            "ends": draft.ends,
            "act": draft.act,
            "reason": decode(draft.evidence.encode())["reason"],
        }
    )


class MandateDesk:
    """What the commands need.

    Args:
        site: who asks security keys for signatures, asked at each of them.
        gate: what decides.
        log: the log's name.
        now: the clock.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        gate: Gate,
        log: str,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._site = site
        self._gate = gate
        self._log = log
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "mandate_propose": self.propose,
            "mandate_ask": self.ask,
            "mandate_end": self.end,
        }

    def completed(self) -> dict[str, OfficerAct]:
        """Return the act that an officer's signature completes (`identity.approvals`)."""
        return {"mandate_sign": self.sign}

    def propose(
        self, connection: Connection, officer: str, payload: dict[str, Any]
    ) -> dict[str, str]:
        """Write a draft; give `{"act": its number}`.

        Takes `{"kind", "holder", "delegator", "role", "actions", "level", "starts", "ends", "act",
        "reason"}`: `actions` is a list, empty for all of the function's; `starts` is empty for now.
        Refuses NOT_ALLOWED, UNKNOWN_KIND, DAY_MALFORMED, and as `mandates.propose`.
        """
        now = self._now().replace(microsecond=0)
        about = anybody(connection, payload["holder"])
        signer = _minister(connection, now)
        context = circumstances(connection, self._gate, now, approver=signer)
        require(connection, self._gate, officer, "mandate-register", about, context)
        if payload["kind"] not in KINDS:
            raise ServiceError("UNKNOWN_KIND", kind=payload["kind"][:40])
        members = {name: payload[name] for name in ("kind", "holder", "delegator", "role", "level")}
        draft = Draft(
            **members,
            actions=tuple(payload["actions"]),
            # A day that has begun is a mandate from now on.
            window=Window(_begins(payload["starts"], now), _instant(payload["ends"])),
            act=payload["act"],
            reason=payload["reason"],
        )
        return {"act": mandates.propose(connection, self._gate, draft, officer, now)}

    def ask(self, connection: Connection, officer: str, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"mandate", "back"}`; give `{"ticket"}` that leads to the draft, to sign it.

        Refuses as `mandates.signable`: nobody reads for signing what they could not sign.
        """
        now = self._now()
        draft, _ = mandates.signable(connection, self._gate, payload["mandate"], officer, now)
        then = Then("mandate_sign", {})
        body, back = statement(draft), payload["back"]
        return {"ticket": approvals.ask(connection, officer, body, back, now, then=then)}

    def sign(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"act": the bytes, "nonce", "response"}`; its entry stands under its own name.

        Refuses FORM_REFUSED (other bytes than the draft's), and as `mandates.sign` and
        `passkey_book.step_up`.
        """
        number, now = str(decode(payload["act"]).get("mandate", "")), self._now()
        draft, _ = mandates.signable(connection, self._gate, number, officer, now)
        body = statement(draft)
        if body != payload["act"]:
            raise ServiceError("FORM_REFUSED")
        digest = sha256(TYPE.encode() + b"\0" + body).digest()
        passkey_book.step_up(
            connection,
            officer,
            digest,
            payload["nonce"],
            payload["response"],
            site=self._site(),
            now=now,
        )
        decision = mandates.sign(connection, self._gate, number, officer, now)
        done = Event(
            time_us=int(now.timestamp() * 1_000_000),
            actor=officer,
            action="mandate_sign",
            outcome=DONE,
            resource=number,
            policies=() if decision is None else decision.policies,
            digest=None if decision is None else decision.digest,
        )
        append(connection, self._log, [done])

    def end(self, connection: Connection, officer: str, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"mandate"}`; give `{"act"}`. Refuses as `mandates.end`."""
        mandates.end(connection, self._gate, payload["mandate"], officer, self._now())
        return {"act": payload["mandate"]}


def _minister(connection: Connection, now: datetime) -> str | None:
    """Return who holds the Minister's function: whose signature the draft is written for."""
    held = function_held
    mine = select(held.c.officer).where(held.c.role == _MINISTER, *in_force(held, now))
    return connection.scalar(mine.order_by(held.c.officer).limit(1))


def _begins(written: str, now: datetime) -> datetime:
    first = _instant(written)
    return now if first is None or first.date() == now.date() else first


def _instant(written: str) -> datetime | None:
    if not written:
        return None
    try:
        return clock.parse(written)
    except ValueError as error:
        raise ServiceError("DAY_MALFORMED", given=written[:20]) from error
