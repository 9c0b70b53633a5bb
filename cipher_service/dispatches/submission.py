"""What an origin hands in: a signed slip and an envelope, judged before the registrar sees it.

Judging costs most of a submission's time (signature, strict JSON) and needs no database, so the API
processes do it side by side; what the registrar receives is ready to be written down. What depends
on the books (posts in service, numbers used) is judged by the registrar alone.

    submission = judge(signed, directory, scheme, caller="PARIS")   # in an API process
    await registrar.call("submit", submission.to_payload(body))
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Self

from cipher_service import clock
from cipher_service.directory.register import Directory
from cipher_service.dispatches import rules
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme
from keys import canonical
from keys.errors import KeysError
from keys.slips import SignedSlip, Slip, SlipAddressee


@dataclass(frozen=True, slots=True)
class Line:
    """One addressee of a submission; `rank` is its precedence's rank, `number` its series number.

    `epoch` and `number` are None for the sender's own copy, and only there.
    """

    post: str
    fingerprint: str
    role: str
    precedence: str
    rank: int
    delivery: str
    epoch: int | None
    number: int | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A judged submission, as the registrar writes it down.

    Attributes:
        slip: its canonical bytes; the same slip again is the same submission.
        signature: Ed25519 over them by the origin's card, verified.
        caveats: canonical JSON list.
        sha256: of the envelope.
        size: of the envelope, in bytes.
        lines: the addressees, in the slip's order.
    """

    slip: bytes
    signature: bytes
    dispatch_id: str
    origin: str
    origin_card: str
    kind: str
    level: str
    caveats: str
    dtg: str
    sha256: str
    size: int
    lines: tuple[Line, ...]

    def to_payload(self, body: bytes | None) -> dict[str, Any]:
        """Return the payload of the registrar's command `submit`.

        Args:
            body: the envelope when it is small (`blobs.SMALL`), None when the blob store holds it.
        """
        payload = {name: getattr(self, name) for name in _PLAIN}
        payload["lines"] = [[getattr(line, name) for name in _LINE] for line in self.lines]
        payload["body"] = body
        return payload

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Read what `to_payload` gave."""
        lines = tuple(Line(*line) for line in payload["lines"])
        return cls(**{name: payload[name] for name in _PLAIN}, lines=lines)


_PLAIN = tuple(field.name for field in fields(Submission) if field.name != "lines")
_LINE = tuple(field.name for field in fields(Line))


def judge(signed: SignedSlip, directory: Directory, scheme: Scheme, *, caller: str) -> Submission:
    """Judge a slip: who signed it, and whether the scheme knows what it says.

    The order: 1. its origin is the authenticated post; 2. the origin's card in force signed it;
    3. level and precedences are the scheme's codes; 4. numbers and size are within bounds;
    5. the copy, if any, is the origin's own, and somebody else is addressed.

    Args:
        signed: as read from the head of the submission.
        directory: the present one.
        scheme: the ministry's markings.
        caller: code of the authenticated post.

    Raises:
        ServiceError: ORIGIN_NOT_CALLER, CARD_NOT_CURRENT, SLIP_NOT_OF_CARD, SIGNATURE_INVALID,
            UNKNOWN_LEVEL, UNKNOWN_PRECEDENCE, NUMBER_OUT_OF_RANGE, COPY_NOT_OWN,
            ADDRESSED_TO_SELF or NO_ADDRESSEE.
    """
    slip = signed.slip
    # 1.
    if slip.origin != caller:
        raise ServiceError("ORIGIN_NOT_CALLER", origin=slip.origin, caller=caller)
    # 2.
    _verify(signed, directory)
    # 3. Codes only: what a clerk may type in any case, a slip spells exactly.
    if all(level.code != slip.level for level in scheme.levels):
        raise ServiceError("UNKNOWN_LEVEL", level=slip.level)
    # 4.
    if slip.envelope_size > rules.SIZE_MAX:
        raise ServiceError("NUMBER_OUT_OF_RANGE", size=slip.envelope_size)
    lines = tuple(_line(entry, scheme) for entry in slip.addressees)
    # 5.
    _check_roles(slip)
    return Submission(
        slip=signed.statement,
        signature=signed.signature,
        dispatch_id=slip.dispatch_id,
        origin=slip.origin,
        origin_card=slip.origin_card,
        kind=slip.kind,
        level=slip.level,
        caveats=_listed(slip.caveats),
        dtg=clock.text(slip.dtg),
        sha256=slip.envelope_sha256,
        size=slip.envelope_size,
        lines=lines,
    )


def _verify(signed: SignedSlip, directory: Directory) -> None:
    slip = signed.slip
    card = directory.cards.get(slip.origin_card)
    if card is None or card.post != slip.origin or card.state != "active":
        raise ServiceError("CARD_NOT_CURRENT", post=slip.origin, fingerprint=slip.origin_card)
    try:
        signed.verify(card.card)
    except KeysError as error:
        raise ServiceError(error.code, post=slip.origin) from error


@lru_cache(maxsize=256)
def _listed(caveats: tuple[str, ...]) -> str:
    return canonical.encode(caveats).decode()


def _line(entry: SlipAddressee, scheme: Scheme) -> Line:
    known = [one for one in scheme.precedences if one.code == entry.precedence]
    if not known:
        raise ServiceError("UNKNOWN_PRECEDENCE", precedence=entry.precedence)
    precedence = known[0]
    series = entry.series
    if series is not None and not (
        rules.EPOCH_LEAST <= series.epoch <= rules.EPOCH_MAX
        and 1 <= series.number <= rules.NUMBER_MAX
    ):
        raise ServiceError("NUMBER_OUT_OF_RANGE", post=entry.post)
    return Line(
        post=entry.post,
        fingerprint=entry.fingerprint,
        role=entry.role,
        precedence=precedence.code,
        rank=precedence.rank,
        delivery=entry.delivery,
        epoch=None if series is None else series.epoch,
        number=None if series is None else series.number,
    )


def _check_roles(slip: Slip) -> None:
    others = 0
    for entry in slip.addressees:
        own = entry.post == slip.origin
        if entry.role == "copy" and not own:
            raise ServiceError("COPY_NOT_OWN", post=entry.post)
        if entry.role != "copy" and own:
            raise ServiceError("ADDRESSED_TO_SELF", post=entry.post)
        others += not own
    if others == 0:
        raise ServiceError("NO_ADDRESSEE")
