"""A pouch bureau in the running service, and a post that makes up bags of its own."""

import json
import secrets
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import httpx

from cipher_service import clock
from cipher_service.directory import authorisations, enrolment, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Identity, Window
from cipher_service.pouches import makeup, stock
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.storage.engine import open_engine
from keys import canonical
from keys.age.files import encrypt
from pouch.alarms import Leg, Route
from pouch.bordereau import commit, digest
from pouch.classes import PRESETS, PROHIBITED
from pouch.empties_notice import EmptiesNotice, make_notice
from pouch.events import Event
from pouch.facts import Opened, Prepared, Sealed
from pouch.manifest import Mode
from pouch.seal import claims_of, make_seal
from tests.support import valise
from tests.support.bags import NONCE, Device, received
from tests.support.ministry import HEADQUARTERS, PostKeys
from tests.support.pouches import PAIR, Pouches
from tests.surfaces.api.live import Post, Service


def bureau(service: Service) -> Pouches:
    """The bureau of a service; the same for every test."""
    held: Pouches | None = getattr(service, "pouches", None)
    if held is None:
        engine = open_engine(service.settings.database)
        service.lent.callback(engine.dispose)
        held = Pouches(engine)
        service.pouches = held  # type: ignore[attr-defined]  # kept as long as the service runs
    return held


def fresh() -> Device:
    """A device with a key of its own."""
    return Device(secrets.token_hex(4))


def filed(
    post: Post, documents: list[dict[str, Any]], clock: dict[str, str] | None = None
) -> httpx.Response:
    """What a post's client sends when a device is emptied."""
    return post.call("POST", "/v1/pouches/events", json={"clock": clock, "events": documents})


def machine(service: Service) -> Post:
    """The machine at headquarters' counter; the same for every test."""
    held: Post | None = getattr(service, "machine", None)
    if held is None:
        held = Post(service, PostKeys(HEADQUARTERS))
        with service.administration() as connection:
            enrolment.connect(connection, HEADQUARTERS, held.own.api_key)
        service.machine = held  # type: ignore[attr-defined]  # kept as long as the service runs
    held.held_token = None  # a token lives five minutes, less than the tests on one service
    return held


def agent(service: Service) -> str:
    """An officer of the pouch bureau, in whose name the machine acts."""
    now = clock.now().replace(microsecond=0)
    window = Window(now - timedelta(days=1), now + timedelta(days=300))
    born, since = date(2005, 1, 1), date(2015, 1, 1)
    identity = Identity("Agent de la valise", "SA", since, born, None, HEADQUARTERS)
    with service.administration() as connection:
        officer = officers.add(connection, identity, now)
        officers.assign(connection, officer, "POUCH-AGENT", window, act="DEC", by=None)
        authorisations.habilitate(
            connection,
            officer,
            Clearance("SECRET", (), window, window.ends or now),
            act="H",
            proposer=None,
            grantor=None,
            now=now,
        )
    return officer


def piece(officer: str) -> dict[str, Any]:
    """The body that hands a letter in."""
    return {
        "officer": officer,
        "destination": "PARIS",
        "register_number": "2026/000777",
        "sender": "Direction des Nations unies",
        "addressee": "Chancellerie",
        "kind": "letter",
        "level": "CONFIDENTIEL",
        "quantity": 1,
        "weight_g": 240,
        "enclosure": None,
    }


def empty_bag(service: Service, post: str) -> str:
    """A bag that lies empty at a post."""
    bag = f"{secrets.randbelow(10**22):022d}"
    with service.administration() as connection:
        makeup.add_bag(connection, bag, place=post, now=clock.now())
    return bag


def empties_notice(post: Post, *bags: str, number: str | None = None) -> bytes:
    """A post's notice that these bags are on their way to headquarters."""
    sent = clock.now().replace(microsecond=0)
    notice = EmptiesNotice(
        number=number or f"SV {secrets.token_hex(4).upper()}",
        post=post.code,
        card=post.own.card.fingerprint,
        to=HEADQUARTERS,
        sent=sent,
        due=sent + timedelta(days=30),
        bags=tuple(sorted(bags)),
    )
    return make_notice(notice, sign=post.own.signing.sign)


