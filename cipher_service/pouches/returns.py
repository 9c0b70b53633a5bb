"""Empty bags come home (retour des sacs vides): counted against the bordereau of the post.

An emptied bag lies at its post, and ages there, until headquarters has it in hand again (R11); only
then may it be made up anew here. Where the post gave notice (`empties_book`), what it announced
under the same number and did not come is told at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches import empties_book
from cipher_service.pouches.entitlement import PACK
from cipher_service.pouches.office import Office, Sitting
from cipher_service.storage.tables.pouches import bag as bags
from pouch.empties_notice import RETURNED
from pouch.locator import read_locator


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a count of empty bags came to.

    Attributes:
        new: how many bags are new here.
        missing: numbers of the bags that the post announced under this number, and are not here.
    """

    new: int
    missing: tuple[str, ...]


def take_back(
    office: Office, locators: Sequence[str], *, origin: str, bordereau: str, by: str
) -> TakenBack:
    """Take empty bags back at headquarters: all of them, or none.

    A bag that is here already, as when this is told twice, changes nothing.

    Args:
        office: the pouch bureau.
        locators: 24 digits each, as scanned or typed.
        origin: code of the post that sent them.
        bordereau: number of its bordereau of empty bags.
        by: the officer who counted.

    Raises:
        ServiceError: EMPTIES_NOT_COUNTED (no locator), NOT_ALLOWED, UNKNOWN_OFFICER, BAG_UNKNOWN,
            EMPTY_NOT_THERE (it is full, or lies at another post).
        LocatorWrong: the check digits of a locator do not fit.
    """
    if not locators:
        raise ServiceError("EMPTIES_NOT_COUNTED")
    named = sorted({read_locator(each) for each in locators})
    with office.act("pouch_empties", f"{origin} {bordereau}") as sitting:
        sitting.require_house(by, PACK, f"empties/{origin}")
        new = sum(_moved(sitting, each, origin) for each in named)
        missing = empties_book.not_come(sitting.connection, origin, bordereau)
        return TakenBack(new, missing)


def _moved(sitting: Sitting, named: str, origin: str) -> bool:
    home, connection = sitting.office.post, sitting.connection
    found = connection.execute(bags.select().where(bags.c.bag == named)).one_or_none()
    if found is None:
        raise ServiceError("BAG_UNKNOWN", bag=named)
    if not found.empty or found.place not in (origin, home):
        raise ServiceError("EMPTY_NOT_THERE", bag=named, post=origin)
    if found.place == home:
        return False
    at = clock.text(sitting.now)
    connection.execute(bags.update().where(bags.c.bag == named).values(place=home, since=at))
    empties_book.end(connection, named, RETURNED, sitting.now)
    return True
