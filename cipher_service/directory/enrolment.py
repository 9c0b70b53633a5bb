"""How a card enters the directory and leaves it.

    code = issue_code(connection, "PARIS", now)          # handed over in person
    enrol(connection, code, card, api_key, now)          # pending; the code is used up
    activate(connection, "PARIS", fingerprint, now)      # after comparing it by telephone

A card never certifies its successor: each edition comes in by a code of its own.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, update

from cipher_service import clock
from cipher_service.directory import carried_codes
from cipher_service.directory.carried_cards import require_arrived, require_unharmed
from cipher_service.directory.controlled_keys import enter_key
from cipher_service.directory.register import changed
from cipher_service.errors import ServiceError
from cipher_service.storage.tables import directory as tables
from cipher_service.storage.tables.access import audit_machine, door
from keys.cards import Card

CODE_LIFE = timedelta(days=7)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: nothing that is misread aloud
_GROUPS = 5  # of four signs: 100 bits
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3,7}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The P-256 key of a post's client: RFC 7638 thumbprint and its public JWK as JSON."""

    thumbprint: str
    jwk: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Where the newest enrolment of a post stands: `fingerprint` is the one to compare."""

    post: str
    state: str
    fingerprint: str


def issue_code(
    connection: Connection,
    post: str,
    now: datetime,
    life: timedelta = CODE_LIFE,
    item: int | None = None,
) -> str:
    """Return a new one-time code for a post; codes given before and not used stop working.

    Only the code's SHA-256 is kept.

    Args:
        connection: inside a unit of work.
        post: whom it lets in.
        now: from when.
        life: how long.
        item: the controlled item that it travels with, which may carry one
            (`controlled.require_carrier`); see `carried_codes`.

    Raises:
        ServiceError: UNKNOWN_POST.
    """
    _require_known(connection, post)
    codes = tables.enrolment_code
    connection.execute(codes.delete().where(codes.c.post == post, codes.c.used_at.is_(None)))
    signs = [secrets.choice(_ALPHABET) for _ in range(4 * _GROUPS)]
    code = "-".join("".join(signs[start : start + 4]) for start in range(0, len(signs), 4))
    connection.execute(
        codes.insert().values(
            code_hash=_hash(code),
            post=post,
            created_at=clock.text(now),
            expires_at=clock.text(now + life),
            item=item,
        )
    )
    return code


def enrol(
    connection: Connection, code: str, card: Card, api_key: ApiKey, now: datetime
) -> Enrolment:
    """Take in a card and the API key of its post, pending until headquarters activates them.

    The caller has verified that the card's keys signed this enrolment. A repetition with the same
    code, card and key gives the same answer, since the first answer may have been lost.

    Raises:
        ServiceError: ENROLMENT_REFUSED (the code is unknown, used, expired or another post's; one
            name for all, so that guessing teaches nothing), CARD_NOT_IN_FORCE, CARD_EDITION_STALE
            (not above the editions known), CARD_KNOWN (enrolled before), KEY_KNOWN (the API key is
            in use), CARD_COMPROMISED (its keys came in a bag that was breached); as
            `carried_codes.require_arrived`.
    """
    if _CODE.fullmatch(code) is None or not _known(connection, card.post):
        raise ServiceError("ENROLMENT_REFUSED")
    if _spend(connection, code, card, now):
        carried_codes.require_arrived(connection, _hash(code))
        require_unharmed(connection, card.fingerprint)
        _receive(connection, card, api_key, now)
    elif not _is_repetition(connection, code, card, api_key):
        raise ServiceError("ENROLMENT_REFUSED")
    return enrolment(connection, card.post)


def enrolment(connection: Connection, post: str) -> Enrolment:
    """Return where the newest enrolment of a post stands.

    Raises:
        ServiceError: NOT_FOUND: the post is unknown or never enrolled.
    """
    row = connection.execute(
        select(tables.card.c.fingerprint, tables.card.c.state, tables.post.c.state.label("post"))
        .join(tables.post)
        .where(tables.card.c.post == post, tables.card.c.state.in_(("pending", "active")))
        .order_by(tables.card.c.edition.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    suspended = row.post == "suspended"
    return Enrolment(post, "suspended" if suspended else row.state, row.fingerprint)


def activate(connection: Connection, post: str, fingerprint: str, now: datetime) -> None:
    """Put a pending card in force: its fingerprint was compared with the post by another way.

    The card before it is superseded, its API key with it; the key enters the register of controlled
    items. Repeating it changes nothing.

    Raises:
        ServiceError: UNKNOWN_POST, CARD_NOT_PENDING (no such card awaits activation); as
            `carried_cards.require_arrived`.
    """
    _require_known(connection, post)
    mine = (tables.card.c.post == post, tables.card.c.fingerprint == fingerprint)
    card = connection.execute(
        select(tables.card.c.state, tables.card.c.edition).where(*mine)
    ).one_or_none()
    if card is None or card.state not in ("pending", "active"):
        raise ServiceError("CARD_NOT_PENDING", post=post)
    if card.state == "pending":
        require_arrived(connection, fingerprint)
        enter_key(connection, post, card.edition, fingerprint, now)
        before = (tables.card.c.post == post, tables.card.c.state == "active")
        _move(connection, before, "superseded", now)
        _move(connection, mine, "active", now)
    _set_state(connection, post, "active", now)


def endorse(connection: Connection, fingerprint: str, endorsement: bytes, now: datetime) -> None:
    """Keep what the root says of a card; a later word takes the place of an earlier one."""
    table = tables.endorsement
    connection.execute(table.delete().where(table.c.card == fingerprint))
    connection.execute(
        table.insert().values(card=fingerprint, body=endorsement, recorded_at=clock.text(now))
    )
    changed(connection)


def introduction(connection: Connection, card: str) -> bytes | None:
    """Return the file in which the bureau's card introduced the root, if it is kept."""
    table = tables.root_introduction
    kept: bytes | None = connection.scalar(select(table.c.body).where(table.c.card == card))
    return kept


