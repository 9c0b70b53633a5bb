"""Deciphering: an age file is judged whole in quarantine before anything of it is published.

`decipher` makes these checks in this order (SPEC.md §8) and stops at the first that fails:

 1. The header is age v1 within its caps.         NOT_AGE HEADER_MALFORMED HEADER_TOO_LARGE
 2. One label, then well-formed hybrid stanzas.   MIXED_RECIPIENTS LABEL_MISMATCH HEADER_MALFORMED
 3. A key opens a stanza, and the MAC holds.      NOT_ADDRESSED KEY_RETIRED HEADER_TAMPERED
 4. The package begins with the manifest.         PAYLOAD_DAMAGED PACKAGE_MALFORMED
 5. The manifest has its shape and its suite.     MANIFEST_MALFORMED SUITE_BELOW_FLOOR
 6. Stanzas are of its suite, the label its own.  SUITE_BELOW_FLOOR LABEL_MISMATCH
 7. The sender's card is one that we trust.       UNKNOWN_SENDER
 8. Both signatures are there and hold.           SIGNATURE_MISSING SIGNATURE_INVALID
 9. The sender's card was in force.               CARD_NOT_IN_FORCE
10. Our own card is named.                        NOT_INTENDED REROUTING_INVALID
11. Stanzas and addressees are one for one.       ADDRESSEES_MISMATCH
    Each addendum is in its place.                REROUTING_INVALID
    A card that we trust, entitled, signed it.    UNKNOWN_SENDER REROUTING_NOT_ENTITLED
    Its signatures hold, it was in force.         SIGNATURE_INVALID CARD_NOT_IN_FORCE
12. SHA256SUMS says what the manifest says.       PART_MISMATCH
13. Each part has its name, size and hash.        PART_MISMATCH
14. The archive ends, then the payload, the file. PACKAGE_MALFORMED PAYLOAD_DAMAGED

PAYLOAD_DAMAGED and PACKAGE_MALFORMED can come from 4 on, wherever the stream is read. Replays
and numbers are for those who remember: they judge an `Opened` before they publish it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from keys.age.header import Header
from keys.age.stream import OpeningStream
from keys.errors import PackageMalformed, PartMismatch
from keys.files import flush_folder
from keys.hashing import digesting
from keys.heads import open_head
from keys.manifest import Manifest, Part
from keys.package import SUMS_NAME, checksum_lines
from keys.rerouting import by_origin
from keys.signing import Signatures
from keys.suites import S2
from keys.unpacking import Package, Payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from keys.cards import Card
    from keys.hashing import Digest
    from keys.heads import FileKeyOpener, Head
    from keys.rerouting import Rerouting
    from keys.s2.complements import Complement

    Receiver = Callable[[memoryview], object]

_BEFORE_PARTS: Final = 4  # the manifest, two signatures, SHA256SUMS; a third one in suite S2


@dataclass(frozen=True)
class Opened:
    """A dispatch that passed every check, its parts waiting in quarantine.

    A context manager: on leaving, what was not published is wiped.

    Attributes:
        manifest: as signed.
        manifest_hash: lower-case hex SHA-256 of its bytes.
        signatures: both, verified.
        sender: the card that verified them.
        folder: the quarantine, mode 0700, holding exactly the parts under their names.
        parts: the manifest's, for convenience.
        reroutings: what added addressees to it since, verified.
    """

    manifest: Manifest
    manifest_hash: str
    signatures: Signatures
    sender: Card
    folder: Path
    parts: tuple[Part, ...]
    reroutings: tuple[Rerouting, ...] = ()

    def publish(self, target: Path) -> None:
        """Moves the quarantine to `target` in one step and makes that durable.

        Args:
            target: absent, or an empty folder; on the file system of the quarantine.

        Raises:
            OSError: something is there already, or the disk refuses; nothing moved.
        """
        flush_folder(self.folder)
        self.folder.rename(target)
        flush_folder(target.parent)

    def discard(self) -> None:
        """Wipes the quarantine if it was not published."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()


