"""The registrar's commands for officers of headquarters: each runs for a signed-in officer.

Payloads are plain maps that name the dispatch or the composition in `dispatch_id`, so that the log
names it too. An answer that rests on a decision has it under `decision`. What is read outside the
database has two commands, `.intend` before and `.end` after (`audit.recorder`).
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import openings
from cipher_service.dispatches.lists import DispatchRecord, dispatch_of
from cipher_service.dispatches.office import compositions, editions, release, routing, trail
from cipher_service.dispatches.office.compositions import DRAFT, Composition, Content
from cipher_service.dispatches.office.entitlement import Ruling, demand
from cipher_service.dispatches.office.parties import PAIR_FROM
from cipher_service.dispatches.reception import Reception
from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.identity.passkey_book import Site
from cipher_service.identity.shared_acts import Signed
from cipher_service.storage.tables.dispatches import addressee, dispatch
from keys.acts import Act
from keys.post_receipts import DECIPHERED, DELIVERED, REFUSED

Answer = dict[str, Any]


class OfficeDesk:
    """What the acts need.

    Args:
        site: who asks security keys for signatures, asked at each of them.
        reception: of the bureau; it signs receipts.
        headquarters: the bureau's post code.
        gate: what decides.
        now: the clock.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        reception: Reception,
        headquarters: str,
        gate: Gate | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._site = site
        self._reception = reception
        self._post = headquarters
        self._gate = gate or Gate()
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "dispatch_save": self.save,
            "dispatch_discard": self.discard,
            "dispatch_withdraw": self.withdraw,
            "dispatch_submit": self.submit,
            "dispatch_redirect": self.redirect,
            "dispatch_review.intend": self.review,
            "dispatch_review.end": self.reviewed,
            "dispatch_prepare": self.prepare,
            "dispatch_propose": self.propose,
            "dispatch_release": self.release,
            "dispatch_urge": self.urge,
            "dispatch_refuse": self.refuse,
            "dispatch_assign": self.assign,
            "dispatch_hand_over": self.hand_over,
            "dispatch_acknowledge": self.acknowledge,
            "dispatch_card": self.card,
            "dispatch_open.intend": self.open,
            "dispatch_open.end": self.opened,
        }

    # --- what is to leave -------------------------------------------------------------------

    def save(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id": id or None, "edition", "content": Content.to_payload()}`.

        Gives `{"dispatch_id", "edition", "decision"}`. Refusals: `compositions.begin`, `save`.
        """
        content, now = Content.from_payload(payload["content"]), self._now()
        known = payload["dispatch_id"]
        if known is None:
            new, ruled = compositions.begin(
                connection, self._gate, officer, self._post, content, now
            )
            return {"dispatch_id": new.composition_id, "edition": 1, "decision": ruled}
        edition, ruled = compositions.save(
            connection, self._gate, officer, known, payload["edition"], content, now
        )
        return {"dispatch_id": known, "edition": edition, "decision": ruled}

    def discard(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"dispatch_id"}`. Refuses NOT_FOUND, NOT_AWAITED."""
        compositions.discard(connection, officer, payload["dispatch_id"], self._now())

    def withdraw(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"dispatch_id"}`. Refuses NOT_FOUND, NOT_AWAITED."""
        compositions.withdraw(connection, officer, payload["dispatch_id"], self._now())

    def submit(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "edition", "to"}`. Refusals: `release.submit`."""
        ruled = release.submit(
            connection,
            self._gate,
            officer,
            payload["dispatch_id"],
            payload["edition"],
            payload["to"],
            self._now(),
        )
        return {"decision": ruled}

    def redirect(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"dispatch_id", "to"}`. Refusals: `release.redirect`."""
        named = (payload["dispatch_id"], payload["to"])
        release.redirect(connection, self._gate, officer, *named, self._now())

    def review(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id"}`; give what is to be unsealed.

        `{"body", "attachments", "refusal", "digest", "edition", "decision", "earlier"}`; what this
        officer refused before is `{"body", "edition", "same_addressees", "same_attachments"}`, or
        None. Refuses NOT_FOUND, NOT_ALLOWED.
        """
        known = compositions.read(connection, payload["dispatch_id"])
        ruled = reviews(connection, self._gate, officer, known, self._now())
        content = known.content
        same = {"body": content.body, "attachments": content.attachments, "refusal": known.refusal}
        earlier = editions.refused(connection, known, officer)
        return {
            **same,
            "digest": known.digest,
            "edition": known.edition,
            "decision": ruled,
            "earlier": None if earlier is None else asdict(earlier),
        }

    def reviewed(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"dispatch_id", "digest", "refused": code or None}`: this edition was shown.

        Its author's own looks are in the log, and are no reading.
        """
        known = compositions.read(connection, payload["dispatch_id"])
        shown = payload.get("refused") is None and payload["digest"] == known.digest
        if shown and officer != known.author:
            trail.note(
                connection,
                known.composition_id,
                trail.OPENED,
                officer,
                self._now(),
                digest=known.digest,
            )

    def prepare(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id"}`; give what the officer's security key is to sign next.

        `{"act": bytes, "kind", "digest": 32 bytes, "nonce": 32 bytes}`. Refusals:
        `release.prepared`, `asked_again`, `prepared_alone`.
        """
        now, number = self._now(), payload["dispatch_id"]
        known = compositions.read(connection, number)
        if known.state == compositions.PROPOSED:
            act, nonce = release.asked_again(connection, officer, number, now)
        elif known.thing(self._gate.scheme).level < PAIR_FROM:
            act, nonce = release.prepared_alone(connection, self._gate, officer, number, now)
        else:
            act, nonce = release.prepared(connection, self._gate, officer, number, now)
        return {"act": act.encoded, "kind": act.kind, "digest": act.digest, "nonce": nonce}

    def urge(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "reason"}`; declare an emergency and give as `prepare`.

        Refusals: `release.urged`.
        """
        act, nonce = release.urged(
            connection,
            self._gate,
            officer,
            payload["dispatch_id"],
            payload["reason"],
            self._now(),
        )
        return {"act": act.encoded, "kind": act.kind, "digest": act.digest, "nonce": nonce}

    def propose(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"dispatch_id", "act": bytes, "nonce", "response", "to"}`.

        Refusals: `release.propose`.
        """
        act, signed = self._act_of(payload), _signed(officer, payload)
        release.propose(
            connection, self._gate, self._site(), act, signed, payload["to"], self._now()
        )

    def release(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "act": bytes, "nonce", "response"}`.

        Refusals: `release.approve`, `release_alone`.
        """
        act, signed, now = self._act_of(payload), _signed(officer, payload), self._now()
        if act.kind == release.ALONE:
            ruled = release.release_alone(connection, self._gate, self._site(), act, signed, now)
        else:
            number = payload["dispatch_id"]
            ruled = release.approve(connection, self._gate, self._site(), number, signed, now)
        return {"decision": ruled}

    def _act_of(self, payload: Answer) -> Act:
        act = Act.parse(payload["act"])
        if act.resource != f"dispatch/{payload['dispatch_id']}":
            raise ServiceError("NOT_FOUND")
        return act

    def refuse(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"dispatch_id", "reason": age ciphertext}`. Refusals: `release.refuse`."""
        named = (payload["dispatch_id"], payload["reason"])
        release.refuse(connection, officer, *named, self._now())

    # --- what came --------------------------------------------------------------------------

    def assign(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "to"}`. Refusals: `routing.assign`."""
        named = (payload["dispatch_id"], payload["to"])
        ruled = routing.assign(connection, self._gate, officer, *named, self._now())
        return {"decision": ruled}

    def hand_over(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "to"}`. Refusals: `routing.hand_over`."""
        named = (payload["dispatch_id"], payload["to"])
        ruled = routing.hand_over(connection, self._gate, officer, *named, self._now())
        return {"decision": ruled}

    def acknowledge(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id"}`. Refuses NOT_FOUND."""
        number = payload["dispatch_id"]
        ruled = routing.acknowledge(connection, self._gate, officer, number, self._now())
        return {"decision": ruled}

    def card(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id"}`; give `{"decision"}`: its card is about to be shown, unopened.

        Refuses NOT_FOUND.
        """
        thing = registers.subject(connection, payload["dispatch_id"])
        return {"decision": demand(connection, self._gate, officer, "list", thing, self._now())}

    def open(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id"}`; give `{"decision"}`: from here on the custodian may be asked.

        Refuses NOT_FOUND, NOT_ALLOWED.
        """
        thing = registers.subject(connection, payload["dispatch_id"])
        if thing.origin != self._post:
            dispatch_of(connection, self._post, thing.identifier)
        return {"decision": demand(connection, self._gate, officer, "read", thing, self._now())}

    def opened(self, connection: Connection, officer: str, payload: Answer) -> Answer | None:
        """Take `{"dispatch_id", "manifest_hash", "subject": age ciphertext, "releasable"}`.

        Or `{"dispatch_id", "refused": code, "told": whether the origin is told}`. What was opened
        is entered in the arrival register and receipted; gives `{"register", "again"}`. Number,
        level and sender are taken from what the origin signed for the register, not from the page.
        Refuses NOT_FOUND, REPLAYED, NUMBER_REUSED, NUMBER_CANCELLED.
        """
        now, number = self._now(), payload["dispatch_id"]
        thing = registers.subject(connection, number)
        ruled = demand(connection, self._gate, officer, "read", thing, now)
        if thing.origin == self._post:
            if payload.get("refused") is None:
                trail.note(connection, number, trail.OPENED, officer, now)
            return {"decision": ruled}
        record = dispatch_of(connection, self._post, number)
        directory = read_directory(connection)
        if payload.get("refused") is not None:
            if payload["told"]:
                reason = payload["refused"]
                self._reception.receipt(connection, record, directory, REFUSED, reason=reason)
            return None
        facts = self._facts(connection, record, payload)
        admission = openings.admit(connection, facts, now)
        manifest_hash = facts.manifest_hash
        self._reception.receipt(connection, record, directory, DELIVERED)
        self._reception.receipt(
            connection, record, directory, DECIPHERED, manifest_hash=manifest_hash
        )
        routing.limit(connection, number, payload["releasable"])
        trail.note(connection, number, trail.OPENED, officer, now)
        again = not admission.created
        return {"register": admission.register, "again": again, "decision": ruled}

    def _facts(
        self, connection: Connection, record: DispatchRecord, payload: Answer
    ) -> openings.Opening:
        row = connection.execute(
            select(
                dispatch.c.origin,
                dispatch.c.origin_card,
                dispatch.c.level,
                addressee.c.epoch,
                addressee.c.number,
            )
            .join(addressee, addressee.c.dispatch == dispatch.c.seq)
            .where(dispatch.c.seq == record.seq, addressee.c.post == self._post)
        ).one()
        return openings.Opening(
            receiver=self._post,
            dispatch_id=record.dispatch_id,
            manifest_hash=payload["manifest_hash"],
            origin=row.origin,
            fingerprint=row.origin_card,
            epoch=row.epoch,
            number=row.number,
            level=row.level,
            subject=payload["subject"],
        )


def reviews(
    connection: Connection, gate: Gate, officer: str, known: Composition, now: datetime
) -> Ruling:
    """Let a composition be looked into. Raises ServiceError NOT_FOUND, NOT_ALLOWED."""
    action = "draft" if known.author == officer and known.state == DRAFT else "read"
    return demand(connection, gate, officer, action, known.thing(gate.scheme), now)


def _signed(officer: str, payload: Answer) -> Signed:
    return Signed(officer, payload["nonce"], payload["response"])
