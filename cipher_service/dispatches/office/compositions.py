"""Dispatches of headquarters before they leave (article 15): drafts, submissions, refusals.

    draft -> submitted -> proposed -> released -> left
      ^----------+------------+-----------+   (refused with a reason, or given back)
      ^----------+------------+               (withdrawn by the author)

A save names the edition it was made from, so that two windows lose nothing. The digest covers what
is read and released: text, label, addressees, precedence. Whoever opened another digest has not
read this one. What answers or forwards a dispatch is never less protected than it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from cipher_service import clock
from cipher_service.access import registers, writing
from cipher_service.access.acts import Gate
from cipher_service.access.principals import rank
from cipher_service.access.subjects import Dispatch
from cipher_service.access.writing import Marking
from cipher_service.directory.authorisations import checked_marking
from cipher_service.dispatches.office import editions
from cipher_service.dispatches.office.entitlement import Ruling, demand
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme, UnknownLabel
from cipher_service.references import new_id
from cipher_service.storage.tables.compositions import composition, declassification
from keys.canonical import decode, encode
from keys.manifest import ACTION, CIPHER, INFO, KINDS, POUCH

DRAFT: Final = "draft"
SUBMITTED: Final = "submitted"
PROPOSED: Final = "proposed"
RELEASED: Final = "released"
LEFT: Final = "left"
DISCARDED: Final = "discarded"
_UNFINISHED: Final = (DRAFT, SUBMITTED, PROPOSED, RELEASED)
RELATIONS: Final = ("reply", "forward", "attach")
BODY_MOST: Final = 80 * 1024
UNFINISHED_MOST: Final = 100
"""What one author has begun and neither sent nor dropped."""
_POSTS_MOST: Final = 400


@dataclass(frozen=True, slots=True)
class Content:
    """What an author writes: routing in clear, subject and text sealed.

    Attributes:
        kind: of the dispatch, as in its manifest.
        level: a code of the scheme.
        caveats: as typed.
        releasable: posts to which it is limited; empty for all.
        file: in which it is kept; may be empty.
        precedence: a code of the scheme, for the action addressees.
        routing: (post, role, delivery) of each addressee; the bureau's own copy is not named.
        source: the dispatch that it answers, forwards or encloses; empty for none.
        relation: one of `RELATIONS`, empty without a source.
        body: age ciphertext to the bureau's card (`sealed.seal_text`).
        attachments: likewise, their list (`attaching`); empty for none.
        enclosed: (hex SHA-256, bytes) of each attachment as the blob store holds it.
    """

    kind: str
    level: str
    caveats: tuple[str, ...]
    releasable: tuple[str, ...]
    file: str
    precedence: str
    routing: tuple[tuple[str, str, str], ...]
    source: str
    relation: str
    body: bytes
    attachments: bytes = b""
    enclosed: tuple[tuple[str, int], ...] = ()

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "Content":
        """Read what `to_payload` gave."""
        given = dict(payload)
        for name in ("caveats", "releasable"):
            given[name] = tuple(given[name])
        given["routing"] = tuple((post, role, way) for post, role, way in given["routing"])
        given["enclosed"] = tuple((name, size) for name, size in given.get("enclosed", ()))
        return cls(**given)

    def to_payload(self) -> dict[str, Any]:
        """Return the members, for the registrar."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Composition:
    """A composition as recorded; `assigned` is who is awaited, empty for nobody."""

    composition_id: str
    author: str
    origin: str
    state: str
    content: Content
    digest: str
    edition: int
    assigned: str
    enciphers: str
    act: str | None
    released_by: str | None
    refused_by: str | None
    refusal: bytes | None
    dispatch_id: str | None
    saved_at: str
    state_at: str

    def thing(self, scheme: Scheme) -> Dispatch:
        """Return it as decisions see it."""
        return Dispatch(
            identifier=self.composition_id,
            level=rank(scheme, self.content.level),
            caveats=frozenset(self.content.caveats),
            releasable=frozenset(self.content.releasable),
            origin=self.origin,
            addressees=frozenset(post for post, _role, _way in self.content.routing),
            author=self.author,
            assigned=self.assigned,
            file=self.content.file,
        )


