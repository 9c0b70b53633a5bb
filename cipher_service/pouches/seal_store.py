"""Headquarters keeps the register of physical seals: every movement by two who may (R4)."""

from collections.abc import Sequence
from typing import Final

from cipher_service.pouches import stock
from cipher_service.pouches.entitlement import LIST, SEAL
from cipher_service.pouches.office import Office
from pouch.stock import DESTROYED, VOIDED, Movement, Reconciliation

STORE: Final = "seals"


def take_in(
    office: Office,
    numbers: Sequence[str],
    *,
    sort: str,
    strength: str | None,
    by: str,
    second: str,
) -> None:
    """Take new seals into the stock.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, SEAL_NUMBERS_MALFORMED.
        SealNumberUsed, TwoPersonsNeeded: as `stock.take_in`.
    """
    with office.act("pouch_seals_in") as sitting:
        sitting.require_house(by, SEAL, STORE, second=second)
        stock.take_in(
            sitting.connection,
            stock.require_numbers(numbers),
            place=office.post,
            sort=sort,
            strength=strength,
            officers=(by, second),
            now=sitting.now,
        )


def issue(office: Office, count: int, *, by: str, second: str) -> tuple[str, ...]:
    """Draw seals at random and issue them to two persons; return their numbers.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER.
        StockTooLow, TwoPersonsNeeded: as `stock.issue`.
    """
    with office.act("pouch_seals_out") as sitting:
        sitting.require_house(by, SEAL, STORE, second=second)
        return stock.issue(
            sitting.connection, count, place=office.post, officers=(by, second), now=sitting.now
        )


def void(office: Office, numbers: Sequence[str], *, by: str, second: str) -> None:
    """Set spoilt seals aside. Refusals as `take_in`, and SealNotInHand."""
    _move(office, "pouch_seals_void", numbers, VOIDED, (by, second))


def destroy(office: Office, numbers: Sequence[str], *, by: str, second: str) -> None:
    """Destroy seals that were broken or set aside. Refusals as `void`."""
    _move(office, "pouch_seals_destroy", numbers, DESTROYED, (by, second))


def balance(office: Office, shown: Sequence[str], *, by: str) -> Reconciliation:
    """Compare the register with the unused seals on the table: issued = applied + hand + voided.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    with office.act("pouch_seals_balance") as sitting:
        sitting.require_house(by, LIST, STORE)
        return stock.balance(sitting.connection, office.post, shown)


def _move(
    office: Office, act: str, numbers: Sequence[str], to: str, officers: tuple[str, str]
) -> None:
    by, second = officers
    with office.act(act) as sitting:
        sitting.require_house(by, SEAL, STORE, second=second)
        for number in stock.require_numbers(numbers):
            stock.move(
                sitting.connection,
                Movement(number, to, officers),
                place=office.post,
                now=sitting.now,
            )
