"""A bag that Paris makes up and seals for its ministry in the running service, and its label."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from cipher_service import clock
from cipher_service.administration.stage import Stage
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import makeup, stock
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.storage.batch import Request
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import unit_of_work
from keys.age.files import encrypt
from keys.identity import Identity, load_identity
from pouch.alarms import Leg, Route
from pouch.bordereau import commit, digest
from pouch.classes import PRESETS, PROHIBITED
from pouch.events import sign_event
from pouch.facts import Prepared, Sealed
from pouch.locator import locator
from pouch.manifest import Manifest, Mode
from pouch.papers.bag import label
from pouch.seal import claims_of, make_seal
from tests.support import valise
from tests.support.bags import NONCE, Device
from tests.support.pouches import PAIR, make_batches

# Legs that take no time: the bag is sealed and read within one test.
ROUTE = Route((Leg("PARIS", "CDG", timedelta()), Leg("CDG", "MINREX", timedelta())))


@dataclass(frozen=True)
class Bag:
    """A sealed bag: its identifiers, the text of its seal and the label as printed."""

    bag: str
    seal: str
    numbers: tuple[str, ...]
    text: str
    pdf: bytes

    @property
    def locator(self) -> str:
        return locator(self.bag)


def number_of(on: Stage, role: str) -> str:
    """The number of the sample's officer of a function."""
    people = Demonstration.of(on.settings).people()
    return next(one.officer for one in people if one.role == role)


def sealed_bag(on: Stage) -> Bag:
    """Let two officers of Paris make a bag up and close it, and print its label."""
    now = clock.now().replace(microsecond=0)
    mark = secrets.token_hex(4).upper()
    manifest = valise.manifest(
        1,
        bag=f"{secrets.randbelow(10**22):022d}",
        seal=secrets.token_hex(16),
        seals=(f"FR-{mark}1", f"FR-{mark}2"),
        closed=now,
        expires=now + timedelta(days=30),
        waybill=valise.waybill(origin="PARIS", destination="MINREX", packages=1),
    )
    identity = load_identity(Path(on.identity("PARIS")), lambda: b"")
    first, second = Device(f"desk {mark}"), Device(f"second {mark}")
    engine = open_existing(on.settings.database)
    try:
        batches = make_batches(engine, clock.now)
        with unit_of_work(engine) as connection:
            _furnish(connection, mark, manifest.bag, manifest.seals)
        acts = [
            ("pouch_device", {"post": "PARIS", "ed25519": device.public})
            for device in (first, second)
        ]
        for command, payload in [*acts, *_made_up(on, manifest, mark, identity, first, second)]:
            (outcome,) = batches.run([Request(command, payload)])
            assert outcome.refusal is None, outcome.refusal
    finally:
        engine.dispose()
    made = make_seal(claims_of(manifest, None), card=identity.card, sign=identity.sign_cose)
    pdf = label(manifest, made.text)
    return Bag(manifest.bag, manifest.seal, manifest.seals, made.text, pdf)


def _made_up(
    on: Stage, manifest: Manifest, mark: str, identity: Identity, *desks: Device
) -> list[tuple[str, dict[str, Any]]]:
    """The commands that make a bag up and close it, with their payloads."""
    head_of_post, clerk = number_of(on, "HEAD-OF-POST"), number_of(on, "POST-CIPHER-CLERK")
    first, second = desks
    tell = partial(first.tell, place="PARIS", seal=manifest.seal, bag=manifest.bag)
    prepared = replace(tell(Prepared(), officer=head_of_post), at=manifest.closed)
    facts = Sealed(digest(manifest).hex(), manifest.seals, manifest.weight_g)
    told = tell(facts, officer=head_of_post, witness=(second, clerk))
    sealed = replace(told, at=manifest.closed, previous=prepared.id)
    head, (leaf,) = commit(manifest)
    item = manifest.items[0]
    line = {
        "line": 1,
        "commitment": leaf,
        "level": item.level,
        "quantity": item.quantity,
        "weight_g": item.weight_g,
        "body": encrypt(b"{}", [identity.card.recipient]),
    }
    begun = {"departure": f"D-{mark}", "bag_class": manifest.bag_class.value}
    closed = {
        "head": head,
        "nonce_sha256": sha256(bytes.fromhex(NONCE)).hexdigest(),
        "certifier": clerk,
        "absent": sorted(PROHIBITED),
    }
    caller = {"caller": "PARIS"}
    by_whom = {"seal": manifest.seal, "officer": head_of_post}
    return [
        ("pouch_begin", {**caller, **begun, "event": sign_event(prepared, first.sign)}),
        ("pouch_line", {**caller, **by_whom, "line": line}),
        ("pouch_seal", {**caller, **closed, "event": sign_event(sealed, first.sign, second.sign)}),
    ]


def _furnish(connection: Any, mark: str, bag: str, numbers: tuple[str, ...]) -> None:
    now = clock.now().replace(microsecond=0)
    makeup.add_route(
        connection,
        RouteRecord(
            code=f"R-{mark}",
            origin="PARIS",
            destination="MINREX",
            route=ROUTE,
            limits=PRESETS["UN"],
            tolerance_g=200,
            news=timedelta(hours=24),
        ),
    )
    makeup.add_departure(
        connection,
        f"D-{mark}",
        route=f"R-{mark}",
        mode=Mode.COURIER,
        cut_off=now + timedelta(days=1),
        departs=now + timedelta(days=3),
        due=now + timedelta(days=4),
    )
    makeup.add_bag(connection, bag, place="PARIS", now=now)
    stock.take_in(
        connection,
        numbers,
        place="PARIS",
        sort="plastic",
        strength="S",
        officers=PAIR,
        now=now,
    )
    stock.issue(connection, 2, place="PARIS", officers=PAIR, now=now)
