"""Officers' security keys with the service: enrolled by a link, used to sign in and to step up.

    link = make_link(connection, officer, now, by="OFF-000001")
    enrol(connection, link, [(nonce, response), (nonce, response)], site, now)
    token = sign_in(connection, nonce, response, site, now)

These keys open the console. What touches the ministry's own keys is signed before the custodian,
which has a roll of its own (keys/ACTS.md §5) and believes nothing that stands here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.exc import IntegrityError

from cipher_service import clock
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, sessions
from cipher_service.identity.carried import digest_of, new_secret
from cipher_service.storage.tables import identity as tables
from keys.acts import approval_challenge
from keys.attestation import AuthenticatorPolicy
from keys.passkeys import (
    Passkey,
    PasskeyInvalid,
    RelyingParty,
    credential_id_of,
    verify_assertion,
    verify_registration,
)

KEYS_AT_ENROLMENT = 2
LINK_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Site:
    """Who asks for ceremonies, and which security keys it accepts."""

    party: RelyingParty
    policy: AuthenticatorPolicy


@dataclass(frozen=True, slots=True)
class EnrolledKey:
    """A security key as its owner sees it; `revoked` and `used` are instants or None."""

    credential_id: str
    model: str
    added: str
    used: str | None
    revoked: str | None


def make_link(connection: Connection, officer: str, now: datetime, *, by: str | None) -> str:
    """Make an enrolment link's secret for 24 hours; an earlier one for this person ends.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT.
    """
    link = new_secret()
    open_link(connection, officer, digest_of(link), now, by=by)
    return link


def open_link(
    connection: Connection, officer: str, digest: str, now: datetime, *, by: str | None
) -> None:
    """Let a link serve whose secret somebody else made; an earlier one for this person ends.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT.
    """
    officers.not_left(connection, officer)
    book, stamp = tables.enrolment_link, clock.text(now)
    connection.execute(
        update(book)
        .where(book.c.officer == officer, book.c.ended_at.is_(None))
        .values(ended_at=stamp)
    )
    connection.execute(
        book.insert().values(
            digest=digest,
            officer=officer,
            made_at=stamp,
            expires_at=clock.text(now + LINK_LIFE),
            made_by=by,
        )
    )


def officer_of_link(connection: Connection, link: str, now: datetime) -> str:
    """Return whom a link enrols. Raises ServiceError LINK_UNKNOWN (used, replaced, too old)."""
    book = tables.enrolment_link
    officer: str | None = connection.scalar(
        select(book.c.officer).where(
            book.c.digest == digest_of(link),
            book.c.ended_at.is_(None),
            book.c.expires_at > clock.text(now),
        )
    )
    if officer is None:
        raise ServiceError("LINK_UNKNOWN")
    return officer


def enrol(
    connection: Connection,
    link: str,
    registrations: Sequence[tuple[bytes, bytes]],
    site: Site,
    now: datetime,
) -> str:
    """Give a person two new security keys at once and use their link up; returns the officer's id.

    Keys that the person had are revoked and their sessions end: whoever enrols anew has lost them.

    Args:
        connection: inside a unit of work.
        link: what the person was given.
        registrations: (nonce, response) of each key; nonces of `challenges.give`, purpose enrol.
        site: who asked.
        now: the present.

    Raises:
        ServiceError: LINK_UNKNOWN, KEYS_NEEDED (not exactly two), CHALLENGE_UNKNOWN, KEY_TAKEN (a
            key is somebody's already, or both are one), OFFICER_LEFT.
        PasskeyInvalid, PasskeyUnverified, PasskeyModelRefused: a key is not accepted.
    """
    if len(registrations) != KEYS_AT_ENROLMENT:
        raise ServiceError("KEYS_NEEDED", keys=KEYS_AT_ENROLMENT)
    officer = officer_of_link(connection, link, now)
    officers.not_left(connection, officer)
    _end_link(connection, link, now)
    for credential_id in [key.credential_id for key in keys_of(connection, officer)]:
        revoke_key(connection, officer, credential_id, now)
    for registration in registrations:
        _register(connection, officer, registration, site, now)
    return officer


def sign_in(
    connection: Connection, nonce: bytes, response: bytes, site: Site, now: datetime
) -> str:
    """Open a session for whoever holds the security key; returns the cookie's value.

    Raises:
        ServiceError: CHALLENGE_UNKNOWN, KEY_UNKNOWN (nobody's, revoked, or of a person who may not
            act: they are not told apart).
        PasskeyInvalid, PasskeyUnverified, PasskeyModelRefused, PasskeyCounterBack: as they say.
    """
    challenges.use(connection, nonce, "sign-in", None, now)
    credential_id = credential_id_of(response).hex()
    row = _usable(connection, credential_id)
    _verify(connection, row, response, challenges.asked("sign-in", nonce), site, now)
    return sessions.open_session(connection, row.officer, credential_id, now)


def holder_of(connection: Connection, response: bytes) -> str | None:
    """Return whose security key an answer names, in force or not; None when it is nobody's."""
    try:
        credential_id = credential_id_of(response).hex()
    except PasskeyInvalid:
        return None
    book = tables.passkey.c
    mine = select(book.officer).where(book.credential_id == credential_id)
    found: str | None = connection.scalar(mine)
    return found


def step_up(
    connection: Connection,
    officer: str,
    digest: bytes,
    nonce: bytes,
    response: bytes,
    *,
    site: Site,
    now: datetime,
) -> None:
    """Demand the officer's signature, now, under exactly this act.

    Args:
        connection: inside the unit of work of the act.
        officer: whose session it is.
        digest: of the act (`keys.acts.Act.digest`).
        nonce: of `challenges.give`, purpose step-up.
        response: the security key's answer to `approval_challenge(nonce, digest)`.
        site: who asked.
        now: the present.

    Raises:
        ServiceError: CHALLENGE_UNKNOWN, KEY_UNKNOWN (also when it is another person's).
        PasskeyInvalid, PasskeyUnverified, PasskeyModelRefused, PasskeyCounterBack: as they say.
    """
    challenges.use(connection, nonce, "step-up", officer, now)
    row = _usable(connection, credential_id_of(response).hex())
    if row.officer != officer:
        raise ServiceError("KEY_UNKNOWN")
    _verify(connection, row, response, approval_challenge(nonce, digest), site, now)


def add_key(
    connection: Connection,
    officer: str,
    registration: tuple[bytes, bytes],
    site: Site,
    now: datetime,
) -> None:
    """Give a person one more security key; the caller has one of the present ones sign for it.

    Raises:
        ServiceError: CHALLENGE_UNKNOWN, KEY_TAKEN, OFFICER_LEFT, UNKNOWN_OFFICER.
        PasskeyInvalid, PasskeyUnverified, PasskeyModelRefused: the key is not accepted.
    """
    officers.not_left(connection, officer)
    _register(connection, officer, registration, site, now)


def keys_of(connection: Connection, officer: str) -> list[EnrolledKey]:
    """Return a person's security keys, the oldest first, the revoked ones too."""
    book = tables.passkey
    rows = connection.execute(
        select(book)
        .where(book.c.officer == officer)
        .order_by(book.c.added_at, book.c.credential_id)
    )
    return [
        EnrolledKey(row.credential_id, row.model, row.added_at, row.used_at, row.revoked_at)
        for row in rows
    ]


def revoke_key(connection: Connection, officer: str, credential_id: str, now: datetime) -> None:
    """Take a security key away; sessions that it opened end with it.

    Raises:
        ServiceError: UNKNOWN_OFFICER, KEY_UNKNOWN (it is not this person's).
    """
    officers.read(connection, officer)
    book = tables.passkey
    mine = (book.c.credential_id == credential_id, book.c.officer == officer)
    if connection.scalar(select(book.c.officer).where(*mine)) is None:
        raise ServiceError("KEY_UNKNOWN")
    connection.execute(
        update(book).where(*mine, book.c.revoked_at.is_(None)).values(revoked_at=clock.text(now))
    )
    session = tables.session
    connection.execute(
        update(session)
        .where(session.c.passkey == credential_id, session.c.ended_at.is_(None))
        .values(ended_at=clock.text(now))
    )


def revoke_all(connection: Connection, officer: str, now: datetime) -> int:
    """Take every key and a waiting enrolment link of a person away; returns how many keys were.

    Raises:
        ServiceError: UNKNOWN_OFFICER.
    """
    held = [key for key in keys_of(connection, officer) if key.revoked is None]
    for key in held:
        revoke_key(connection, officer, key.credential_id, now)
    link = tables.enrolment_link
    connection.execute(
        update(link)
        .where(link.c.officer == officer, link.c.ended_at.is_(None))
        .values(ended_at=clock.text(now))
    )
    return len(held)


def _register(
    connection: Connection,
    officer: str,
    registration: tuple[bytes, bytes],
    site: Site,
    now: datetime,
) -> None:
    nonce, response = registration
    challenges.use(connection, nonce, "enrol", officer, now)
    made = verify_registration(
        response,
        challenge=challenges.asked("enrol", nonce),
        party=site.party,
        policy=site.policy,
    )
    _add(connection, officer, made, now)


def _end_link(connection: Connection, link: str, now: datetime) -> None:
    book = tables.enrolment_link
    ended = connection.execute(
        update(book)
        .where(book.c.digest == digest_of(link), book.c.ended_at.is_(None))
        .values(ended_at=clock.text(now))
    )
    # Of two at one time, the second finds it ended once the first has committed.
    if ended.rowcount != 1:
        raise ServiceError("LINK_UNKNOWN")


def _add(connection: Connection, officer: str, made: Passkey, now: datetime) -> None:
    try:
        with connection.begin_nested():
            connection.execute(
                tables.passkey.insert().values(
                    credential_id=made.credential_id.hex(),
                    officer=officer,
                    public_key=made.public_key,
                    model=made.model,
                    sign_count=made.sign_count,
                    added_at=clock.text(now),
                )
            )
    except IntegrityError as error:
        raise ServiceError("KEY_TAKEN") from error


def _usable(connection: Connection, credential_id: str) -> Row[tuple[object, ...]]:
    """Return the row of a key whose owner may act."""
    book = tables.passkey
    owner = connection.scalar(select(book.c.officer).where(book.c.credential_id == credential_id))
    if owner is None or officers.read(connection, owner).state != "active":
        raise ServiceError("KEY_UNKNOWN")
    row = connection.execute(
        select(book).where(book.c.credential_id == credential_id, book.c.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        raise ServiceError("KEY_UNKNOWN")
    return row


def _verify(
    connection: Connection,
    row: Row[tuple[object, ...]],
    response: bytes,
    challenge: bytes,
    site: Site,
    now: datetime,
) -> None:
    known = Passkey(bytes.fromhex(row.credential_id), row.public_key, row.model, row.sign_count)
    count = verify_assertion(response, challenge=challenge, party=site.party, passkey=known)
    book = tables.passkey
    connection.execute(
        update(book)
        .where(book.c.credential_id == row.credential_id)
        .values(sign_count=count, used_at=clock.text(now))
    )
