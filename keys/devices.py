"""Devices that tell what happens to bags: what names one, and what its signatures are over.

What an event says is no matter of `keys` (pouch/CUSTODY.md); whoever signs one must know only that
it is an event, and that it names the device whose key signs.
"""

from __future__ import annotations

import hashlib
from typing import Final

from keys import canonical
from keys.signing import ED25519_PUBLIC_BYTES

EVENT: Final = "valise/v1 event"
SEAL: Final = "valise/v1 seal"
PACK: Final = "valise/v1 pack"
RECTIFICATION: Final = "valise/v1 rectification"
REQUEST: Final = "valise/v1 request"


def device_id(ed25519: bytes) -> str:
    """Gives the id of a device from its public key: a hash that no card's fingerprint can equal.

    Raises:
        ValueError: the key has not 32 bytes.
    """
    if len(ed25519) != ED25519_PUBLIC_BYTES:
        raise ValueError("a device's public key has 32 bytes")
    return hashlib.sha256(
        canonical.encode(
            {"v": 1, "type": "valise/v1 device", "ed25519": canonical.text_from_bytes(ed25519)}
        )
    ).hexdigest()


def devices_of(statement: bytes) -> tuple[str, ...]:
    """Gives the ids of the devices that an event's statement names, the telling one first.

    Raises:
        ValueError: it is not the canonical statement of an event.
    """
    match canonical.decode(statement):
        case {"v": 1, "type": "valise/v1 event", "device": str(device), "witness": None}:
            return (device,)
        case {
            "v": 1,
            "type": "valise/v1 event",
            "device": str(device),
            "witness": {"device": str(witness)},
        }:
            return (device, witness)
    raise ValueError("not the statement of an event")


def request_statement(device: str, *, method: str, path: str, time: str, body: bytes) -> bytes:
    """Gives what a device signs, context `valise/v1 request`, when it asks its ministry itself.

    Args:
        device: id of the device that asks.
        method: of the HTTP request.
        path: of its address.
        time: `YYYY-MM-DDTHH:MM:SSZ`, the ministry's as far as the device knows it.
        body: of the request, empty for none.
    """
    return canonical.encode(
        {
            "v": 1,
            "type": REQUEST,
            "device": device,
            "method": method,
            "path": path,
            "time": time,
            "body": hashlib.sha256(body).hexdigest(),
        }
    )
