"""The directory at one moment, in memory: posts, cards and API keys that requests ask for.

Every request needs it and it rarely changes. A counter that each change of the directory advances
in its own transaction tells whether the copy in memory is still the present one: one indexed read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, select

from cipher_service.errors import ServiceError
from cipher_service.storage import counters
from cipher_service.storage.tables import directory as tables
from cipher_service.storage.tables.access import audit_machine, door
from keys.cards import Card, read_card

VERSION = "directory"


@dataclass(frozen=True, slots=True)
class PostRecord:
    """A post as requests need it.

    Attributes:
        state: absent (never enrolled), pending (its card awaits comparison), active, suspended.
        fingerprint: of its card in force, None before the first.
        channels: mediums, the first is tried first.
    """

    code: str
    kind: str
    name_fr: str
    name_en: str
    city: str
    country: str
    channels: tuple[str, ...]
    state: str
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class CardRecord:
    """A card as it was received, and what the root says of it.

    State: pending, active, superseded or withdrawn.
    """

    fingerprint: str
    post: str
    edition: int
    state: str
    body: bytes
    endorsement: bytes | None = None

    @property
    def card(self) -> Card:
        """The card itself; its two signatures are verified once per process."""
        return _card(self.body)


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """The key of a post's client: RFC 7638 thumbprint, its JWK as JSON, and its card's state."""

    thumbprint: str
    post: str
    fingerprint: str
    jwk: str
    state: str

    @property
    def subject(self) -> str:
        """Whom its assertions name."""
        return self.post


@dataclass(frozen=True, slots=True)
class DoorRecord:
    """The machine of a door in service: its number, the key it is recognised by, its one place."""

    number: str
    jwk: str
    kind: str
    place: str

    @property
    def subject(self) -> str:
        """Whom its assertions name."""
        return self.number


@dataclass(frozen=True, slots=True)
class AuditorRecord:
    """An auditor's machine in service: its number, its key, and whose it is."""

    number: str
    jwk: str
    officer: str

    @property
    def subject(self) -> str:
        """Whom its assertions name."""
        return self.number


Client = ApiKeyRecord | DoorRecord | AuditorRecord


@dataclass(frozen=True, slots=True)
class Directory:
    """The whole directory at one version.

    Attributes:
        version: grows with each change.
        headquarters: post code of the ministry's own bureau.
        posts: by code.
        cards: by fingerprint, every edition.
        api_keys: by thumbprint.
        doors: those in service, by thumbprint.
        auditors: auditors' machines in service, by thumbprint.
    """

    version: int
    headquarters: str
    posts: Mapping[str, PostRecord]
    cards: Mapping[str, CardRecord]
    api_keys: Mapping[str, ApiKeyRecord]
    doors: Mapping[str, DoorRecord]
    auditors: Mapping[str, AuditorRecord]

    @property
    def clients(self) -> Mapping[str, Client]:
        """Everything that may sign an assertion, by thumbprint."""
        return {**self.api_keys, **self.doors, **self.auditors}

    def post(self, code: str) -> PostRecord:
        """Return a post. Raises ServiceError UNKNOWN_POST."""
        found = self.posts.get(code)
        if found is None:
            raise ServiceError("UNKNOWN_POST", post=code)
        return found

    def active_post(self, code: str) -> PostRecord:
        """Return a post in service. Raises ServiceError UNKNOWN_POST or POST_NOT_ACTIVE."""
        found = self.post(code)
        if found.state != "active":
            raise ServiceError("POST_NOT_ACTIVE", post=code)
        return found

    def card_in_force(self, post: str) -> CardRecord:
        """Return a post's card in force. Raises ServiceError UNKNOWN_POST or POST_NOT_ACTIVE."""
        found = self.active_post(post)
        if found.fingerprint is None:
            raise ServiceError("POST_NOT_ACTIVE", post=post)
        return self.cards[found.fingerprint]

    def cards_of(self, post: str) -> list[CardRecord]:
        """Return the editions of a post's card that others may use, newest first."""
        shown = ("active", "superseded")
        mine = [card for card in self.cards.values() if card.post == post and card.state in shown]
        return sorted(mine, key=lambda card: card.edition, reverse=True)


