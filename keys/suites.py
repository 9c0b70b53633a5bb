"""The suites of "depeche v1": a dated table, and the floor below which nothing is opened.

A suite is a number for a complete choice of algorithms, carried inside the signed manifest and
repeated in the label stanza, so that nobody can strip or trade one algorithm alone.

* S1: HPKE MLKEM768-X25519, HKDF-SHA256, ChaCha20-Poly1305 (age v1 hybrid recipients); SHA-256;
  Ed25519 and ML-DSA-65, both required. Category 3 of NIST's scale.
* S2: HPKE MLKEM1024-P384, HKDF-SHA384, AES-256-GCM around file keys of 32 bytes; AES-256-GCM;
  SHA-256; Ed25519, ML-DSA-65 and ML-DSA-87, all required. Category 5, but for SHA-256, whose
  collisions are of category 2 in either suite. Published age readers do not read it.

A suite is active from one day, decrypt-only from another (what was written under it still opens),
and forbidden from a third. What may be written or opened on a day is asked of the table by whoever
holds keys; a level has a floor, the least category that protects it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from keys.errors import SuiteBelowFloor

if TYPE_CHECKING:
    from collections.abc import Mapping

S1: Final = "S1"
S2: Final = "S2"

ACTIVE: Final = "active"
DECRYPT_ONLY: Final = "decrypt-only"
FORBIDDEN: Final = "forbidden"


@dataclass(frozen=True, slots=True)
class Suite:
    """One row of the table.

    Attributes:
        name: `S` and a number.
        category: of NIST's scale of security strengths, 1 to 5.
        active: protects from this day on.
        decrypt_only: protects nothing new from this day on; None while no end is foreseen.
        forbidden: opens nothing from this day on; None likewise.
    """

    name: str
    category: int
    active: date
    decrypt_only: date | None = None
    forbidden: date | None = None

    def state(self, day: date) -> str:
        """`ACTIVE`, `DECRYPT_ONLY` or `FORBIDDEN` on a day; forbidden before its first."""
        if day < self.active or (self.forbidden is not None and day >= self.forbidden):
            return FORBIDDEN
        if self.decrypt_only is not None and day >= self.decrypt_only:
            return DECRYPT_ONLY
        return ACTIVE


@dataclass(frozen=True, slots=True)
class SuiteTable:
    """Which suites there are, and how strong one must be for a level.

    Attributes:
        suites: by name.
        floors: least category by level code; a level that is not there has `floor`.
        floor: for every other level.
    """

    suites: Mapping[str, Suite]
    floors: Mapping[str, int]
    floor: int

    def require_protects(self, suite: str, level: str, day: date) -> None:
        """Demands that a suite may protect something new of a level on a day.

        Raises:
            SuiteBelowFloor: it is unknown, not active, or too weak for the level.
        """
        self._require(suite, level, day, {ACTIVE})

    def require_opens(self, suite: str, level: str, day: date) -> None:
        """Demands that what a suite protected may still be opened on a day.

        Raises:
            SuiteBelowFloor: it is unknown, forbidden, or too weak for the level.
        """
        self._require(suite, level, day, {ACTIVE, DECRYPT_ONLY})

    def _require(self, suite: str, level: str, day: date, states: set[str]) -> None:
        row = self.suites.get(suite)
        if row is None:
            raise SuiteBelowFloor(f"the suite {suite[:20]!r} is unknown")
        state = row.state(day)
        if state not in states:
            raise SuiteBelowFloor(f"the suite {suite} is {state} on {day.isoformat()}")
        if row.category < self.floors.get(level, self.floor):
            raise SuiteBelowFloor(f"the suite {suite} is too weak for {level}")


TABLE: Final = SuiteTable(
    suites={
        S1: Suite(S1, category=3, active=date(2026, 1, 1)),
        S2: Suite(S2, category=5, active=date(2026, 11, 1)),
    },
    # NIST category 3 throughout: posts that want 5 for a level exchange complements first.
    floors={"TRES-SECRET": 3},
    floor=3,
)


def require_accepted(suite: str) -> None:
    """Demands a suite that this version reads, whatever the day.

    Raises:
        SuiteBelowFloor: any other.
    """
    if suite not in TABLE.suites:
        raise SuiteBelowFloor(f"the suite {suite[:20]!r} is not accepted; S1 and S2 are")
