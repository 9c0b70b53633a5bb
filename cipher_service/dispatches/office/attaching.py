"""Attachments of what is written and not sent yet (article 15): enciphered like the draft itself.

    with blobs.spool() as spool:
        enclosing = Enclosing(spool, card)
        enclosing.write(piece)
        attached = enclosing.finish("Croquis.pdf", "application/pdf", place=1)

Each is an age file to the bureau's card in the blob store, under a file key of its own. Names,
types, sizes and file keys stand in a list that is sealed as the text is, so that the custodian
opens one small thing, and what is taken out of the list opens to nobody. What is read and released
covers both (`compositions.digest_of`): the list, and the hash of each file.
"""

import io
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final, cast

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.dispatches.office import compositions, copies, trail
from cipher_service.dispatches.office.commands import reviews
from cipher_service.dispatches.office.compositions import BODY_MOST, DRAFT, Composition
from cipher_service.dispatches.office.entitlement import demand
from cipher_service.dispatches.sealed import seal_text
from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.storage.blobs import Blobs, Spool
from keys.age.files import begin_file, open_by_key
from keys.age.stream import OpeningStream
from keys.canonical import bytes_from_text, decode, encode, text_from_bytes
from keys.cards import Card
from keys.dispatch import Attachment
from keys.names import attachment_name, given_name

MOST: Final = 20
"""Attachments of one draft."""
EACH_MOST: Final = 8 * 1024 * 1024
"""Bytes of one."""
BYTES_MOST: Final = 24 * 1024 * 1024
"""Bytes of all of them, as the blob store holds them."""
_OCTETS: Final = "application/octet-stream"
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attached:
    """A line of the sealed list.

    Attributes:
        name: portable (`keys.names`).
        type: media type, as the author's browser called it.
        size: bytes of the attachment.
        sha256: hex, of its age file.
        stored: bytes of that.
        key: its file key.
    """

    name: str
    type: str
    size: int
    sha256: str
    stored: int
    key: bytes


