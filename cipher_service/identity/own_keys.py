"""Officers' own keys: made in the officer's browser, in service once a second person has signed.

    ticket = acts["own_key_begin"](connection, officer, {})        # to the page that makes it
    told = handlers["own_key_offer"](connection, {...})             # what that page made
    ticket = acts["own_key_lost"](connection, officer, {})          # new security keys, no copy
    handlers["own_key_recover"](connection, {...})                  # copies for them
    executors = {KIND: executor()}                                  # the second signature

The key is a hybrid age identity. The service holds its recipient and, for each of at least two
security keys, the identity enciphered under a secret (PRF) that only this security key gives and
that never leaves the page. Shares of it lie with the service, each enciphered to one of its
holders, of whom enough give it back to its officer's new security keys (`own_recovery`). Nothing is
ever addressed to such a key alone: the bureau's custodian, whose own keys are split among holders,
makes a header for it when its officer asks to read.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals, passkey_book
from cipher_service.identity.approvals import Executor
from cipher_service.identity.officer_commands import OfficerDesk, named
from cipher_service.identity.own_recovery import Recovery
from cipher_service.references import new_id
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables.identity import own_key
from keys import canonical
from keys.act_rules import RULES
from keys.acts import Act
from keys.age.bech32 import decode_recipient
from keys.age.hybrid import parse_recipient

KIND: Final = "officer.own-key"
MAKING: Final = "cipher-service/v1 own-key-making"
RECOVERING: Final = "cipher-service/v1 own-key-recovering"
KEYS_LEAST: Final = 2
_REASON: Final = "Clé propre faite dans le navigateur de l’officier"

OFFERED: Final = "offered"
ACCEPTED: Final = "accepted"
REPLACED: Final = "replaced"

_RECIPIENT: Final = re.compile(r"age1pq1[02-9ac-hj-np-z]{1952}")
_COPIES_MOST: Final = 8
_MEMBERS: Final = {"credential": (1, 1023), "salt": (32, 32), "nonce": (12, 12), "box": (64, 256)}
"""Of each wrapped copy, with the bytes that its base64 stands for, least and most."""


class OwnKeyDesk:
    """The registrar's commands about own keys.

    Args:
        now: the clock.
    """

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now

    def handlers(self, officers: OfficerDesk) -> dict[str, Handler]:
        """Return what a signed-in officer asks for, and what the page that makes keys offers."""
        return {
            **officers.guarded({"own_key_begin": self.begin, "own_key_lost": self.lose}),
            "own_key_offer": named(self.offer),
            "own_key_recover": named(self.recover),
        }

    def begin(self, connection: Connection, officer: str, _payload: object) -> str:
        """Give the ticket that leads to the page. Refuses OWN_KEY_ALONE."""
        _require_two(_credentials(connection, officer))
        body = canonical.encode({"type": MAKING, "officer": officer})
        return approvals.ask(connection, officer, body, "/cles", self._now())

    def offer(self, connection: Connection, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"ticket", "recipient": text, "wrapped": canonical JSON, "recovery": the same}`.

        Give `{"officer", "ticket": to where the officer signs for the key}`. Refuses
        TICKET_UNKNOWN, FORM_REFUSED: anything beside what belongs there, the page's secret above
        all. OWN_KEY_ALONE: wrapped for fewer than two of the officer's keys in force.
        OWN_KEY_UNSHARED: without a share for each of at least three holders.
        """
        now = self._now().replace(microsecond=0)
        officer = approvals.take(connection, payload["ticket"], MAKING, now)
        recipient, wrapped = payload["recipient"], payload["wrapped"]
        _require_recipient(recipient)
        _require_two(_named(wrapped) & _credentials(connection, officer))
        recovery = Recovery.parse(payload["recovery"])
        key_id = key_id_of(recipient)
        if connection.scalar(select(own_key.c.key_id).where(own_key.c.key_id == key_id)):
            raise ServiceError("FORM_REFUSED")
        connection.execute(
            own_key.insert().values(
                key_id=key_id,
                officer=officer,
                recipient=recipient,
                wrapped=wrapped,
                recovery=payload["recovery"],
                state=OFFERED,
                offered_at=clock.text(now),
            )
        )
        act = Act(
            id=new_id(now),
            kind=KIND,
            resource=f"officer/{officer}",
            version=_times(connection, officer),
            rank=0,
            parameters={
                "recipient": key_id,
                "threshold": recovery.threshold,
                "holders": recovery.holders,
                "recovery": recovery.digest,
            },
            proposer=officer,
            subjects=(),
            authors=(),
            reason=_REASON,
            not_before=now,
            expires=now + timedelta(seconds=RULES[KIND].seconds),
        )
        ticket = approvals.ask(connection, officer, act.encoded, "/cles", now)
        return {"officer": officer, "ticket": ticket}

    def lose(self, connection: Connection, officer: str, _payload: object) -> str:
        """Give the ticket to where holders give a key back.

        Refuses OWN_KEY_ALONE, OWN_KEY_MISSING.
        """
        _require_two(_credentials(connection, officer))
        _in_service(connection, officer)
        body = canonical.encode({"type": RECOVERING, "officer": officer})
        return approvals.ask(connection, officer, body, "/cles", self._now())

    def recover(self, connection: Connection, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"ticket", "wrapped"}`: copies for keys that have none. Give `{"officer"}`.

        A copy that is there already stays: nobody writes another over it. Refuses TICKET_UNKNOWN,
        FORM_REFUSED, OWN_KEY_ALONE as `offer`; OWN_KEY_MISSING.
        """
        now = self._now().replace(microsecond=0)
        officer = approvals.take(connection, payload["ticket"], RECOVERING, now)
        new, held = _named(payload["wrapped"]), _credentials(connection, officer)
        found = _in_service(connection, officer)
        kept = [copy for copy in canonical.decode(found.wrapped.encode()) if _of(copy) in held]
        known = {_of(copy) for copy in kept}
        if new & known or not new <= held:
            raise ServiceError("FORM_REFUSED")
        _require_two(known | new)
        copies = [*kept, *canonical.decode(payload["wrapped"].encode())]
        connection.execute(
            update(own_key)
            .where(own_key.c.key_id == found.key_id)
            .values(wrapped=canonical.encode(copies).decode())
        )
        return {"officer": officer}


def executor() -> Executor:
    """Return what puts an offered key in service, in the place of the one before."""

    def perform(connection: Connection, act: Act, _by: str, now: datetime) -> None:
        if "recovery" not in act.parameters:  # offered before shares were asked for
            raise ServiceError("OWN_KEY_UNSHARED")
        mine = own_key.c.officer == act.proposer
        for before, after, which in (
            (ACCEPTED, REPLACED, mine),
            (OFFERED, ACCEPTED, own_key.c.key_id == act.parameters["recipient"]),
        ):
            connection.execute(
                update(own_key)
                .where(mine, which, own_key.c.state == before)
                .values(state=after, settled_at=clock.text(now))
            )

    return Executor(lambda connection, act: _times(connection, act.proposer), perform)


def key_id_of(recipient: str) -> str:
    """Return what is signed of an own key: the hexadecimal SHA-256 of its recipient's text."""
    return sha256(recipient.encode()).hexdigest()


def state_of(connection: Connection, officer: str) -> str | None:
    """Return how far an officer's own key has come: accepted, offered, or None."""
    states = set(connection.scalars(select(own_key.c.state).where(own_key.c.officer == officer)))
    return next((each for each in (ACCEPTED, OFFERED) if each in states), None)


def recipient_of(connection: Connection, officer: str) -> bytes | None:
    """Return the recipient in service of an officer, 1,216 raw bytes, or None."""
    found = connection.scalar(
        select(own_key.c.recipient).where(own_key.c.officer == officer, own_key.c.state == ACCEPTED)
    )
    return None if found is None else decode_recipient(found)


def recovery_of(connection: Connection, officer: str) -> Recovery | None:
    """Return the shares of the key in service; None without a key, or for one of before shares."""
    text = connection.scalar(
        select(own_key.c.recovery).where(own_key.c.officer == officer, own_key.c.state == ACCEPTED)
    )
    return None if text is None else Recovery.parse(text)


def uncopied(connection: Connection, officer: str) -> list[str]:
    """Return the officer's security keys in force that have no copy of the key in service."""
    copies = {_of(copy) for copy in key_of(connection, officer)["wrapped"]}
    return sorted(_credentials(connection, officer) - copies)


def key_of(connection: Connection, officer: str) -> dict[str, Any]:
    """Return `{"recipient", "wrapped": the copies that the officer's keys in force can open}`."""
    found = connection.execute(
        select(own_key.c.recipient, own_key.c.wrapped).where(
            own_key.c.officer == officer, own_key.c.state == ACCEPTED
        )
    ).one_or_none()
    if found is None:
        return {"recipient": "", "wrapped": []}
    held = _credentials(connection, officer)
    copies = canonical.decode(found.wrapped.encode())
    known = [copy for copy in copies if _of(copy) in held]
    return {"recipient": found.recipient, "wrapped": known}


def _credentials(connection: Connection, officer: str) -> set[str]:
    keys = passkey_book.keys_of(connection, officer)
    return {key.credential_id for key in keys if key.revoked is None}


def _require_two(credentials: set[str]) -> None:
    if len(credentials) < KEYS_LEAST:
        raise ServiceError("OWN_KEY_ALONE")


def _require_recipient(recipient: str) -> None:
    if _RECIPIENT.fullmatch(recipient) is None:
        raise ServiceError("FORM_REFUSED")
    try:
        parse_recipient(decode_recipient(recipient))
    except ValueError as error:
        raise ServiceError("FORM_REFUSED") from error


def _named(wrapped: str) -> set[str]:
    """Return the credentials for which copies are wrapped, each copy being of the one shape."""
    try:
        copies = canonical.decode(wrapped.encode())
        fits = 0 < len(copies) <= _COPIES_MOST and all(
            set(copy) == set(_MEMBERS)
            and all(
                least <= len(canonical.bytes_from_text(copy[name])) <= most
                for name, (least, most) in _MEMBERS.items()
            )
            for copy in copies
        )
        credentials = {_of(copy) for copy in copies} if fits else set()
    except (ValueError, TypeError, AttributeError) as error:
        raise ServiceError("FORM_REFUSED") from error
    if not credentials:
        raise ServiceError("FORM_REFUSED")
    return credentials


def _of(copy: dict[str, str]) -> str:
    """Return the credential that opens a wrapped copy, hexadecimal."""
    return canonical.bytes_from_text(copy["credential"]).hex()


def _in_service(connection: Connection, officer: str) -> Row[Any, Any]:
    found = connection.execute(
        select(own_key.c.key_id, own_key.c.wrapped).where(
            own_key.c.officer == officer,
            own_key.c.state == ACCEPTED,
            own_key.c.recovery.is_not(None),
        )
    ).one_or_none()
    if found is None:
        raise ServiceError("OWN_KEY_MISSING")
    return found


def _times(connection: Connection, officer: str) -> int:
    """Count the keys that were put in service: each outdates a proposal of before."""
    return int(
        connection.scalar(
            select(func.count())
            .select_from(own_key)
            .where(own_key.c.officer == officer, own_key.c.state != OFFERED)
        )
        or 0
    )
