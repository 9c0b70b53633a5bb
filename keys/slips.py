"""The slip (bordereau d'envoi) that routes an envelope, and the body in which both travel.

A slip repeats for the carrier what routing needs and nothing more: who sends, to whom, with which
precedence and numbers, under which label, and which envelope. It carries no subject and no free
text. It is signed by Ed25519 alone, since it authenticates a transport act of today; the lasting
proof of who said what is the manifest inside, with its two signatures.

    body = 4-byte big-endian length L || L bytes {"signature":base64,"slip":{...}} || envelope
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from keys import canonical
from keys.errors import Refusal
from keys.manifest import ACTION, ADDRESSEES_MAX, CIPHER, COPY, INFO, KINDS, POUCH
from keys.records import CODE, FINGERPRINT, POST, ULID, Record
from keys.signing import ED25519_SIGNATURE_BYTES, SLIP
from keys.statements import encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keys.cards import Card

SUBMISSION_TYPE: Final = "application/vnd.depeche.submission"
LENGTH_BYTES: Final = 4
HEAD_BYTES_MAX: Final = 256 * 1024

_TYPE: Final = SLIP
_BEFORE_SLIP: Final = len('{"signature":"","slip":') + 4 * -(-ED25519_SIGNATURE_BYTES // 3)
_REFERENCES_MAX: Final = 64
_CAVEATS_MAX: Final = 64
_KIND: Final = re.compile("|".join(sorted(KINDS)))
_ROLE: Final = re.compile(f"{ACTION}|{INFO}|{COPY}")
_DELIVERY: Final = re.compile(f"{CIPHER}|{POUCH}")


class SlipMalformed(Refusal):
    """The slip, or the head of a submission, is not canonical JSON of the one shape."""

    code: ClassVar[str] = "SLIP_MALFORMED"


class SlipNotOfCard(Refusal):
    """The slip names another post or another card than the one it is checked against."""

    code: ClassVar[str] = "SLIP_NOT_OF_CARD"


@dataclass(frozen=True, slots=True)
class SeriesNumber:
    """A number of the gap-free series between the origin and one addressee.

    Attributes:
        epoch: calendar year * 100 + incarnation, such as 202600.
        number: 1 or more.
    """

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class SlipAddressee:
    """One entry of the manifest's `to`, as the carrier needs it.

    Attributes:
        post: code of the post.
        fingerprint: of the card that the envelope is enciphered to, 64 hexadecimal digits.
        role: action, info or copy (the sender's own).
        precedence: code of the ministry's scheme; each addressee has its own.
        delivery: cipher or pouch.
        series: the number under which this addressee counts it, None for the sender's own copy.
    """

    post: str
    fingerprint: str
    role: str
    precedence: str
    delivery: str
    series: SeriesNumber | None


@dataclass(frozen=True)
class Slip:
    """A slip; see `SlipAddressee` for its addressees.

    Attributes:
        dispatch_id: ULID of the dispatch.
        origin: code of the sending post.
        origin_card: fingerprint of the card whose key signs the slip.
        kind: dispatch, telegram, service-message, note-verbale or circular.
        level: code of the ministry's scheme.
        caveats: codes of the ministry's scheme.
        dtg: date-time group as a time: UTC, whole seconds.
        envelope_sha256: of the whole age file, 64 hexadecimal digits.
        envelope_size: of the whole age file, in bytes.
        addressees: at least one, distinct posts.
        references: ids of earlier dispatches (ULID).
    """

    dispatch_id: str
    origin: str
    origin_card: str
    kind: str
    level: str
    caveats: tuple[str, ...]
    dtg: datetime
    envelope_sha256: str
    envelope_size: int
    addressees: tuple[SlipAddressee, ...]
    references: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Gives the canonical bytes that are signed.

        Raises:
            SlipMalformed: a field is not as it must be, so that no such slip is ever signed.
        """
        return encode_statement(self, _object_of, _read, SlipMalformed)

    @classmethod
    def parse(cls, data: bytes) -> Slip:
        """Reads a slip.

        Raises:
            SlipMalformed: not canonical JSON, or a member absent, unknown or out of its bounds.
        """
        return parse_statement(data, _read, SlipMalformed)

    def require_card(self, card: Card) -> None:
        """Demands that the slip names `card` and its post as its origin.

        Raises:
            SlipNotOfCard: it names another.
        """
        if (self.origin, self.origin_card) != (card.post, card.fingerprint):
            raise SlipNotOfCard(f"the slip is of {self.origin}, not of this card of {card.post}")


@dataclass(frozen=True)
class SignedSlip:
    """A slip with the signature that came with it; trust it only after `verify`.

    Attributes:
        slip: what the signature is about.
        signature: Ed25519 over `slip.encode()`, context `depeche/v1 slip`, 64 bytes.
    """

    slip: Slip
    signature: bytes

    @cached_property
    def statement(self) -> bytes:
        """The canonical bytes of the slip, which are signed."""
        return canonical.encode(_object_of(self.slip))

    @cached_property
    def head(self) -> bytes:
        """The submission body up to the envelope: length, then canonical JSON."""
        body = canonical.encode(
            {
                "signature": canonical.text_from_bytes(self.signature),
                "slip": _object_of(self.slip),
            }
        )
        return len(body).to_bytes(LENGTH_BYTES, "big") + body

    def verify(self, card: Card) -> None:
        """Demands that `card` is the origin's and that its key signed the slip.

        Raises:
            SlipNotOfCard: the slip names another post or another card.
            SignatureInvalid: the signature does not hold.
        """
        self.slip.require_card(card)
        card.verifying_key.verify_ed25519(SLIP, self.statement, self.signature)


def sign_slip(slip: Slip, sign: Callable[[bytes], bytes]) -> SignedSlip:
    """Signs `slip`.

    Args:
        slip: what to sign.
        sign: Ed25519 in context `depeche/v1 slip` by the card that the slip names; a custodian's
            `sign_slip` fits.

    Raises:
        SlipMalformed: a field is not as it must be.
    """
    return SignedSlip(slip, sign(slip.encode()))


def head_length(prefix: bytes) -> int:
    """Gives how many bytes of JSON follow the first four of a submission.

    Raises:
        SlipMalformed: fewer than four bytes, or a length of zero or above 256 KiB.
    """
    if len(prefix) < LENGTH_BYTES:
        raise SlipMalformed("the submission ends before its slip")
    length = int.from_bytes(prefix[:LENGTH_BYTES], "big")
    if not 0 < length <= HEAD_BYTES_MAX:
        raise SlipMalformed(f"a slip has between 1 and {HEAD_BYTES_MAX} bytes, not {length}")
    return length


def read_head(body: bytes) -> SignedSlip:
    """Reads the JSON of a submission (without its four bytes of length); verifies no signature.

    Raises:
        SlipMalformed: too long, not canonical JSON, or not of the one shape.
    """
    if len(body) > HEAD_BYTES_MAX:
        raise SlipMalformed(f"a slip has at most {HEAD_BYTES_MAX} bytes")
    try:
        record = Record(canonical.decode(body), "submission")
        signature = record.octets("signature", ED25519_SIGNATURE_BYTES)
        slip = _read(record.record("slip"))
        record.close()
    except ValueError as error:
        raise SlipMalformed(str(error)) from error
    signed = SignedSlip(slip, signature)
    # In canonical JSON the slip is the last member: its bytes are here, as they were signed.
    vars(signed)["statement"] = body[_BEFORE_SLIP:-1]
    return signed


def _object_of(slip: Slip) -> dict[str, Any]:
    return {
        "v": 1,
        "type": _TYPE,
        "dispatch_id": slip.dispatch_id,
        "origin": slip.origin,
        "origin_card": slip.origin_card,
        "kind": slip.kind,
        "level": slip.level,
        "caveats": slip.caveats,
        "dtg": canonical.text_from_time(slip.dtg),
        "envelope": {"sha256": slip.envelope_sha256, "size": slip.envelope_size},
        "addressees": [
            {
                "post": entry.post,
                "fingerprint": entry.fingerprint,
                "role": entry.role,
                "precedence": entry.precedence,
                "delivery": entry.delivery,
                "series": entry.series
                and {"epoch": entry.series.epoch, "number": entry.series.number},
            }
            for entry in slip.addressees
        ],
        "references": slip.references,
    }


def _read(record: Record) -> Slip:
    record.constant("v", 1)
    record.constant("type", _TYPE)
    envelope = record.record("envelope")
    slip = Slip(
        dispatch_id=record.text("dispatch_id", ULID),
        origin=record.text("origin", POST),
        origin_card=record.text("origin_card", FINGERPRINT),
        kind=record.text("kind", _KIND),
        level=record.text("level", CODE),
        caveats=record.texts("caveats", CODE, most=_CAVEATS_MAX),
        dtg=record.time("dtg"),
        envelope_sha256=envelope.text("sha256", FINGERPRINT),
        envelope_size=envelope.integer("size", least=1),
        addressees=tuple(
            _read_addressee(item)
            for item in record.items("addressees", least=1, most=ADDRESSEES_MAX)
        ),
        references=record.texts("references", ULID, most=_REFERENCES_MAX),
    )
    envelope.close()
    record.close()
    posts = {entry.post for entry in slip.addressees}
    if len(posts) != len(slip.addressees):
        raise ValueError("slip.addressees names one post twice")
    return slip


def _read_addressee(item: object) -> SlipAddressee:
    record = Record(item, "slip.addressees")
    series = record.optional_record("series")
    addressee = SlipAddressee(
        post=record.text("post", POST),
        fingerprint=record.text("fingerprint", FINGERPRINT),
        role=record.text("role", _ROLE),
        precedence=record.text("precedence", CODE),
        delivery=record.text("delivery", _DELIVERY),
        series=None if series is None else _read_series(series),
    )
    record.close()
    if (addressee.series is None) != (addressee.role == COPY):
        raise ValueError("slip.addressees: every addressee but the sender's own copy is numbered")
    return addressee


def _read_series(record: Record) -> SeriesNumber:
    number = SeriesNumber(
        epoch=record.integer("epoch", least=1), number=record.integer("number", least=1)
    )
    record.close()
    return number
