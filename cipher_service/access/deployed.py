"""Which set of policies is in force: the one adopted last, or the one shipped with the product."""

from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select

from cipher_service.access.policies import (
    POSTS,
    Policies,
    data_text,
    default_policies,
    read_policies,
)
from cipher_service.access.shapes import POST, shapes
from cipher_service.directory.officers import OFFICERS
from cipher_service.storage import counters
from cipher_service.storage.tables.access import policy_set

_held: Final[WeakKeyDictionary[Engine, tuple[int, Policies]]] = WeakKeyDictionary()


@lru_cache(maxsize=4)
def _parsed(text: str) -> Policies:
    # A set adopted before posts were decided says nothing of them: they keep what is shipped.
    asked = shapes().principals.items()
    said = any(f'"{action}"' in text for action, asker in asked if asker == POST)
    return read_policies(text if said else f"{text}\n{data_text(f'{POSTS}.cedar')}")


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


def in_force(connection: Connection) -> Policies:
    """Return the set in force, read anew when the books have moved since this process last asked.

    What is read in a transaction that moves them is not kept: it may be undone.

    Raises:
        PoliciesInvalid: as `deployed`.
    """
    if counters.moved(connection, OFFICERS):
        return deployed(connection)
    version = counters.read(connection, OFFICERS)
    held = _held.get(connection.engine)
    if held is None or held[0] != version:
        held = _held[connection.engine] = (version, deployed(connection))
    return held[1]
