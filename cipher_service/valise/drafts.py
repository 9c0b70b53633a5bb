"""A manifest before it is sealed: what a clerk writes, and `valise example`, which shows how.

A draft is JSON with the members of a manifest (pouch/SPEC.md) but for those that sealing makes:
the salts, the closing's identifier, the secret that lies inside, and the numbers of the lines.
Where `bag`, `closed` or `waybill.origin` is null, sealing puts in a new number, the present time
and the post of the identity.
"""

import json
import secrets
from argparse import Namespace
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from cipher_service import clock
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from keys import canonical
from keys.records import Record
from pouch.claims import SEAL_BYTES
from pouch.locator import new_bag
from pouch.manifest import SALT_BYTES, Manifest
from pouch.members import MANIFEST, read_manifest
from pouch.naming import member_named

DRAFT = "valise/v1 draft"
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Completed:
    """A draft with everything that sealing adds.

    Attributes:
        manifest: ready to be sealed.
        nonce: the secret for the inside of the bag, 32 hexadecimal digits.
    """

    manifest: Manifest
    nonce: str


def example(_arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise example`; with or without `--json` it shows JSON, ready to be sealed."""
    shown = json.dumps(example_draft(clock.now()), ensure_ascii=terminal.as_json, indent=2)
    terminal.show(shown)


def complete(data: bytes, *, origin: str, now: datetime) -> Completed:
    """Read a draft and add what sealing makes.

    Args:
        data: the file.
        origin: code of the post that seals, for a draft that leaves it open.
        now: the present time.

    Raises:
        Refused: DRAFT_MALFORMED, which names the first member that is wrong, DRAFT_NOT_JSON,
            DRAFT_OF_OTHER_TYPE.
    """
    draft = _parse(data)
    nonce = secrets.token_hex(NONCE_BYTES)
    try:
        manifest = read_manifest(Record(_completed(draft, origin, now, nonce), "draft"))
    except ValueError as error:
        raise Refused("DRAFT_MALFORMED", member=member_named(str(error)) or "?") from error
    return Completed(manifest, nonce)


def example_draft(now: datetime) -> dict[str, Any]:
    """Return a complete draft, its dates after `now`."""

    def after(**later: float) -> str:
        return canonical.text_from_time(now.replace(microsecond=0) + timedelta(**later))

    year = now.year
    return {
        "type": DRAFT,
        "number": f"VAL {year}-000123",
        "bag": None,
        "ordinal": 1,
        "class": "CONFIDENTIEL",
        "seals": ["MX-48213907", "PL5520418"],
        "weight_g": 8450,
        "closed": None,
        "expires": after(days=30),
        "certifier": {
            "officer": "MBARGA.J",
            "name": "MBARGA Jeanne",
            "function": "Chef du Bureau de la Valise",
        },
        "waybill": {
            "number": f"LC {year}-0117",
            "mode": "courier",
            "origin": None,
            "destination": "NEWYORK-ONU",
            "consignee": "Représentant permanent auprès des Nations unies",
            "packages": 1,
            "carrier": {
                "name": "NDONGO Paul",
                "status": "Courrier diplomatique",
                "passport": "DP 004417",
                "vehicle": "AF 900, AF 006",
            },
            "itinerary": ["Paris"],
            "departs": after(hours=8),
            "due": after(hours=32),
        },
        "items": [
            _item(f"{year}/000412", "dispatch", "CONFIDENTIEL", 1, 240, "ENV-0412"),
            _item(f"{year}/000413", "letter", "DIFFUSION-RESTREINTE", 3, 150, "ENV-0413"),
            _item(f"{year}/000077", "document", "NON-PROTEGE", 20, 6400, None),
        ],
    }


def _item(
    register: str, kind: str, level: str, quantity: int, weight_g: int, enclosure: str | None
) -> dict[str, Any]:
    return {
        "register": register,
        "sender": "Direction des Nations unies",
        "addressee": "Chancellerie",
        "kind": kind,
        "level": level,
        "quantity": quantity,
        "weight_g": weight_g,
        "enclosure": enclosure,
    }


def _parse(data: bytes) -> dict[str, Any]:
    try:
        value = canonical.decode_typed(data)
    except (ValueError, RecursionError) as error:
        raise Refused("DRAFT_NOT_JSON") from error
    if not isinstance(value, dict) or value.pop("type", None) != DRAFT:
        raise Refused("DRAFT_OF_OTHER_TYPE", type=DRAFT)
    return value


def _completed(draft: dict[str, Any], origin: str, now: datetime, nonce: str) -> dict[str, Any]:
    """Return the JSON of a manifest; what is not as it must be is left for its reader."""
    waybill, items = draft.get("waybill"), draft.get("items")
    if isinstance(waybill, dict) and waybill.get("origin") is None:
        draft["waybill"] = {**waybill, "origin": origin}
    if isinstance(items, list):
        draft["items"] = [_completed_item(line, item) for line, item in enumerate(items, 1)]
    if draft.get("bag") is None:
        draft["bag"] = new_bag()
    if draft.get("closed") is None:
        draft["closed"] = canonical.text_from_time(now.replace(microsecond=0))
    made = {
        "v": 1,
        "type": MANIFEST,
        "seal": secrets.token_hex(SEAL_BYTES),
        "nonce_sha256": sha256(bytes.fromhex(nonce)).hexdigest(),
        "salt": _salt(),
    }
    for member in made:
        if member in draft:
            raise ValueError(f"draft has {member}, which sealing makes")
    return {**draft, **made}


def _completed_item(line: int, item: object) -> object:
    if not isinstance(item, dict) or "line" in item or "salt" in item:
        raise ValueError(f"item {line} is not an object, or has line or salt, which sealing makes")
    return {**item, "line": line, "salt": _salt()}


def _salt() -> str:
    return canonical.text_from_bytes(secrets.token_bytes(SALT_BYTES))
