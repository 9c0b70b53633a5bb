"""Makes dispatches layer by layer, so that each layer can be made wrong.

The forger is an insider: it holds file keys, can seal to anybody, and writes any archive. What it
lacks is what the format protects, the sender's two signature keys; those who test a signature's
effect pass the sender's identity openly.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from keys import canonical
from keys.age import hybrid
from keys.age.header import Header, Stanza, seal_header
from keys.age.stream import OpeningStream, SealingStream
from keys.cards import Card, issue_card
from keys.identity import Identity
from keys.jws import ApiKey
from keys.manifest import (
    COPY,
    EDITION_KEY,
    Addressee,
    Heading,
    Label,
    Manifest,
    Part,
    Sender,
    Series,
)
from keys.opening import Opened, decipher
from keys.package import LABEL_TYPE
from keys.s2 import recipients
from keys.signing import MANIFEST, Signatures, SigningKey
from keys.ustar import END, entry_header, padding_after

NOW = datetime(2026, 11, 22, 12, 28, 59, tzinfo=UTC)
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
MESSAGE = "Objet : visa de courtoisie.\nPrière d'accorder le visa demandé.\n".encode()
FILE_KEY = bytes(range(16))

Members = dict[str, Any]


@lru_cache
def identity(post: str) -> Identity:
    """A post whose keys follow from its name: known to everybody, for tests only."""

    def seed(purpose: str) -> bytes:
        return hashlib.sha256(f"depeche test key {post} {purpose}".encode()).digest()

    signing_key = SigningKey(seed("ed25519"), seed("mldsa65"))
    key = hybrid.HybridKey(seed("age"))
    card = issue_card(
        signing_key, key.recipient, post=post, edition=1, valid_from=YEAR[0], valid_until=YEAR[1]
    )
    return Identity(card, signing_key, key, ApiKey.from_private_bytes(seed("api")))


def heading(**changes: Any) -> Heading:
    """An ordinary heading."""
    ordinary = Heading(
        id="01JD8ZK3V00000000000000001",
        kind="telegram",
        label=Label("MINREX", "SECRET", ("EYES ONLY",), ("CMR", "TGO"), "2036-11-22"),
        dtg=NOW,
        created=NOW,
        subject="Visa de courtoisie",
        references=("Télégramme n° 3032 du 29 mars",),
    )
    return replace(ordinary, **changes)


def addressee(card: Card, number: int | None = 1, *, precedence: str = "ROUTINE") -> Addressee:
    """An entry of `to`; without a number it is the sender's own copy."""
    return Addressee(
        post=card.post,
        fingerprint=card.fingerprint,
        key=EDITION_KEY,
        role="action" if number else COPY,
        precedence=precedence,
        delivery="cipher",
        series=Series(202600, number) if number else None,
    )


@dataclass
class Entry:
    """An entry of the archive; `header` replaces the canonical one."""

    name: str
    data: bytes
    header: bytes | None = None
    padding: bytes | None = None

    def encode(self) -> bytes:
        header = entry_header(self.name, len(self.data)) if self.header is None else self.header
        size = len(self.data)
        padding = bytes(padding_after(size)) if self.padding is None else self.padding
        return header + self.data + padding


