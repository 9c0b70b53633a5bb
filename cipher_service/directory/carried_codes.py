"""One-time codes that travel with a controlled item: on paper in a bag, say, to a new post.

Such a code is worth nothing on its way: it lets nobody in before the item's receiver has signed for
it, which a bag allows when two have discharged it over intact seals. Once the item is compromised
the code is burnt; another one is given.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, select

from cipher_service.directory.compromises import is_compromised, is_signed_for
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.directory import enrolment_code

CARRIED_LIFE: Final = timedelta(days=30)
"""A bag takes weeks where a call takes minutes."""


def require_arrived(connection: Connection, code_hash: str) -> None:
    """Demand that a code is where it belongs, if it travelled at all.

    Only who holds the code hears of it, so that guessing teaches nothing.

    Raises:
        ServiceError: CODE_COMPROMISED; CODE_IN_TRANSIT: nobody has signed for the item yet.
    """
    codes = enrolment_code.c
    carried = connection.execute(
        select(
            is_compromised(codes.item).label("burnt"), is_signed_for(codes.item).label("arrived")
        ).where(codes.code_hash == code_hash, codes.item.is_not(None))
    ).one_or_none()
    if carried is None:
        return
    if carried.burnt:
        raise ServiceError("CODE_COMPROMISED")
    if not carried.arrived:
        raise ServiceError("CODE_IN_TRANSIT")