def begin(
    connection: Connection, gate: Gate, officer: str, origin: str, content: Content, now: datetime
) -> tuple[Composition, Ruling]:
    """Keep a new draft, without attachments.

    Raises:
        ServiceError: NOT_ALLOWED, NOT_FOUND (the source), UNKNOWN_LEVEL, UNKNOWN_CAVEAT,
            UNKNOWN_PRECEDENCE, LABEL_LOWERED, FORM_REFUSED, TEXT_TOO_LONG, DRAFTS_MANY.
    """
    kept = replace(_checked(gate.scheme, content), attachments=b"", enclosed=())
    stamp = clock.text(now)
    new = Composition(
        composition_id=new_id(now),
        author=officer,
        origin=origin,
        state=DRAFT,
        content=kept,
        digest=digest_of(kept, 1),
        edition=1,
        assigned="",
        enciphers="",
        act=None,
        released_by=None,
        refused_by=None,
        refusal=None,
        dispatch_id=None,
        saved_at=stamp,
        state_at=stamp,
    )
    ruling = _may_write(connection, gate, officer, new, now)
    _require_room(connection, officer)
    connection.execute(
        insert(composition).values(
            composition_id=new.composition_id,
            author=officer,
            origin=origin,
            state=DRAFT,
            **_columns(kept),
            digest=new.digest,
            edition=1,
            assigned="",
            enciphers="",
            created_at=stamp,
            saved_at=stamp,
            state_at=stamp,
        )
    )
    return new, ruling


def save(
    connection: Connection,
    gate: Gate,
    officer: str,
    composition_id: str,
    edition: int,
    content: Content,
    now: datetime,
) -> tuple[int, Ruling]:
    """Replace a draft but for its attachments; returns the new edition.

    Raises:
        ServiceError: as `begin`; DRAFT_CHANGED (another edition was saved meanwhile), NOT_AWAITED
            (it was submitted).
    """
    known = authored(connection, composition_id, officer, DRAFT)
    require_edition(known, edition)
    before = known.content
    kept = replace(
        _checked(gate.scheme, content), attachments=before.attachments, enclosed=before.enclosed
    )
    if (kept.source, kept.relation) != (known.content.source, known.content.relation):
        raise ServiceError("FORM_REFUSED")
    changed = replace(known, content=kept)
    ruling = _may_write(connection, gate, officer, changed, now)
    change(
        connection,
        composition_id,
        **_columns(kept),
        digest=digest_of(kept, edition + 1),
        edition=edition + 1,
        saved_at=clock.text(now),
    )
    return edition + 1, ruling


def enclose(
    connection: Connection,
    known: Composition,
    attachments: bytes,
    enclosed: Sequence[tuple[str, int]],
    now: datetime,
) -> int:
    """Replace the attachments of a draft whose row is held; returns the new edition."""
    rows = tuple((name, size) for name, size in enclosed)
    content = replace(known.content, attachments=attachments, enclosed=rows)
    edition = known.edition + 1
    change(
        connection,
        known.composition_id,
        **_columns(content),
        digest=digest_of(content, edition),
        edition=edition,
        saved_at=clock.text(now),
    )
    return edition


def discard(connection: Connection, officer: str, composition_id: str, now: datetime) -> None:
    """Destroy a draft's text; its line stays. Raises NOT_FOUND, NOT_AWAITED."""
    authored(connection, composition_id, officer, DRAFT)
    settle(connection, composition_id, DISCARDED, now, body=b"", attachments=None, enclosed=None)


def withdraw(connection: Connection, officer: str, composition_id: str, now: datetime) -> None:
    """Take a submission back, before its release. Raises NOT_FOUND, NOT_AWAITED."""
    authored(connection, composition_id, officer, SUBMITTED, PROPOSED)
    settle(connection, composition_id, DRAFT, now, assigned="", enciphers="", act=None)


def authored(
    connection: Connection, composition_id: str, officer: str, *states: str
) -> Composition:
    """Return the author's own. Raises NOT_FOUND, NOT_AWAITED."""
    known = read(connection, composition_id)
    if known.author != officer:
        raise ServiceError("NOT_FOUND")
    return expecting(known, *states)


def require_edition(known: Composition, edition: int) -> None:
    """Demand that nobody has saved another edition meanwhile. Raises DRAFT_CHANGED."""
    if known.edition != edition:
        raise ServiceError("DRAFT_CHANGED", edition=known.edition)


def expecting(known: Composition, *states: str) -> Composition:
    """Return it when it stands at one of these steps. Raises NOT_AWAITED."""
    if known.state not in states:
        raise ServiceError("NOT_AWAITED", dispatch_id=known.composition_id, state=known.state)
    return known


def read(connection: Connection, composition_id: str) -> Composition:
    """Return a composition. Raises ServiceError NOT_FOUND."""
    mine = select(composition).where(composition.c.composition_id == composition_id)
    row = connection.execute(mine).one_or_none()
    if row is None or row.state == DISCARDED:
        raise ServiceError("NOT_FOUND")
    return composed(row)


def settle(
    connection: Connection, composition_id: str, state: str, now: datetime, **values: Any
) -> None:
    """Write the step at which it stands now; nothing earlier stays of what is at its end."""
    if state in (LEFT, DISCARDED):
        editions.forget(connection, composition_id)
    change(connection, composition_id, state=state, state_at=clock.text(now), **values)


def change(connection: Connection, composition_id: str, **values: Any) -> None:
    """Write columns of one composition."""
    mine = composition.c.composition_id == composition_id
    connection.execute(update(composition).where(mine).values(**values))