class Enclosing:
    """Enciphers an attachment into the blob store, piece by piece.

    Args:
        spool: of the store.
        card: of the bureau.
    """

    def __init__(self, spool: Spool, card: Card) -> None:
        self._spool = spool
        self._key, self._stream = begin_file(spool, [card.recipient])
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the attachment."""
        self._stream.write(piece)
        self._size += len(piece)

    def finish(self, name: str, kind: str, place: int) -> Attached:
        """Keep it; call it inside the spool's `with`.

        Args:
            name: as the author calls it.
            kind: media type; what is none becomes octets.
            place: of the attachment, from 1.
        """
        self._stream.finish()
        body = self._spool.keep()
        kind = kind if _TYPE.fullmatch(kind) else _OCTETS
        portable = given_name(attachment_name(place, name))
        return Attached(portable, kind, self._size, body.sha256, body.size, self._key)


def sealed_list(attached: Sequence[Attached], card: Card) -> bytes:
    """Seal the list to the bureau; nothing for none. Raises ServiceError ATTACHMENTS_TOO_MANY."""
    if not attached:
        return b""
    if len(attached) > MOST:
        raise ServiceError("ATTACHMENTS_TOO_MANY", most=MOST)
    lines = [
        [one.name, one.type, one.size, one.sha256, one.stored, text_from_bytes(one.key)]
        for one in attached
    ]
    return seal_text(encode(lines).decode(), card)


def opened_list(sealed: bytes, unseal: Callable[[bytes], str]) -> tuple[Attached, ...]:
    """Open the list, by the custodian unless there is none. Raises KeysError: it refuses."""
    lines = decode(unseal(sealed).encode()) if sealed else []
    return tuple(
        Attached(name, kind, size, sha256, stored, bytes_from_text(key))
        for name, kind, size, sha256, stored, key in lines
    )


def pieces(blobs: Blobs, attached: Attached) -> Generator[bytes, None, None]:
    """Decipher an attachment, piece by piece.

    Raises:
        ServiceError: ATTACHMENT_LOST: the blob store has it no more.
        Refusal: what lies there was changed; before its last piece.
    """
    with _stored(blobs, attached) as source:
        stream = open_by_key(source, attached.key)
        while chunk := stream.next_chunk():
            yield bytes(chunk)


def enclosures(blobs: Blobs, attached: Sequence[Attached]) -> list[Attachment]:
    """Return the attachments as a departure encloses them: deciphered at each reading."""
    return [
        Attachment(one.name, cast("BinaryIO", _Deciphered(blobs, one)), one.type)
        for one in attached
    ]


class _Deciphered(io.RawIOBase):
    """An attachment as a file that is read from its beginning, as often as one likes."""

    def __init__(self, blobs: Blobs, attached: Attached) -> None:
        self._blobs = blobs
        self._attached = attached
        self._source: io.BufferedReader | None = None
        self._rest = memoryview(b"")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("only its beginning can be gone to")
        self.close_source()
        self._source = _stored(self._blobs, self._attached)
        self._stream: OpeningStream = open_by_key(self._source, self._attached.key)
        self._rest = memoryview(b"")
        return 0

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = self._stream.next_chunk()
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        if not count:
            self.close_source()
        return count

    def close_source(self) -> None:
        """Let go of what lies in the store."""
        if self._source is not None:
            self._source.close()
            self._source = None


def _stored(blobs: Blobs, attached: Attached) -> io.BufferedReader:
    try:
        return blobs.path(attached.sha256).open("rb")
    except FileNotFoundError as error:
        raise ServiceError("ATTACHMENT_LOST", name=attached.name) from error


class AttachingDesk:
    """The registrar's acts about attachments.

    Args:
        blobs: holds their files.
        gate: what decides.
        now: the clock.
    """

    def __init__(self, blobs: Blobs, gate: Gate, now: Callable[[], datetime] = clock.now) -> None:
        self._blobs = blobs
        self._gate = gate
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "dispatch_attach": self.attach,
            "dispatch_review_take.intend": self.take,
            "dispatch_review_take.end": self.taken,
        }

    def attach(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "edition", "attachments": sealed list, "enclosed"}`.

        Gives `{"edition", "decision"}`. Refuses NOT_FOUND, NOT_AWAITED, DRAFT_CHANGED, NOT_ALLOWED,
        ATTACHMENTS_TOO_MANY, ATTACHMENTS_TOO_LARGE, ATTACHMENT_LOST, FORM_REFUSED.
        """
        number, now = payload["dispatch_id"], self._now()
        known = compositions.authored(connection, number, officer, DRAFT)
        compositions.require_edition(known, payload["edition"])
        thing = known.thing(self._gate.scheme)
        ruled = demand(connection, self._gate, officer, "draft", thing, now, own=True)
        enclosed, sealed = payload["enclosed"], payload["attachments"]
        self._check(enclosed, sealed)
        edition = compositions.enclose(connection, known, sealed, enclosed, now)
        return {"edition": edition, "decision": ruled}

    def take(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "part"}`; give `{"attachments", "digest", "decision"}`.

        Refuses NOT_FOUND, NOT_ALLOWED, COPY_UNREAD.
        """
        known, ruled = self._demand(connection, officer, payload)
        same = {"attachments": known.content.attachments, "digest": known.digest}
        return {**same, "decision": ruled}

    def taken(self, connection: Connection, officer: str, payload: Answer) -> Answer | None:
        """Take `{"dispatch_id", "part"}`, or with `"refused": code`; give `{"copy", "decision"}`.

        Comes before the first byte leaves. Refuses as `take`.
        """
        if payload.get("refused") is not None:
            return None
        known, ruled = self._demand(connection, officer, payload)
        part, now = payload["part"], self._now()
        copy = copies.enter(connection, officer, known.composition_id, part, now)
        return {"copy": copy, "decision": ruled}

    def _demand(
        self, connection: Connection, officer: str, payload: Answer
    ) -> tuple[Composition, Answer]:
        known = compositions.read(connection, payload["dispatch_id"])
        ruled = reviews(connection, self._gate, officer, known, self._now())
        if not 1 <= payload["part"] <= len(known.content.enclosed):
            raise ServiceError("NOT_FOUND")
        number, digest = known.composition_id, known.digest
        read = trail.done(connection, number, trail.OPENED, officer, digest)
        if officer != known.author and not read:
            raise ServiceError("COPY_UNREAD", officer=officer, dispatch_id=number)
        return known, ruled

    def _check(self, enclosed: Sequence[tuple[str, int]], sealed: bytes) -> None:
        if len(enclosed) > MOST:
            raise ServiceError("ATTACHMENTS_TOO_MANY", most=MOST)
        if sum(size for _sha256, size in enclosed) > BYTES_MOST:
            raise ServiceError("ATTACHMENTS_TOO_LARGE", most=BYTES_MOST // 1024 // 1024)
        if bool(sealed) != bool(enclosed) or len(sealed) > BODY_MOST:
            raise ServiceError("FORM_REFUSED")
        for sha256, size in enclosed:
            if self._blobs.size(sha256) != size:
                raise ServiceError("ATTACHMENT_LOST", name=sha256[:8])
