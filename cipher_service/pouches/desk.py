"""The desks of headquarters: two devices whose keys the custodian holds.

An act of two persons carries the signatures of two devices. At a post these are two telephones; at
headquarters the officers are known to the service, which has the custodian sign for two desks. A
desk's numbering goes on in the transaction that records its event, so it never forks.

The custodian's terminal may put other keys there while everything runs. The next event takes the
new desks into service; what the old ones told stays, and what is told in their name afterwards, by
whoever stole their keys, is an unknown device's. A custodian whose store was put back from before
that has the old ones again: they tell nothing here until others are put there.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import permutations

from sqlalchemy import Connection

from cipher_service.errors import ServiceError
from cipher_service.pouches import custody, device_book, devices, repository
from keys.custody import Custodian
from keys.custody.book import Book
from keys.custody.errors import EventNotOfDesk
from keys.custody.lasting import DESKS_KEY, fingerprint_of
from keys.devices import device_id
from keys.lifecycle import ACTIVE, COMPROMISED, DESTROYED
from keys.signing import ED25519_PUBLIC_BYTES
from pouch.custody import custody_of, require_next
from pouch.events import Event, Witness, sign_event
from pouch.facts import Facts


def retire_desks(connection: Connection, custodian: Custodian, now: datetime) -> None:
    """End every pair of desks that the custodian ended: superseded, or called compromised.

    The custodian's book names a pair by the hash of both keys, in their order.
    """
    post = custodian.card().post
    ended = {
        each.fingerprint
        for each in Book.parse(custodian.key_versions()).of(f"{DESKS_KEY}/{post}")
        if each.state in {COMPROMISED, DESTROYED}
    }
    active = [
        (each.device_id, each.ed25519)
        for each in device_book.devices(connection)
        if each.post == post and each.state == custody.ACTIVE
    ]
    for (first, key), (other, beside) in permutations(active, 2):
        if fingerprint_of(key + beside) in ended:
            for device in (first, other):
                devices.revoke(connection, post, device, now)


def take_in(
    connection: Connection, custodian: Custodian, post: str, now: datetime
) -> tuple[bytes, bytes]:
    """Take the custodian's desks into service, if they are not; return their keys."""
    pair = _pair(custodian)
    if device_book.device_of(connection, device_id(pair[0])) is None:
        for key in pair:
            devices.enrol(connection, post, key, now)
        retire_desks(connection, custodian, now)
    return pair


def are_retired(connection: Connection, custodian: Custodian) -> bool:
    """Tell whether the books ended the desks that the custodian would have sign now.

    So it is once the custodian's store was put back as it was before other desks sat there. Desks
    that the custodian itself ended are no matter of the books: it signs nothing by them.
    """
    return _are_retired(connection, custodian, _pair(custodian))


def _are_retired(connection: Connection, custodian: Custodian, pair: tuple[bytes, bytes]) -> bool:
    known = [device_book.device_of(connection, device_id(key)) for key in pair]
    if all(each is None or each.state == custody.ACTIVE for each in known):
        return False
    book = Book.parse(custodian.key_versions()).of(f"{DESKS_KEY}/{custodian.card().post}")
    said = {each.fingerprint: each.state for each in book}
    return said.get(fingerprint_of(b"".join(pair)), ACTIVE) == ACTIVE


def _pair(custodian: Custodian) -> tuple[bytes, bytes]:
    keys = custodian.desk_keys()
    return keys[:ED25519_PUBLIC_BYTES], keys[ED25519_PUBLIC_BYTES:]


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
            ServiceError: DESKS_RETIRED: the books ended the desks that would sign.
        """
        require_next(custody_of(repository.events_of(connection, seal)), facts.kind)

        def made() -> tuple[Event, bytes]:
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

        try:
            return made()
        except EventNotOfDesk:  # other keys were put there between asking for them and using them
            return made()

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
        pair = take_in(connection, self._custodian, self._post, now)
        if _are_retired(connection, self._custodian, pair):
            raise ServiceError("DESKS_RETIRED", key=f"{DESKS_KEY}/{self._post}")
        return device_id(pair[0]), device_id(pair[1])
