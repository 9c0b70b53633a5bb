"""Enciphering: from a heading, cards and contents to one age file (SPEC.md §3).

    prepared = prepare(heading, destinations, message, sender=card)
    prepared.write(sign(prepared.manifest.encode()), sink)      # whenever somebody has signed

Nothing here numbers, stores or sends: the caller has allocated the series numbers before calling,
and publishes the output (a temporary file, fsync, rename) after the return.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from keys.age import hybrid
from keys.age.header import FILE_KEY_SIZE, seal_header
from keys.age.stream import CHUNK_SIZE, NONCE_SIZE, TAG_SIZE, SealingStream
from keys.errors import ComplementInvalid, ManifestMalformed, PartTooLarge
from keys.manifest import (
    ACTION,
    CIPHER,
    EDITION_KEY,
    SALT_BYTES,
    Addressee,
    Heading,
    Manifest,
    Part,
    Sender,
    Series,
)
from keys.names import ATTACHMENTS_MAX, MESSAGE, attachment_name
from keys.package import (
    ED25519_NAME,
    MANIFEST_NAME,
    MLDSA65_NAME,
    MLDSA87_NAME,
    SUMS_NAME,
    checksum_lines,
    label_stanza,
)
from keys.s2 import recipients
from keys.signing import MANIFEST
from keys.sources import Content, Source
from keys.suites import S1, S2
from keys.ustar import END, SIZE_MAX, entry_bytes, entry_header, padding_after

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable, Sequence

    from keys.age.header import Stanza
    from keys.age.stream import ByteSink
    from keys.cards import Card
    from keys.prekeys import Prekey
    from keys.s2.complements import Complement
    from keys.signing import Signatures


Told = TypeVar("Told")


class DispatchSigner(Protocol):
    """Who signs manifests: an identity, or a custodian that holds its keys elsewhere."""

    @property
    def card(self) -> Card:
        """The card whose keys sign."""
        ...

    def sign_manifest(self, manifest: Manifest) -> Signatures:
        """The signatures over a manifest's bytes that its suite demands."""
        ...


@dataclass(frozen=True)
class Destination:
    """One addressee of a dispatch to be enciphered; the fields are `manifest.Addressee`'s.

    The sender's own copy is a destination too: its own card, role `copy`, no series. A prekey, of
    this card, takes the place of the card's own recipient. Suite S2 needs the card's complement,
    and has no prekeys.
    """

    card: Card
    precedence: str
    series: Series | None
    role: str = ACTION
    delivery: str = CIPHER
    prekey: Prekey | None = None
    complement: Complement | None = None

    @property
    def recipient(self) -> bytes:
        """The 1,216 raw bytes to which the file key is wrapped."""
        return self.card.recipient if self.prekey is None else self.prekey.recipient


def wrap_for(file_key: bytes, destination: Destination) -> Stanza:
    """Wraps a file key for a destination, as the suite does whose size it has.

    Raises:
        ComplementInvalid: suite S2, and the destination's card has no complement here.
    """
    if len(file_key) == FILE_KEY_SIZE:
        return hybrid.wrap(file_key, destination.recipient)
    complement = destination.complement
    if complement is None or complement.card != destination.card.fingerprint:
        raise ComplementInvalid(f"the keys of suite S2 of {destination.card.post} are not here")
    return recipients.wrap(file_key, complement.recipient)


def addressee_of(destination: Destination) -> Addressee:
    """Gives the entry of `to` that names a destination."""
    return Addressee(
        post=destination.card.post,
        fingerprint=destination.card.fingerprint,
        key=EDITION_KEY if destination.prekey is None else f"prekey:{destination.prekey.id}",
        role=destination.role,
        precedence=destination.precedence,
        delivery=destination.delivery,
        series=destination.series,
    )


@dataclass(frozen=True)
class Attachment:
    """A file that goes with the message.

    Attributes:
        name: what people call it; made portable inside (`keys.names`).
        content: bytes, a path, or an open seekable file.
        type: media type, lower case, without parameters.
    """

    name: str
    content: Content
    type: str = "application/octet-stream"


@dataclass(frozen=True)
class Enciphered:
    """What was written: the manifest, its hash (lower-case hex SHA-256), the file's size."""

    manifest: Manifest
    manifest_hash: str
    size: int


