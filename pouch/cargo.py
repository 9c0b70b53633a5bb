"""Bags that carry keys: when what they carry may be used, and when it is burnt.

Prekey bundles and shares travel as cryptographic items. They stay unusable until the receiver's
discharge, with the secret from inside the bag, is signed by two persons over seals that were found
intact; a breach of the bag makes them compromised, for ever. A secret that is split t of n over
several bags is there once t of them are usable, and burnt once t are compromised.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

IN_TRANSIT: Final = "in-transit"
USABLE: Final = "usable"
COMPROMISED: Final = "compromised"


def standing(*, discharged_by_two: bool, seals_as_sealed: bool, breached: bool) -> str:
    """Says how what a bag carries stands.

    Args:
        discharged_by_two: the discharge was granted to the secret, and two persons signed it.
        seals_as_sealed: the receipt found the sealed numbers, intact.
        breached: a discrepancy of the bag is a breach, closed or not.
    """
    if breached:
        return COMPROMISED
    return USABLE if discharged_by_two and seals_as_sealed else IN_TRANSIT


def activation(standings: Iterable[str], threshold: int) -> str:
    """Says how a secret stands whose shares travel in several bags.

    Args:
        standings: of the bags, one for each share.
        threshold: how many shares give the secret, at least 2.

    Raises:
        ValueError: fewer than two shares suffice, or there are not as many.
    """
    counted = Counter(standings)
    if not 2 <= threshold <= counted.total():  # noqa: PLR2004  one share alone would be the secret
        raise ValueError("two shares at least give a secret, and no more than there are")
    if counted[COMPROMISED] >= threshold:
        return COMPROMISED
    return USABLE if counted[USABLE] >= threshold else IN_TRANSIT
