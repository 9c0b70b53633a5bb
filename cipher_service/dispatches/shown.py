"""What a post's machine may see of dispatches, decided by the policies (articles 8 and 15).

Lists are cut in SQL by what is left of the policies once the post is known; each row that comes
back is decided again. What a post may not see is NOT_FOUND, as an id that nobody has.
"""

import logging
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Dialect, exists, func, select

from cipher_service.access import machines
from cipher_service.access.machines import Envelope, Exchange, Message, Viewer
from cipher_service.access.principals import rank
from cipher_service.access.registers import LabelledColumns
from cipher_service.access.residuals import Condition, condition
from cipher_service.dispatches import lists
from cipher_service.dispatches.uploads import Upload, find_upload
from cipher_service.labels.scheme import default_scheme
from cipher_service.storage.tables.access import handling
from cipher_service.storage.tables.dispatches import addressee, dispatch
from keys.canonical import decode, encode
from keys.manifest import CIPHER, COPY
from keys.slips import Slip

Line = TypeVar("Line", lists.InboxLine, lists.Arrival)
_LOG = logging.getLogger(__name__)
_NOBODYS: Final = Envelope(level=0)


class EnvelopeColumns(LabelledColumns):
    """The attributes of an envelope in `dispatch`, `addressee` and `handling`."""

    kind = Envelope.TYPE

    def __init__(self, dialect: Dialect) -> None:
        kept = select(handling.c.releasable).where(handling.c.dispatch_id == dispatch.c.dispatch_id)
        super().__init__(
            dialect,
            default_scheme(),
            dispatch.c.level,
            {"origin": dispatch.c.origin},
            {
                "caveats": dispatch.c.caveats,
                "releasable": func.coalesce(kept.scalar_subquery(), "[]"),
            },
        )

    def holds(self, attribute: str, value: str) -> Condition:
        """The list, or those whom it is for, have this one."""
        if attribute not in ("addressees", "served"):
            return super().holds(attribute, value)
        to = addressee.alias()
        mine = (to.c.dispatch == dispatch.c.seq, to.c.post == value, to.c.role != COPY)
        by_line = (to.c.delivery == CIPHER,) if attribute == "served" else ()
        return exists().where(*mine, *by_line)


def handed_in(payload: dict[str, Any]) -> Envelope:
    """Return what a post hands in (`Submission.to_payload`) as the policies see it."""
    lines = tuple((post, role, delivery) for post, _, role, _, _, delivery, *_ in payload["lines"])
    return _handed_in(payload["level"], payload["caveats"], payload["origin"], lines)


# Most dispatches are alike to the policies, which remember what they decided of the very same.
@lru_cache(maxsize=1024)
def _handed_in(
    level: str, caveats: str, origin: str, lines: tuple[tuple[str, str, str], ...]
) -> Envelope:
    return _envelope(level, caveats, "[]", origin, lines)


def envelope_of(connection: Connection, dispatch_id: str) -> Envelope:
    """Return a dispatch as the policies see it.

    One that is nowhere is from nobody and to nobody: it is refused like any that the post may not
    see, by the same steps and so in the same time.
    """
    return _envelopes(connection, [dispatch_id]).get(dispatch_id, _NOBODYS)


def inbox(
    connection: Connection,
    viewer: Viewer,
    states: Collection[str],
    *,
    after: int,
    limit: int,
    delivery: str,
) -> list[lists.InboxLine]:
    """Return a page of what is addressed to the post, as `lists.inbox`."""
    found = lists.inbox(
        connection,
        viewer.post.identifier,
        states,
        after=after,
        limit=limit,
        delivery=delivery,
        within=_listed(viewer, connection.dialect),
    )
    return _decided_again(connection, viewer, found)


def arrivals(connection: Connection, viewer: Viewer, *, after: int) -> list[lists.Arrival]:
    """Return what arrived for the post over the line since a cursor, in order of arrival."""
    within = _listed(viewer, connection.dialect)
    found = lists.arrivals(connection, viewer.post.identifier, after=after, within=within)
    return _decided_again(connection, viewer, found)


def dispatch_of(connection: Connection, viewer: Viewer, dispatch_id: str) -> lists.DispatchRecord:
    """Return a dispatch that the post sent, or that comes to it over the line.

    Raises:
        ServiceError: NOT_FOUND.
    """
    viewer.require_visible(machines.FETCH, envelope_of(connection, dispatch_id))
    return lists.dispatch_of(connection, viewer.post.identifier, dispatch_id)


