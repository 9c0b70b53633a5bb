"""Released dispatches leave under an officer's own signature, once the custodian has officers.

    dispatch_depart     numbers and their intent, in one commit; the page makes the manifest of them
    grant_ask           its exact bytes are put before the officer (`granting`)
    sign_manifest       the custodian signs it, by that grant and the proof of this intent
    dispatch_leave      the envelope is handed over, receipted and settled, in one commit

What is cut short between two of them left open numbers, which the next departure or the round
(`departing`) cancels and tells: a dispatch leaves once, and no number is lost.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures
from cipher_service.dispatches.office import compositions, release
from cipher_service.dispatches.office.compositions import LEFT, RELEASED, Composition
from cipher_service.dispatches.office.entitlement import demand
from cipher_service.dispatches.office.outgoing import Outgoing
from cipher_service.dispatches.office.routing import Handling, keep_handling
from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.references import new_id
from cipher_service.storage.tables.compositions import composition
from keys.custody.grants import Grant
from keys.custody.intents import request_digest
from keys.manifest import COPY, Manifest
from keys.slips import Slip

Answer = dict[str, Any]


class SendingDesk:
    """What the acts need.

    Args:
        outgoing: takes numbers and hands envelopes over.
        headquarters: the bureau's post code.
        gate: what decides.
        now: the clock.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        headquarters: str,
        gate: Gate,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._outgoing = outgoing
        self._post = headquarters
        self._gate = gate
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "dispatch_depart": self.depart,
            "dispatch_leave": self.leave,
            "sign_manifest.intend": self.signs,
            "sign_manifest.end": self.ended,
            "sign_slip.intend": self.signs,
            "sign_slip.end": self.ended,
        }

    def depart(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id": of the composition, "digest", "subject": age ciphertext}`.

        Gives `{"departure": new id, "numbers": [[post, epoch, number, previous]], "decision"}`.
        An earlier departure of it that was cut short is cancelled. Refuses NOT_FOUND, NOT_AWAITED,
        NOT_OPENED, NOT_ALLOWED, DRAFT_CHANGED, INTENT_NOT_OPEN (it has left), and as
        `departures.intend`; CARD_NOT_IN_FORCE.
        """
        now = self._now()
        known = release.awaited(connection, officer, payload["dispatch_id"], RELEASED)
        release.require_opened(connection, known, officer)
        ruled = demand(connection, self._gate, officer, "read", known.thing(self._gate.scheme), now)
        if payload["digest"] != known.digest:
            raise ServiceError("DRAFT_CHANGED", edition=known.edition)
        content, directory = known.content, read_directory(connection)
        for post, _role, _way in content.routing:
            directory.card_in_force(post).card.require_in_force(now)
        departures.abandon(connection, known.dispatch_id, now)
        departure = departures.Departure(
            dispatch_id=new_id(now),
            origin=self._post,
            kind=content.kind,
            level=content.level,
            drafter=known.author,
            authority=known.released_by or officer,
            subject=payload["subject"],
            posts=tuple(post for post, _role, _way in content.routing),
        )
        numbers = self._outgoing.intend(connection, departure, directory, now)
        begin(connection, known, departure.dispatch_id)
        return {"departure": departure.dispatch_id, "numbers": numbers, "decision": ruled}

    def leave(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id": of the composition, "slip", "signature", "manifest_hash", "body"}`.

        `body` is the envelope if it is small, else None and the blob store holds it. Gives
        `{"register"}`. Refuses NOT_FOUND, NOT_AWAITED, INTENT_MISMATCH (other than what was
        released), and as `Outgoing.issue`.
        """
        now = self._now()
        known = release.awaited(connection, officer, payload["dispatch_id"], RELEASED)
        slip = Slip.parse(payload["slip"])
        _require_released(slip, known)
        register = self._outgoing.issue(connection, slip, payload, self._post, now)
        compositions.settle(connection, known.composition_id, LEFT, now, assigned="")
        return {"register": register}

    def signs(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id": of the departure, "request"}`; the custodian may be asked now.

        Refuses NOT_FOUND, NOT_AWAITED, NOT_ALLOWED.
        """
        known = departing(connection, officer, payload["dispatch_id"])
        thing = known.thing(self._gate.scheme)
        return {"decision": demand(connection, self._gate, officer, "read", thing, self._now())}

    def ended(self, _connection: Connection, _officer: str, _payload: Any) -> None:
        """Take `{"dispatch_id", "refused": code or None}`: how the act ended."""


def begin(connection: Connection, known: Composition, dispatch_id: str) -> None:
    """Write under which id a composition departs, and who may know of it."""
    content = known.content
    about = Handling(author=known.author, file=content.file, releasable=content.releasable)
    compositions.change(connection, known.composition_id, dispatch_id=dispatch_id)
    keep_handling(connection, dispatch_id, about)


def departing(connection: Connection, officer: str, dispatch_id: str) -> Composition:
    """Return the composition that departs under this id, by this officer.

    Raises:
        ServiceError: NOT_FOUND, NOT_AWAITED.
    """
    book = composition.c
    found = connection.scalar(select(book.composition_id).where(book.dispatch_id == dispatch_id))
    if found is None:
        raise ServiceError("NOT_FOUND")
    return release.awaited(connection, officer, found, RELEASED)


def require_own_departure(
    connection: Connection, officer: str, grant: Grant, manifest: bytes
) -> None:
    """Demand that a grant is to sign the manifest of this officer's departure, and that alone.

    Raises:
        ServiceError: FORM_REFUSED: it is for something else; NOT_FOUND, NOT_AWAITED.
        ManifestMalformed: it is none.
    """
    departing(connection, officer, named_by(grant, manifest))


def named_by(grant: Grant, manifest: bytes) -> str:
    """Return the dispatch whose manifest a grant is to sign, and that alone.

    Raises:
        ServiceError: FORM_REFUSED: it is for something else.
        ManifestMalformed: it is none.
    """
    dispatch_id = Manifest.parse(manifest).id
    named = (request_digest("sign_manifest", manifest), dispatch_id, 1)
    if (grant.request, grant.dispatch, grant.uses) != named:
        raise ServiceError("FORM_REFUSED")
    return dispatch_id


def _require_released(slip: Slip, known: Composition) -> None:
    """Demand that a slip says what was released, and departs under the id chosen last."""
    content = known.content
    to = {(each.post, each.role, each.delivery) for each in slip.addressees if each.role != COPY}
    said = (slip.dispatch_id, slip.kind, slip.level, slip.caveats, to)
    if said != (
        known.dispatch_id, content.kind, content.level, content.caveats, set(content.routing)
    ):  # fmt: skip
        raise ServiceError("INTENT_MISMATCH", dispatch_id=slip.dispatch_id)
