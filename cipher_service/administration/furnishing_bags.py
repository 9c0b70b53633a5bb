"""The demonstration's pouch bureau at work: seals, departures, bags in make-up, under way and late.

What happened days ago is told by the bureau's own clock, set back: the acts are those of `pouch`,
and each is judged by the rights that its officers held at that hour. The log has their true hour.
"""

from contextlib import closing as ending
from dataclasses import dataclass, replace
from datetime import time, timedelta

from cipher_service import clock
from cipher_service.administration.bureau import bureau_of
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    installation_at,
    journal_of,
)
from cipher_service.administration.officer_keys import AtHand, keys_of
from cipher_service.administration.stage import Stage
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import (
    announcing,
    carriage,
    closing,
    mishaps,
    packing,
    planning,
    seal_store,
)
from cipher_service.pouches.closing import Closure
from cipher_service.pouches.handing_in import Piece
from cipher_service.pouches.office import Office
from cipher_service.pouches.planning import Timetable
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.pouches.waybills import Carriage
from keys.custody import Custodian
from pouch.alarms import Leg, Route
from pouch.classes import PRESETS, PROHIBITED
from pouch.facts import INTACT
from pouch.manifest import BagClass, Carrier, ItemKind, Mode

_DAY = timedelta(days=1)
_LATE, _ON_ITS_WAY = 4 * _DAY, 2 * _DAY
"""How long ago the late bag and the one under way were made up."""
_TODAY = timedelta(hours=3)
_SEALS = tuple(f"MX-{number:06d}" for number in range(100, 124))


class _Hands:
    """Officers who each have their security key in hand."""

    def __init__(
        self, there: Demonstration, installation: Installation, custodian: Custodian
    ) -> None:
        self._there = there
        self._installation = installation
        self._custodian = custodian
        self._held: dict[str, AtHand] = {}

    def of(self, officer: str) -> AtHand:
        """Return an officer with their key."""
        if officer not in self._held:
            self._held[officer] = AtHand(self._custodian, officer, keys_of(self._there))
        return self._held[officer]

    def asking(self, officer: str, witness: str | None = None) -> Custodian:
        """Return the custodian as an officer asks it, and another for what two must grant."""
        return WarrantedCustodian(
            self._custodian,
            self._installation.engine,
            self._installation.settings.log_origin,
            journal_of(self._installation).actor,
            self.of(officer),
            None if witness is None else self.of(witness),
        )

    def close(self) -> None:
        """End what they granted."""
        for each in self._held.values():
            each.close()


@dataclass(frozen=True, slots=True)
class _Persons:
    chief: str
    agent: str
    second: str
    courier: str
    hands: _Hands


