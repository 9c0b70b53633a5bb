"""A pouch bureau for the tests: a ministry with two posts, a route, a bag, seals, real devices."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine

from cipher_service.pouches import makeup, stock
from cipher_service.pouches.commands import PouchDesk
from cipher_service.pouches.custody import judge, keys_in_force
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.storage.batch import Batches, Outcome, Request
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.age.files import encrypt
from pouch.alarms import Route
from pouch.bordereau import commit, digest
from pouch.classes import PRESETS, PROHIBITED
from pouch.events import Event
from pouch.facts import INTACT, HandedOver, Prepared, Received, Sealed
from pouch.manifest import Manifest, Mode
from tests.support import valise
from tests.support.bags import BAG, NONCE, NOON, ROUTE, SEAL, Device, received, signed
from tests.support.ministry import custody

PAIR = ("ABENA", "BIYA-C")
NUMBERS = ("CM-48213", "CM-90177", "CM-11111", "CM-22222", "CM-33333")
OTHER_BAG, OTHER_SEAL = "0" * 21 + "9", "0b" * 16
OUTCOME = dict[str, Any]


def route(code: str = "R-PARIS", legs: Route = ROUTE) -> RouteRecord:
    """A route from the ministry to a post."""
    return RouteRecord(
        code=code,
        origin=legs.places[0],
        destination=legs.places[-1],
        route=legs,
        limits=PRESETS["UN"],
        tolerance_g=100,
        news=timedelta(hours=24),
    )


class Pouches:
    """The bureau with its devices: `desk`, `second` and `courier` are the ministry's.

    Args:
        engine: a database that holds a ministry.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOON
        self.desk, self.second, self.courier, self.paris, self.lome = (
            Device(name) for name in ("desk", "second", "courier", "paris", "lome")
        )
        self.batches = make_batches(engine, lambda: self.now)
        for device, post in (
            (self.desk, "MINREX"),
            (self.second, "MINREX"),
            (self.courier, "MINREX"),
            (self.paris, "PARIS"),
            (self.lome, "LOME"),
        ):
            self.enrol(device, post)
        with unit_of_work(engine) as connection:
            makeup.add_route(connection, route())
            self.depart(connection, "D-1")
            for bag in (BAG, OTHER_BAG):
                makeup.add_bag(connection, bag, place="MINREX", now=NOON)
            stock.take_in(
                connection,
                NUMBERS,
                place="MINREX",
                sort="plastic",
                strength="S",
                officers=PAIR,
                now=NOON,
            )
            stock.issue(connection, len(NUMBERS), place="MINREX", officers=PAIR, now=NOON)

    def depart(self, connection: Connection, departure: str, mode: Mode = Mode.COURIER) -> None:
        """Another departure to Paris, a day later."""
        makeup.add_departure(
            connection,
            departure,
            route="R-PARIS",
            mode=mode,
            cut_off=NOON + timedelta(hours=10),
            departs=NOON + timedelta(days=1),
            due=NOON + timedelta(days=2),
        )

    def enrol(self, device: Device, post: str) -> None:
        self.run("pouch_device", {"post": post, "ed25519": device.public})

    def ask(self, command: str, payload: OUTCOME) -> Outcome:
        """Run one command in a transaction of its own, as the registrar does."""
        (outcome,) = self.batches.run([Request(command, payload)])
        return outcome

    def run(self, command: str, payload: OUTCOME) -> Any:
        """Run one command that is not refused."""
        outcome = self.ask(command, payload)
        assert outcome.refusal is None, outcome.refusal
        return outcome.result

    def refused(self, command: str, payload: OUTCOME) -> str:
        """Run one command that is refused; the code."""
        refusal = self.ask(command, payload).refusal
        assert refusal is not None
        return refusal.code

    def signed(self, event: Event) -> bytes:
        """The event's file, by the devices that it names."""
        known = {device.id: device for device in vars(self).values() if isinstance(device, Device)}
        names = [event.device, *([event.witness.device] if event.witness else [])]
        return signed(event, *(known[name] for name in names))

    def payload(self, caller: str, *files: bytes, **clock: str) -> OUTCOME:
        """The payload of `pouch_events`: judged as an API process judges."""
        with reading(self.engine) as connection:
            keys = keys_in_force(connection)
        judged = [judge(data, keys) for data in files]
        return {
            "caller": caller,
            "events": [[each.body, each.refusal] for each in judged],
            "device": clock.get("device"),
            "clock": clock.get("clock"),
        }

    def bring(self, caller: str, *events: Event, **clock: str) -> list[OUTCOME]:
        """What a post brings, and the answers."""
        files = [self.signed(event) for event in events]
        answers: list[OUTCOME] = self.run("pouch_events", self.payload(caller, *files, **clock))
        return answers

    def begin(self, bag: str = BAG, seal: str = SEAL, bag_class: str = "SECRET") -> OUTCOME:
        """The payload that begins a make-up."""
        event = self.desk.tell(Prepared(), officer="ABENA", bag=bag, seal=seal)
        return {
            "caller": "MINREX",
            "event": self.signed(event),
            "departure": "D-1",
            "bag_class": bag_class,
        }

    def line(self, manifest: Manifest, number: int, seal: str = SEAL) -> OUTCOME:
        """The payload that adds a line of a manifest, enciphered to the bureau's card."""
        item = manifest.items[number - 1]
        _, leaves = commit(manifest)
        text = canonical.encode({"register": item.register, "addressee": item.addressee})
        return {
            "caller": "MINREX",
            "seal": seal,
            "officer": "ABENA",
            "line": {
                "line": number,
                "commitment": leaves[number - 1],
                "level": item.level,
                "quantity": item.quantity,
                "weight_g": item.weight_g,
                "body": encrypt(text, [custody().card().recipient]),
            },
        }

    def sealing(
        self,
        manifest: Manifest,
        numbers: tuple[str, ...] = NUMBERS[:2],
        bag: str = BAG,
        seal: str = SEAL,
        weight_g: int = 7400,
    ) -> OUTCOME:
        """The payload that closes a bag."""
        event = self.desk.tell(
            Sealed(manifest=digest(manifest).hex(), seals=numbers, weight_g=weight_g),
            officer="ABENA",
            minutes=10,
            witness=(self.second, "BIYA-C"),
            bag=bag,
            seal=seal,
        )
        head, _ = commit(manifest)
        return {
            "caller": "MINREX",
            "event": self.signed(event),
            "head": head,
            "nonce_sha256": sha256(bytes.fromhex(NONCE)).hexdigest(),
            "certifier": "MBARGA.J",
            "absent": sorted(PROHIBITED),
        }

    def closed(
        self,
        lines: int = 2,
        numbers: tuple[str, ...] = NUMBERS[:2],
        bag: str = BAG,
        seal: str = SEAL,
    ) -> Manifest:
        """Make a bag up and close it."""
        manifest = valise.manifest(lines, bag=bag, seal=seal, seals=numbers)
        self.run("pouch_begin", self.begin(bag, seal))
        for number in range(1, lines + 1):
            self.run("pouch_line", self.line(manifest, number, seal))
        assert self.run("pouch_seal", self.sealing(manifest, numbers, bag, seal)) is True
        return manifest

    def journey(self, seal: str = SEAL, bag: str = BAG) -> list[Event]:
        """Two hand-overs, told by the desk and the courier."""
        return [
            self.desk.tell(
                HandedOver(ordinal=1, condition=INTACT),
                officer="ABENA",
                minutes=20,
                witness=(self.courier, "KOUR"),
                seal=seal,
                bag=bag,
            ),
            self.courier.tell(
                HandedOver(ordinal=2, condition=INTACT),
                officer="KOUR",
                place="PARIS",
                minutes=560,
                witness=(self.paris, "PAUL"),
                seal=seal,
                bag=bag,
            ),
        ]

    def arrival(
        self,
        device: Device | None = None,
        place: str = "PARIS",
        facts: Received | None = None,
        minutes: int = 570,
        seal: str = SEAL,
        bag: str = BAG,
    ) -> Event:
        """A receipt."""
        return (device or self.paris).tell(
            facts or received(),
            officer="PAUL",
            place=place,
            minutes=minutes,
            seal=seal,
            bag=bag,
        )


def make_batches(engine: Engine, now: Any) -> Batches:
    """What the registrar runs, with the pouch commands alone."""
    return Batches(engine, PouchDesk(now=now).handlers(), lambda _connection, _outcomes: None)
