"""Service messages: what cipher bureaux say to each other about dispatches, in signals.

They are the operating signals of ACP 127 (¶402-438) as structured fields: a missing number, a
request for repetition, a double, a tracer. There is no free text, so a service message about a
TRES-SECRET dispatch is itself unclassified (¶406). Both signatures of the sender's card cover it.

    data = make_service_message(ServiceMessage(kind=MISSING_NUMBER, ...), sign)
    message = read_service_message(data, card)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from keys import canonical
from keys.errors import Refusal
from keys.records import CODE, FINGERPRINT, POST, ULID
from keys.signing import SERVICE_MESSAGE, Signatures
from keys.statements import decode_signed, encode_signed, encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keys.cards import Card
    from keys.records import Record

REPEAT_REQUEST: Final = "repeat-request"
REPEAT: Final = "repeat"
NUMBER_CHECK: Final = "number-check"
MISSING_NUMBER: Final = "missing-number"
SAME_NUMBER_TWICE: Final = "same-number-twice"
TWO_NUMBERS: Final = "two-numbers"
NO_NUMBER: Final = "no-number"
SUSPECTED_DUPLICATE: Final = "suspected-duplicate"
CANCELLED: Final = "cancelled"
DELIVERED_OTHERWISE: Final = "delivered-otherwise"
MISROUTE: Final = "misroute"
TRACER: Final = "tracer"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind of service message must refer to, and who says it.

    Attributes:
        signal: the operating signal of ACP 127, None where it has none.
        series: True must name a number, False must not, None may.
        dispatch: likewise for the dispatch id. At least one of the two is always there.
        speaker: `origin` or `addressee` of the named series, which then speaks to the other;
            None where any post may.
    """

    signal: str | None
    series: bool | None
    dispatch: bool | None
    speaker: str | None = None


RULES: Final = {
    REPEAT_REQUEST: Rule("INT ZDK", series=None, dispatch=None, speaker="addressee"),
    REPEAT: Rule("ZDK", series=None, dispatch=True, speaker="origin"),
    # ZID (my last received) from the addressee, ZIC (my last sent) from the origin: see `signal`.
    NUMBER_CHECK: Rule(None, series=True, dispatch=False),
    MISSING_NUMBER: Rule("ZFX", series=True, dispatch=False, speaker="addressee"),
    SAME_NUMBER_TWICE: Rule("ZFQ", series=True, dispatch=True, speaker="addressee"),
    TWO_NUMBERS: Rule("ZFU", series=True, dispatch=True, speaker="addressee"),
    NO_NUMBER: Rule("ZFT", series=False, dispatch=True),
    SUSPECTED_DUPLICATE: Rule("ZFD", series=None, dispatch=True, speaker="addressee"),
    CANCELLED: Rule("ZFR", series=True, dispatch=None, speaker="origin"),
    DELIVERED_OTHERWISE: Rule("ZEN", series=None, dispatch=None),
    MISROUTE: Rule("ZOV", series=None, dispatch=True),
    TRACER: Rule(None, series=None, dispatch=None),
}

_KIND: Final = re.compile("|".join(RULES))
_EPOCH_LEAST: Final = 200000


class ServiceMessageMalformed(Refusal):
    """A service message is not canonical JSON of the one shape, or breaks its kind's rule."""

    code: ClassVar[str] = "SERVICE_MESSAGE_MALFORMED"


class ServiceMessageNotOfCard(Refusal):
    """A service message names another post or card than the one it is checked against."""

    code: ClassVar[str] = "SERVICE_MESSAGE_NOT_OF_CARD"