class DigestingSink:
    """Passes an envelope on and digests it on its way, for those who need the file's hash.

    sink = DigestingSink(file, hashlib.sha256())
    """

    def __init__(self, sink: ByteSink, digest: hashlib._Hash) -> None:
        self._sink = sink
        self._digest = digest

    def write(self, data: memoryview | bytes, /) -> None:
        """Takes the whole of `data`."""
        self._digest.update(data)
        self._sink.write(data)


@dataclass(frozen=True)
class Prepared:
    """A dispatch that lacks its signatures: its manifest stands, its contents are measured.

    Attributes:
        manifest: the bytes to be signed are `manifest.encode()`.
        sender: the card whose keys must sign.
        destinations: in the order of the manifest.
        sources: the contents, in the order of the manifest's parts.
        complement: of the sender's card in suite S2.
    """

    manifest: Manifest
    sender: Card
    destinations: tuple[Destination, ...]
    sources: tuple[Source, ...]
    complement: Complement | None = None

    def write(self, signatures: Signatures, sink: ByteSink) -> Enciphered:
        """Writes the dispatch to `sink`: steps 4 to 6 of `encipher`.

        Raises:
            SignatureInvalid: these are not the sender's signatures over this manifest.
            SourceChangedError, OSError: as `encipher`.
        """
        # 4.
        self.require_signed(self.manifest, signatures)
        # 5.
        file_key, wrapped = self.wrap()
        header = seal_header([label_stanza(self.manifest), *wrapped], file_key)
        sink.write(header)
        # 6.
        stream = SealingStream(file_key, sink)
        package = _write_package(stream, self.manifest, signatures, self.sources)
        size = len(header) + payload_size(package)
        return Enciphered(self.manifest, self.manifest.hash, size)

    def require_signed(self, manifest: Manifest, signatures: Signatures) -> None:
        """Demands that these are the sender's signatures over a manifest, all that its suite has.

        Raises:
            SignatureInvalid: one does not hold.
        """
        signed = manifest.encode()
        self.sender.verifying_key.verify(MANIFEST, signed, signatures)
        if self.complement is not None:
            self.complement.verify(MANIFEST, signed, signatures.mldsa87)

    def wrap(self) -> tuple[bytes, list[Stanza]]:
        """Draws a file key; gives it, and the stanzas that wrap it for each destination."""
        size = FILE_KEY_SIZE if self.complement is None else recipients.S2_FILE_KEY_SIZE
        file_key = secrets.token_bytes(size)
        return file_key, [wrap_for(file_key, each) for each in self.destinations]


def prepare(
    heading: Heading,
    destinations: Sequence[Destination],
    message: Content,
    attachments: Sequence[Attachment] = (),
    *,
    sender: Card,
    message_type: str = "text/plain",
    complement: Complement | None = None,
    measure: Callable[[Source], str] = lambda source: source.measure(),
) -> Prepared:
    """Makes the manifest of one dispatch, for somebody to sign: steps 1 to 3 of `encipher`.

    The card `sender` is whose keys will sign; `measure` sets the size of a content and gives its
    hash.

    Raises:
        PartTooLarge, ManifestMalformed, CardNotInForce, ComplementInvalid, OSError: as `encipher`.
    """
    if complement is not None and complement.card != sender.fingerprint:
        raise ComplementInvalid(f"the keys of suite S2 are not those of this card of {sender.post}")
    # 1.
    if len(attachments) > ATTACHMENTS_MAX:
        raise PartTooLarge(f"a dispatch has at most {ATTACHMENTS_MAX} attachments")
    contents = (message, *(attachment.content for attachment in attachments))
    sources = tuple(Source(content) for content in contents)
    names = [MESSAGE]
    names += [attachment_name(at, item.name) for at, item in enumerate(attachments, start=1)]
    types = (message_type, *(attachment.type for attachment in attachments))
    digests = map(measure, sources)
    parts = tuple(map(_part, names, sources, types, digests))
    # 2.
    suite = S1 if complement is None else S2
    manifest = _make_manifest(suite, heading, destinations, sender, parts)
    # 3.
    for card in (sender, *(destination.card for destination in destinations)):
        card.require_in_force(heading.created)
    return Prepared(manifest, sender, tuple(destinations), sources, complement)