@dataclass
class Forgery:
    """A dispatch from MINREX in the making; change what shall be wrong, then `seal`."""

    recipients: list[Card]
    contents: list[tuple[str, bytes]] = field(default_factory=lambda: [("message.txt", MESSAGE)])
    heading: Heading = field(default_factory=heading)
    signer: Identity = field(default_factory=lambda: identity("MINREX"))
    to: list[Addressee] | None = None
    # Applied to the manifest's members before it is encoded.
    alter: Callable[[Members], None] | None = None
    # Applied to the manifest's bytes before it is signed.
    alter_bytes: Callable[[bytes], bytes] | None = None
    sign: Callable[[bytes], Signatures] | None = None
    alter_entries: Callable[[list[Entry]], None] | None = None
    end: bytes = END
    alter_archive: Callable[[bytes], bytes] | None = None
    alter_stanzas: Callable[[list[Stanza]], None] | None = None
    file_key: bytes = FILE_KEY
    suite: str = "S1"

    def manifest(self) -> bytes:
        """The manifest's bytes, as altered."""
        to = self.to
        if to is None:
            to = [addressee(card, at) for at, card in enumerate(self.recipients, start=1)]
        card = self.signer.card
        manifest = Manifest(
            self.heading,
            Sender(card.post, card.fingerprint),
            tuple(to),
            tuple(
                Part(name, len(data), hashlib.sha256(data).hexdigest(), "text/plain")
                for name, data in self.contents
            ),
            salt=hashlib.sha256(self.heading.id.encode()).digest(),
            suite=self.suite,
        )
        members = json.loads(manifest.encode())
        if self.alter:
            self.alter(members)
        data = json.dumps(
            members, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()
        return self.alter_bytes(data) if self.alter_bytes else data

    def archive(self) -> bytes:
        """The archive, as altered."""
        manifest = self.manifest()
        key = self.signer.signing_key
        sign = self.sign or partial(key.sign if self.suite == "S1" else key.sign_thrice, MANIFEST)
        signatures = sign(manifest)
        sums = "".join(
            f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in self.contents
        )
        entries = [
            Entry("manifest.json", manifest),
            Entry("manifest.json.ed25519", signatures.ed25519),
            Entry("manifest.json.mldsa65", signatures.mldsa65),
            *([Entry("manifest.json.mldsa87", third)] if (third := signatures.mldsa87) else []),
            Entry("SHA256SUMS", sums.encode()),
            *(Entry(name, data) for name, data in self.contents),
        ]
        if self.alter_entries:
            self.alter_entries(entries)
        archive = b"".join(entry.encode() for entry in entries) + self.end
        return self.alter_archive(archive) if self.alter_archive else archive

    def stanzas(self) -> list[Stanza]:
        """Label and hybrid stanzas, as altered."""
        stanzas = [
            label(self.manifest()),
            *(self._wrapped(card) for card in self.recipients),
        ]
        if self.alter_stanzas:
            self.alter_stanzas(stanzas)
        return stanzas

    def _wrapped(self, card: Card) -> Stanza:
        if len(self.file_key) == len(FILE_KEY):
            return hybrid.wrap(self.file_key, card.recipient)
        return recipients.wrap(self.file_key, identity(card.post).complement().recipient)

    def seal(self) -> bytes:
        """The age file."""
        return seal(self.archive(), self.stanzas(), self.file_key)


def label(manifest: bytes) -> Stanza:
    """The label stanza that goes with a manifest's bytes, however malformed."""
    try:
        members = json.loads(manifest)
        precedences = {entry["precedence"] for entry in members["to"] if entry["role"] != COPY}
        body = canonical.encode(
            {"id": members["id"], "routing": sorted(precedences), "suite": members["suite"]}
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        body = b'{"id":"00000000000000000000000000","routing":["ROUTINE"],"suite":"S1"}'
    digest = canonical.text_from_bytes(hashlib.sha256(manifest).digest())
    return Stanza(LABEL_TYPE, (digest,), body)


def seal(archive: bytes, stanzas: Sequence[Stanza], file_key: bytes = FILE_KEY) -> bytes:
    """An age file with these stanzas around this payload."""
    sink = io.BytesIO()
    sink.write(seal_header(stanzas, file_key))
    stream = SealingStream(file_key, sink)
    stream.write(archive)
    stream.finish()
    return sink.getvalue()


def unseal(envelope: bytes, opener: Identity) -> tuple[Header, bytes, bytes]:
    """What an addressee can take out of an envelope: header, file key, archive."""
    source = io.BytesIO(envelope)
    header = Header.parse(source)
    file_key = opener.open_file_key(header, lambda _: b"")
    stream = OpeningStream(file_key, source)
    archive = bytearray()
    while chunk := stream.next_chunk():
        archive += chunk
    return header, file_key, bytes(archive)


def split(envelope: bytes) -> tuple[Header, bytes]:
    """The header of an envelope, and what follows it."""
    source = io.BytesIO(envelope)
    return Header.parse(source), source.read()


def open_with(envelope: bytes, opener: Identity, folder: Path, *senders: Identity) -> Opened:
    """Deciphers with the product; MINREX is trusted unless others are given."""
    trusted = {sender.card.fingerprint: sender.card for sender in senders or [identity("MINREX")]}
    thirds = {name: identity(card.post).complement() for name, card in trusted.items()}
    return decipher(
        io.BytesIO(envelope),
        opener=opener,
        find_sender=trusted.get,
        workspace=folder,
        find_complement=thirds.get,
    )
