"""`chiffre encipher`: numbers, signs and enciphers a dispatch into a file that exists whole or not.

The steps, and what a kill at any of them leaves (`numbers.py` settles it):

1. Everything that can be refused without a number is (`drafting`).
2. The numbers are allocated.                      kill: the next command cancels them
3. The file is written beside its final name.      kill: likewise, and removes the file
4. It is flushed to disk, and that is recorded.    kill: likewise
5. It is renamed to its final name.                kill: the next command issues the numbers
6. The numbers are issued.
"""

import errno
import io
import os
import secrets
import sqlite3
import stat
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from cipher_service.client.complements import with_complements
from cipher_service.client.drafting import (
    Draft,
    attachment_paths,
    draft,
    media_type,
    read_card_file,
)
from cipher_service.client.lines import heading_lines, heading_record, show_lines
from cipher_service.client.log_book import LogBook
from cipher_service.client.messages import phrase
from cipher_service.client.numbers import Numbers, Outgoing, SeriesNumber
from cipher_service.client.passphrases import open_identity
from cipher_service.client.placing import place, require_free, require_room
from cipher_service.client.state import PostState
from cipher_service.client.terminal import Advance, Terminal
from cipher_service.client.watching import Watched, spooled
from cipher_service.references import INCARNATIONS
from keys.cards import Card
from keys.dispatch import Attachment, Destination, Enciphered, encipher_reading_once
from keys.errors import KeysError
from keys.identity import Identity
from keys.manifest import COPY, POUCH, Series


