"""The desks of headquarters: two devices whose keys the custodian holds.

An act of two persons carries the signatures of two devices. At a post these are two telephones; at
headquarters the officers are known to the service, which has the custodian sign for two desks. A
desk's numbering goes on in the transaction that records its event, so it never forks.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from cipher_service.pouches import custody, devices, repository
from keys.custody import Custodian
from keys.devices import device_id
from keys.signing import ED25519_PUBLIC_BYTES
from pouch.custody import custody_of, require_next
from pouch.events import Event, Witness, sign_event
from pouch.facts import Facts


class Desks:
    """The two desks of one post.

    Args:
        custodian: holds their keys.
        post: code of headquarters.
    """

    def __init__(self, custodian: Custodian, post: str) -> None:
        self._custodian = custodian
        self._post = post

    def sign(
        self,
        connection: Connection,
        facts: Facts,
        *,
        bag: str,
        seal: str,
        officer: str,
        second: str | None,
        now: datetime,
        place: str | None = None,
    ) -> tuple[Event, bytes]:
        """Make the next event of the first desk; it is not on record yet.

        Args:
            connection: inside a unit of work.
            facts: what happened.
            bag: 22 digits.
            seal: the closing.
            officer: who acts.
            second: the other person, for whom the second desk signs.
            now: whole seconds.
            place: where; headquarters unless given.

        Raises:
            StepForbidden, BagLost, BagRecalled: the act does not follow what happened so far.
            EventMalformed: a value is not as it must be.
        """
        require_next(custody_of(repository.events_of(connection, seal)), facts.kind)
        first, other = self._in_service(connection, now)
        before = repository.last_of_device(connection, first)
        event = Event(
            device=first,
            counter=1 if before is None else before.counter + 1,
            previous=None if before is None else before.event_id,
            bag=bag,
            seal=seal,
            at=now,
            place=place or self._post,
            officer=officer,
            witness=None if second is None else Witness(other, second),
            facts=facts,
        )
        return event, self._signed(event)

    def tell(
        self,
        connection: Connection,
        facts: Facts,
        *,
        bag: str,
        seal: str,
        officer: str,
        second: str | None = None,
        now: datetime,
        place: str | None = None,
    ) -> Event:
        """Make the next event and record it with what follows from it. Refusals as `sign`."""
        event, body = self.sign(
            connection,
            facts,
            bag=bag,
            seal=seal,
            officer=officer,
            second=second,
            now=now,
            place=place,
        )
        custody.keep(connection, event, body, caller=self._post, now=now)
        return event

    def _signed(self, event: Event) -> bytes:
        """Have the desks that an event names sign it."""

        def by(device: str) -> Callable[[bytes], bytes]:
            return partial(self._custodian.sign_event, device.encode())

        witness = event.witness
        return sign_event(event, by(event.device), None if witness is None else by(witness.device))

    def _in_service(self, connection: Connection, now: datetime) -> tuple[str, str]:
        keys = self._custodian.desk_keys()
        pair = keys[:ED25519_PUBLIC_BYTES], keys[ED25519_PUBLIC_BYTES:]
        first, other = (device_id(key) for key in pair)
        for device, key in zip((first, other), pair, strict=True):
            if repository.device_of(connection, device) is None:
                devices.enrol(connection, self._post, key, now)
        return first, other
