"""What can be wrong with a bag of an exercise, what is to be done then, and what it is called.

A defect is called as its verdict (`pouch.findings`), as its discrepancy (`pouch.discrepancies`) or
as the answer to a discharge that lacks the secret: an exercise has no names of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pouch.findings import Name


class Act(StrEnum):
    """What the receiver decides."""

    ACCEPT = "accept"
    # The bag is opened before a witness, and the discharge given with reservations.
    RESERVE = "reserve"
    # The bag is set apart unopened, and its origin told.
    REFUSE = "refuse"


class Defect(StrEnum):
    """What is wrong with one bag."""

    EDITED = "label-edited"
    FOREIGN = "key-foreign"
    EXPIRED = "seal-expired"
    REVOKED = "seal-revoked"
    COPIED = "label-copied"
    UNANNOUNCED = "bag-unannounced"
    SWAPPED = "label-swapped"
    TRANSPOSED = "number-transposed"
    BROKEN = "seal-reglued"
    WEIGHT = "weight-off"
    SHORT = "piece-short"
    OVER = "piece-over"
    CODE_ABSENT = "code-absent"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a defect asks of the receiver.

    Attributes:
        act: what is right to decide.
        names: what it may be called.
    """

    act: Act
    names: frozenset[str]


def _kind(act: Act, *names: str) -> Kind:
    return Kind(act, frozenset(names))


KINDS: Final[Mapping[Defect, Kind]] = {
    Defect.EDITED: _kind(Act.REFUSE, Name.SEAL_EDITED),
    Defect.FOREIGN: _kind(Act.REFUSE, Name.KEY_UNKNOWN),
    Defect.EXPIRED: _kind(Act.REFUSE, Name.SEAL_EXPIRED),
    Defect.REVOKED: _kind(Act.REFUSE, Name.SEAL_REVOKED),
    Defect.COPIED: _kind(Act.REFUSE, Name.CLONE_SUSPECTED, "bag-copied"),
    Defect.UNANNOUNCED: _kind(Act.REFUSE, Name.BAG_UNANNOUNCED),
    Defect.SWAPPED: _kind(Act.REFUSE, Name.SEAL_NUMBERS_WRONG, "seal-differs"),
    Defect.TRANSPOSED: _kind(Act.REFUSE, Name.SEAL_NUMBER_NEAR_MISS, "seal-differs"),
    Defect.BROKEN: _kind(Act.REFUSE, "seal-broken"),
    Defect.WEIGHT: _kind(Act.RESERVE, Name.WEIGHT_OFF, "weight-differs"),
    Defect.SHORT: _kind(Act.RESERVE, "short", "missing"),
    Defect.OVER: _kind(Act.RESERVE, "over"),
    Defect.CODE_ABSENT: _kind(Act.RESERVE, "wrong-nonce"),
}
FINDINGS: Final = tuple(sorted({name for kind in KINDS.values() for name in kind.names}))