def decipher(
    source: BinaryIO,
    *,
    opener: FileKeyOpener,
    find_sender: Callable[[str], Card | None],
    workspace: Path,
    may_reroute: Callable[[Card, Manifest], bool] = by_origin,
    find_complement: Callable[[str], Complement | None] = lambda _fingerprint: None,
) -> Opened:
    """Opens one dispatch into a quarantine, or refuses it by name and leaves nothing behind.

    The module's docstring lists the checks in their order.

    Args:
        source: a buffered binary stream at the first byte of the age file; read to its end.
        opener: our key.
        find_sender: gives the trusted card with a fingerprint, or None. `{...}.get` will do.
        workspace: an existing folder in which the quarantine is made; put it on the file system
            of the final place. A killed process leaves its quarantine (`.quarantine-*`, mode
            0700) behind; whoever chose the workspace wipes it at the next start.
        may_reroute: whether a trusted card may have added addressees; by default the origin's.
        find_complement: gives the keys of suite S2 of a trusted card, read with it; by default
            none.

    Raises:
        Refusal: the subclass of the first check that fails.
        OSError: from the source or the disk; the quarantine is wiped all the same.
    """
    # 1. to 11.
    head = open_head(
        source,
        opener=opener,
        find_sender=find_sender,
        may_reroute=may_reroute,
        find_complement=find_complement,
    )
    manifest = head.manifest
    # 12. to 14.
    folder = Path(tempfile.mkdtemp(prefix=".quarantine-", dir=workspace))
    try:
        read_parts(head, lambda part: _kept_in(folder, part))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Opened(
        manifest,
        manifest.hash,
        head.signatures,
        head.sender,
        folder,
        manifest.parts,
        head.reroutings,
    )


def read_parts(head: Head, keep: Callable[[Part], AbstractContextManager[Receiver]]) -> None:
    """Makes checks 12 to 14. What was received is good for nothing before this returns.

    Args:
        head: as `open_head` gave it; its package is read to the end.
        keep: gives, for a part that is about to come, what takes its bytes, piece by piece.

    Raises:
        Refusal: the subclass of the first check that fails.
        OSError: from the source, or from who receives.
    """
    package, manifest = head.package, head.manifest
    _check_sums(package, manifest)
    for part in manifest.parts:
        _demand_entry(package, part)
        with digesting(part.size, package.keep_chunks) as digest, keep(part) as receive:
            for piece in package.pieces(part.size):
                digest.update(piece)
                receive(piece)
        _demand_hash(part, digest)
    package.end()


def read_again(head: Head, source: BinaryIO, place: int) -> Iterator[bytes]:
    """Gives one part of a dispatch that `read_parts` has judged, piece by piece, and keeps nothing.

    Args:
        head: of that reading; no key is asked again.
        source: the same file, at its first byte.
        place: of the part in the manifest, from 0.

    Raises:
        Refusal: it is not the same file any more. The last piece comes only if all of them have
            the hash that was signed.
        OSError: from the source.
    """
    Header.parse(source)
    package = Package(OpeningStream(head.file_key, Payload(source)))
    for _ in range(_BEFORE_PARTS + (head.manifest.suite == S2) + place):
        _name, size = package.next_entry()
        package.pass_body(size, lambda _piece: None)
    part, digest, last = head.manifest.parts[place], hashlib.sha256(), b""
    _demand_entry(package, part)
    for piece in package.pieces(part.size):
        if last:
            yield last
        last = bytes(piece)
        digest.update(last)
    _demand_hash(part, digest)
    yield last


def _check_sums(package: Package, manifest: Manifest) -> None:
    name, size = package.next_entry()
    if name != SUMS_NAME:
        raise PackageMalformed("SHA256SUMS does not follow the signatures")
    expected = checksum_lines(manifest)
    if size != len(expected) or package.body(size) != expected:
        raise PartMismatch("SHA256SUMS is not what the manifest says")


def _demand_entry(package: Package, part: Part) -> None:
    if package.next_entry() != (part.name, part.size):
        raise PartMismatch(f"the entry in the place of {part.name} has another name or size")


def _demand_hash(part: Part, digest: Digest) -> None:
    if digest.hexdigest() != part.sha256:
        raise PartMismatch(f"{part.name} does not have the hash that was signed")


@contextmanager
def _kept_in(folder: Path, part: Part) -> Iterator[Receiver]:
    path = folder / part.name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file.write
        file.flush()
        os.fsync(descriptor)
