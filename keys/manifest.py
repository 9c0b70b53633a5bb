"""The manifest: the first entry of the package and the only thing that is signed.

Everything a reader relies on is in it: who sent the dispatch, to whom, under which label, which
numbers it bears, and what each part is down to its hash. It is canonical JSON of one shape
(SPEC.md §4). Codes of level, precedence and caveat are opaque here: their meaning is the
ministry's scheme, which is data.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.errors import ManifestMalformed
from keys.names import ATTACHMENTS_MAX, check_part_names
from keys.records import CODE, DATE, FINGERPRINT, POST, ULID, Record
from keys.suites import S1, require_accepted

if TYPE_CHECKING:
    from datetime import datetime

MANIFEST_BYTES_MAX: Final = 256 * 1024
ADDRESSEES_MAX: Final = 599
SALT_BYTES: Final = 32
KINDS: Final = frozenset({"dispatch", "telegram", "service-message", "note-verbale", "circular"})

EDITION_KEY: Final = "edition"
ACTION: Final = "action"
INFO: Final = "info"
COPY: Final = "copy"
CIPHER: Final = "cipher"
POUCH: Final = "pouch"

_EPOCH_LEAST = 200000
_REFERENCES_MAX = 64
_CODES_MAX = 32
_KIND = re.compile("|".join(sorted(KINDS)))
_KEY = re.compile(r"edition|prekey:[A-Za-z0-9_-]{1,64}")
_ROLE = re.compile(f"{ACTION}|{INFO}|{COPY}")
_DELIVERY = re.compile(f"{CIPHER}|{POUCH}")
_SUITE = re.compile(r"S[0-9]{1,3}")
_LINE = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{0,400}")
_REFERENCE = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{1,200}")
_NOTE = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f]{1,4096}")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")


@dataclass(frozen=True)
class Sender:
    """Who signs: the post's code and the fingerprint of the card whose keys sign."""

    post: str
    fingerprint: str


@dataclass(frozen=True)
class Series:
    """The place of a dispatch in the numbered series from its sender to one addressee.

    Attributes:
        epoch: calendar year * 100 + incarnation (202600 until a restore opens 202601).
        number: from 1, without gaps.
        previous: manifest hash of the dispatch before it in the series, None for the first.
    """

    epoch: int
    number: int
    previous: str | None = None


@dataclass(frozen=True)
class Addressee:
    """One entry of `to`, hence one hybrid stanza.

    Attributes:
        post: the addressee's code.
        fingerprint: of the card that holds the key, or that signed the prekey.
        key: `edition` (the card's recipient) or `prekey:<id>`.
        role: `action`, `info`, or `copy` for the sender's own.
        precedence: code of the scheme.
        delivery: `cipher` (over the wire) or `pouch`.
        series: None for the sender's own copy, and only there.
    """

    post: str
    fingerprint: str
    key: str
    role: str
    precedence: str
    delivery: str
    series: Series | None


@dataclass(frozen=True)
class Label:
    """The security label, in the terms of one policy (after STANAG 4774).

    Attributes:
        policy: code of the scheme that gives the other codes their meaning.
        level: code of the level.
        caveats: codes, distinct, in the sender's order.
        releasability: codes, distinct; empty when the policy's default applies.
        review: `YYYY-MM-DD`, or None.
    """

    policy: str
    level: str
    caveats: tuple[str, ...] = ()
    releasability: tuple[str, ...] = ()
    review: str | None = None


@dataclass(frozen=True)
class Part:
    """One file of the package: its name inside, bytes, lower-case hex SHA-256, media type."""

    name: str
    size: int
    sha256: str
    type: str