def encipher(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre encipher`."""
    folder, out = Path(arguments.identity), Path(arguments.out)
    require_free(out, [arguments.file, *arguments.attach], force=arguments.force)
    require_room(out)
    attachments = attachment_paths(arguments.attach)
    identity = open_identity(arguments, terminal)
    with LogBook(folder) as book:
        decided = draft(arguments, identity.card, read_card_file, book.carried())
    decided = with_complements(decided, arguments.complement, identity)
    partial = out.parent / f".chiffre-{secrets.token_hex(8)}.partial"
    with (
        opened_text(arguments.file, folder) as text,
        PostState(folder) as state,
        state.exclusive(lambda: terminal.say("waiting")),
    ):
        for lost in settle(state):
            terminal.say(
                "number_cancelled", post=lost.addressee, number=lost.number, epoch=lost.epoch
            )
        enciphered = encipher_numbered(
            decided,
            text,
            attachments,
            identity=identity,
            state=state,
            partial=partial,
            terminal=terminal,
        )
        place(
            partial,
            out,
            state,
            numbered=enciphered.manifest.id,
            manifest_hash=enciphered.manifest_hash,
        )
    _tell(enciphered, out, terminal)


def settle(state: PostState) -> list[Outgoing]:
    """Settle what commands that died left behind; return the numbers cancelled by that.

    Inside `PostState.exclusive`.
    """
    cancelled, leftovers = state.numbers.recover()
    for leftover in leftovers:
        with suppress(OSError):  # a stick that is no longer there must not stop the next dispatch
            leftover.unlink(missing_ok=True)
    return cancelled


def encipher_numbered(
    decided: Draft,
    text: io.RawIOBase,
    attachments: Sequence[Path],
    *,
    identity: Identity,
    state: PostState,
    partial: Path,
    terminal: Terminal,
) -> Enciphered:
    """Number, sign and encipher a draft into `partial`, flushed to disk and recorded as finished.

    Inside `PostState.exclusive`. The caller renames `partial` and then issues the numbers. When
    anything fails the file is gone and the numbers are cancelled, which the user is told.

    Args:
        decided: from `draft`.
        text: the message, from `opened_text`.
        attachments: in their order.
        identity: the sender's.
        state: of the same folder.
        partial: a new file.
        terminal: where progress and cancelled numbers are told.

    Raises:
        Refusal: what `keys` refuses.
        SourceChangedError: a content changed while it was read.
        OSError: a content cannot be read, or `partial` not be written.
    """
    # What can fail without a number comes first.
    with (
        _opened(attachments) as files,
        _numbered(decided, identity.card, state.numbers, partial, terminal) as destinations,
        _new_file(partial) as sink,
    ):
        ready = replace(decided, destinations=tuple(destinations))
        enciphered = _written(ready, text, files, identity, sink, terminal)
        state.numbers.finish(decided.heading.id, enciphered.manifest_hash)
    return enciphered


@contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[list[tuple[Path, io.FileIO]]]:
    with ExitStack() as stack:
        yield [(path, stack.enter_context(path.open("rb", buffering=0))) for path in paths]


def _numbered(
    decided: Draft, own: Card, numbers: Numbers, partial: Path, terminal: Terminal
) -> AbstractContextManager[list[Destination]]:
    return numbered(
        decided.destinations,
        under=decided.heading.id,
        created=decided.heading.created,
        own=own,
        numbers=numbers,
        partial=partial,
        terminal=terminal,
    )


def _written(
    ready: Draft,
    text: io.RawIOBase,
    attachments: Sequence[tuple[Path, io.FileIO]],
    signer: Identity,
    sink: BinaryIO,
    terminal: Terminal,
) -> Enciphered:
    """Encipher a draft whose destinations have their numbers, and flush it to disk."""
    files = (text, *(file for _path, file in attachments))
    total = sum(os.fstat(file.fileno()).st_size for file in files)
    with terminal.progress("enciphering", total) as advance:
        enciphered = encipher_reading_once(
            ready.heading,
            ready.destinations,
            _content(text, advance),
            [
                Attachment(path.name, _content(file, advance), media_type(path))
                for path, file in attachments
            ],
            signer=signer,
            sink=sink,
            complement=ready.complement,
        )
        sink.flush()
        os.fsync(sink.fileno())
    return enciphered


@contextmanager
def opened_text(name: str, folder: Path) -> Iterator[io.RawIOBase]:
    """Open the message for two readings; what can be read only once goes through the disk.

    Args:
        name: of a file, or `-` for standard input.
        folder: the identity folder, where a stream is kept for the time being.

    Raises:
        OSError: it cannot be read, or not be kept.
    """
    if name == "-":
        if sys.stdin is None:
            raise OSError(errno.EBADF, "standard input is closed")
        with spooled(sys.stdin.buffer, folder) as spool:
            yield spool
        return
    with Path(name).open("rb", buffering=0) as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield file
            return
        with spooled(file, folder) as spool:
            yield spool


@contextmanager
def numbered(
    destinations: Sequence[Destination],
    *,
    under: str,
    created: datetime,
    own: Card,
    numbers: Numbers,
    partial: Path,
    terminal: Terminal,
) -> Iterator[list[Destination]]:
    """Give destinations their numbers, which are cancelled when the block fails.

    Args:
        destinations: in their order; a copy takes no number.
        under: what the numbers are allocated for, such as a dispatch id.
        created: in whose year they count.
        own: the card that signs.
        numbers: of the identity folder.
        partial: where the file is written before it has its final name.
        terminal: where cancelled numbers are told.
    """
    epoch = numbers.epoch(created.year, _incarnation(own))
    addressees = [each.card.post for each in destinations if each.role != COPY]
    taken = numbers.allocate(under, addressees, epoch, partial)
    try:
        yield [
            replace(each, series=None if each.role == COPY else _series(taken[each.card.post]))
            for each in destinations
        ]
    except BaseException as error:
        # A disk that refuses this too loses nothing: the next command cancels them.
        with suppress(sqlite3.Error):
            numbers.cancel(under, _reason(error))
        for post, number in taken.items():
            terminal.say("number_cancelled", post=post, number=number.number, epoch=number.epoch)
        raise


@contextmanager
def _new_file(partial: Path) -> Iterator[BinaryIO]:
    """Write a new file, which is gone when the block fails."""
    with partial.open("xb") as sink:
        try:
            yield sink
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _content(file: io.RawIOBase, advance: Advance) -> BinaryIO:
    # `keys` reads raw files; its type says BinaryIO, which no raw file formally is.
    return cast("BinaryIO", Watched(file, advance))


def _incarnation(card: Card) -> int:
    """A new edition is a new folder that knows no numbers: it must not give them again."""
    return (card.edition - 1) % INCARNATIONS


def _series(taken: SeriesNumber) -> Series:
    return Series(taken.epoch, taken.number, taken.previous)


def _reason(error: BaseException) -> str:
    if isinstance(error, KeysError):
        return error.code
    return "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__


def _tell(enciphered: Enciphered, out: Path, terminal: Terminal) -> None:
    manifest = enciphered.manifest
    if terminal.as_json:
        terminal.show_json(
            {
                **heading_record(manifest),
                "file": str(out),
                "size": enciphered.size,
                "manifest_hash": enciphered.manifest_hash,
            }
        )
        return
    show_lines(
        terminal,
        [
            *heading_lines(manifest, terminal.language),
            ("line_file", f"{out} ({phrase('bytes', terminal.language, count=enciphered.size)})"),
        ],
    )
    bags = [entry.post for entry in manifest.to if entry.delivery == POUCH]
    if bags:
        terminal.say("by_pouch", posts=", ".join(bags))
    terminal.say("copy_included")