@dataclass(frozen=True, slots=True)
class SeriesReference:
    """A number of the series from `origin` to `addressee`.

    Attributes:
        origin: code of the post that numbers.
        addressee: code of the post that counts.
        epoch: calendar year * 100 + incarnation, such as 202600.
        number: 1 or more; 0 in a number check says that nothing was sent or received yet.
    """

    origin: str
    addressee: str
    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class ServiceMessage:
    """One service message; `RULES` says what each kind refers to.

    Attributes:
        id: ULID of the service message itself.
        kind: one of `RULES`.
        sender: code of the post that speaks.
        sender_card: fingerprint of its card, which signs.
        to: code of the post that is spoken to.
        precedence: code of the scheme; it follows need, not the dispatch referred to (¶407).
        created: UTC, whole seconds.
        series: the number referred to, or None.
        dispatch_id: ULID of the dispatch referred to, or None.
    """

    id: str
    kind: str
    sender: str
    sender_card: str
    to: str
    precedence: str
    created: datetime
    series: SeriesReference | None = None
    dispatch_id: str | None = None

    @property
    def signal(self) -> str | None:
        """The operating signal of ACP 127, or None where it has none."""
        if self.kind == NUMBER_CHECK and self.series is not None:
            return "ZID" if self.sender == self.series.addressee else "ZIC"
        return RULES[self.kind].signal

    def encode(self) -> bytes:
        """Gives the canonical bytes that are signed in context `depeche/v1 service-message`.

        Raises:
            ServiceMessageMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object_of, _read, ServiceMessageMalformed)

    @classmethod
    def parse(cls, data: bytes) -> ServiceMessage:
        """Reads what `encode` gives; ServiceMessageMalformed for anything else."""
        return parse_statement(data, _read, ServiceMessageMalformed)

    def require_card(self, card: Card) -> None:
        """Demands that the message names `card` and its post as its sender.

        Raises:
            ServiceMessageNotOfCard: it names another.
        """
        if (self.sender, self.sender_card) != (card.post, card.fingerprint):
            raise ServiceMessageNotOfCard(
                f"the service message is of {self.sender}, not of this card of {card.post}"
            )


def make_service_message(message: ServiceMessage, sign: Callable[[bytes], Signatures]) -> bytes:
    """Makes the file of a service message.

    Args:
        message: what to say.
        sign: both signatures in context `depeche/v1 service-message` by the card that the message
            names; a custodian's `sign_service_message` fits.

    Raises:
        ServiceMessageMalformed: a field is not as it must be.
    """
    statement = message.encode()
    return encode_signed(statement, sign(statement))


def parse_service_message(data: bytes) -> tuple[ServiceMessage, Signatures]:
    """Reads a service message without believing it: for finding the card to check it against.

    Raises:
        ServiceMessageMalformed: not canonical JSON of the one shape.
    """
    statement, signatures = decode_signed(data, "service message", ServiceMessageMalformed)
    return ServiceMessage.parse(statement), signatures


def read_service_message(data: bytes, card: Card) -> ServiceMessage:
    """Reads a service message and checks it against its sender's card.

    Raises:
        ServiceMessageMalformed: not canonical JSON of the one shape.
        ServiceMessageNotOfCard: it names another post or another card.
        SignatureInvalid: either signature does not hold.
    """
    message, signatures = parse_service_message(data)
    message.require_card(card)
    card.verifying_key.verify(SERVICE_MESSAGE, message.encode(), signatures)
    return message


def _object_of(message: ServiceMessage) -> dict[str, Any]:
    series = message.series
    return {
        "v": 1,
        "type": SERVICE_MESSAGE,
        "id": message.id,
        "kind": message.kind,
        "from": {"post": message.sender, "fingerprint": message.sender_card},
        "to": message.to,
        "precedence": message.precedence,
        "created": canonical.text_from_time(message.created),
        "refers": {
            "series": None
            if series is None
            else {
                "origin": series.origin,
                "addressee": series.addressee,
                "epoch": series.epoch,
                "number": series.number,
            },
            "dispatch_id": message.dispatch_id,
        },
    }


def _read(record: Record) -> ServiceMessage:
    record.constant("v", 1)
    record.constant("type", SERVICE_MESSAGE)
    sender = record.record("from")
    refers = record.record("refers")
    message = ServiceMessage(
        id=record.text("id", ULID),
        kind=record.text("kind", _KIND),
        sender=sender.text("post", POST),
        sender_card=sender.text("fingerprint", FINGERPRINT),
        to=record.text("to", POST),
        precedence=record.text("precedence", CODE),
        created=record.time("created"),
        series=_read_series(refers.optional_record("series")),
        dispatch_id=refers.optional_text("dispatch_id", ULID),
    )
    for part in (sender, refers, record):
        part.close()
    _check_rule(message)
    return message


def _read_series(record: Record | None) -> SeriesReference | None:
    if record is None:
        return None
    series = SeriesReference(
        origin=record.text("origin", POST),
        addressee=record.text("addressee", POST),
        epoch=record.integer("epoch", least=_EPOCH_LEAST),
        number=record.integer("number"),
    )
    record.close()
    return series


def _check_rule(message: ServiceMessage) -> None:
    rule = RULES[message.kind]
    if message.sender == message.to:
        raise ValueError("a service message goes to another post")
    if message.series is None and message.dispatch_id is None:
        raise ValueError("a service message refers to a number or to a dispatch")
    for name, value, wanted in (
        ("a number", message.series, rule.series),
        ("a dispatch", message.dispatch_id, rule.dispatch),
    ):
        if wanted is not None and wanted != (value is not None):
            verb = "refers" if wanted else "does not refer"
            raise ValueError(f"{message.kind} {verb} to {name}")
    if message.series is not None:
        _check_series(message.kind, rule, message.series, (message.sender, message.to))


def _check_series(kind: str, rule: Rule, series: SeriesReference, talk: tuple[str, str]) -> None:
    forward = (series.origin, series.addressee)
    if series.origin == series.addressee:
        raise ValueError("a series leads from one post to another")
    if rule.speaker == "origin" and talk != forward:
        raise ValueError(f"{kind} is said by the origin of the series to its addressee")
    if rule.speaker == "addressee" and talk != forward[::-1]:
        raise ValueError(f"{kind} is said by the addressee of the series to its origin")
    if kind == NUMBER_CHECK:
        if talk not in (forward, forward[::-1]):
            raise ValueError(f"{kind} passes between the two ends of the series")
    elif series.number == 0:
        raise ValueError("a number is 1 or more")
