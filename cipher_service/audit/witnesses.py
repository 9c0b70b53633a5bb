"""The posts as witnesses of the log: what they cosigned, and how far a majority of them has seen.

judged = judge(connection, data, card, origin)                     # in an API process
await registrar.call("cosign", judged)
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from cipher_service import clock
from cipher_service.audit.publishing import head_of
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables.audit import audit_cosignature, audit_witness
from keys.cards import Card
from keys.log.checkpoints import read_cosignature
from keys.log.errors import NoteNotSigned
from keys.log.notes import Note
from keys.log.witnesses import read_witness


@dataclass(frozen=True, slots=True)
class Witnessed:
    """How far the log was seen by others.

    Attributes:
        size: entries of the largest head that a majority has cosigned or gone beyond; 0 for none.
        needed: how many posts are a majority.
        seen: the size that each enrolled post cosigned last; 0 for never.
    """

    size: int
    needed: int
    seen: dict[str, int]


def judge(
    connection: Connection, card: Card, origin: str, *, witness: bytes, size: int, line: str
) -> dict[str, Any]:
    """Judge a post's cosignature of a head; give the payload of the registrar's `cosign`.

    Args:
        connection: reading.
        card: of the post, in force.
        origin: the log's name.
        witness: the file in which the card vouches for the cosigning key.
        size: of the head.
        line: the cosignature's line, newline included.

    Raises:
        ServiceError: NOT_FOUND: no head of that size was signed here.
        Refusal: WITNESS_MALFORMED, SIGNATURE_INVALID, NOTE_MALFORMED, NOTE_NOT_SIGNED.
    """
    vouched = read_witness(witness, card, origin)
    text, _, _ = head_of(connection, size).decode().rpartition("\n\n")
    note = Note.parse(f"{text}\n\n{line}".encode())
    if len(note.signatures) != 1 or read_cosignature(note, vouched.key) is None:
        raise NoteNotSigned(f"{vouched.key.name} has not cosigned the head of {size}")
    return {
        "post": card.post,
        "card": card.fingerprint,
        "vkey": vouched.key.encode(),
        "witness": witness,
        "size": size,
        "line": line,
    }


def record(connection: Connection, judged: dict[str, Any], now: datetime) -> bool:
    """File a cosignature that `judge` accepted; False when the post had cosigned that head."""
    mine = {"post": judged["post"], "card": judged["card"], "recorded_at": clock.text(now)}
    connection.execute(
        insert_or_skip(audit_witness, ["post", "card"]).values(
            **mine, vkey=judged["vkey"], body=judged["witness"]
        )
    )
    return inserts(
        connection,
        insert_or_skip(audit_cosignature, ["size", "post"]).values(
            **mine, size=judged["size"], line=judged["line"]
        ),
    )


def witnessed(connection: Connection, posts: Collection[str]) -> Witnessed:
    """Say how far a majority of the enrolled posts has seen the log.

    Args:
        connection: reading.
        posts: codes of the posts in service, headquarters excluded.
    """
    latest = select(audit_cosignature.c.post, func.max(audit_cosignature.c.size)).group_by(
        audit_cosignature.c.post
    )
    told = {str(post): int(size) for post, size in connection.execute(latest)}
    seen = {post: told.get(post, 0) for post in sorted(posts)}
    needed = len(seen) // 2 + 1
    ordered = sorted(seen.values(), reverse=True)
    return Witnessed(ordered[needed - 1] if needed <= len(ordered) else 0, needed, seen)


def last_cosigned(connection: Connection) -> dict[int, bytes]:
    """Return, by size, the heads that some post cosigned last, with all their cosignatures."""
    sizes = select(func.max(audit_cosignature.c.size)).group_by(audit_cosignature.c.post).distinct()
    return {size: head_of(connection, size) for size in sorted(connection.scalars(sizes))}


def vouchers(connection: Connection) -> list[tuple[str, str, bytes]]:
    """Return post, vkey and signed statement of each witness, the newest of each post."""
    newest = (
        select(audit_witness.c.post, func.max(audit_witness.c.recorded_at).label("at"))
        .group_by(audit_witness.c.post)
        .subquery()
    )
    rows = connection.execute(
        select(audit_witness.c.post, audit_witness.c.vkey, audit_witness.c.body)
        .join(
            newest,
            and_(newest.c.post == audit_witness.c.post, newest.c.at == audit_witness.c.recorded_at),
        )
        .order_by(audit_witness.c.post)
    )
    return [(str(post), str(vkey), bytes(body)) for post, vkey, body in rows]
