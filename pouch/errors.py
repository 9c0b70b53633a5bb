"""What can be wrong with a bag's papers, each wrong its own type with a stable code.

All are refusals as in `keys.errors`: judgements on an input that a retry cannot change. What is
wrong with a bag itself is no exception but a finding of a verdict.
"""

from __future__ import annotations

from typing import ClassVar

from keys.errors import Refusal


class BordereauMalformed(Refusal):
    """A manifest is not canonical JSON of its one shape, or says what no bag can be."""

    code: ClassVar[str] = "BORDEREAU_MALFORMED"


class SealDamaged(Refusal):
    """A text is not the one encoding of a seal: torn, misread, or never one."""

    code: ClassVar[str] = "SEAL_DAMAGED"


class SealTooLarge(Refusal):
    """A seal does not fit into a symbol that a telephone still reads."""

    code: ClassVar[str] = "SEAL_TOO_LARGE"


class LocatorWrong(Refusal):
    """A locator has not 24 digits, or its check digits do not fit: misread or mistyped."""

    code: ClassVar[str] = "LOCATOR_WRONG"


class ImageUnreadable(Refusal):
    """A file is not a picture that can be read."""

    code: ClassVar[str] = "IMAGE_UNREADABLE"


class SymbolNotFound(Refusal):
    """A picture shows no symbol, or more than one."""

    code: ClassVar[str] = "SYMBOL_NOT_FOUND"


class SealedMalformed(Refusal):
    """A sealed manifest is not canonical JSON of its one shape."""

    code: ClassVar[str] = "SEALED_MALFORMED"


class OriginNotYours(Refusal):
    """The manifest's origin is not the post whose identity seals it."""

    code: ClassVar[str] = "ORIGIN_NOT_YOURS"


class WitnessIsSealer(Refusal):
    """The second signature would come from the first person's card."""

    code: ClassVar[str] = "WITNESS_IS_SEALER"


class RectificationMalformed(Refusal):
    """A rectification is not canonical JSON of its one shape, or corrects what none can."""

    code: ClassVar[str] = "RECTIFICATION_MALFORMED"


class RectificationNotOfBag(Refusal):
    """A rectification is of another bordereau, or names what did not stand in this one."""

    code: ClassVar[str] = "RECTIFICATION_NOT_OF_BAG"


class RectificationGap(Refusal):
    """A rectification follows another one that is not at hand, or comes twice."""

    code: ClassVar[str] = "RECTIFICATION_GAP"


class RectificationNotTrusted(Refusal):
    """Who signed a rectification is not trusted, or not of the post that closed the bag."""

    code: ClassVar[str] = "RECTIFICATION_NOT_TRUSTED"


class RectificationUnwitnessed(Refusal):
    """One person alone corrects the bordereau of a bag that two persons closed."""

    code: ClassVar[str] = "RECTIFICATION_UNWITNESSED"


class PackMalformed(Refusal):
    """A sync pack is not canonical JSON of its one shape, or says what no pack can."""

    code: ClassVar[str] = "PACK_MALFORMED"


class PackNotOfRoot(Refusal):
    """A sync pack is not signed by the root that the reader trusts."""

    code: ClassVar[str] = "PACK_NOT_OF_ROOT"


class PackRolledBack(Refusal):
    """A sync pack has a lower version than one seen before: somebody shows an old truth."""

    code: ClassVar[str] = "PACK_ROLLED_BACK"


class PackNotYetValid(Refusal):
    """A sync pack was issued in the future of this clock: the pack or the clock is wrong."""

    code: ClassVar[str] = "PACK_NOT_YET_VALID"


class DrillImpossible(Refusal):
    """No exercise has so many bags, so many defects, or such a seed."""

    code: ClassVar[str] = "DRILL_IMPOSSIBLE"


class SolutionMalformed(Refusal):
    """A file is not the solution of an exercise."""

    code: ClassVar[str] = "SOLUTION_MALFORMED"


class AnswersMalformed(Refusal):
    """A file does not hold one answer to each station of an exercise."""

    code: ClassVar[str] = "ANSWERS_MALFORMED"


class AnswerWrong(Refusal):
    """The answer to one station is missing, out of its place, or none that there is.

    Attributes:
        station: its number.
    """

    code: ClassVar[str] = "ANSWER_WRONG"

    def __init__(self, detail: str, station: int = 1) -> None:
        super().__init__(f"station {station}: {detail}")
        self.station = station


class AnswersOfAnother(Refusal):
    """The answers are to another exercise than the solution is of, or one of both was changed."""

    code: ClassVar[str] = "ANSWERS_OF_ANOTHER"