def composed(row: Row[Any]) -> Composition:
    """Return a row of the table as a composition."""
    content = Content(
        kind=row.kind,
        level=row.level,
        caveats=tuple(decode(row.caveats.encode())),
        releasable=tuple(decode(row.releasable.encode())),
        file=row.file,
        precedence=row.precedence,
        routing=tuple((post, role, way) for post, role, way in decode(row.routing.encode())),
        source=row.source,
        relation=row.relation,
        body=bytes(row.body),
        attachments=bytes(row.attachments or b""),
        enclosed=tuple((name, size) for name, size in decode((row.enclosed or "[]").encode())),
    )
    same = ("composition_id", "author", "origin", "state", "digest", "edition", "assigned")
    more = ("enciphers", "act", "released_by", "refused_by", "refusal", "dispatch_id")
    names = (*same, *more, "saved_at", "state_at")
    return Composition(content=content, **{name: getattr(row, name) for name in names})


def digest_of(content: Content, edition: int) -> str:
    """Return the hex SHA-256 of what is read and released, in one edition."""
    sealed = {"body": content.body, "attachments": content.attachments}
    hashes = {name: hashlib.sha256(value).hexdigest() for name, value in sealed.items()}
    members = {**content.to_payload(), **hashes}
    return hashlib.sha256(encode({"edition": edition, **members})).hexdigest()


def source_of(connection: Connection, gate: Gate, dispatch_id: str) -> Dispatch:
    """Return a dispatch as what is drawn from it must respect it.

    A declassification lowers what may be drawn from it; the dispatch itself keeps its marking.
    Raises ServiceError NOT_FOUND.
    """
    thing = registers.subject(connection, dispatch_id)
    book = declassification
    lowered = connection.execute(
        select(book).where(book.c.dispatch_id == dispatch_id).order_by(book.c.done_at.desc())
    ).first()
    if lowered is None:
        return thing
    caveats = frozenset(decode(lowered.caveats.encode()))
    return replace(thing, level=rank(gate.scheme, lowered.level), caveats=caveats)


def _require_room(connection: Connection, officer: str) -> None:
    mine = composition.c.author == officer, composition.c.state.in_(_UNFINISHED)
    begun = select(func.count()).select_from(composition).where(*mine)
    if (connection.scalar(begun) or 0) >= UNFINISHED_MOST:
        raise ServiceError("DRAFTS_MANY", most=UNFINISHED_MOST)


def _may_write(
    connection: Connection, gate: Gate, officer: str, new: Composition, now: datetime
) -> Ruling:
    thing = new.thing(gate.scheme)
    ruling = demand(connection, gate, officer, "draft", thing, now, own=True)
    if not new.content.source:
        return ruling
    source = source_of(connection, gate, new.content.source)
    demand(connection, gate, officer, "list", source, now)
    wanted = Marking(new.content.level, frozenset(new.content.caveats))
    code = next(each.code for each in gate.scheme.levels if each.rank == source.level)
    writing.refuse_lower(gate.scheme, [Marking(code, source.caveats)], wanted)
    facts = {"new_level": thing.level, "new_caveats": thing.caveats}
    return demand(connection, gate, officer, new.content.relation, source, now, facts)


def _checked(scheme: Scheme, content: Content) -> Content:
    level, caveats = checked_marking(scheme, content.level, content.caveats)
    try:
        precedence = scheme.precedence(content.precedence).code
    except UnknownLabel as error:
        raise ServiceError("UNKNOWN_PRECEDENCE", given=error.given) from error
    if len(content.body) > BODY_MOST:
        raise ServiceError("TEXT_TOO_LONG", most=BODY_MOST // 1024)
    roles = all(
        role in (ACTION, INFO) and way in (CIPHER, POUCH) for _post, role, way in content.routing
    )
    related = content.relation in RELATIONS if content.source else not content.relation
    few = len(content.routing) + len(content.releasable) <= _POSTS_MOST
    if not (roles and related and few and content.kind in KINDS and content.body):
        raise ServiceError("FORM_REFUSED")
    posts = [post for post, _role, _way in content.routing]
    doubled = next((post for post in posts if posts.count(post) > 1), None)
    if doubled is not None:
        raise ServiceError("ADDRESSEE_TWICE", post=doubled)
    return replace(content, level=level, caveats=caveats, precedence=precedence)


def _columns(content: Content) -> dict[str, Any]:
    def listed(value: Sequence[Any]) -> str:
        return encode(list(value)).decode()

    return {
        **content.to_payload(),
        "caveats": listed(content.caveats),
        "releasable": listed(content.releasable),
        "routing": listed([list(each) for each in content.routing]),
        "enclosed": listed([list(each) for each in content.enclosed]),
        "addressees": listed([post for post, _role, _way in content.routing]),
    }
