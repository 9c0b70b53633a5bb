"""The record of a splitting: who keeps a share of the unseal key, and each of them signs it.

    record = {"cards": [each holder's card], "confirmations": [signed, in any order],
              "statement": {"v": 1, "type": "depeche/v1 splitting-record", "post", "set",
                            "fingerprint", "threshold", "holders": [{"post", "card"}, ...],
                            "reason", "at"}}
    signed = {"signatures": by the holder's card, context `depeche/v1 share-held`,
              "statement": {"v": 1, "type": "depeche/v1 share-held", "record": SHA-256 of the
                            record's statement, "holder", "at"}}

It is begun from the store's own word on how it is split, so that an interrupted splitting has its
record too, and tells no secret. A holder confirms with the share in hand: what does not open, or is
of another set, is not confirmed. Whoever compared the record's fingerprint verifies it alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.cards import Card, read_card
from keys.custody.compartment import Splitting
from keys.custody.errors import SplittingHolderUnknown, SplittingRecordMalformed
from keys.custody.shares import HOLDERS_MAX, THRESHOLD_LEAST, Share, SharesWrong
from keys.errors import CardInvalid
from keys.records import FINGERPRINT, POST, Record
from keys.signing import SHARE_HELD
from keys.statements import decode_signed, encode_signed, encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from keys.identity import Identity

RECORD_TYPE: Final = "depeche/v1 splitting-record"
RECORD_BYTES_MAX: Final = 512 * 1024

_LINE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}")
_SET_BYTES: Final = 16


@dataclass(frozen=True)
class Stated:
    """What every holder signs.

    Attributes:
        post: code of the bureau whose keys the shares open.
        splitting: how the unseal key is split.
        cards: fingerprint of each holder's card, in their order.
        reason: one line.
        at: when the record was begun, UTC, whole seconds.
    """

    post: str
    splitting: Splitting
    cards: tuple[str, ...]
    reason: str
    at: datetime

    def encode(self) -> bytes:
        """Its canonical bytes. Raises SplittingRecordMalformed: a field is not as it must be."""
        return encode_statement(self, _object, _read, SplittingRecordMalformed)

    @property
    def fingerprint(self) -> str:
        """What everyone compares, hexadecimal SHA-256."""
        return sha256(self.encode()).hexdigest()


@dataclass(frozen=True)
class SplittingRecord:
    """A record, each of whose confirmations holds.

    Attributes:
        stated: what was signed.
        confirmed: when each holder signed that has.
    """

    stated: Stated
    confirmed: Mapping[str, datetime]

    @property
    def missing(self) -> tuple[str, ...]:
        """The holders who have not signed."""
        return tuple(each for each in self.stated.splitting.holders if each not in self.confirmed)


def begin_record(
    post: str, splitting: Splitting, cards: Sequence[Card], reason: str, at: datetime
) -> bytes:
    """Makes the record of a splitting that nobody has confirmed yet.

    Args:
        post: code of the bureau.
        splitting: in force.
        cards: of its holders, in any order.
        reason: one line of 1 to 200 characters.
        at: UTC, whole seconds.

    Raises:
        SplittingHolderUnknown: the cards are not those of the holders.
        SplittingRecordMalformed: the reason is no line.
    """
    found = {card.post: card for card in cards}
    if sorted(splitting.holders) != sorted(card.post for card in cards):
        raise SplittingHolderUnknown("the cards are not those of the holders")
    ordered = [found[name] for name in splitting.holders]
    fingerprints = tuple(card.fingerprint for card in ordered)
    statement = Stated(post, splitting, fingerprints, reason, at).encode()
    return _file(statement, ordered, ())


def confirm_record(data: bytes, identity: Identity, share: Share, at: datetime) -> bytes:
    """Adds a holder's confirmation; again changes nothing.

    Args:
        data: the record so far.
        identity: the holder's, whose card it names.
        share: the holder's own, opened.
        at: UTC, whole seconds.

    Raises:
        SplittingRecordMalformed, SignatureInvalid: as `read_splitting_record`.
        SplittingHolderUnknown: the identity is of nobody whom the record names.
        SharesMixed, SharesWrong: the share is not this holder's, of this splitting.
    """
    known = read_splitting_record(data)
    stated, holder = known.stated, identity.card.post
    if (holder, identity.card.fingerprint) not in _named(stated):
        raise SplittingHolderUnknown(f"{holder} holds no share by this record")
    stated.splitting.require(share)
    if share.holder != holder:
        raise SharesWrong(f"{share.holder}'s share is not {holder}'s")
    if holder in known.confirmed:
        return data
    said = encode_statement(
        (stated.fingerprint, holder, at), _object_of_said, _read_said, SplittingRecordMalformed
    )
    signed = encode_signed(said, identity.sign(SHARE_HELD, said))
    cards, confirmations, statement = _taken_apart(data)
    return _file(statement, cards, (*confirmations, signed))


def read_splitting_record(data: bytes) -> SplittingRecord:
    """Reads a record, and verifies each confirmation by the card that the record names.

    That the cards are those persons' own says who compared the record's fingerprint.

    Raises:
        SplittingRecordMalformed: not of its form, or a card or holder is not as it names them.
        SignatureInvalid: a confirmation does not hold.
    """
    cards, confirmations, statement = _taken_apart(data)
    stated = parse_statement(statement, _read, SplittingRecordMalformed)
    if [(card.post, card.fingerprint) for card in cards] != _named(stated):
        raise SplittingRecordMalformed("the cards are not those that the statement names")
    holders = {card.post: card for card in cards}
    confirmed: dict[str, datetime] = {}
    for each in confirmations:
        said, signatures = decode_signed(each, "a confirmation", SplittingRecordMalformed)
        digest, holder, at = parse_statement(said, _read_said, SplittingRecordMalformed)
        if not compare_digest(digest, stated.fingerprint):
            raise SplittingRecordMalformed("a confirmation is of another record")
        if holder not in holders or holder in confirmed:
            raise SplittingRecordMalformed("a confirmation is of no holder, or of one twice")
        holders[holder].verifying_key.verify(SHARE_HELD, said, signatures)
        confirmed[holder] = at
    return SplittingRecord(stated, confirmed)


def _named(stated: Stated) -> list[tuple[str, str]]:
    return list(zip(stated.splitting.holders, stated.cards, strict=True))


def _file(statement: bytes, cards: Sequence[Card], confirmations: Sequence[bytes]) -> bytes:
    return canonical.encode(
        {
            "cards": [canonical.decode(card.to_bytes()) for card in cards],
            "confirmations": [canonical.decode(each) for each in confirmations],
            "statement": canonical.decode(statement),
        }
    )


def _taken_apart(data: bytes) -> tuple[list[Card], tuple[bytes, ...], bytes]:
    if len(data) > RECORD_BYTES_MAX:
        raise SplittingRecordMalformed(f"a record has at most {RECORD_BYTES_MAX} bytes")
    try:
        value = canonical.decode(data)
        record = Record(value, "record")
        cards = record.items("cards", least=THRESHOLD_LEAST, most=HOLDERS_MAX)
        confirmations = record.items("confirmations", most=HOLDERS_MAX)
        record.record("statement")
        record.close()
        return (
            [read_card(canonical.encode(each)) for each in cards],
            tuple(canonical.encode(each) for each in confirmations),
            canonical.encode(value["statement"]),
        )
    except (ValueError, CardInvalid) as error:
        raise SplittingRecordMalformed(str(error)) from error


def _object(stated: Stated) -> dict[str, Any]:
    return {
        "v": 1,
        "type": RECORD_TYPE,
        "post": stated.post,
        "set": canonical.text_from_bytes(stated.splitting.set),
        "fingerprint": stated.splitting.fingerprint,
        "threshold": stated.splitting.threshold,
        "holders": [{"post": post, "card": card} for post, card in _named(stated)],
        "reason": stated.reason,
        "at": canonical.text_from_time(stated.at),
    }


def _read(record: Record) -> Stated:
    record.constant("v", 1)
    record.constant("type", RECORD_TYPE)
    holders = [
        _read_holder(Record(each, "holder"))
        for each in record.items("holders", least=THRESHOLD_LEAST, most=HOLDERS_MAX)
    ]
    names = tuple(name for name, _ in holders)
    splitting = Splitting(
        record.octets("set", _SET_BYTES),
        record.text("fingerprint", FINGERPRINT),
        record.integer("threshold", least=THRESHOLD_LEAST),
        names,
    )
    stated = Stated(
        post=record.text("post", POST),
        splitting=splitting,
        cards=tuple(card for _, card in holders),
        reason=record.text("reason", _LINE),
        at=record.time("at"),
    )
    record.close()
    if len(set(names)) < len(names) or splitting.threshold > len(names):
        raise ValueError("the holders are not as they must be")
    return stated


def _read_holder(record: Record) -> tuple[str, str]:
    holder = record.text("post", POST), record.text("card", FINGERPRINT)
    record.close()
    return holder


def _object_of_said(said: tuple[str, str, datetime]) -> dict[str, Any]:
    digest, holder, at = said
    return {
        "v": 1,
        "type": SHARE_HELD,
        "record": digest,
        "holder": holder,
        "at": canonical.text_from_time(at),
    }


def _read_said(record: Record) -> tuple[str, str, datetime]:
    record.constant("v", 1)
    record.constant("type", SHARE_HELD)
    said = record.text("record", FINGERPRINT), record.text("holder", POST), record.time("at")
    record.close()
    return said
