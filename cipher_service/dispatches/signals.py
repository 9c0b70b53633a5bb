"""Service messages between cipher bureaux (ACP 127 paragraphs 402-438), carried and kept.

    judged = judge(data, directory, scheme, caller="PARIS")  # in an API process
    await registrar.call("post_service_message", judged.to_payload())

The server reads one of them itself: `cancelled`, by which an origin says that a number will never
bear a dispatch. The number then counts as used (424b), so nobody chases it.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection

from cipher_service.directory.register import Directory
from cipher_service.dispatches import repository, rules
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme, UnknownLabel
from keys.errors import KeysError
from keys.service_messages import CANCELLED, parse_service_message, read_service_message


@dataclass(frozen=True, slots=True)
class JudgedMessage:
    """A service message whose signatures hold; `body` is its file.

    `epoch` and `number` are those of a cancelled number, None for any other kind.
    """

    body: bytes
    message_id: str
    kind: str
    sender: str
    to: str
    epoch: int | None = None
    number: int | None = None

    def to_payload(self) -> dict[str, Any]:
        """Return the payload of the registrar's command `post_service_message`."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Read what `to_payload` gave."""
        return cls(**payload)


def judge(data: bytes, directory: Directory, scheme: Scheme, *, caller: str) -> JudgedMessage:
    """Judge a service message: it is the caller's, by its card in force, in known markings.

    Raises:
        ServiceError: SERVICE_MESSAGE_MALFORMED, ORIGIN_NOT_CALLER, CARD_NOT_CURRENT,
            SERVICE_MESSAGE_NOT_OF_CARD, SIGNATURE_INVALID, UNKNOWN_PRECEDENCE,
            NUMBER_OUT_OF_RANGE.
    """
    try:
        message, _ = parse_service_message(data)
        if message.sender != caller:
            raise ServiceError("ORIGIN_NOT_CALLER", origin=message.sender, caller=caller)
        card = directory.cards.get(message.sender_card)
        if card is None or card.post != caller or card.state != "active":
            raise ServiceError("CARD_NOT_CURRENT", post=caller, fingerprint=message.sender_card)
        read_service_message(data, card.card)
        scheme.precedence(message.precedence)
    except KeysError as error:
        raise ServiceError(error.code) from error
    except UnknownLabel as error:
        raise ServiceError("UNKNOWN_PRECEDENCE", precedence=error.given) from error
    series = message.series
    if series is not None and (series.number > rules.NUMBER_MAX or series.epoch > rules.EPOCH_MAX):
        raise ServiceError("NUMBER_OUT_OF_RANGE")
    cancelled = series if message.kind == CANCELLED else None
    return JudgedMessage(
        body=data,
        message_id=message.id,
        kind=message.kind,
        sender=message.sender,
        to=message.to,
        epoch=None if cancelled is None else cancelled.epoch,
        number=None if cancelled is None else cancelled.number,
    )


def record(
    connection: Connection, judged: JudgedMessage, *, directory: Directory, now: datetime
) -> bool:
    """File a service message for its addressee; False when the very same was filed before.

    Raises:
        ServiceError: UNKNOWN_POST, POST_NOT_ACTIVE, DUPLICATE_ID (another message under this id).
    """
    directory.active_post(judged.sender)
    directory.active_post(judged.to)
    created = repository.insert_service_message(
        connection,
        message_id=judged.message_id,
        origin=judged.sender,
        addressee=judged.to,
        kind=judged.kind,
        body=judged.body,
        now=now,
    )
    if not created:
        if repository.service_message_body(connection, judged.message_id) != judged.body:
            raise ServiceError("DUPLICATE_ID", message_id=judged.message_id)
        return False
    if judged.epoch is not None and judged.number is not None:
        repository.insert_annulled(
            connection,
            receiver=judged.to,
            origin=judged.sender,
            epoch=judged.epoch,
            number=judged.number,
            message_id=judged.message_id,
            now=now,
        )
    return True
