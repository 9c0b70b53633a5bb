"""Bags of headquarters' own bureau in the running service: one on its way, one that is made up."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage
from cipher_service.audit.journal import Journal
from cipher_service.pouches import carriage, closing, packing, planning, seal_store
from cipher_service.pouches.closing import Closure
from cipher_service.pouches.office import Office
from cipher_service.storage.engine import open_existing
from pouch.facts import INTACT
from pouch.manifest import BagClass
from tests.console.sealed_bags import number_of
from tests.support.office import ABSENT, PIECE, route, timetable
from tests.support.office import carriage as waybill


@dataclass(frozen=True)
class Bags:
    """One bag on its way, with the courier, and one that is made up."""

    seal: str
    open: str


@contextmanager
def bureau_bags(ministry: Stage) -> Iterator[Bags]:
    """Make both on a route of their own."""
    engine = open_existing(ministry.settings.database)
    by = {role: number_of(ministry, role) for role in ("CHIEF-POUCH", "POUCH-AGENT", "COURIER")}
    chief, agent, second = (
        by["CHIEF-POUCH"],
        by["POUCH-AGENT"],
        number_of(ministry, "CHIEF-CIPHER-POUCH"),
    )
    mark = secrets.token_hex(4).upper()
    with custodian_of(ministry.settings) as custodian:
        journal = Journal(engine, ministry.settings.log_origin, "account/tests")
        office = Office(engine, custodian, ministry.settings.headquarters, journal)
        planning.add_route(office, route(f"R-{mark}"), by=chief)
        first, *_ = planning.plan(office, timetable(f"R-{mark}"), 2, by=chief)
        planning.entrust(office, first.departure, waybill(1, by["COURIER"]), by=chief)
        stocked = [f"MX-{mark}{number}" for number in range(2)]
        pair = {"by": chief, "second": agent}
        seal_store.take_in(office, stocked, sort="plastic", strength="S", **pair)
        numbers = seal_store.issue(office, 2, **pair)  # by lot, also from what others left in stock

        def packed() -> str:
            bag = planning.add_bag(office, by=chief)
            seal = packing.begin(office, first.departure, bag, BagClass.SECRET, by=agent)
            packing.scan(office, seal, packing.hand_in(office, PIECE, by=agent), by=agent)
            return seal

        seal = packed()
        closure = Closure(numbers, 1500, chief, ABSENT)
        closing.close(office, seal, closure, by=chief, second=second)
        carriage.hand_over(office, seal, by=chief, to=by["COURIER"], condition=INTACT)
        yield Bags(seal, packed())
    engine.dispose()
