"""Headquarters' pouch bureau for tests: officers in the books, a route, a bag, seals, a clock."""

from copy import copy
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

from sqlalchemy import Engine

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Identity, Window
from cipher_service.pouches import closing, packing, planning, seal_store
from cipher_service.pouches.closing import Closure
from cipher_service.pouches.handing_in import Piece
from cipher_service.pouches.office import Office
from cipher_service.pouches.planning import Timetable
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.pouches.signing import Kept
from cipher_service.pouches.waybills import Carriage
from cipher_service.storage.unit_of_work import unit_of_work
from pouch.alarms import Leg, Route
from pouch.classes import PRESETS, PROHIBITED
from pouch.manifest import BagClass, Carrier, ItemKind, Mode
from tests.support.ministry import HEADQUARTERS, Ministry, custody

PIECE = Piece(
    destination="PARIS",
    register="2026/000412",
    sender="Direction des Nations unies",
    addressee="Chancellerie",
    kind=ItemKind.LETTER,
    level="CONFIDENTIEL",
    quantity=1,
    weight_g=240,
    enclosure="ENV-0412",
)
ABSENT = frozenset(PROHIBITED)


class PouchBureau:
    """The bureau, its officers by a short name, and what it works with."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.ministry = Ministry(engine, folder)
        self.now = clock.now().replace(microsecond=0)
        self._sit(engine)
        self.chief = self.person("CHIEF-POUCH")
        self.agent = self.person("POUCH-AGENT")
        self.second = self.person("POUCH-AGENT")
        self.courier = self.person("COURIER")
        planning.add_route(self.office, route(), by=self.chief)
        self.departure, *_ = (
            each.departure
            for each in planning.plan(self.office, timetable("R-PARIS"), 2, by=self.chief)
        )
        self.bag = planning.add_bag(self.office, by=self.chief)
        numbers = [f"MX-{number:06d}" for number in range(100, 108)]
        pair = {"by": self.chief, "second": self.agent}
        seal_store.take_in(self.office, numbers, sort="plastic", strength="S", **pair)
        self.seals = seal_store.issue(self.office, 4, **pair)

    def on(self, engine: Engine) -> "PouchBureau":
        """The same bureau on a copy of its database."""
        other = copy(self)
        other._sit(engine)
        return other

    def _sit(self, engine: Engine) -> None:
        self.engine = engine
        self.ministry = self.ministry.on(engine)
        self.office = Office(
            engine,
            custody(),
            HEADQUARTERS,
            Journal(engine, "log.example/office", "account/tests"),
            now=lambda: self.now,
        )

    def person(
        self, role: str, level: str = "SECRET", post: str = HEADQUARTERS, days: int = 300
    ) -> str:
        """An officer with a function and an habilitation."""
        window = Window(self.now - timedelta(days=1), self.now + timedelta(days=days))
        identity = Identity(f"Agent {role}", "CAE", date(2015, 1, 1), date(2005, 1, 1), None, post)
        with unit_of_work(self.engine) as connection:
            officer = officers.add(connection, identity, self.now)
            officers.assign(connection, officer, role, window, act="DEC", by=None)
            authorisations.habilitate(
                connection,
                officer,
                Clearance(level, (), window, window.ends or self.now),
                act="H",
                proposer=None,
                grantor=None,
                now=self.now,
            )
        return officer

    def entrust(self, packages: int = 1) -> None:
        """Write the departure's waybill."""
        planning.entrust(
            self.office, self.departure, carriage(packages, self.courier), by=self.chief
        )

    def packed(self, pieces: int = 2, bag: str | None = None) -> str:
        """A bag that is made up by `agent` and not closed; the identifier of its closing."""
        seal = packing.begin(
            self.office, self.departure, bag or self.bag, BagClass.SECRET, by=self.agent
        )
        for number in range(pieces):
            piece = replace(PIECE, register=f"2026/{number + 500:06d}")
            stuck = packing.hand_in(self.office, piece, by=self.agent)
            packing.scan(self.office, seal, stuck, by=self.agent)
        return seal

    def closure(self, *seals: str) -> Closure:
        return Closure(seals or self.seals[:2], 7400, self.chief, ABSENT)

    def closed(self, pieces: int = 2, bag: str | None = None, *seals: str) -> Kept:
        """A bag that two persons closed."""
        seal = self.packed(pieces, bag)
        return closing.close(
            self.office, seal, self.closure(*seals), by=self.chief, second=self.second
        )


def route(code: str = "R-PARIS", origin: str = HEADQUARTERS, to: str = "PARIS") -> RouteRecord:
    legs = Route(
        (
            Leg(origin, "NSI", timedelta(minutes=40)),
            Leg("NSI", "CDG", timedelta(hours=6)),
            Leg("CDG", to, timedelta(minutes=30)),
        )
    )
    return RouteRecord(code, origin, to, legs, PRESETS["UN"], 100, timedelta(hours=24))


def timetable(code: str) -> Timetable:
    """Every day at nine in the evening, hand-in until the eve at ten."""
    return Timetable(
        route=code,
        mode=Mode.COURIER,
        days=frozenset(range(7)),
        at=time(21, 0),
        cut_off=timedelta(hours=2),
        takes=timedelta(hours=9),
    )


def carriage(packages: int, courier: str | None) -> Carriage:
    return Carriage(
        number="LC 2026-0117",
        consignee="Monsieur l'Ambassadeur",
        packages=packages,
        carrier=Carrier("NDONGO Paul", "Courrier diplomatique", "DP 004417", "SU 271"),
        itinerary=("Bruxelles",),
        courier=courier,
    )