def upload_of(connection: Connection, viewer: Viewer, upload_id: str) -> Upload:
    """Return an upload under way to whoever may hand in what its slip announces.

    Raises:
        ServiceError: NOT_FOUND.
    """
    upload = find_upload(connection, upload_id)
    slip = Slip.parse(upload.slip)
    caveats = encode(slip.caveats).decode()
    lines = [(entry.post, entry.role, entry.delivery) for entry in slip.addressees]
    viewer.require_visible(
        machines.SUBMIT, _envelope(slip.level, caveats, "[]", slip.origin, lines)
    )
    return upload


def receipts_of(
    connection: Connection, viewer: Viewer, dispatch_id: str
) -> list[lists.ReceiptRecord]:
    """Return the receipts of a dispatch: all to who may trace it, its own to an addressee.

    Raises:
        ServiceError: NOT_FOUND.
    """
    thing, post = envelope_of(connection, dispatch_id), viewer.post.identifier
    viewer.require_visible(machines.FETCH, thing)
    found = lists.receipts_of(connection, post, dispatch_id)
    return [
        receipt
        for receipt in found
        if receipt.post in (None, post) or viewer.may(machines.TRACE, thing)
    ]


def service_messages(
    connection: Connection, viewer: Viewer, *, after: int, limit: int
) -> list[lists.MessageRecord]:
    """Return a page of the service messages spoken to the post, in order of arrival."""
    post = viewer.post.identifier
    found = lists.service_messages(connection, post, after=after, limit=limit)
    return [each for each in found if viewer.may(machines.HEAR, Message(each.origin, post))]


def _decided_again(connection: Connection, viewer: Viewer, lines: Sequence[Line]) -> list[Line]:
    """Keep the lines that the engine too lets the post list; a difference is a defect, told."""
    things = _envelopes(connection, [line.dispatch_id for line in lines])
    kept = [line for line in lines if viewer.may(machines.LIST, things[line.dispatch_id])]
    if len(kept) < len(lines):
        _LOG.error("a list of %s in SQL was wider than the policies", viewer.post.identifier)
    return kept


@lru_cache(maxsize=1024)
def _listed(viewer: Viewer, dialect: Dialect) -> Condition:
    columns = EnvelopeColumns(dialect)
    return condition(viewer.policies, viewer.post, machines.LIST, Exchange(), columns)


def _envelopes(connection: Connection, dispatch_ids: Sequence[str]) -> dict[str, Envelope]:
    """Return dispatches on record as the policies see them, by id."""
    named = dict.fromkeys(dispatch_ids)
    rows = connection.execute(
        select(
            dispatch.c.dispatch_id,
            dispatch.c.level,
            dispatch.c.caveats,
            dispatch.c.origin,
            func.coalesce(handling.c.releasable, "[]").label("releasable"),
            addressee.c.post,
            addressee.c.role,
            addressee.c.delivery,
        )
        .join(addressee, addressee.c.dispatch == dispatch.c.seq)
        .outerjoin(handling, handling.c.dispatch_id == dispatch.c.dispatch_id)
        .where(dispatch.c.dispatch_id.in_(named))
    )
    lines: dict[str, list[Any]] = {}
    for row in rows:
        lines.setdefault(row.dispatch_id, []).append(row)
    return {
        name: _envelope(
            told[0].level,
            told[0].caveats,
            told[0].releasable,
            told[0].origin,
            [(row.post, row.role, row.delivery) for row in told],
        )
        for name, told in lines.items()
    }


def _envelope(
    level: str, caveats: str, releasable: str, origin: str, lines: Sequence[tuple[str, str, str]]
) -> Envelope:
    others = [(post, delivery) for post, role, delivery in lines if role != COPY]
    return Envelope(
        level=_rank(level),
        caveats=_members(caveats),
        releasable=_members(releasable),
        origin=origin,
        addressees=frozenset(post for post, _ in others),
        served=frozenset(post for post, delivery in others if delivery == CIPHER),
    )


@lru_cache(maxsize=64)
def _rank(level: str) -> int:
    return rank(default_scheme(), level)


@lru_cache(maxsize=1024)
def _members(listed: str) -> frozenset[str]:
    return frozenset(decode(listed.encode()))