class PostBook:
    """A bag that Paris makes up for its ministry, with two devices of its own."""

    def __init__(self, service: Service, post: Post) -> None:
        self.pouches = bureau(service)
        self.card = post.own.card
        mark = secrets.token_hex(4).upper()
        self.bag = f"{secrets.randbelow(10**22):022d}"
        self.seal = secrets.token_hex(16)
        self.numbers = (f"FR-{mark}1", f"FR-{mark}2")
        self.departure = f"D-{mark}"
        self.first, self.second = fresh(), fresh()
        for device in (self.first, self.second):
            setattr(self.pouches, f"device_{device.name}", device)
            self.pouches.enrol(device, "PARIS")
        closed = clock.now().replace(microsecond=0) - timedelta(hours=1)
        self.manifest = valise.manifest(
            1,
            bag=self.bag,
            seal=self.seal,
            seals=self.numbers,
            closed=closed,
            expires=closed + timedelta(days=30),
            waybill=valise.waybill(
                origin="PARIS",
                destination="MINREX",
                packages=1,
                departs=closed + timedelta(days=3),
                due=closed + timedelta(days=4),
            ),
        )
        self._furnish(service, f"R-{mark}")

    def _furnish(self, service: Service, code: str) -> None:
        now = clock.now().replace(microsecond=0)
        leg = Leg("PARIS", "MINREX", timedelta(hours=6))
        with service.administration() as connection:
            makeup.add_route(
                connection,
                RouteRecord(
                    code=code,
                    origin="PARIS",
                    destination="MINREX",
                    route=Route((leg,)),
                    limits=PRESETS["UN"],
                    tolerance_g=100,
                    news=timedelta(hours=24),
                ),
            )
            makeup.add_departure(
                connection,
                self.departure,
                route=code,
                mode=Mode.COURIER,
                cut_off=now + timedelta(days=1),
                departs=now + timedelta(days=3),
                due=now + timedelta(days=4),
            )
            makeup.add_bag(connection, self.bag, place="PARIS", now=now)
            stock.take_in(
                connection,
                self.numbers,
                place="PARIS",
                sort="plastic",
                strength="S",
                officers=PAIR,
                now=now,
            )
            stock.issue(connection, 2, place="PARIS", officers=PAIR, now=now)

    def begin(self) -> dict[str, Any]:
        """The body that begins the make-up."""
        event = self.first.tell(
            Prepared(), officer="ABENA", place="PARIS", seal=self.seal, bag=self.bag
        )
        return {
            "event": json.loads(self.pouches.signed(event)),
            "departure": self.departure,
            "bag_class": "SECRET",
        }

    def line(self) -> dict[str, Any]:
        """The body that adds the one item, enciphered to the post's own card."""
        item = self.manifest.items[0]
        _, (leaf,) = commit(self.manifest)
        text = canonical.encode({"register": item.register})
        return {
            "line": 1,
            "officer": "ABENA",
            "commitment": leaf.hex(),
            "level": item.level,
            "quantity": item.quantity,
            "weight_g": item.weight_g,
            "body": canonical.text_from_bytes(encrypt(text, [self.card.recipient])),
        }

    def sealing(self) -> dict[str, Any]:
        """The body that closes the bag."""
        facts = Sealed(manifest=digest(self.manifest).hex(), seals=self.numbers, weight_g=2_400)
        event = self.first.tell(
            facts,
            officer="ABENA",
            place="PARIS",
            minutes=10,
            witness=(self.second, "BIYA-C"),
            seal=self.seal,
            bag=self.bag,
        )
        head, _ = commit(self.manifest)
        return {
            "event": json.loads(self.pouches.signed(event)),
            "head": head.hex(),
            "nonce_sha256": sha256(bytes.fromhex(NONCE)).hexdigest(),
            "certifier": "MBARGA.J",
            "absent": sorted(PROHIBITED),
        }

    def label(self, post: Post) -> str:
        """The text of the seal on the bag, by the post's own key."""
        claims = claims_of(self.manifest, None)
        return make_seal(claims, card=self.card, sign=post.own.signing.sign_cose).text

    def made_up(self, post: Post) -> None:
        """Have the post make the bag up and close it."""
        for address, body in (
            ("/v1/pouches", self.begin()),
            (f"/v1/pouches/{self.seal}/lines", self.line()),
            ("/v1/pouches/sealings", self.sealing()),
        ):
            answer = post.call("POST", address, json=body)
            assert answer.status_code == 201, answer.text

    def opening(self) -> Event:
        """Two of the ministry open it, each with a device of theirs."""
        return self.pouches.desk.tell(
            Opened(),
            officer="PAUL",
            minutes=510,
            witness=(self.pouches.second, "LEA"),
            seal=self.seal,
            bag=self.bag,
        )

    def arrival(self) -> Event:
        """A receipt at the ministry, by a device of the ministry."""
        return self.pouches.desk.tell(
            received(self.numbers[:1]),
            officer="PAUL",
            minutes=500,
            seal=self.seal,
            bag=self.bag,
        )
