"""What the bureau's books obey, without any database: order, states, numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PENDING: Final = "pending"
FETCHED: Final = "fetched"
DELIVERED: Final = "delivered"
DECIPHERED: Final = "deciphered"
REFUSED: Final = "refused"
STATES: Final = (PENDING, FETCHED, DELIVERED, DECIPHERED, REFUSED)
OPEN_STATES: Final = (PENDING, FETCHED, DELIVERED)
"""What a post still has to open."""

ALLOTTED: Final = "allotted"  # attribué
ISSUED: Final = "issued"  # émis
CANCELLED: Final = "cancelled"  # annulé

RANK_MAX: Final = 15
_SEQ_BITS: Final = 48
NUMBER_MAX: Final = 2**31 - 1
SIZE_MAX: Final = 2**53 - 1
EPOCH_LEAST: Final = 200000
EPOCH_MAX: Final = 999999

_LATER: Final = {
    FETCHED: (PENDING,),
    DELIVERED: (PENDING, FETCHED),
    # A refusal can be repaired (the right card, a repetition); having read it cannot be undone.
    REFUSED: (PENDING, FETCHED, DELIVERED),
    DECIPHERED: (PENDING, FETCHED, DELIVERED, REFUSED),
}


def states_before(state: str) -> tuple[str, ...]:
    """Return the states that an addressee's line may leave for this one.

    A line never goes back: receipts may arrive in any order (ACP 127 counts numbers, not times).
    """
    return _LATER[state]


def place(rank: int, seq: int) -> int:
    """Return where a line stands in a list: highest precedence first, then order of arrival.

    One number, so that a keyset page is one comparison on one index.

    Args:
        rank: of the precedence, 0 to `RANK_MAX`.
        seq: order of arrival, from 1.
    """
    return (RANK_MAX - rank) << _SEQ_BITS | seq


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers missing between two that are there, both ends included."""

    first: int
    last: int


def gaps(numbers: Iterable[int]) -> list[Gap]:
    """Return what is missing between 1 and the highest of these numbers."""
    missing: list[Gap] = []
    expected = 1
    for number in sorted(set(numbers)):
        if number > expected:
            missing.append(Gap(expected, number - 1))
        expected = number + 1
    return missing
