"""Sync packs: what a post's devices need to judge bags without network, signed and numbered.

    packs = Packs(custodian, directory)
    told = packs.publish(connection, "PARIS", now)      # in the registrar
    body = body_of(connection, "PARIS")                 # in an API process

A post's pack holds the cards of all posts, and of bags only those on whose way the post lies. It is
made anew when something in it changed, or half a day after the last: its age is then never
mistaken for a silence of the ministry. The version is the second of its making, so that it rises
also across a restored backup. The ministry's root signs it, so that the bureau's next card changes
nothing for devices.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.directory.register import Directory, DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.pouches import (
    devices,
    logging_seals,
    outcomes,
    rectifying,
    repository,
    waybills,
)
from cipher_service.pouches.repository import Closing
from cipher_service.pouches.revocations import revoked
from cipher_service.storage.batch import Handler
from keys import canonical
from keys.custody.protocol import Custodian
from keys.errors import KeysError
from keys.signing import Signatures
from pouch.custody import custody_of
from pouch.errors import PackMalformed
from pouch.facts import HandedOver
from pouch.logged import Logged
from pouch.manifest import VALIDITY_MAX
from pouch.pack import Announced, Arrival, Pack, make_pack
from pouch.seal import read_seal

log = logging.getLogger(__name__)

LIFETIME: Final = timedelta(days=7)
RENEWED_AFTER: Final = timedelta(hours=12)
STATEMENT_MOST: Final = 4_000_000
"""What passes to the custodian in one frame; hundreds of cards."""


@dataclass(frozen=True, slots=True)
class Published:
    """A pack that can be fetched: its version, and whether this call made it."""

    version: int
    new: bool


class Packs:
    """Makes packs; lives in the registrar.

    Args:
        custodian: signs them.
        directory: this process's reader.
        now: the clock.
    """

    def __init__(
        self,
        custodian: Custodian,
        directory: DirectoryReader,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._custodian = custodian
        self._directory = directory
        self._now = now

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name."""
        return {"pouch_pack": self.command}

    def command(self, connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        """Take `{"post"}`; give `{"version", "new"}`. Refusals: `publish`."""
        done = self.publish(connection, payload["post"], self._now().replace(microsecond=0))
        return {"version": done.version, "new": done.new}

    def publish(self, connection: Connection, post: str, now: datetime) -> Published:
        """Make the post's pack anew if the last one no longer tells how things stand.

        Raises:
            ServiceError: UNKNOWN_POST; PACK_TOO_LARGE; UNAVAILABLE: there is no pack yet, and
                nothing can be signed now. Later the last one stays, and shows its age.
        """
        directory = self._directory.current(connection)
        directory.post(post)
        told = _told(connection, directory, post, now)
        mark = _mark(directory, told)
        held = outcomes.pack_of(connection, post)
        if held is not None and held.mark == mark:
            age = now - clock.parse(held.issued_at)
            if timedelta() <= age < RENEWED_AFTER:
                return Published(held.version, new=False)
        version = max(int(now.timestamp()), 0 if held is None else held.version + 1)
        pack = Pack(
            version=version,
            issued=now,
            expires=now + LIFETIME,
            cards=tuple(
                card.card
                for card in directory.cards.values()
                if card.state in ("active", "superseded")
            ),
            announced=told.announced,
            arrivals=told.arrivals,
            revoked_seals=told.revoked_seals,
            revoked_cards=told.revoked_cards,
            roots=told.roots,
            recalled=told.recalled,
            checkpoint=told.checkpoint,
            devices=told.devices,
        )
        try:
            body = self._signed(pack)
        except KeysError as error:
            if held is None:
                raise ServiceError("UNAVAILABLE") from error
            log.warning("the sync pack of %s was not renewed: %s", post, error.code)
            return Published(held.version, new=False)
        values = {"version": version, "issued_at": clock.text(now), "mark": mark, "body": body}
        outcomes.replace_pack(connection, post, values)
        return Published(version, new=True)

    def _signed(self, pack: Pack) -> bytes:
        def sign(_context: str, statement: bytes) -> Signatures:
            if len(statement) > STATEMENT_MOST:
                raise ServiceError("PACK_TOO_LARGE")
            return self._custodian.sign_pack(statement)

        try:
            return make_pack(pack, sign=sign)
        except PackMalformed as error:
            raise ServiceError("PACK_TOO_LARGE") from error


def body_of(connection: Connection, post: str) -> bytes:
    """Return a post's newest pack. Raises ServiceError NOT_FOUND."""
    held = outcomes.pack_of(connection, post)
    if held is None:
        raise ServiceError("NOT_FOUND")
    body: bytes = held.body
    return body


@dataclass(frozen=True, slots=True)
class _Told:
    announced: tuple[Announced, ...]
    arrivals: tuple[Arrival, ...]
    revoked_seals: frozenset[str]
    revoked_cards: frozenset[str]
    recalled: frozenset[str]
    roots: dict[int, bytes]
    checkpoint: bytes
    devices: frozenset[str]


def _told(connection: Connection, directory: Directory, post: str, now: datetime) -> _Told:
    """Return what a post's devices may know of the bags that pass it."""
    closings = [
        closing
        for closing in repository.closings_since(connection, now - 2 * VALIDITY_MAX)
        if post in (*closing.route.route.places, directory.headquarters)
    ]
    seals = [closing.seal for closing in closings]
    receipts = outcomes.receipts_of(connection, seals)
    # A recalled bag is awaited at home, wherever it was received before.
    for closing in closings:
        held = receipts.get(closing.seal)
        away = held is not None and held.discharge is None and held.post != closing.route.origin
        if closing.recalled and away:
            del receipts[closing.seal]
    symbols = repository.symbols_of(connection, [seal for seal in seals if seal not in receipts])
    terms = {seal: read_seal(symbol).claims.expires for seal, symbol in symbols.items()}
    void = revoked(connection, closings, received=frozenset(receipts), terms=terms, now=now)
    told = [each for each in closings if each.seal not in receipts and each.seal not in void]
    together = waybills.bags_together(
        connection, sorted({closing.departure for closing in told}), now
    )
    proofs = logging_seals.proofs_of(
        connection, {each.seal: symbols[each.seal] for each in told if each.seal in symbols}
    )
    right = rectifying.last_of(connection, [each.seal for each in told])
    handed = _hand_overs(connection, [each.seal for each in told])
    return _Told(
        announced=tuple(
            replace(
                _announced(closing, together, terms, proofs.by_seal.get(closing.seal)),
                rectified=right.get(closing.seal),
                hand_overs=handed.get(closing.seal, 0),
            )
            for closing in told
        ),
        arrivals=tuple(
            Arrival(seal, row.post, clock.parse(row.granted_at)) for seal, row in receipts.items()
        ),
        revoked_seals=void,
        revoked_cards=frozenset(
            card.fingerprint for card in directory.cards.values() if card.state == "withdrawn"
        ),
        recalled=frozenset(closing.seal for closing in told if closing.recalled),
        roots=proofs.roots,
        checkpoint=proofs.checkpoint,
        devices=devices.in_force(connection),
    )


def _hand_overs(connection: Connection, seals: list[str]) -> dict[str, int]:
    """Return the ordinal of the furthest hand-over of each of these closings that has one."""
    handed = repository.seals_told_of(connection, [HandedOver.kind], seals)
    return {seal: custody_of(repository.events_of(connection, seal)).hand_overs for seal in handed}


def _announced(
    closing: Closing,
    together: Mapping[str, int],
    terms: Mapping[str, datetime],
    logged: Logged | None,
) -> Announced:
    """Announce a sealed bag; those of one departure travel together on one waybill."""
    return Announced(
        seal=closing.seal,
        bag=closing.bag,
        digest=closing.manifest or "",
        seals=closing.seals,
        destination=closing.route.destination,
        packages=together[closing.departure],
        expires=terms.get(closing.seal),
        logged=logged,
    )


def _mark(directory: Directory, told: _Told) -> str:
    made_from = [
        directory.version,
        [
            [
                bag.seal,
                bag.packages,
                None if bag.expires is None else clock.text(bag.expires),
                # Whether, not where: each signed head of the log would make another pack.
                bag.logged is not None,
                None if bag.rectified is None else bag.rectified.hash,
                bag.hand_overs,
            ]
            for bag in told.announced
        ],
        [[each.seal, each.place, clock.text(each.at)] for each in told.arrivals],
        sorted(told.revoked_seals),
        sorted(told.revoked_cards),
        sorted(told.recalled),
        sorted(told.devices),
    ]
    return hashlib.sha256(canonical.encode(made_from)).hexdigest()
