"""The notice of empty bags (bordereau des sacs vides): what a post signs as it sends them home.

It goes by the wire while the bags go by road with the paper of the same number, so that
headquarters knows what to expect, by when, and what of it did not come (14 FAH-4 H-216: empties are
invoiced apart). Both signatures of the post's card cover it.

    data = make_notice(EmptiesNotice("SV 12/2026", ...), sign=identity.sign)
    notice = read_notice(data, card)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from keys import canonical
from keys.errors import Refusal
from keys.records import FINGERPRINT, POST
from keys.statements import decode_signed, encode_signed, encode_statement, parse_statement
from pouch.manifest import BAG, REGISTER

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keys.cards import Card
    from keys.records import Record
    from keys.signing import Signatures

EMPTIES: Final = "valise/v1 empties"
BAGS_MOST: Final = 200
ROAD_MOST: Final = timedelta(days=180)

ANNOUNCED: Final = "announced"
LATE: Final = "late"
MISSING: Final = "missing"
RETURNED: Final = "returned"
USED_AGAIN: Final = "used-again"


class EmptiesMalformed(Refusal):
    """A notice of empty bags is not canonical JSON of its one shape, or says what none can."""

    code: ClassVar[str] = "EMPTIES_MALFORMED"


class EmptiesNotOfCard(Refusal):
    """A notice of empty bags names another post or card than the one it is checked against."""

    code: ClassVar[str] = "EMPTIES_NOT_OF_CARD"


@dataclass(frozen=True, slots=True)
class EmptiesNotice:
    """Empty bags that leave a post.

    Attributes:
        number: of the post's bordereau, which the paper bears too.
        post: code of the post that sends them.
        card: fingerprint of its card, which signs.
        to: code of the post that receives them.
        sent: when they left, UTC, whole seconds.
        due: by when they should be there, after `sent` by at most 180 days.
        bags: 1 to 200 numbers of 22 digits, rising.
    """

    number: str
    post: str
    card: str
    to: str
    sent: datetime
    due: datetime
    bags: tuple[str, ...]

    def encode(self) -> bytes:
        """Gives the canonical bytes that are signed in context `valise/v1 empties`.

        Raises:
            EmptiesMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object_of, _read, EmptiesMalformed)


def make_notice(notice: EmptiesNotice, *, sign: Callable[[str, bytes], Signatures]) -> bytes:
    """Makes the file of a notice.

    Args:
        notice: what leaves.
        sign: both signatures over a message in a context, by the card that the notice names.

    Raises:
        EmptiesMalformed: a field is not as it must be.
    """
    statement = notice.encode()
    return encode_signed(statement, sign(EMPTIES, statement))


def read_notice(data: bytes, card: Card) -> EmptiesNotice:
    """Reads a notice and checks it against the card of the post that sends.

    Raises:
        EmptiesMalformed: not canonical JSON of the one shape.
        EmptiesNotOfCard: it names another post or another card.
        SignatureInvalid: either signature does not hold.
    """
    statement, signatures = decode_signed(data, "notice of empty bags", EmptiesMalformed)
    notice = parse_statement(statement, _read, EmptiesMalformed)
    if (notice.post, notice.card) != (card.post, card.fingerprint):
        raise EmptiesNotOfCard(f"the notice is of {notice.post}, not of this card of {card.post}")
    card.verifying_key.verify(EMPTIES, statement, signatures)
    return notice


def standing(end: str | None, *, due: datetime, counted: bool, now: datetime) -> str:
    """Tells how a bag stands that was announced as empty and on its way.

    Args:
        end: `RETURNED` or `USED_AGAIN` where its journey ended so; None while it did not.
        due: by when the notice expects it.
        counted: whether bags of its notice were counted in already: what did not come with them
            is missing at once.
        now: the present.
    """
    if end is not None:
        return end
    if counted:
        return MISSING
    return LATE if now >= due else ANNOUNCED


def _object_of(notice: EmptiesNotice) -> dict[str, Any]:
    return {
        "v": 1,
        "type": EMPTIES,
        "number": notice.number,
        "from": {"post": notice.post, "fingerprint": notice.card},
        "to": notice.to,
        "sent": canonical.text_from_time(notice.sent),
        "due": canonical.text_from_time(notice.due),
        "bags": list(notice.bags),
    }


def _read(record: Record) -> EmptiesNotice:
    record.constant("v", 1)
    record.constant("type", EMPTIES)
    sender = record.record("from")
    notice = EmptiesNotice(
        number=record.text("number", REGISTER),
        post=sender.text("post", POST),
        card=sender.text("fingerprint", FINGERPRINT),
        to=record.text("to", POST),
        sent=record.time("sent"),
        due=record.time("due"),
        bags=record.texts("bags", BAG, most=BAGS_MOST),
    )
    sender.close()
    record.close()
    if notice.post == notice.to:
        raise ValueError("empty bags go to another post")
    if not timedelta() < notice.due - notice.sent <= ROAD_MOST:
        raise ValueError("notice.due is not within 180 days after notice.sent")
    if not notice.bags or list(notice.bags) != sorted(set(notice.bags)):
        raise ValueError("notice.bags are not distinct numbers in rising order")
    return notice
