"""A bag of the tests: its bordereau, and what belongs to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from pouch.bordereau import digest
from pouch.manifest import (
    BagClass,
    Carrier,
    Certifier,
    Item,
    ItemKind,
    Manifest,
    Mode,
    Waybill,
)
from pouch.pack import Announced, Pack

CLOSED = datetime(2026, 11, 22, 10, 34, tzinfo=UTC)
NONCE = bytes(range(16))
SEALS = ("MX-48213907", "PL5520418")


def item(line: int, **changes: Any) -> Item:
    made = Item(
        line=line,
        register=f"2026/{line:06d}",
        sender="Direction des Affaires consulaires",
        addressee="Chancellerie, Paris",
        kind=ItemKind.LETTER,
        level="CONFIDENTIEL",
        quantity=1,
        weight_g=120 + line,
        enclosure=f"ENV-{line:04d}",
        salt=sha256(b"salt of line %d" % line).digest(),
    )
    return replace(made, **changes)


def waybill(**changes: Any) -> Waybill:
    made = Waybill(
        number="LC 2026-0117",
        mode=Mode.COURIER,
        origin="YAOUNDE",
        destination="PARIS",
        consignee="Monsieur l'Ambassadeur du Cameroun en France",
        packages=2,
        carrier=Carrier("NDONGO Paul", "Courrier diplomatique", "DP 004417", "SU 271"),
        itinerary=("Bruxelles",),
        departs=CLOSED + timedelta(hours=8),
        due=CLOSED + timedelta(hours=20),
    )
    return replace(made, **changes)


def manifest(lines: int = 10, **changes: Any) -> Manifest:
    made = Manifest(
        number="VAL 2026-000123",
        bag="4820193746510293847561",
        seal="00112233445566778899aabbccddeeff",
        ordinal=1,
        bag_class=BagClass.SECRET,
        seals=SEALS,
        weight_g=8_450,
        closed=CLOSED,
        expires=CLOSED + timedelta(days=30),
        certifier=Certifier("MBARGA.J", "MBARGA Jeanne", "Chef du Bureau de la Valise"),
        waybill=waybill(),
        items=tuple(item(line) for line in range(1, lines + 1)),
        nonce_sha256=sha256(NONCE).hexdigest(),
        salt=sha256(b"salt of the head").digest(),
    )
    return replace(made, **changes)


def announced(whole: Manifest, **changes: Any) -> Announced:
    made = Announced(
        seal=whole.seal,
        bag=whole.bag,
        digest=digest(whole).hex(),
        seals=whole.seals,
        destination=whole.waybill.destination,
        packages=whole.waybill.packages,
    )
    return replace(made, **changes)


def pack(**changes: Any) -> Pack:
    made = Pack(
        version=7,
        issued=CLOSED + timedelta(hours=1),
        expires=CLOSED + timedelta(days=7),
        cards=(),
        announced=(),
        arrivals=(),
        revoked_seals=frozenset(),
        revoked_cards=frozenset(),
        roots={},
    )
    return replace(made, **changes)
