"""What a verdict on a seal and its bag can say: names the gravest first, and words for a person.

`pouch.verdict.judge` gives it; `pouch/SPEC.md` says what each name means.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import timedelta

    from pouch.claims import Claims
    from pouch.pack import RectifiedTo


class Name(StrEnum):
    """What a verdict can find, the gravest first."""

    SEAL_DAMAGED = "SEAL_DAMAGED"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    SEAL_EDITED = "SEAL_EDITED"
    ISSUER_FALSE = "ISSUER_FALSE"
    KEY_REVOKED = "KEY_REVOKED"
    KEY_NOT_IN_FORCE = "KEY_NOT_IN_FORCE"
    SEAL_REVOKED = "SEAL_REVOKED"
    CLONE_SUSPECTED = "CLONE_SUSPECTED"
    SEAL_EXPIRED = "SEAL_EXPIRED"
    SEAL_NOT_YET_VALID = "SEAL_NOT_YET_VALID"
    BAG_UNANNOUNCED = "BAG_UNANNOUNCED"
    ANNOUNCEMENT_DIFFERS = "ANNOUNCEMENT_DIFFERS"
    MANIFEST_DIFFERS = "MANIFEST_DIFFERS"
    SEALER_INVALID = "SEALER_INVALID"
    WITNESS_INVALID = "WITNESS_INVALID"
    LOG_PROOF_INVALID = "LOG_PROOF_INVALID"
    SEAL_NUMBERS_WRONG = "SEAL_NUMBERS_WRONG"
    BAG_RECALLED = "BAG_RECALLED"
    SEAL_NUMBER_NEAR_MISS = "SEAL_NUMBER_NEAR_MISS"
    BAG_COUNT_WRONG = "BAG_COUNT_WRONG"
    WEIGHT_OFF = "WEIGHT_OFF"
    SEAL_GENUINE_BAG_UNCHECKED = "SEAL_GENUINE_BAG_UNCHECKED"
    SEAL_GENUINE_BAG_ANNOUNCED = "SEAL_GENUINE_BAG_ANNOUNCED"
    SEAL_GENUINE_MANIFEST_MATCHES = "SEAL_GENUINE_MANIFEST_MATCHES"
    SEAL_GENUINE_BAG_CHECKED = "SEAL_GENUINE_BAG_CHECKED"


class Word(IntEnum):
    """The one word of a verdict: CONFORME, À VÉRIFIER, À RENVOYER, REFUSER."""

    CONFORMS = 0
    VERIFY = 1
    # Nothing is wrong with the bag, and nobody opens it: its origin wants it back.
    RETURN = 2
    REFUSE = 3


class Witnessing(StrEnum):
    """Whether a second person answers for the closing."""

    UNWITNESSED = "unwitnessed"
    # The seal names a witness whose signature is not at hand, or whose card is not.
    CLAIMED = "claimed"
    VERIFIED = "verified"


class Logging(StrEnum):
    """Whether the seal stands in the ministry's log."""

    NO_PROOF = "no-proof"
    # No trusted root of the log is at hand for the size of the proof.
    UNCHECKED = "unchecked"
    PROVED = "proved"


GENUINE: Final = frozenset(name for name in Name if name.startswith("SEAL_GENUINE_"))
_TO_VERIFY: Final = frozenset(
    {
        Name.SEAL_NUMBER_NEAR_MISS,
        Name.BAG_COUNT_WRONG,
        Name.WEIGHT_OFF,
        *(GENUINE - {Name.SEAL_GENUINE_BAG_CHECKED}),
    }
)
_MANIFEST_WRONG: Final = frozenset(
    {Name.MANIFEST_DIFFERS, Name.SEALER_INVALID, Name.WITNESS_INVALID}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, with one English line for a log."""

    name: Name
    detail: str


@dataclass(frozen=True, slots=True)
class PackSeen:
    """The pack that was at hand.

    Attributes:
        version: its number.
        age: since it was issued.
        expired: whether it is past its end, and then decides nothing but revocations.
    """

    version: int
    age: timedelta
    expired: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be thought of a seal and its bag.

    Attributes:
        findings: everything found, the gravest first; never empty.
        claims: what the seal says; None unless its signature holds.
        witnessing: whether a second person answers for the closing.
        logging: whether the seal stands in the log.
        pack: the pack that was at hand, or None.
        rectified: how the bag's bordereau was put right, where a pack in its time tells it.
    """

    findings: tuple[Finding, ...]
    claims: Claims | None
    witnessing: Witnessing
    logging: Logging
    pack: PackSeen | None
    rectified: RectifiedTo | None = None

    @property
    def name(self) -> Name:
        """The gravest finding."""
        return self.findings[0].name

    @property
    def genuine(self) -> bool:
        """Whether nothing at all was found wrong."""
        return self.name in GENUINE

    @property
    def manifest_holds(self) -> bool:
        """Whether nothing was found wrong with the sealed manifest, if one was at hand."""
        names = {finding.name for finding in self.findings}
        return self.claims is not None and names.isdisjoint(_MANIFEST_WRONG)

    @property
    def word(self) -> Word:
        """CONFORMS only when the bag itself was checked."""
        if self.name is Name.SEAL_GENUINE_BAG_CHECKED:
            return Word.CONFORMS
        if self.name is Name.BAG_RECALLED:
            return Word.RETURN
        return Word.VERIFY if self.name in _TO_VERIFY else Word.REFUSE
