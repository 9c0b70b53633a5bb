"""The shares of an own key as an officer's page makes them."""

from typing import Any

from keys import canonical
from keys.age.hybrid import HybridKey
from keys.custody.shares import Holder, split


def shares(
    seed: bytes, officer: str, holders: dict[str, HybridKey], threshold: int = 2
) -> dict[str, Any]:
    """Split a key among holders by name."""
    named = [Holder(name, key.recipient) for name, key in holders.items()]
    made = split(seed, f"OWN-KEY-{officer}", threshold, named)
    return {
        "threshold": threshold,
        "shares": [
            {"holder": name, "card": f"{place:064x}", "sealed": canonical.text_from_bytes(sealed)}
            for place, (name, sealed) in enumerate(zip(holders, made.sealed, strict=True))
        ],
    }


def written(recovery: object) -> str:
    """Return what the page posts of it."""
    return canonical.encode(recovery).decode()
