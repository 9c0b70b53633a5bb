"""Numbers without gaps: a counter's row is updated in the transaction that uses its number.

The row stays locked until that transaction ends: a second writer waits, a rollback gives the number
back. Database sequences do neither.

Some counters tell whether a copy in memory is still the present one. A number that was given back
is reached again by another change, so nothing that was read in a transaction which advanced such a
counter (`moved`) may be kept under its number.
"""

from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, RootTransaction, bindparam, select, update

from cipher_service.storage.statements import Statement, insert_or_skip
from cipher_service.storage.tables.registers import counter

_ADVANCE = Statement(
    update(counter)
    .where(counter.c.name == bindparam("counter"))
    .values(value=counter.c.value + bindparam("step"))
    .returning(counter.c.value)
)
_START = Statement(insert_or_skip(counter, ["name"]), ["name", "value"])
_READ = Statement(select(counter.c.value).where(counter.c.name == bindparam("counter")))
_moved: Final[WeakKeyDictionary[RootTransaction, set[str]]] = WeakKeyDictionary()


def advance(connection: Connection, name: str, step: int = 1) -> int:
    """Take the next `step` numbers of a counter; return the last of them. The first is 1."""
    transaction = connection.get_transaction()
    if transaction is not None:
        _moved.setdefault(transaction, set()).add(name)
    row = _ADVANCE.one(connection, {"counter": name, "step": step})
    if row is None:
        _START.run(connection, {"name": name, "value": 0})
        row = _ADVANCE.one(connection, {"counter": name, "step": step})
    return int(row[0])


def give_back(connection: Connection, name: str) -> None:
    """Undo the `advance` of this same transaction, whose number was not used after all."""
    _ADVANCE.one(connection, {"counter": name, "step": -1})


def read(connection: Connection, name: str) -> int:
    """Return a counter's last number, 0 before the first."""
    row = _READ.one(connection, {"counter": name})
    return 0 if row is None else int(row[0])


def moved(connection: Connection, name: str) -> bool:
    """Say whether this transaction advanced a counter, also if a savepoint took that back since."""
    transaction = connection.get_transaction()
    return transaction is not None and name in _moved.get(transaction, ())