def furnish_bags(on: Stage, posts: tuple[str, ...], there: Demonstration) -> None:
    """Keep seals, seal two bags, let one be late and detained, and leave one in make-up.

    Args:
        on: the running ministry.
        posts: two of its posts at least: the late bag goes to the first, the other to the second.
        there: the officers, who grant what the custodian is asked.
    """
    with (
        installation_at(on.settings) as installation,
        custodian_of(on.settings) as custodian,
        ending(_Hands(there, installation, custodian)) as hands,
    ):
        who = _Persons(
            chief=there.holder("CHIEF-POUCH"),
            agent=there.holder("POUCH-AGENT"),
            second=there.holder("CHIEF-CIPHER-POUCH"),
            courier=there.holder("COURIER"),
            hands=hands,
        )
        office = Office(
            installation.engine,
            hands.asking(who.chief, who.second),
            on.settings.headquarters,
            journal_of(installation),
        )
        long_ago = replace(office, now=lambda: clock.now() - _LATE)
        lately = replace(office, now=lambda: clock.now() - _ON_ITS_WAY)
        today = replace(office, now=lambda: clock.now() - _TODAY)
        pair = {"by": who.chief, "second": who.agent}
        seal_store.take_in(long_ago, _SEALS, sort="plastic", strength="S", **pair)
        seals = seal_store.issue(long_ago, 6, **pair)
        for post in posts[:2]:
            planning.add_route(long_ago, _route(office.post, post), by=who.chief)
        late = _depart(long_ago, posts[0], timedelta(hours=9), who)
        seal = _seal(long_ago, late, posts[0], seals[:2], who)
        carriage.hand_over(long_ago, seal, by=who.chief, to=who.courier, condition=INTACT)
        mishaps.report(lately, seal, "bag-detained", by=who.courier)
        sent = _depart(lately, posts[1], 3 * _DAY, who)
        under_way = _seal(lately, sent, posts[1], seals[2:4], who)
        carriage.hand_over(today, under_way, by=who.chief, to=who.courier, condition=INTACT)
        with bureau_of(installation, lambda _custodian: hands.of(who.second)) as bureau:
            own = replace(office, custodian=hands.asking(who.second))
            for each in (seal, under_way):
                announcing.announce(own, bureau, each, by=who.second, authority=who.chief)
        planning.add_bag(office, by=who.chief)
        coming = _depart(office, posts[1], 2 * _DAY, who)
        _pack(office, coming, posts[1], who)
        packing.hand_in(office, _piece(posts[1], 3), by=who.agent)


def _route(home: str, post: str) -> RouteRecord:
    legs = Route(
        (
            Leg(home, "NSI", timedelta(minutes=40)),
            Leg("NSI", "CDG", timedelta(hours=6)),
            Leg("CDG", post, timedelta(hours=1)),
        )
    )
    return RouteRecord(f"R-{post}", home, post, legs, PRESETS["UN"], 100, timedelta(hours=24))


def _depart(office: Office, post: str, takes: timedelta, who: _Persons) -> str:
    """Plan one departure, the first whose hand-in is still open, and entrust it to the courier."""
    nearest = (office.now() + 2 * _DAY).weekday()
    table = Timetable(
        route=f"R-{post}",
        mode=Mode.COURIER,
        days=frozenset({nearest}),
        at=time(21, 0),
        cut_off=timedelta(hours=2),
        takes=takes,
    )
    made = planning.plan(office, table, 1, by=who.chief)[0].departure
    carrier = Carrier("NDONGO Paul", "Courrier diplomatique", "DP 004417", "SU 271")
    letter = Carriage(
        number="LC 2026-0117",
        consignee="Monsieur l'Ambassadeur",
        packages=1,
        carrier=carrier,
        itinerary=("Paris CDG",),
        courier=who.courier,
    )
    planning.entrust(office, made, letter, by=who.chief)
    return made


def _piece(post: str, number: int) -> Piece:
    return Piece(
        destination=post,
        register=f"2026/{number + 411:06d}",
        sender="Direction des Nations unies",
        addressee="Chancellerie",
        kind=ItemKind.LETTER,
        level="CONFIDENTIEL",
        quantity=1,
        weight_g=240,
        enclosure=f"ENV-{number + 411:04d}",
    )


def _pack(office: Office, departure: str, post: str, who: _Persons) -> str:
    bag = planning.add_bag(office, by=who.chief)
    own = replace(office, custodian=who.hands.asking(who.agent))
    seal = packing.begin(own, departure, bag, BagClass.SECRET, by=who.agent)
    for number in (1, 2):
        stuck = packing.hand_in(own, _piece(post, number), by=who.agent)
        packing.scan(own, seal, stuck, by=who.agent)
    return seal


def _seal(office: Office, departure: str, post: str, seals: tuple[str, ...], who: _Persons) -> str:
    """Make a bag up and close it by two persons."""
    seal = _pack(office, departure, post, who)
    closure = Closure(seals, 2400, who.chief, frozenset(PROHIBITED))
    closing.close(office, seal, closure, by=who.chief, second=who.second)
    return seal
