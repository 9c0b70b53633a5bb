"""The texts of dispatches, shown in the process of the page by the custodian, and kept nowhere.

    showing = Showing(engine, reception, custodian)
    shown = showing.arrival(dispatch_id)          # after the registrar's dispatch_open.intend
    part = showing.attachment(dispatch_id, 1)     # after dispatch_take.intend
    subject, text = showing.unsealed(body)        # after dispatch_review.intend

An arrival is judged whole before anything of it is shown, and nothing of it is written meanwhile,
whatever its size: of the text the beginning is kept in memory, and an attachment is deciphered
again while it is given.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Engine

from cipher_service.directory.register import read_directory
from cipher_service.dispatches import kept
from cipher_service.dispatches.lists import DispatchRecord, dispatch_of
from cipher_service.dispatches.reception import Reception, require_inside
from cipher_service.dispatches.sealed import TEXT_MAX, seal_text
from cipher_service.errors import ServiceError
from cipher_service.storage.unit_of_work import reading
from keys.age.header import Header
from keys.canonical import bytes_from_text, decode
from keys.cards import Card
from keys.custody import Custodian
from keys.custody.bureau import Bureau
from keys.custody.bureau_opening import PREFIX_BYTES
from keys.dispatch import Head, read_again, read_parts
from keys.manifest import Manifest, Part
from keys.names import MESSAGE, given_name

SHOWN_MOST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """A deciphered dispatch: verified manifest, its text, and what else is in it.

    Attributes:
        manifest: as signed, verified.
        manifest_hash: hex SHA-256 of its bytes.
        sender: the card that signed it.
        text: of the message; at most `SHOWN_MOST` bytes of it.
        whole: whether that is all of it.
        attachments: (name as the sender gave it, media type, bytes) each.
    """

    manifest: Manifest
    manifest_hash: str
    sender: Card
    text: str
    whole: bool
    attachments: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment that was verified with all of its dispatch.

    Attributes:
        name: as the sender gave it.
        type: media type, as the sender gave it.
        size: bytes.
        pieces: what it holds; close it when it is not read to its end. Raises Refusal and OSError
            when what lies at rest has changed meanwhile, before its last piece.
    """

    name: str
    type: str
    size: int
    pieces: Generator[bytes, None, None]


class Showing:
    """Opens for one process.

    Args:
        engine: the books, read only.
        reception: of the bureau.
        custodian: holds the bureau's keys.
        headquarters: the bureau's post code.
    """

    def __init__(
        self, engine: Engine, reception: Reception, custodian: Custodian, headquarters: str
    ) -> None:
        self._engine = engine
        self._reception = reception
        self._custodian = custodian
        self._post = headquarters

    def arrival(self, dispatch_id: str) -> Shown:
        """Decipher a dispatch that the bureau received, or its own copy of one that left.

        Raises:
            ServiceError: NOT_FOUND.
            Refusal: the envelope is refused, by the name of what is wrong with it.
            KeysError: the custodian refuses.
            OSError: the envelope cannot be read.
        """
        text = bytearray()
        _record, head = self._judged(dispatch_id, text)
        manifest = head.manifest
        return Shown(
            manifest,
            manifest.hash,
            head.sender,
            text.decode("utf-8", "replace"),
            len(text) == manifest.parts[0].size,
            tuple((given_name(each.name), each.type, each.size) for each in manifest.parts[1:]),
        )

    def attachment(self, dispatch_id: str, place: int) -> Attachment:
        """Decipher and verify a whole dispatch for one of its attachments, counted from 1.

        Raises:
            ServiceError: NOT_FOUND, also where it has fewer.
            Refusal, KeysError, OSError: as `arrival`.
        """
        record, head = self._judged(dispatch_id, bytearray())
        parts = head.manifest.parts
        if not 1 <= place < len(parts):
            raise ServiceError("NOT_FOUND")
        part = parts[place]
        return Attachment(
            given_name(part.name), part.type, part.size, self._again(record, head, place)
        )

    def rewrapped(self, dispatch_id: str, recipient: bytes) -> dict[str, Any]:
        """Have the custodian make a header of a dispatch for its reader's own key.

        Args:
            dispatch_id: as for `arrival`.
            recipient: of that key, 1,216 raw bytes.

        Returns:
            `{"header": bytes, "manifest": its hash, "releasability": its posts}`.

        Raises:
            ServiceError, Refusal, KeysError, OSError: as `arrival`.
        """
        with reading(self._engine) as connection:
            record = dispatch_of(connection, self._post, dispatch_id)
        with self._reception.envelope(record) as source:
            header, prefix = Header.parse(source), source.read(PREFIX_BYTES)
            hands = Bureau(self._custodian, partial(kept.find, self._engine))
            made = hands.shown(
                header, lambda shown: self._custodian.rewrap_header(shown, prefix, recipient)
            )
        told = decode(made)
        return {**told, "header": bytes_from_text(told["header"])}

    def _judged(self, dispatch_id: str, text: bytearray) -> tuple[DispatchRecord, Head]:
        """Verify all of a dispatch; the beginning of its text goes to `text`."""

        def begin(piece: memoryview) -> None:
            text.extend(piece[: SHOWN_MOST - len(text)])

        def keep(part: Part) -> AbstractContextManager[Callable[[memoryview], object]]:
            return nullcontext(begin if part.name == MESSAGE else lambda _piece: None)

        with reading(self._engine) as connection:
            record = dispatch_of(connection, self._post, dispatch_id)
            directory = read_directory(connection)
        with self._reception.envelope(record) as source:
            head = self._reception.head(source, directory)
            require_inside(record, head)
            read_parts(head, keep)
        return record, head

    def _again(
        self, record: DispatchRecord, head: Head, place: int
    ) -> Generator[bytes, None, None]:
        with self._reception.envelope(record) as source:
            yield from read_again(head, source, place)

    @property
    def card(self) -> Card:
        """The bureau's card."""
        return self._custodian.card()

    def sealed(self, subject: str, text: str) -> bytes:
        """Seal a subject and a text to the bureau. Raises ServiceError TEXT_TOO_LONG."""
        return self.sealed_text(f"{subject}\n{text}")

    def sealed_text(self, text: str) -> bytes:
        """Seal a text to the bureau. Raises ServiceError TEXT_TOO_LONG."""
        try:
            return seal_text(text, self.card)
        except ValueError as error:
            raise ServiceError("TEXT_TOO_LONG", most=TEXT_MAX // 1024) from error

    def unsealed(self, body: bytes) -> tuple[str, str]:
        """Open a subject and a text. Raises KeysError."""
        subject, _, text = self.unsealed_text(body).partition("\n")
        return subject, text

    def unsealed_text(self, body: bytes) -> str:
        """Open a text. Raises KeysError: it is not to this bureau, or the custodian refuses."""
        return self._custodian.open_sealed(body).decode("utf-8")
