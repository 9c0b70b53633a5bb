"""A bag that a post made up with its own telephones, on its way to headquarters."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from cipher_service.pouches import makeup, planning, stock
from cipher_service.pouches.commands import PouchDesk
from cipher_service.storage.unit_of_work import unit_of_work
from keys.age.files import encrypt
from pouch.bordereau import commit, digest
from pouch.classes import PROHIBITED
from pouch.events import Event
from pouch.facts import INTACT, Facts, HandedOver, Prepared, Sealed
from pouch.manifest import Manifest, Mode
from tests.support import valise
from tests.support.bags import NONCE, NOON, Device, signed
from tests.support.ministry import custody
from tests.support.office import PouchBureau, route

BAG, SEAL, SEALS = "0000000000000000000099", "c0" * 16, ("PA-000001", "PA-000002")
WEIGHT = 5200


# Who seals (and packs), who witnesses, who certifies.
PEOPLE = ("CLERK", "HEAD", "MARC")


@dataclass
class Inbound:
    """The bag, and the telephones of the post and of the courier."""

    bureau: PouchBureau
    manifest: Manifest
    clerk: Device
    head: Device
    courier: Device
    people: tuple[str, str, str] = PEOPLE

    def tell(self, device: Device, facts: Facts, officer: str, **rest: Any) -> Event:
        """An event by the bureau's clock."""
        minutes = int((self.bureau.now - NOON).total_seconds() // 60)
        return device.tell(
            facts,
            officer=officer,
            minutes=minutes,
            seal=SEAL,
            bag=BAG,
            **{"place": "PARIS", **rest},
        )

    def hand_to_courier(self) -> None:
        """The post gives the bag away."""
        event = self.tell(
            self.clerk,
            HandedOver(1, INTACT),
            self.people[0],
            witness=(self.courier, self.bureau.courier),
        )
        run(self.bureau, "pouch_events", {
            "caller": "PARIS",
            "events": [[signed(event, self.clerk, self.courier), None]],
            "device": None,
            "clock": None,
        })  # fmt: skip

    def arrive(self) -> None:
        """The courier carries it home and gives it to the bureau's agent."""
        self.hand_to_courier()
        self.bureau.now += timedelta(hours=9)


def run(bureau: PouchBureau, command: str, payload: dict[str, Any]) -> Any:
    """Run one of the registrar's commands."""
    handlers = PouchDesk(now=lambda: bureau.now).handlers()
    with unit_of_work(bureau.engine) as connection:
        return handlers[command](connection, payload)


def sent_from_paris(
    bureau: PouchBureau, lines: int = 3, people: tuple[str, str, str] = PEOPLE
) -> Inbound:
    """Make the bag up in Paris and close it."""
    planning.add_route(bureau.office, route("R-HOME", "PARIS", "MINREX"), by=bureau.chief)
    now: datetime = bureau.now
    clerk, head, courier = Device("paris clerk"), Device("paris head"), Device("courier")
    with unit_of_work(bureau.engine) as connection:
        makeup.add_departure(
            connection,
            "HOME-1",
            route="R-HOME",
            mode=Mode.COURIER,
            cut_off=now + timedelta(hours=1),
            departs=now + timedelta(days=2),
            due=now + timedelta(days=3),
        )
        makeup.add_bag(connection, BAG, place="PARIS", now=now)
        pair = people[:2]
        stock.take_in(
            connection, SEALS, place="PARIS", sort="plastic", strength="S", officers=pair, now=now
        )
        stock.issue(connection, len(SEALS), place="PARIS", officers=pair, now=now)
    for device in (clerk, head, courier):
        run(bureau, "pouch_device", {"post": "PARIS", "ed25519": device.public})
    manifest = replace(valise.manifest(lines), bag=BAG, seal=SEAL, seals=SEALS)
    made = Inbound(bureau, manifest, clerk, head, courier, people)
    prepared = signed(made.tell(clerk, Prepared(), people[0]), clerk)
    run(bureau, "pouch_begin", {
        "caller": "PARIS", "event": prepared, "departure": "HOME-1", "bag_class": "SECRET",
    })  # fmt: skip
    _, leaves = commit(manifest)
    for item, leaf in zip(manifest.items, leaves, strict=True):
        line = {
            "line": item.line,
            "commitment": leaf,
            "level": item.level,
            "quantity": item.quantity,
            "weight_g": item.weight_g,
            "body": encrypt(b"{}", [custody().card().recipient]),
        }
        run(bureau, "pouch_line", {
            "caller": "PARIS", "seal": SEAL, "officer": people[0], "line": line,
        })  # fmt: skip
    sealed = made.tell(
        clerk, Sealed(digest(manifest).hex(), SEALS, WEIGHT), people[0], witness=(head, people[1])
    )
    run(bureau, "pouch_seal", {
        "caller": "PARIS",
        "event": signed(sealed, clerk, head),
        "head": commit(manifest)[0],
        "nonce_sha256": sha256(bytes.fromhex(NONCE)).hexdigest(),
        "certifier": people[2],
        "absent": sorted(PROHIBITED),
    })  # fmt: skip
    return made
