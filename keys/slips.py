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
from keys.records import CODE, FINGERPRINT, POST, ULID
from keys.signing import SLIP

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keys.cards import Card

SUBMISSION_TYPE: Final = "application/vnd.depeche.submission"
LENGTH_BYTES: Final = 4
HEAD_BYTES_MAX: Final = 256 * 1024

_TYPE: Final = SLIP
_REFERENCES_MAX: Final = 64
_CAVEATS_MAX: Final = 64


def _list_of(pattern: re.Pattern[str], most: int) -> str:
    return f'(?:"{pattern.pattern}"(?:,"{pattern.pattern}"){{0,{most - 1}}})?'


# Every text of a slip is of letters that JSON never escapes, so that the whole has one spelling,
# and a pattern is all of its reader: it costs a quarter of reading JSON, writing it again to see
# whether it was canonical, and taking its members one by one.
_INTEGER: Final = "[1-9][0-9]{0,15}"
_HEAD: Final = re.compile(rb'\{"signature":"([A-Za-z0-9+/]{86}==)","slip":')
_SLIP: Final = re.compile(
    r'\{"addressees":\[(?P<addressees>[^\[\]]+)\],'
    rf'"caveats":\[(?P<caveats>{_list_of(CODE, _CAVEATS_MAX)})\],'
    rf'"dispatch_id":"(?P<dispatch_id>{ULID.pattern})",'
    rf'"dtg":"(?P<dtg>{canonical.TIME.pattern})",'
    rf'"envelope":\{{"sha256":"(?P<sha256>{FINGERPRINT.pattern})","size":(?P<size>{_INTEGER})\}},'
    rf'"kind":"(?P<kind>{"|".join(sorted(KINDS))})",'
    rf'"level":"(?P<level>{CODE.pattern})",'
    rf'"origin":"(?P<origin>{POST.pattern})",'
    rf'"origin_card":"(?P<origin_card>{FINGERPRINT.pattern})",'
    rf'"references":\[(?P<references>{_list_of(ULID, _REFERENCES_MAX)})\],'
    rf'"type":"{_TYPE}","v":1\}}'
)
_ADDRESSEE: Final = re.compile(
    rf'\{{"delivery":"({CIPHER}|{POUCH})",'
    rf'"fingerprint":"({FINGERPRINT.pattern})",'
    rf'"post":"({POST.pattern})",'
    rf'"precedence":"({CODE.pattern})",'
    rf'"role":"({ACTION}|{INFO}|{COPY})",'
    rf'"series":(?:null|\{{"epoch":({_INTEGER}),"number":({_INTEGER})\}})\}}'
)


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
        try:
            data = canonical.encode(_object_of(self))
            _read(data)
        except ValueError as error:
            raise SlipMalformed(str(error)) from error
        return data

    @classmethod
    def parse(cls, data: bytes) -> Slip:
        """Reads a slip.

        Raises:
            SlipMalformed: not canonical JSON, or a member absent, unknown or out of its bounds.
        """
        try:
            return _read(data)
        except ValueError as error:
            raise SlipMalformed(str(error)) from error

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
    head = _HEAD.match(body)
    if head is None or not body.endswith(b"}"):
        raise SlipMalformed("not the head of a submission in its one spelling")
    statement = body[head.end() : -1]
    try:
        signed = SignedSlip(_read(statement), canonical.bytes_from_text(head[1].decode()))
    except ValueError as error:
        raise SlipMalformed(str(error)) from error
    # The bytes of the slip, as they were signed.
    vars(signed)["statement"] = statement
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


def _read(data: bytes) -> Slip:
    """Reads the bytes of a slip. Raises ValueError, which says what is wrong as far as it can."""
    text = data.decode("ascii")
    found = _SLIP.fullmatch(text)
    if found is None:
        raise ValueError("not a slip in its one spelling")
    addressees = _read_addressees(found["addressees"])
    slip = Slip(
        dispatch_id=found["dispatch_id"],
        origin=found["origin"],
        origin_card=found["origin_card"],
        kind=found["kind"],
        level=found["level"],
        caveats=_read_list(found["caveats"]),
        dtg=canonical.time_from_text(found["dtg"]),
        envelope_sha256=found["sha256"],
        envelope_size=_integer(found["size"]),
        addressees=addressees,
        references=_read_list(found["references"]),
    )
    for name, listed in (("caveats", slip.caveats), ("references", slip.references)):
        if len(set(listed)) != len(listed):
            raise ValueError(f"slip.{name} names one thing twice")
    if len({entry.post for entry in addressees}) != len(addressees):
        raise ValueError("slip.addressees names one post twice")
    return slip


def _read_addressees(text: str) -> tuple[SlipAddressee, ...]:
    addressees: list[SlipAddressee] = []
    at = 0
    while (found := _ADDRESSEE.match(text, at)) is not None:
        delivery, fingerprint, post, precedence, role, epoch, number = found.groups()
        if (epoch is None) != (role == COPY):
            raise ValueError(
                "slip.addressees: every addressee but the sender's own copy is numbered"
            )
        series = None if epoch is None else SeriesNumber(_integer(epoch), _integer(number))
        addressees.append(SlipAddressee(post, fingerprint, role, precedence, delivery, series))
        at = found.end() + 1
        if text[found.end() : at] != ",":
            break
    if at != len(text) + 1 or len(addressees) > ADDRESSEES_MAX:
        raise ValueError("slip.addressees is not as it must be")
    return tuple(addressees)


def _read_list(text: str) -> tuple[str, ...]:
    return tuple(text[1:-1].split('","')) if text else ()


def _integer(text: str) -> int:
    number = int(text)
    if number > canonical.INTEGER_MAX:
        raise ValueError("an integer is out of range")
    return number
