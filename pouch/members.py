"""How a manifest's values stand in JSON: each written by its `..._object`, read by its `read_...`.

Readers are strict (`keys.records`) and judge every member, so that a value which was read is one
that a bag can have. They raise ValueError; `pouch.bordereau` gives it a name.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keys import canonical
from keys.records import CODE, FINGERPRINT, POST, Record
from pouch.manifest import (
    BAG,
    ITEMS_MAX,
    LEGS_MAX,
    LINE,
    OFFICER,
    PACKAGES_MAX,
    QUANTITY_MAX,
    REGISTER,
    SALT_BYTES,
    SEAL,
    SEAL_NUMBER,
    SEALS_MAX,
    VALIDITY_MAX,
    WEIGHT_MAX_G,
    BagClass,
    Carrier,
    Certifier,
    Item,
    ItemKind,
    Manifest,
    Mode,
    Waybill,
)

if TYPE_CHECKING:
    from enum import StrEnum

MANIFEST: Final = "valise/v1 manifest"

_Choice = TypeVar("_Choice", bound="StrEnum")


def manifest_object(manifest: Manifest) -> dict[str, Any]:
    """Gives a manifest as JSON."""
    certifier = manifest.certifier
    return {
        "v": 1,
        "type": MANIFEST,
        "number": manifest.number,
        "bag": manifest.bag,
        "seal": manifest.seal,
        "ordinal": manifest.ordinal,
        "class": str(manifest.bag_class),
        "seals": manifest.seals,
        "weight_g": manifest.weight_g,
        "closed": canonical.text_from_time(manifest.closed),
        "expires": canonical.text_from_time(manifest.expires),
        "certifier": {
            "officer": certifier.officer,
            "name": certifier.name,
            "function": certifier.function,
        },
        "waybill": waybill_object(manifest.waybill),
        "items": [item_object(item) for item in manifest.items],
        "nonce_sha256": manifest.nonce_sha256,
        "salt": canonical.text_from_bytes(manifest.salt),
    }


def read_manifest(record: Record) -> Manifest:
    """Reads a whole manifest; ValueError names what is wrong."""
    record.constant("v", 1)
    record.constant("type", MANIFEST)
    certifier = record.record("certifier")
    manifest = Manifest(
        number=record.text("number", REGISTER),
        bag=record.text("bag", BAG),
        seal=record.text("seal", SEAL),
        ordinal=record.integer("ordinal", least=1),
        bag_class=choice(record, "class", BagClass),
        seals=read_seals(record),
        weight_g=bounded(record, "weight_g", WEIGHT_MAX_G),
        closed=record.time("closed"),
        expires=record.time("expires"),
        certifier=_read_certifier(certifier),
        waybill=read_waybill(record.record("waybill")),
        items=tuple(
            read_item(Record(item, f"item {place}"))
            for place, item in enumerate(record.items("items", least=1, most=ITEMS_MAX), 1)
        ),
        nonce_sha256=record.text("nonce_sha256", FINGERPRINT),
        salt=record.octets("salt", SALT_BYTES),
    )
    record.close()
    if manifest.ordinal > manifest.waybill.packages:
        raise ValueError("manifest.ordinal is above the number of packages")
    if not timedelta() < manifest.expires - manifest.closed <= VALIDITY_MAX:
        raise ValueError("manifest.expires is not within 45 days after manifest.closed")
    if [item.line for item in manifest.items] != list(range(1, len(manifest.items) + 1)):
        raise ValueError("manifest.items are not numbered 1, 2, 3 in their order")
    return manifest


def item_object(item: Item) -> dict[str, Any]:
    """Gives one line as JSON: the bytes of a leaf, in canonical form."""
    return {
        "line": item.line,
        "register": item.register,
        "sender": item.sender,
        "addressee": item.addressee,
        "kind": str(item.kind),
        "level": item.level,
        "quantity": item.quantity,
        "weight_g": item.weight_g,
        "enclosure": item.enclosure,
        "salt": canonical.text_from_bytes(item.salt),
    }


def read_item(record: Record) -> Item:
    """Reads one line; ValueError names what is wrong."""
    item = Item(
        line=record.integer("line", least=1),
        register=record.text("register", REGISTER),
        sender=record.text("sender", LINE),
        addressee=record.text("addressee", LINE),
        kind=choice(record, "kind", ItemKind),
        level=record.text("level", CODE),
        quantity=bounded(record, "quantity", QUANTITY_MAX),
        weight_g=bounded(record, "weight_g", WEIGHT_MAX_G),
        enclosure=record.optional_text("enclosure", REGISTER),
        salt=record.octets("salt", SALT_BYTES),
    )
    record.close()
    return item


def read_seals(record: Record) -> tuple[str, ...]:
    """Reads the numbers of a bag's physical seals, at least one.

    Raises:
        ValueError: none, more than `SEALS_MAX`, or one that is no number of a seal.
    """
    return record.texts("seals", SEAL_NUMBER, least=1, most=SEALS_MAX)


def choice(record: Record, member: str, choices: type[_Choice]) -> _Choice:
    """Reads one of a closed list of codes."""
    return choices(record.text(member, re.compile("|".join(map(re.escape, choices)))))


def bounded(record: Record, member: str, most: int) -> int:
    """Reads an integer from 1 to `most`.

    Raises:
        ValueError: it is no integer, or outside.
    """
    return record.integer(member, least=1, most=most)


def _read_certifier(record: Record) -> Certifier:
    certifier = Certifier(
        officer=record.text("officer", OFFICER),
        name=record.text("name", LINE),
        function=record.text("function", LINE),
    )
    record.close()
    return certifier


def waybill_object(waybill: Waybill) -> dict[str, Any]:
    """Gives a waybill as JSON."""
    carrier = waybill.carrier
    return {
        "number": waybill.number,
        "mode": str(waybill.mode),
        "origin": waybill.origin,
        "destination": waybill.destination,
        "consignee": waybill.consignee,
        "packages": waybill.packages,
        "carrier": {
            "name": carrier.name,
            "status": carrier.status,
            "passport": carrier.passport,
            "vehicle": carrier.vehicle,
        },
        "itinerary": waybill.itinerary,
        "departs": canonical.text_from_time(waybill.departs),
        "due": canonical.text_from_time(waybill.due),
    }


def read_waybill(record: Record) -> Waybill:
    """Reads a waybill; ValueError names what is wrong."""
    waybill = Waybill(
        number=record.text("number", REGISTER),
        mode=choice(record, "mode", Mode),
        origin=record.text("origin", POST),
        destination=record.text("destination", POST),
        consignee=record.text("consignee", LINE),
        packages=bounded(record, "packages", PACKAGES_MAX),
        carrier=_read_carrier(record.record("carrier")),
        itinerary=record.texts("itinerary", LINE, most=LEGS_MAX),
        departs=record.time("departs"),
        due=record.time("due"),
    )
    record.close()
    if waybill.origin == waybill.destination:
        raise ValueError("waybill.destination is waybill.origin")
    if waybill.departs >= waybill.due:
        raise ValueError("waybill.due is not after waybill.departs")
    return waybill


def _read_carrier(record: Record) -> Carrier:
    carrier = Carrier(
        name=record.text("name", LINE),
        status=record.text("status", LINE),
        passport=record.optional_text("passport", REGISTER),
        vehicle=record.optional_text("vehicle", LINE),
    )
    record.close()
    return carrier