class DirectoryReader:
    """Keeps the present directory in memory; one for each process and database.

    A transaction is asked for its version once, however many commands it carries: what another
    transaction commits meanwhile comes after those commands, which had all arrived before. One that
    changes the directory reads it each time and keeps nothing: a refused command, or a batch that
    is undone, takes its change back, and another one reaches the same version.
    """

    def __init__(self) -> None:
        self._held: Directory | None = None
        self._asked: tuple[object, Directory] | None = None

    def current(self, connection: Connection) -> Directory:
        """Return the directory as this transaction sees it."""
        if counters.moved(connection, VERSION):
            return read_directory(connection)
        transaction, asked = connection.get_transaction(), self._asked
        if asked is not None and asked[0] is transaction:
            return asked[1]
        version = counters.read(connection, VERSION)
        held = self._held
        if held is None or held.version != version:
            held = self._held = read_directory(connection)
        self._asked = transaction, held
        return held


def changed(connection: Connection) -> None:
    """Say, in the transaction that changes the directory, that every copy in memory is old."""
    counters.advance(connection, VERSION)


def read_directory(connection: Connection) -> Directory:
    """Read the whole directory."""
    fingerprints = {
        row.post: row.fingerprint
        for row in connection.execute(
            select(tables.card.c.post, tables.card.c.fingerprint).where(
                tables.card.c.state == "active"
            )
        )
    }
    posts = _posts(connection, fingerprints)
    cards = {
        row.fingerprint: CardRecord(
            row.fingerprint, row.post, row.edition, row.state, row.body, row.endorsement
        )
        for row in connection.execute(
            select(tables.card, tables.endorsement.c.body.label("endorsement")).outerjoin(
                tables.endorsement
            )
        )
    }
    api_keys = {
        row.thumbprint: ApiKeyRecord(
            row.thumbprint, cards[row.card].post, row.card, row.jwk, cards[row.card].state
        )
        for row in connection.execute(select(tables.api_key))
    }
    seats = [post.code for post in posts.values() if post.kind == "headquarters"]
    return Directory(
        version=counters.read(connection, VERSION),
        headquarters=seats[0] if seats else "",
        posts=posts,
        cards=cards,
        api_keys=api_keys,
        doors=_doors(connection),
        auditors=_auditors(connection),
    )


def door_number(seq: int) -> str:
    """Return a door's number, which its assertions name and the log."""
    return f"DOOR-{seq:06}"


def auditor_number(seq: int) -> str:
    """Return the number of an auditor's machine, which its assertions name."""
    return f"AUDITOR-{seq:06}"


def _auditors(connection: Connection) -> dict[str, AuditorRecord]:
    serving = select(audit_machine).where(audit_machine.c.state == "active")
    return {
        row.thumbprint: AuditorRecord(auditor_number(row.seq), row.jwk, row.auditor)
        for row in connection.execute(serving)
    }


def _doors(connection: Connection) -> dict[str, DoorRecord]:
    serving = select(door).where(door.c.state == "active")
    return {
        row.thumbprint: DoorRecord(door_number(row.seq), row.jwk, row.kind, row.place)
        for row in connection.execute(serving)
    }


def _posts(connection: Connection, fingerprints: Mapping[str, str]) -> dict[str, PostRecord]:
    channels: dict[str, list[str]] = {}
    order = select(tables.channel).order_by(tables.channel.c.post, tables.channel.c.position)
    for row in connection.execute(order):
        channels.setdefault(row.post, []).append(row.medium)
    return {
        row.code: PostRecord(
            code=row.code,
            kind=row.kind,
            name_fr=row.name_fr,
            name_en=row.name_en,
            city=row.city,
            country=row.country,
            channels=tuple(channels.get(row.code, ())),
            state=row.state,
            fingerprint=fingerprints.get(row.code),
        )
        for row in connection.execute(select(tables.post).order_by(tables.post.c.code))
    }


@lru_cache(maxsize=4096)
def _card(body: bytes) -> Card:
    return read_card(body)
