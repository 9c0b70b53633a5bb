"""Orders to destroy a version of a key, and what acts on keys do to the book of versions. Pure.

    key.destroy   {number, fingerprint, end_of_life}: orders it; then the version opens nothing
    key.keep      {number, order}: takes an order back that was not carried out yet

Each act's resource is the key, `bureau/MINREX` or `post/PARIS`; its `version` counts what happened
to that version of the key: its moves, the orders on it, and those taken back. It names no subjects
and no authors, and has rank 0. An order stands beside the versions in `versions.age`; the
custodian's terminal carries it out (`keys.custody.rotation`) once an archive key has rested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.acts import ActMalformed, ActOutdated
from keys.custody.errors import KeyNotDestroyable, TooMuchWaiting
from keys.custody.lasting import lasting_kind
from keys.custody.roll import PERSON
from keys.lifecycle import COMPROMISED, DEACTIVATED
from keys.records import FINGERPRINT, ULID, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from keys.acts import Act
    from keys.custody.book import Book
    from keys.lifecycle import KeyVersion

DESTROY: Final = "key.destroy"
KEEP: Final = "key.keep"
ORDERS_MOST: Final = 512
# A version in force, or suspended, is not destroyed.
ENDED: Final = frozenset({DEACTIVATED, COMPROMISED})

_KEY: Final = re.compile(r"[a-z-]{1,32}/[A-Za-z0-9._-]{1,80}")
_SIGNERS_MOST: Final = 8
# The same text as the act's, which may have lines.
_REASON: Final = re.compile(r"(?s).{1,500}")
_CLASS: Final = re.compile(r"[a-z]{1,16}")


@dataclass(frozen=True)
class Order:
    """An order to destroy a version, which officers signed.

    Attributes:
        act: ULID of the act.
        digest: lower-case hexadecimal digest of the act (ACTS.md §2).
        key: name of the key.
        number: of the version.
        approved: numbers of the persons who signed, the proposer's among them.
        reason: in the proposer's words.
        at: when the last of them signed, UTC, whole seconds.
        kept: ULID of the act that took the order back; None while it stands.
    """

    act: str
    digest: str
    key: str
    number: int
    approved: tuple[str, ...]
    reason: str
    at: datetime
    kept: str | None = None

    def to_object(self) -> dict[str, Any]:
        """Its members, for canonical JSON."""
        return {
            "act": self.act,
            "digest": self.digest,
            "key": self.key,
            "number": self.number,
            "approved": self.approved,
            "reason": self.reason,
            "at": canonical.text_from_time(self.at),
            "kept": self.kept,
        }


def read_order(record: Record) -> Order:
    """Reads what `Order.to_object` gives.

    Raises:
        ValueError: another shape.
    """
    order = Order(
        act=record.text("act", ULID),
        digest=record.text("digest", FINGERPRINT),
        key=record.text("key", _KEY),
        number=record.integer("number", least=1),
        approved=record.texts("approved", PERSON, most=_SIGNERS_MOST),
        reason=record.text("reason", _REASON),
        at=record.time("at"),
        kept=record.optional_text("kept", ULID),
    )
    record.close()
    return order


def version_of(book: Book, act: Act) -> int:
    """Gives the version of what an act on a key changes.

    Raises:
        ActMalformed: it names no version of a key.
        KeyVersionUnknown: there is none such.
    """
    version = book.find(act.resource, _number(act))
    orders = book.orders_on(version.key, version.number)
    return len(version.history) + len(orders) + sum(each.kept is not None for each in orders)


def perform_order(book: Book, act: Act, approved: Sequence[str], now: datetime) -> Book:
    """Gives the book after an act on a key, which must be approved already.

    It is also called before anybody signs, so that nobody signs what cannot be done.

    Args:
        book: as it stands now.
        act: of a kind of `KINDS`.
        approved: numbers of the persons who signed it.
        now: UTC, whole seconds.

    Raises:
        ActMalformed: its parameters, subjects or rank are not as its kind demands.
        ActOutdated: the key is another than the act says, or no order of this name stands.
        KeyVersionUnknown: there is no such version.
        KeyNotDestroyable: it is in force, or suspended, or of a kind that only a rotation ends.
        TooMuchWaiting: the book holds no more orders.
    """
    if act.subjects or act.authors or act.rank:
        raise ActMalformed("an act on a key names no person, and has rank 0")
    version = book.find(act.resource, _number(act))
    parameters = Record(dict(act.parameters), "parameters")
    parameters.integer("number")
    asked = Order(
        act=act.id,
        digest=act.digest.hex(),
        key=version.key,
        number=version.number,
        approved=tuple(approved),
        reason=act.reason,
        at=max(now, version.since),
    )
    try:
        return _PERFORMERS[act.kind](book, version, asked, parameters)
    except ValueError as error:
        raise ActMalformed(str(error)) from error


def _destroy(book: Book, version: KeyVersion, asked: Order, parameters: Record) -> Book:
    named = parameters.text("fingerprint", FINGERPRINT), parameters.text("end_of_life", _CLASS)
    parameters.close()
    if named != (version.fingerprint, version.end_of_life):
        raise ActOutdated(f"{version.key} version {version.number} is another key")
    if version.state not in ENDED or lasting_kind(version.key) is not None:
        raise KeyNotDestroyable(f"{version.key} version {version.number} is {version.state}")
    if book.standing(version.key, version.number) is not None:
        raise ActOutdated("its destruction is ordered already")
    if len(book.orders) >= ORDERS_MOST:
        raise TooMuchWaiting("the book of versions holds no more orders")
    return replace(book, orders=(*book.orders, asked))


def _keep(book: Book, version: KeyVersion, asked: Order, parameters: Record) -> Book:
    named = parameters.text("order", ULID)
    parameters.close()
    standing = book.standing(version.key, version.number)
    if standing is None or standing.act != named or version.state not in ENDED:
        raise ActOutdated("no such order stands, or it was carried out")
    kept = replace(standing, kept=asked.act)
    return replace(book, orders=tuple(kept if each is standing else each for each in book.orders))


_PERFORMERS: Final[dict[str, Callable[[Book, KeyVersion, Order, Record], Book]]] = {
    DESTROY: _destroy,
    KEEP: _keep,
}

# What the custodian does itself, and nobody else may.
KINDS: Final = frozenset(_PERFORMERS)


def _number(act: Act) -> int:
    number = act.parameters.get("number")
    if isinstance(number, bool) or not isinstance(number, int):
        raise ActMalformed("an act on a key names the number of its version")
    return number
