"""Which set of policies is in force: the one adopted last, or the one shipped with the product."""

from functools import lru_cache

from sqlalchemy import Connection, select

from cipher_service.access.policies import Policies, default_policies, read_policies
from cipher_service.storage.tables.access import policy_set

_parsed = lru_cache(maxsize=4)(read_policies)


def deployed(connection: Connection, otherwise: Policies | None = None) -> Policies:
    """Return the set in force.

    Args:
        connection: a moment of the database.
        otherwise: when none was adopted; the shipped set unless given.

    Raises:
        PoliciesInvalid: the adopted text does not fit this product's schema; nothing is decided.
    """
    newest = select(policy_set.c.body).order_by(policy_set.c.seq.desc()).limit(1)
    text = connection.scalar(newest)
    return (otherwise or default_policies()) if text is None else _parsed(str(text))
