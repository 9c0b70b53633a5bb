"""Enciphering into an ordinary file: what is large is read once, and hashed while it is enciphered.

    with open(path, "xb") as sink:
        encipher_reading_once(heading, destinations, text, attachments, signer=identity, sink=sink)

The manifest, which holds the hashes, and its signatures stand before the parts. How long they will
be is known beforehand, so their place is left out, the parts are enciphered behind it while a
second thread hashes them, and the beginning is written last. The file is the one that `encipher`
writes: nobody can tell how it came about.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from keys.age.header import seal_header
from keys.age.stream import LateStream
from keys.hashing import LARGE
from keys.manifest import Manifest
from keys.package import label_stanza
from keys.sealing import Enciphered, encipher, package_head, prepare, write_part
from keys.signing import (
    ED25519_SIGNATURE_BYTES,
    MLDSA65_SIGNATURE_BYTES,
    MLDSA87_SIGNATURE_BYTES,
    Signatures,
)
from keys.sources import Source
from keys.suites import S2
from keys.ustar import END

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.age.stream import SeekableSink
    from keys.manifest import Heading
    from keys.s2.complements import Complement
    from keys.sealing import Attachment, Destination, DispatchSigner, Prepared
    from keys.sources import Content

_NO_HASH: Final = "0" * 64


def encipher_reading_once(
    heading: Heading,
    destinations: Sequence[Destination],
    message: Content,
    attachments: Sequence[Attachment] = (),
    *,
    signer: DispatchSigner,
    sink: SeekableSink,
    message_type: str = "text/plain",
    complement: Complement | None = None,
) -> Enciphered:
    """Writes one dispatch to `sink`, as `encipher` does, whose arguments and refusals it has.

    What is small goes the way of `encipher`. Otherwise the signer is asked after the parts were
    written. On any error the sink holds a useless file that the caller removes; no key opens it,
    since its header was not written.

    `sink` is a file opened for writing, not for appending; the dispatch begins where it stands.
    """
    contents = (message, *(attachment.content for attachment in attachments))
    if sum(map(_size, contents)) < LARGE:
        return encipher(
            heading,
            destinations,
            message,
            attachments,
            signer=signer,
            sink=sink,
            message_type=message_type,
            complement=complement,
        )
    draft = prepare(
        heading,
        destinations,
        message,
        attachments,
        sender=signer.card,
        message_type=message_type,
        complement=complement,
        measure=_gauge,
    )
    return _write(draft, signer, sink)


def _size(content: Content) -> int:
    source = Source(content)
    source.gauge()
    return source.size


def _gauge(source: Source) -> str:
    source.gauge()
    return _NO_HASH


def _write(draft: Prepared, signer: DispatchSigner, sink: SeekableSink) -> Enciphered:
    start = sink.tell()
    file_key, wrapped = draft.wrap()
    sink.write(bytes(len(seal_header([label_stanza(draft.manifest), *wrapped], file_key))))
    late = len(package_head(draft.manifest, _blank(draft.manifest.suite)))
    stream = LateStream(file_key, sink, late)
    parts = tuple(
        replace(part, sha256=write_part(stream, part, source.write_hashed_to))
        for part, source in zip(draft.manifest.parts, draft.sources, strict=True)
    )
    stream.write(END)
    manifest = Manifest.parse(replace(draft.manifest, parts=parts).encode())
    signatures = signer.sign_manifest(manifest)
    draft.require_signed(manifest, signatures)
    stream.finish_with(package_head(manifest, signatures))
    end = sink.tell()
    sink.seek(start)
    sink.write(seal_header([label_stanza(manifest), *wrapped], file_key))
    sink.seek(end)
    return Enciphered(manifest, manifest.hash, end - start)


def _blank(suite: str) -> Signatures:
    """Signatures of the size that those of a suite have."""
    return Signatures(
        bytes(ED25519_SIGNATURE_BYTES),
        bytes(MLDSA65_SIGNATURE_BYTES),
        bytes(MLDSA87_SIGNATURE_BYTES if suite == S2 else 0),
    )
