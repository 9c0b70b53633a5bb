"""Registers as each person may see them.

The condition in SQL comes from the policies (`residuals`); every row that it lets through is
decided again by the engine before it is shown. What a person may not see does not exist for that
person: NOT_FOUND, as for an id that nobody has.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Row,
    Select,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from cipher_service.access.decisions import decide, decide_many
from cipher_service.access.policies import Policies
from cipher_service.access.principals import rank
from cipher_service.access.residuals import Columns, Condition, Untranslatable, condition
from cipher_service.access.subjects import Circumstances, Dispatch, Principal
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme, default_scheme
from cipher_service.storage.tables.access import handling
from cipher_service.storage.tables.dispatches import addressee, dispatch
from keys.canonical import decode

PAGE = 200
_LOG = logging.getLogger(__name__)


class LabelledColumns(Columns):
    """The attributes of a labelled thing whose sets are canonical JSON lists.

    Args:
        dialect: of the database.
        scheme: the markings.
        level: the column of the level's code.
        texts: of each attribute that is a text, its column.
        lists: of each attribute that is a set, its column.
    """

    kind = "Dispatch"

    def __init__(
        self,
        dialect: Dialect,
        scheme: Scheme,
        level: ColumnElement[str],
        texts: Mapping[str, ColumnElement[str]],
        lists: Mapping[str, ColumnElement[str]],
    ) -> None:
        self._postgres = dialect.name == "postgresql"
        self._levels = scheme.levels
        self._level = level
        self._texts = texts
        self._lists = lists

    def equals(self, attribute: str, value: str | int) -> Condition:
        """A text is this one."""
        return self._text(attribute) == value

    def one_of(self, attribute: str, values: list[str]) -> Condition:
        """A text is one of these."""
        return self._text(attribute).in_(values) if values else false()

    def at_most(self, attribute: str, bound: int) -> Condition:
        """The level is at most this rank; one that the scheme does not know is above all."""
        if attribute != "level":
            raise Untranslatable(f"{attribute} <= {bound}")
        return self._level.in_([each.code for each in self._levels if each.rank <= bound])

    def holds(self, attribute: str, value: str) -> Condition:
        """The list has this one."""
        member = self._member(attribute)
        return exists(select(literal(1)).select_from(member).where(member.c.value == value))

    def within(self, attribute: str, values: list[str]) -> Condition:
        """Every one of the list is among these. The empty list costs no look inside."""
        member = self._member(attribute)
        strange = member.c.value.not_in(values) if values else literal(1) == literal(1)
        inside = exists(select(literal(1)).select_from(member).where(strange))
        return or_(self._lists[attribute] == "[]", not_(inside))

    def _text(self, attribute: str) -> ColumnElement[str]:
        if attribute not in self._texts:
            raise Untranslatable(f"{attribute} as a text")
        return self._texts[attribute]

    def _member(self, attribute: str) -> Any:
        if attribute not in self._lists:
            raise Untranslatable(f"{attribute} as a list")
        column = self._lists[attribute]
        if self._postgres:
            elements = func.jsonb_array_elements_text(cast(column, JSONB))
        else:
            elements = func.json_each(column)
        return elements.table_valued("value", name=f"{attribute}_member")


class DispatchColumns(LabelledColumns):
    """The attributes of a dispatch in `dispatch`, `addressee` and `handling`."""

    def __init__(self, dialect: Dialect, scheme: Scheme) -> None:
        super().__init__(
            dialect,
            scheme,
            dispatch.c.level,
            {
                "id": dispatch.c.dispatch_id,
                "origin": dispatch.c.origin,
                "author": func.coalesce(handling.c.author, ""),
                "assigned": func.coalesce(handling.c.assigned, ""),
                "file": func.coalesce(handling.c.file, ""),
            },
            {
                "caveats": dispatch.c.caveats,
                "releasable": func.coalesce(handling.c.releasable, "[]"),
            },
        )

    def holds(self, attribute: str, value: str) -> Condition:
        """The list or the addressees have this one."""
        if attribute == "addressees":
            # By another name, so that a list which joins the addressees does not lend it its own.
            other = addressee.alias()
            return exists().where(other.c.dispatch == dispatch.c.seq, other.c.post == value)
        return super().holds(attribute, value)


def page(
    connection: Connection,
    policies: Policies,
    principal: Principal,
    now: datetime,
    *,
    before: int | None = None,
    limit: int = PAGE,
    scheme: Scheme | None = None,
) -> list[Row[Any]]:
    """Return the newest dispatches that a person may see in the register.

    Args:
        connection: a moment of the database.
        policies: the set in force.
        principal: who asks.
        now: the present.
        before: the `seq` of the last row of the page before; None for the first page.
        limit: at most `PAGE` rows.
        scheme: the markings, as shipped unless given.

    Returns:
        Rows of `dispatch`, the newest first.

    Raises:
        Untranslatable: a policy in force has no translation into SQL; nothing is listed.
    """
    markings = scheme or default_scheme()
    context = Circumstances(now)
    columns = DispatchColumns(connection.dialect, markings)
    statement = with_handling(select(dispatch)).where(
        condition(policies, principal, "list", context, columns)
    )
    if before is not None:
        statement = statement.where(dispatch.c.seq < before)
    newest = statement.order_by(dispatch.c.seq.desc()).limit(min(limit, PAGE))
    rows = list(connection.execute(newest))
    return decided_again(policies, principal, rows, subjects(connection, rows, markings), context)


def decided_again(
    policies: Policies,
    principal: Principal,
    rows: Sequence[Row[Any]],
    things: Sequence[Dispatch],
    context: Circumstances,
) -> list[Row[Any]]:
    """Return the rows that the engine too lets the person list; a difference is a defect, told."""
    answers = decide_many(policies, principal, "list", things, context)
    for thing, answer in zip(things, answers, strict=True):
        if not answer.allowed:
            _LOG.error("a list in SQL was wider than the policies: %s", thing.identifier)
    return [row for row, answer in zip(rows, answers, strict=True) if answer.allowed]


def find(
    connection: Connection,
    policies: Policies,
    principal: Principal,
    dispatch_id: str,
    now: datetime,
) -> Dispatch:
    """Return a dispatch that a person may see in the register. Raises ServiceError NOT_FOUND."""
    thing = subject(connection, dispatch_id)
    if not decide(policies, principal, "list", thing, Circumstances(now)).allowed:
        raise ServiceError("NOT_FOUND")
    return thing


def subject(connection: Connection, dispatch_id: str) -> Dispatch:
    """Return a dispatch as decisions see it. Raises ServiceError NOT_FOUND."""
    rows = list(connection.execute(select(dispatch).where(dispatch.c.dispatch_id == dispatch_id)))
    if not rows:
        raise ServiceError("NOT_FOUND")
    return subjects(connection, rows, default_scheme())[0]


def charged(thing: Dispatch, officer: str) -> Dispatch:
    """Return a dispatch as it would be if this person processed it."""
    return replace(thing, assigned=officer)


def subjects(connection: Connection, rows: Sequence[Row[Any]], scheme: Scheme) -> list[Dispatch]:
    """Return rows of `dispatch` as decisions see them."""
    if not rows:
        return []
    to: dict[int, set[str]] = {row.seq: set() for row in rows}
    posts = select(addressee.c.dispatch, addressee.c.post).where(addressee.c.dispatch.in_(to))
    for line in connection.execute(posts):
        to[line.dispatch].add(line.post)
    ids = [row.dispatch_id for row in rows]
    handled = {
        line.dispatch_id: line
        for line in connection.execute(select(handling).where(handling.c.dispatch_id.in_(ids)))
    }
    return [_dispatch(row, to[row.seq], handled.get(row.dispatch_id), scheme) for row in rows]


def _dispatch(row: Row[Any], posts: set[str], handled: Row[Any] | None, scheme: Scheme) -> Dispatch:
    return Dispatch(
        identifier=row.dispatch_id,
        level=rank(scheme, row.level),
        caveats=frozenset(decode(row.caveats.encode())),
        releasable=frozenset(decode(handled.releasable.encode()) if handled else ()),
        origin=row.origin,
        addressees=frozenset(posts),
        author=handled.author if handled else "",
        assigned=handled.assigned if handled else "",
        file=handled.file if handled else "",
    )


def with_handling(statement: Select[Any]) -> Select[Any]:
    """Join what access turns on to a selection from `dispatch`."""
    return statement.select_from(
        dispatch.outerjoin(handling, handling.c.dispatch_id == dispatch.c.dispatch_id)
    )