def encipher(
    heading: Heading,
    destinations: Sequence[Destination],
    message: Content,
    attachments: Sequence[Attachment] = (),
    *,
    signer: DispatchSigner,
    sink: ByteSink,
    message_type: str = "text/plain",
    complement: Complement | None = None,
) -> Enciphered:
    """Writes one dispatch to `sink`.

    In this order, and nothing is written before the end of 5:

    1. every content is measured and hashed;
    2. the manifest is made, and read back as an addressee will read it;
    3. every card, the sender's included, is in force at `heading.created`;
    4. the manifest is signed, and both signatures verified;
    5. a fresh file key is wrapped for each destination, one stanza each in the order of `to`;
    6. the package is encrypted onto `sink`; contents must still be what they were.

    Args:
        heading: what the writer decided.
        destinations: 1 to 599, in the order in which the manifest shall name them.
        message: the text; becomes `message.txt`.
        attachments: at most 999.
        signer: whose card becomes the sender.
        sink: takes the age file whole at each `write` (a buffered file); left open. On any error
            it holds a useless beginning that the caller removes.
        message_type: media type of the message.
        complement: of the signer's card: writes suite S2, for which each destination needs its
            own.

    Raises:
        PartTooLarge: a content of 8 GiB or more, or more than 999 attachments.
        ManifestMalformed: a field that no reader would accept.
        CardNotInForce: a card is not valid at `heading.created`.
        SignatureInvalid: the signer's answer does not verify with its card.
        ComplementInvalid: suite S2, and the keys of it of a card are not here.
        SourceChangedError: a content changed meanwhile; enciphering again can help.
        OSError: from a content or the sink.
    """
    prepared = prepare(
        heading,
        destinations,
        message,
        attachments,
        sender=signer.card,
        message_type=message_type,
        complement=complement,
    )
    return prepared.write(signer.sign_manifest(prepared.manifest), sink)


def _part(name: str, source: Source, media_type: str, digest: str) -> Part:
    if source.size > SIZE_MAX:
        raise PartTooLarge(f"{name} has {source.size} bytes; a part has at most {SIZE_MAX}")
    return Part(name, source.size, digest, media_type)


def _make_manifest(
    suite: str,
    heading: Heading,
    destinations: Sequence[Destination],
    sender: Card,
    parts: tuple[Part, ...],
) -> Manifest:
    to = tuple(map(addressee_of, destinations))
    if suite == S2 and any(entry.key != EDITION_KEY for entry in to):
        raise ManifestMalformed("suite S2 has no one-time keys")
    salt = secrets.token_bytes(SALT_BYTES)
    named = Sender(sender.post, sender.fingerprint)
    manifest = Manifest(heading, named, to, parts, salt, suite)
    return Manifest.parse(manifest.encode())


def package_head(manifest: Manifest, signatures: Signatures) -> bytes:
    """What stands in the package before the first part: manifest, signatures, SHA256SUMS."""
    head = [
        (MANIFEST_NAME, manifest.encode()),
        (ED25519_NAME, signatures.ed25519),
        (MLDSA65_NAME, signatures.mldsa65),
    ]
    if manifest.suite == S2:
        head.append((MLDSA87_NAME, signatures.mldsa87))
    head.append((SUMS_NAME, checksum_lines(manifest)))
    return b"".join(
        entry_header(name, len(data)) + data + bytes(padding_after(len(data)))
        for name, data in head
    )


def package_size(head: bytes, manifest: Manifest) -> int:
    """How many bytes the package has whose beginning is `head`."""
    return len(head) + sum(entry_bytes(part.size) for part in manifest.parts) + len(END)


def write_part(stream: SealingStream, part: Part, body: Callable[[SealingStream], Told]) -> Told:
    """Writes the entry of a part, whose content `body` writes; gives what that gives."""
    stream.write(entry_header(part.name, part.size))
    told = body(stream)
    stream.write(bytes(padding_after(part.size)))
    return told


def _write_package(
    stream: SealingStream, manifest: Manifest, signatures: Signatures, sources: Sequence[Source]
) -> int:
    """Writes every entry and finishes the stream; gives the package's size."""
    head = package_head(manifest, signatures)
    stream.write(head)
    for part, source in zip(manifest.parts, sources, strict=True):
        write_part(stream, part, source.write_to)
    stream.write(END)
    stream.finish()
    return package_size(head, manifest)


def payload_size(package: int) -> int:
    """How many bytes a package of that many becomes, nonce and tags among them."""
    chunks = -(-package // CHUNK_SIZE)
    return NONCE_SIZE + package + chunks * TAG_SIZE
