"""An officer announces a bag or its rectification, where dispatches are signed for officers only.

    bag_announce        numbers and their intent, in one commit; the page makes the manifest of them
    grant_ask           its exact bytes are put before the officer, who signs them alone
    sign_manifest       the custodian signs it, by that grant and the proof of this intent
    bag_announced       the envelope is handed over and receipted, and the bag counts as announced

A rectification goes the same way, by `bag_rectified_announce` and `bag_rectified_announced`. What
is cut short between two of them left open numbers, which the next announcement of the same or the
round (`announcing`) cancels and tells: each is announced once, and no number is lost.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures
from cipher_service.dispatches.office.outgoing import Outgoing
from cipher_service.dispatches.office.sending import SendingDesk, named_by, require_own_departure
from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import announcements, carriage
from cipher_service.pouches.announcements import News
from cipher_service.pouches.announcing import KIND, label_of
from cipher_service.pouches.entitlement import PACK
from cipher_service.pouches.office import Office
from cipher_service.pouches.repository import Closing
from cipher_service.references import new_id
from keys.custody.grants import Grant
from keys.manifest import ACTION, COPY
from keys.slips import Slip

Answer = dict[str, Any]


class AnnouncingDesk:
    """What the acts need.

    Args:
        seated: gives the bureau inside a transaction.
        outgoing: takes numbers and hands envelopes over.
        others: judges what the custodian is asked to sign for dispatches of the cipher bureau.
        now: the clock.
    """

    def __init__(
        self,
        seated: Callable[[Connection], Office],
        outgoing: Outgoing,
        others: SendingDesk,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._seated = seated
        self._outgoing = outgoing
        self._others = others
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "bag_announce": self.begin,
            "bag_announced": self.end,
            "bag_rectified_announce": self.begin_rectified,
            "bag_rectified_announced": self.end_rectified,
            "sign_manifest.intend": self.signs,
            "sign_slip.intend": self.signs,
        }

    def begin(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "subject": age ciphertext}`; give `{"departure", "numbers"}`.

        `numbers` are `[post, epoch, number, previous]`. An earlier announcement that was cut short
        is cancelled. Refuses CLOSING_UNKNOWN, NOT_ALLOWED, NOT_SEALED_HERE, BAG_ANNOUNCED, and as
        `departures.intend`; CARD_NOT_IN_FORCE.
        """
        found = self._announcer_s(connection, officer, payload["seal"])
        news = announcements.of_bag(connection, found.seal)
        return self._begin(connection, officer, found, news, payload["subject"])

    def begin_rectified(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "ordinal", "subject"}`; give as `begin`, for a rectification.

        Refuses RECTIFICATION_UNKNOWN, RECTIFICATION_ANNOUNCED, RECTIFICATION_BEFORE_BAG (the bag
        itself was not told), RECTIFICATION_NOT_NEXT (one before it was not), and as `begin`.
        """
        found = self._announcer_s(connection, officer, payload["seal"])
        news = announcements.of_rectification(connection, found.seal, payload["ordinal"])
        return self._begin(connection, officer, found, news, payload["subject"])

    def end(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "slip", "signature", "manifest_hash", "body"}`; give `{"register"}`.

        `body` is the envelope if it is small, else None and the blob store holds it. Refuses as
        `begin`, INTENT_NOT_OPEN (it was begun anew, or by another), INTENT_MISMATCH (other than
        what tells of this bag), and as `Outgoing.issue`.
        """
        found = self._announcer_s(connection, officer, payload["seal"])
        news = announcements.of_bag(connection, found.seal)
        return self._end(connection, officer, found, news, payload)

    def end_rectified(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take the same with `"ordinal"`; give the same. Refuses as `begin_rectified` and `end`."""
        found = self._announcer_s(connection, officer, payload["seal"])
        news = announcements.of_rectification(connection, found.seal, payload["ordinal"])
        return self._end(connection, officer, found, news, payload)

    def signs(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id": of the departure, "request"}`; the custodian may be asked now.

        Refuses as `begin`, INTENT_NOT_OPEN; for every other departure as the cipher bureau does.
        """
        news = announcements.of_departure(connection, payload["dispatch_id"])
        if news is None:
            return self._others.signs(connection, officer, payload)
        self._announcer_s(connection, officer, news.seal)
        news.require_untold()
        _require_drafter(connection, payload["dispatch_id"], officer)
        return {}

    def require_own(
        self, connection: Connection, officer: str, grant: Grant, manifest: bytes
    ) -> None:
        """Demand that a grant is to sign the manifest of this officer's departure, and that alone.

        Raises:
            ServiceError: as `signs` and `sending.require_own_departure`.
        """
        if announcements.of_departure(connection, named_by(grant, manifest)) is None:
            require_own_departure(connection, officer, grant, manifest)
        else:
            self.signs(connection, officer, {"dispatch_id": grant.dispatch})

    def _begin(
        self, connection: Connection, officer: str, found: Closing, news: News, subject: bytes
    ) -> Answer:
        news.require_untold()
        now = self._now()
        directory, post = read_directory(connection), found.route.destination
        directory.card_in_force(post).card.require_in_force(now)
        departures.abandon(connection, news.announcing, now)
        departure = departures.Departure(
            dispatch_id=new_id(now),
            origin=found.route.origin,
            kind=KIND,
            level=label_of(found.bag_class, default_scheme()).level,
            drafter=officer,
            authority=next(each for each in news.pair if each != officer),
            subject=subject,
            posts=(post,),
        )
        numbers = self._outgoing.intend(connection, departure, directory, now)
        news.begin(connection, departure.dispatch_id)
        return {"departure": departure.dispatch_id, "numbers": numbers}

    def _end(
        self, connection: Connection, officer: str, found: Closing, news: News, payload: Answer
    ) -> Answer:
        news.require_untold()
        now, slip = self._now(), Slip.parse(payload["slip"])
        if news.announcing != slip.dispatch_id:
            raise ServiceError("INTENT_NOT_OPEN", dispatch_id=slip.dispatch_id)
        _require_drafter(connection, slip.dispatch_id, officer)
        to = [(each.post, each.role) for each in slip.addressees if each.role != COPY]
        level = label_of(found.bag_class, default_scheme()).level
        if (slip.kind, slip.level, to) != (KIND, level, [(found.route.destination, ACTION)]):
            raise ServiceError("INTENT_MISMATCH", dispatch_id=slip.dispatch_id)
        register = self._outgoing.issue(connection, slip, payload, found.route.origin, now)
        news.end(connection, slip.dispatch_id)
        return {"register": register}

    def _announcer_s(self, connection: Connection, officer: str, seal: str) -> Closing:
        with self._seated(connection).look() as sitting:
            found = carriage.seen(sitting, seal, officer)
            sitting.require(officer, PACK, found)
        return found


def _require_drafter(connection: Connection, dispatch_id: str, officer: str) -> None:
    if departures.begun_by(connection, dispatch_id) != officer:
        raise ServiceError("INTENT_NOT_OPEN", dispatch_id=dispatch_id)
