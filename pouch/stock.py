"""The stock of physical seals: each number is used once, by two persons, and all are accounted for.

A register is a value; `move` gives the next one or refuses. What left the stock is applied to a
bag, still in somebody's hands, or voided, and nothing else: `reconcile` shows the sum (R4). The
software enforces the protocol, since seals by themselves stop nobody (Argonne's study of 244).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from keys.errors import Refusal

WAX: Final = "wax"
LEAD: Final = "lead"
PLASTIC: Final = "plastic"
BOLT: Final = "bolt"
TYPES: Final = frozenset({WAX, LEAD, PLASTIC, BOLT})
# ISO 17712: indicative, security, high security; None for wax and lead, which it does not rate.
STRENGTHS: Final = frozenset({"I", "S", "H", None})

STOCKED: Final = "stocked"
ISSUED: Final = "issued"
APPLIED: Final = "applied"
BROKEN: Final = "broken"
VOIDED: Final = "voided"
DESTROYED: Final = "destroyed"

_NEXT: Final[Mapping[str, frozenset[str | None]]] = {
    STOCKED: frozenset({None}),
    ISSUED: frozenset({STOCKED}),
    APPLIED: frozenset({ISSUED}),
    BROKEN: frozenset({APPLIED}),
    VOIDED: frozenset({STOCKED, ISSUED}),
    DESTROYED: frozenset({BROKEN, VOIDED}),
}
_IN_USE: Final = (APPLIED, BROKEN, DESTROYED)


class SealNumberUsed(Refusal):
    """A seal with this number was applied before, or its number entered the stock twice."""

    code: ClassVar[str] = "SEAL_NUMBER_USED"


class SealNotInHand(Refusal):
    """This seal was never issued from the stock, or is not where this movement begins."""

    code: ClassVar[str] = "SEAL_NOT_IN_HAND"


class TwoPersonsNeeded(Refusal):
    """Two different officers move seals together."""

    code: ClassVar[str] = "TWO_PERSONS_NEEDED"


class StockTooLow(Refusal):
    """The stock holds fewer seals than are asked for."""

    code: ClassVar[str] = "STOCK_TOO_LOW"


@dataclass(frozen=True, slots=True)
class Seal:
    """One physical seal.

    Attributes:
        number: as it stands on it.
        type: wax, lead, plastic or bolt.
        strength: ISO 17712 class I, S or H; None where it rates none.
        state: stocked, issued, applied, broken, voided or destroyed.
        closing: the closing of a bag (`seal` of its events) to which it was applied.
        issued: whether it ever left the stock.
    """

    number: str
    type: str
    strength: str | None
    state: str
    closing: str | None = None
    issued: bool = False


@dataclass(frozen=True, slots=True)
class Movement:
    """What two officers did with one seal.

    Attributes:
        number: of the seal.
        to: the state that it reaches.
        officers: the two, distinct.
        closing: of the bag, for `applied` and only there.
    """

    number: str
    to: str
    officers: tuple[str, str]
    closing: str | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """All seals that a bureau ever had, by number."""

    seals: Mapping[str, Seal]


EMPTY: Final = Stock(MappingProxyType({}))


def stocked(
    stock: Stock,
    numbers: Iterable[str],
    type_: str,
    strength: str | None,
    officers: tuple[str, str],
) -> Stock:
    """Takes new seals into the stock.

    Raises:
        TwoPersonsNeeded: the officers are one person.
        SealNumberUsed: a number is known already: makers have delivered doubles.
        ValueError: there is no such type or strength.
    """
    if type_ not in TYPES or strength not in STRENGTHS:
        raise ValueError("no such seal")
    _require_two(officers)
    seals = dict(stock.seals)
    for number in numbers:
        if number in seals:
            raise SealNumberUsed(f"the seal {number} is in the register already")
        seals[number] = Seal(number, type_, strength, STOCKED)
    return Stock(MappingProxyType(seals))


def move(stock: Stock, movement: Movement) -> Stock:
    """Records one movement.

    Raises:
        TwoPersonsNeeded: the officers are one person.
        SealNumberUsed: the seal is applied a second time.
        SealNotInHand: the seal is unknown, or its state is not one from which this leads.
        ValueError: a closing is given for another movement than `applied`, or missing there.
    """
    if (movement.closing is not None) != (movement.to == APPLIED):
        raise ValueError("a seal is applied to a closing, and only then")
    seal = stock.seals.get(movement.number)
    if seal is None:
        raise SealNotInHand(f"the seal {movement.number[:20]} is not in the register")
    moved = next_state(seal, movement)
    return Stock(MappingProxyType({**stock.seals, seal.number: moved}))


def next_state(seal: Seal, movement: Movement) -> Seal:
    """Gives the seal after a movement; the register's own rule, for those who store it by rows.

    Raises:
        TwoPersonsNeeded: the officers are one person.
        SealNumberUsed: the seal is applied a second time.
        SealNotInHand: its state is not one from which this leads.
    """
    _require_two(movement.officers)
    if movement.to == APPLIED and seal.state in _IN_USE:
        raise SealNumberUsed(f"the seal {seal.number} was used before")
    if seal.state not in _NEXT[movement.to]:
        raise SealNotInHand(f"the seal {seal.number} is {seal.state}, not to be {movement.to}")
    return Seal(
        seal.number,
        seal.type,
        seal.strength,
        movement.to,
        closing=movement.closing or seal.closing,
        issued=seal.issued or movement.to == ISSUED,
    )


def allot(stock: Stock, count: int, below: Callable[[int], int]) -> tuple[str, ...]:
    """Chooses seals to issue, at random: who sees one number cannot guess the next.

    Args:
        stock: where from.
        count: how many.
        below: gives a secret random number below its argument (`secrets.randbelow`).

    Raises:
        StockTooLow: the stock holds fewer.
    """
    free = sorted(number for number, seal in stock.seals.items() if seal.state == STOCKED)
    if len(free) < count:
        raise StockTooLow(f"the stock holds {len(free)} seals, not {count}")
    return tuple(free.pop(below(len(free))) for _ in range(count))


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The sum of a register: what was issued is applied, in hand or voided.

    Attributes:
        issued: seals that ever left the stock.
        applied: of these, on a bag now or before.
        in_hand: of these, not used yet: to be shown one by one at a check.
        voided: of these, spoilt and set aside or destroyed.
        counted: of those in hand, how many were shown.
        unexplained: numbers that should be in hand and were not shown, sorted.
        surplus: numbers that were shown and should not be in hand, sorted: unknown to the register,
            never issued, or on a bag or set aside by it.
    """

    issued: int
    applied: int
    in_hand: int
    voided: int
    counted: int
    unexplained: tuple[str, ...]
    surplus: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        """Whether every seal is accounted for, and none is where it should not be."""
        return not (self.unexplained or self.surplus)


def reconcile(stock: Stock, shown: Sequence[str]) -> Reconciliation:
    """Compares the register with the seals that people show.

    Args:
        stock: the register.
        shown: numbers of the unused seals that were issued and are on the table.
    """
    issued = [seal for seal in stock.seals.values() if seal.issued]
    in_hand = {seal.number for seal in issued if seal.state == ISSUED}
    applied = [seal for seal in issued if seal.closing is not None]
    return Reconciliation(
        issued=len(issued),
        applied=len(applied),
        in_hand=len(in_hand),
        voided=len(issued) - len(applied) - len(in_hand),
        counted=len(in_hand & set(shown)),
        unexplained=tuple(sorted(in_hand - set(shown))),
        surplus=tuple(sorted(set(shown) - in_hand)),
    )


def _require_two(officers: tuple[str, str]) -> None:
    if officers[0] == officers[1]:
        raise TwoPersonsNeeded("two different officers move seals together")
