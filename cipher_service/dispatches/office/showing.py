"""The texts of dispatches, shown in the process of the page by the custodian, and kept nowhere.

    showing = Showing(engine, reception, custodian)
    shown = showing.arrival(dispatch_id)          # after the registrar's dispatch_open.intend
    part = showing.attachment(dispatch_id, 1)     # after dispatch_take.intend
    subject, text = showing.unsealed(body)        # after dispatch_review.intend

The quarantine of an arrival lies in memory (`/dev/shm`) where the machine has it, and is wiped
before the text is shown; an attachment that is given away is then a file without a name, gone with
its last reader.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Engine

from cipher_service.directory.register import read_directory
from cipher_service.dispatches.lists import dispatch_of
from cipher_service.dispatches.reception import Reception
from cipher_service.dispatches.sealed import TEXT_MAX, seal_text
from cipher_service.errors import ServiceError
from cipher_service.storage.unit_of_work import reading
from keys.cards import Card
from keys.custody import Custodian
from keys.dispatch import Opened
from keys.manifest import Manifest
from keys.names import given_name
from keys.slips import Slip, require_same

MESSAGE: Final = "message.txt"
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a quarantine of mode 0700 with a name of its own
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
        file: at its beginning, for the caller to close; nothing else leads to its content.
    """

    name: str
    type: str
    size: int
    file: BinaryIO


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
        with self._opened(dispatch_id) as opened:
            with (opened.folder / MESSAGE).open("rb") as message:
                data = message.read(SHOWN_MOST)
                whole = not message.read(1)
            return Shown(
                opened.manifest,
                opened.manifest_hash,
                opened.sender,
                data.decode("utf-8", "replace"),
                whole,
                tuple((given_name(each.name), each.type, each.size) for each in opened.parts[1:]),
            )

    def attachment(self, dispatch_id: str, place: int) -> Attachment:
        """Decipher and verify a whole dispatch for one of its attachments, counted from 1.

        Raises:
            ServiceError: NOT_FOUND, also where it has fewer.
            Refusal, KeysError, OSError: as `arrival`.
        """
        with self._opened(dispatch_id) as opened:
            if not 1 <= place < len(opened.parts):
                raise ServiceError("NOT_FOUND")
            part = opened.parts[place]
            file = (opened.folder / part.name).open("rb")
            return Attachment(given_name(part.name), part.type, part.size, file)

    @contextmanager
    def _opened(self, dispatch_id: str) -> Iterator[Opened]:
        with reading(self._engine) as connection:
            record = dispatch_of(connection, self._post, dispatch_id)
            directory = read_directory(connection)
        with (
            tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as workspace,
            self._reception.envelope(record) as source,
            self._reception.deciphered(source, directory, Path(workspace)) as opened,
        ):
            require_same(Slip.parse(record.slip), opened.manifest)
            yield opened

    def sealed(self, subject: str, text: str) -> bytes:
        """Seal a subject and a text to the bureau. Raises ServiceError TEXT_TOO_LONG."""
        return self.sealed_text(f"{subject}\n{text}")

    def sealed_text(self, text: str) -> bytes:
        """Seal a text to the bureau. Raises ServiceError TEXT_TOO_LONG."""
        try:
            return seal_text(text, self._custodian.card())
        except ValueError as error:
            raise ServiceError("TEXT_TOO_LONG", most=TEXT_MAX // 1024) from error

    def unsealed(self, body: bytes) -> tuple[str, str]:
        """Open a subject and a text. Raises KeysError."""
        subject, _, text = self.unsealed_text(body).partition("\n")
        return subject, text

    def unsealed_text(self, body: bytes) -> str:
        """Open a text. Raises KeysError: it is not to this bureau, or the custodian refuses."""
        return self._custodian.open_sealed(body).decode("utf-8")