def introduce(connection: Connection, card: str, body: bytes, now: datetime) -> None:
    """Keep the file in which the bureau's card introduces the root that is in force now."""
    table = tables.root_introduction
    connection.execute(table.delete().where(table.c.card == card))
    connection.execute(table.insert().values(card=card, body=body, recorded_at=clock.text(now)))


def install(connection: Connection, card: Card, now: datetime) -> None:
    """Put the card of one of the ministry's own bureaux in force; it needs no code and no API key.

    Repeating it changes nothing.

    Raises:
        ServiceError: UNKNOWN_POST, CARD_NOT_IN_FORCE, CARD_EDITION_STALE.
    """
    _require_known(connection, card.post)
    known = tables.card.c.fingerprint == card.fingerprint
    if connection.scalar(select(tables.card.c.state).where(known)) != "active":
        _insert(connection, card, now)
        activate(connection, card.post, card.fingerprint, now)


def connect(connection: Connection, post: str, api_key: ApiKey) -> None:
    """Let a machine of one of the ministry's own bureaux call: its key takes another's place.

    The key is in force as long as the bureau's present card, as a post's is.

    Raises:
        ServiceError: UNKNOWN_POST, CARD_NOT_PENDING (the bureau has no card), KEY_KNOWN.
    """
    _require_known(connection, post)
    active = (tables.card.c.post == post, tables.card.c.state == "active")
    card = connection.scalar(select(tables.card.c.fingerprint).where(*active))
    if card is None:
        raise ServiceError("CARD_NOT_PENDING", post=post)
    book = tables.api_key
    connection.execute(book.delete().where(book.c.card == card))
    _keep_key(connection, card, api_key)
    changed(connection)


def disconnect(connection: Connection, post: str) -> None:
    """End the machine of one of the ministry's own bureaux. Raises UNKNOWN_POST."""
    _require_known(connection, post)
    mine = select(tables.card.c.fingerprint).where(tables.card.c.post == post)
    connection.execute(tables.api_key.delete().where(tables.api_key.c.card.in_(mine)))
    changed(connection)


def suspend(connection: Connection, post: str, now: datetime) -> None:
    """Stop a post: it can neither send nor be sent to until it is resumed. Raises UNKNOWN_POST."""
    _require_known(connection, post)
    _set_state(connection, post, "suspended", now)


def resume(connection: Connection, post: str, now: datetime) -> None:
    """Put a suspended post back into the state that its cards give it. Raises UNKNOWN_POST."""
    _require_known(connection, post)
    states = set(connection.scalars(select(tables.card.c.state).where(tables.card.c.post == post)))
    state = next((state for state in ("active", "pending") if state in states), "absent")
    _set_state(connection, post, state, now)


def withdraw(connection: Connection, post: str, fingerprint: str, now: datetime) -> None:
    """Take a card out of use at once: the post doubts its keys, or refused the comparison.

    Nothing is enciphered to it or accepted from it any more; a post left without a card in force
    is pending or absent again.

    Raises:
        ServiceError: UNKNOWN_POST, or NOT_FOUND (the post has no such card).
    """
    _require_known(connection, post)
    mine = (tables.card.c.post == post, tables.card.c.fingerprint == fingerprint)
    if _move(connection, mine, "withdrawn", now) == 0:
        raise ServiceError("NOT_FOUND")
    state = connection.scalar(select(tables.post.c.state).where(tables.post.c.code == post))
    if state != "suspended":
        resume(connection, post, now)
    changed(connection)