@dataclass(frozen=True)
class Heading:
    """What the writer of a dispatch decides about it, apart from its addressees and its text.

    Attributes:
        id: ULID, 26 characters.
        kind: one of `KINDS`.
        label: the security label.
        dtg: the date-time group as a time: UTC, whole seconds.
        created: UTC, whole seconds.
        expires: UTC, whole seconds, after `created`, or None.
        subject: one line of at most 400 characters, may be empty.
        references: earlier dispatches as people cite them, each one line of at most 200.
        in_reply_to: ULID or None.
        checkpoint: the sender's latest verified log checkpoint (a signed note), or None.
    """

    id: str
    kind: str
    label: Label
    dtg: datetime
    created: datetime
    expires: datetime | None = None
    subject: str = ""
    references: tuple[str, ...] = ()
    in_reply_to: str | None = None
    checkpoint: str | None = None


@dataclass(frozen=True)
class Manifest:
    """A heading with its sender, addressees and parts; `salt` keeps its hash from being guessed.

    `suite` is S1 unless the cards' complements were at hand (`keys.s2`).
    """

    heading: Heading
    sender: Sender
    to: tuple[Addressee, ...]
    parts: tuple[Part, ...]
    salt: bytes
    suite: str = S1

    @property
    def id(self) -> str:
        """The dispatch id."""
        return self.heading.id

    @property
    def label(self) -> Label:
        """The security label."""
        return self.heading.label

    def addressee(self, fingerprint: str) -> Addressee | None:
        """The first entry of `to` for a card, or None."""
        return next((entry for entry in self.to if entry.fingerprint == fingerprint), None)

    @cached_property
    def _encoded(self) -> bytes:
        try:
            return canonical.encode(_members(self))
        except ValueError as error:
            raise ManifestMalformed(str(error)) from error

    @cached_property
    def hash(self) -> str:
        """Lower-case hexadecimal SHA-256 of `encode()`: what series, replies and labels cite."""
        return hashlib.sha256(self._encoded).hexdigest()

    def encode(self) -> bytes:
        """The canonical bytes that are signed.

        Raises:
            ManifestMalformed: a member holds what canonical JSON cannot.
        """
        return self._encoded

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Reads a manifest strictly: encoding the result gives `data` again.

        Raises:
            ManifestMalformed: not canonical JSON of the one shape, or longer than 256 KiB.
            SuiteBelowFloor: of a suite that this version does not accept.
        """
        if len(data) > MANIFEST_BYTES_MAX:
            raise ManifestMalformed(f"a manifest is at most {MANIFEST_BYTES_MAX} bytes")
        try:
            manifest = _read_manifest(Record(canonical.decode(data), "manifest"))
        except ValueError as error:
            raise ManifestMalformed(str(error)) from error
        # Canonical, so this is what encoding would give: no need to do it again.
        manifest.__dict__["_encoded"] = data
        return manifest


def _members(manifest: Manifest) -> dict[str, Any]:
    heading = manifest.heading
    label = heading.label
    return {
        "v": 1,
        "suite": manifest.suite,
        "id": heading.id,
        "kind": heading.kind,
        "sender": {"post": manifest.sender.post, "fingerprint": manifest.sender.fingerprint},
        "to": [addressee_members(entry) for entry in manifest.to],
        "label": {
            "policy": label.policy,
            "level": label.level,
            "caveats": label.caveats,
            "releasability": label.releasability,
            "review": label.review,
        },
        "dtg": canonical.text_from_time(heading.dtg),
        "created": canonical.text_from_time(heading.created),
        "expires": None if heading.expires is None else canonical.text_from_time(heading.expires),
        "subject": heading.subject,
        "references": heading.references,
        "in_reply_to": heading.in_reply_to,
        "checkpoint": heading.checkpoint,
        "parts": [
            {"name": part.name, "size": part.size, "sha256": part.sha256, "type": part.type}
            for part in manifest.parts
        ],
        "salt": canonical.text_from_bytes(manifest.salt),
    }


def addressee_members(entry: Addressee) -> dict[str, Any]:
    """Gives an entry of `to` as canonical JSON wants it."""
    series = entry.series
    return {
        "post": entry.post,
        "fingerprint": entry.fingerprint,
        "key": entry.key,
        "role": entry.role,
        "precedence": entry.precedence,
        "delivery": entry.delivery,
        "series": None
        if series is None
        else {"epoch": series.epoch, "number": series.number, "previous": series.previous},
    }


def _read_manifest(record: Record) -> Manifest:
    record.constant("v", 1)
    # Before anything else is judged: a manifest of another suite may have another shape.
    suite = record.text("suite", _SUITE)
    require_accepted(suite)
    sender = record.record("sender")
    manifest = Manifest(
        suite=suite,
        sender=Sender(sender.text("post", POST), sender.text("fingerprint", FINGERPRINT)),
        to=tuple(
            read_addressee(Record(value, "manifest.to"))
            for value in record.items("to", least=1, most=ADDRESSEES_MAX)
        ),
        parts=tuple(
            _read_part(Record(value, "manifest.parts"))
            for value in record.items("parts", least=1, most=1 + ATTACHMENTS_MAX)
        ),
        salt=record.octets("salt", SALT_BYTES),
        heading=_read_heading(record),
    )
    sender.close()
    record.close()
    _check_together(manifest)
    return manifest


def _read_heading(record: Record) -> Heading:
    return Heading(
        id=record.text("id", ULID),
        kind=record.text("kind", _KIND),
        label=_read_label(record.record("label")),
        dtg=record.time("dtg"),
        created=record.time("created"),
        expires=record.optional_time("expires"),
        subject=record.text("subject", _LINE),
        references=record.texts("references", _REFERENCE, most=_REFERENCES_MAX),
        in_reply_to=record.optional_text("in_reply_to", ULID),
        checkpoint=record.optional_text("checkpoint", _NOTE),
    )


def _read_label(record: Record) -> Label:
    label = Label(
        policy=record.text("policy", CODE),
        level=record.text("level", CODE),
        caveats=record.texts("caveats", CODE, most=_CODES_MAX),
        releasability=record.texts("releasability", CODE, most=_CODES_MAX),
        review=record.optional_text("review", DATE),
    )
    record.close()
    return label


def read_addressee(record: Record) -> Addressee:
    """Reads an entry of `to`.

    Raises:
        ValueError: of another shape.
    """
    addressee = Addressee(
        post=record.text("post", POST),
        fingerprint=record.text("fingerprint", FINGERPRINT),
        key=record.text("key", _KEY),
        role=record.text("role", _ROLE),
        precedence=record.text("precedence", CODE),
        delivery=record.text("delivery", _DELIVERY),
        series=_read_series(record.optional_record("series")),
    )
    record.close()
    return addressee


def _read_series(record: Record | None) -> Series | None:
    if record is None:
        return None
    series = Series(
        epoch=record.integer("epoch", least=_EPOCH_LEAST),
        number=record.integer("number", least=1),
        previous=record.optional_text("previous", FINGERPRINT),
    )
    record.close()
    return series


def _read_part(record: Record) -> Part:
    part = Part(
        name=record.any_text("name"),
        size=record.integer("size"),
        sha256=record.text("sha256", FINGERPRINT),
        type=record.text("type", _MEDIA_TYPE),
    )
    record.close()
    return part


def check_copies(to: tuple[Addressee, ...], sender: Sender) -> None:
    """Demands a number of everybody but the sender's own copy.

    Raises:
        ValueError: somebody has none, or a copy is another's.
    """
    for entry in to:
        if (entry.role == COPY) != (entry.series is None):
            raise ValueError("to: a copy has no number, everybody else has one")
        if entry.role == COPY and entry.post != sender.post:
            raise ValueError("to: only the sender keeps a copy")


def _check_together(manifest: Manifest) -> None:
    """What no member shows alone."""
    heading = manifest.heading
    if heading.expires is not None and heading.expires <= heading.created:
        raise ValueError("manifest.expires is not after manifest.created")
    named = {(entry.fingerprint, entry.key) for entry in manifest.to}
    if len(named) != len(manifest.to):
        raise ValueError("manifest.to names a key twice")
    check_copies(manifest.to, manifest.sender)
    check_part_names([part.name for part in manifest.parts])