def _spend(connection: Connection, code: str, card: Card, now: datetime) -> bool:
    """Use the code up; one caller only sees True."""
    codes = tables.enrolment_code
    spent = connection.execute(
        update(codes)
        .where(
            codes.c.code_hash == _hash(code),
            codes.c.post == card.post,
            codes.c.used_at.is_(None),
            codes.c.expires_at > clock.text(now),
        )
        .values(used_at=clock.text(now), used_for=card.fingerprint)
    )
    return spent.rowcount == 1


def _is_repetition(connection: Connection, code: str, card: Card, api_key: ApiKey) -> bool:
    codes = tables.enrolment_code
    found = connection.execute(
        select(codes.c.used_for, tables.api_key.c.thumbprint)
        .join(tables.api_key, tables.api_key.c.card == codes.c.used_for)
        .where(codes.c.code_hash == _hash(code), codes.c.post == card.post)
    ).one_or_none()
    if found is None:
        return False
    return bool(found.used_for == card.fingerprint and found.thumbprint == api_key.thumbprint)


def _receive(connection: Connection, card: Card, api_key: ApiKey, now: datetime) -> None:
    _insert(connection, card, now)
    _keep_key(connection, card.fingerprint, api_key)
    state = connection.scalar(select(tables.post.c.state).where(tables.post.c.code == card.post))
    if state == "absent":
        _set_state(connection, card.post, "pending", now)
    changed(connection)


def _keep_key(connection: Connection, card: str, api_key: ApiKey) -> None:
    book = tables.api_key
    require_new_key(connection, api_key)
    connection.execute(
        book.insert().values(thumbprint=api_key.thumbprint, card=card, jwk=api_key.jwk)
    )


def require_new_key(connection: Connection, api_key: ApiKey) -> None:
    """Demand that no post, door or auditor has, or had, this key. Raises KEY_KNOWN."""
    for book in (tables.api_key, door, audit_machine):
        known = select(book.c.thumbprint).where(book.c.thumbprint == api_key.thumbprint)
        if connection.scalar(known) is not None:
            raise ServiceError("KEY_KNOWN")


def _insert(connection: Connection, card: Card, now: datetime) -> None:
    """Record a card as pending; an older one still pending gives way."""
    if not card.valid_from <= now < card.valid_until:
        raise ServiceError("CARD_NOT_IN_FORCE", post=card.post)
    table = tables.card
    if connection.scalar(select(table.c.post).where(table.c.fingerprint == card.fingerprint)):
        raise ServiceError("CARD_KNOWN", post=card.post)
    settled = (table.c.post == card.post, table.c.state.in_(("active", "superseded")))
    newest = connection.scalar(select(func.max(table.c.edition)).where(*settled))
    if newest is not None and card.edition <= newest:
        raise ServiceError("CARD_EDITION_STALE", post=card.post, edition=card.edition, known=newest)
    waiting = (table.c.post == card.post, table.c.state == "pending")
    _move(connection, waiting, "withdrawn", now)
    connection.execute(
        table.insert().values(
            fingerprint=card.fingerprint,
            post=card.post,
            edition=card.edition,
            valid_from=clock.text(card.valid_from),
            valid_until=clock.text(card.valid_until),
            previous=card.previous,
            body=card.to_bytes(),
            state="pending",
            recorded_at=clock.text(now),
            state_at=clock.text(now),
        )
    )


def _move(
    connection: Connection, which: tuple[ColumnElement[bool], ...], state: str, now: datetime
) -> int:
    table = tables.card
    moved = connection.execute(
        update(table).where(*which).values(state=state, state_at=clock.text(now))
    )
    return int(moved.rowcount)


def _set_state(connection: Connection, post: str, state: str, now: datetime) -> None:
    table = tables.post
    connection.execute(
        update(table).where(table.c.code == post).values(state=state, state_at=clock.text(now))
    )
    changed(connection)


def _require_known(connection: Connection, post: str) -> None:
    if not _known(connection, post):
        raise ServiceError("UNKNOWN_POST", post=post)


def _known(connection: Connection, post: str) -> bool:
    row = select(tables.post.c.code).where(tables.post.c.code == post)
    return connection.scalar(row) is not None


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("ascii")).hexdigest()
