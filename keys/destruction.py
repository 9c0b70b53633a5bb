"""The record of a destruction: what was destroyed, why, when, and two persons who saw it and sign.

    record = {"signatures": [{"card": fingerprint, "ed25519", "mldsa65"}, {...}],
              "statement": {"v": 1, "type": "depeche/v1 destruction", "item", "designation",
                            "reference", "at", "witnesses": [{"post", "card"}, {...}]}}

Each witness signs the statement's canonical bytes with their own card, context `depeche/v1
destruction`; whoever has both cards verifies it, long after the service is gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.errors import Refusal
from keys.records import FINGERPRINT, POST, Record
from keys.signing import DESTRUCTION
from keys.statements import STATEMENT_BYTES_MAX, object_of_signatures, read_signatures

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keys.cards import Card
    from keys.identity import Identity
    from keys.signing import Signatures

_LINE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}")
_WITNESSES: Final = 2


class DestructionMalformed(Refusal):
    """The record of a destruction is not of its form, or not signed by two witnesses."""

    code = "DESTRUCTION_MALFORMED"


@dataclass(frozen=True, slots=True)
class Destruction:
    """What two witnesses sign.

    Attributes:
        item: number of the item in the register.
        designation: what was written on it.
        reference: of the order or the report.
        at: when, UTC, whole seconds.
        witnesses: post code and card fingerprint of each; two, distinct.
    """

    item: int
    designation: str
    reference: str
    at: datetime
    witnesses: tuple[tuple[str, str], ...]


def make_record(
    item: int, designation: str, reference: str, at: datetime, witnesses: tuple[Identity, Identity]
) -> bytes:
    """Makes and signs the record.

    Raises:
        DestructionMalformed: a text is not one line of 1 to 200 characters, or the two witnesses
            are one.
    """
    stated = Destruction(
        item=item,
        designation=designation,
        reference=reference,
        at=at,
        witnesses=tuple((each.card.post, each.card.fingerprint) for each in witnesses),
    )
    statement = canonical.encode(_object(stated))
    data = canonical.encode(
        {
            "statement": canonical.decode(statement),
            "signatures": [
                {
                    "card": each.card.fingerprint,
                    **object_of_signatures(each.sign(DESTRUCTION, statement)),
                }
                for each in witnesses
            ],
        }
    )
    read_record(data, {each.card.fingerprint: each.card for each in witnesses})
    return data


def read_record(data: bytes, cards: Mapping[str, Card]) -> Destruction:
    """Reads a record and verifies both signatures.

    Args:
        data: the file.
        cards: trusted, by fingerprint.

    Raises:
        DestructionMalformed: not of its form, not two distinct witnesses, or a card is unknown.
        SignatureInvalid: a signature does not hold.
    """
    if len(data) > STATEMENT_BYTES_MAX:
        raise DestructionMalformed(f"a record has at most {STATEMENT_BYTES_MAX} bytes")
    try:
        value = canonical.decode(data)
        record = Record(value, "record")
        stated = _read(record.record("statement"))
        given = [
            _read_signed(Record(each, "signature"))
            for each in record.items("signatures", least=_WITNESSES, most=_WITNESSES)
        ]
        record.close()
    except ValueError as error:
        raise DestructionMalformed(str(error)) from error
    statement = canonical.encode(value["statement"])
    for (post, named), (signer, signatures) in zip(stated.witnesses, given, strict=True):
        card = cards.get(named)
        if card is None or (card.post, signer) != (post, named):
            raise DestructionMalformed(f"the witness {post} is not known, or did not sign")
        card.verifying_key.verify(DESTRUCTION, statement, signatures)
    return stated


def _object(stated: Destruction) -> dict[str, Any]:
    return {
        "v": 1,
        "type": DESTRUCTION,
        "item": stated.item,
        "designation": stated.designation,
        "reference": stated.reference,
        "at": canonical.text_from_time(stated.at),
        "witnesses": [{"post": post, "card": card} for post, card in stated.witnesses],
    }


def _read(record: Record) -> Destruction:
    record.constant("v", 1)
    record.constant("type", DESTRUCTION)
    stated = Destruction(
        item=record.integer("item", least=1),
        designation=record.text("designation", _LINE),
        reference=record.text("reference", _LINE),
        at=record.time("at"),
        witnesses=tuple(
            _read_witness(Record(each, "witness"))
            for each in record.items("witnesses", least=_WITNESSES, most=_WITNESSES)
        ),
    )
    record.close()
    posts, cards = zip(*stated.witnesses, strict=True)
    if len(set(posts)) != _WITNESSES or len(set(cards)) != _WITNESSES:
        raise ValueError("the two witnesses are one")
    return stated


def _read_witness(record: Record) -> tuple[str, str]:
    witness = record.text("post", POST), record.text("card", FINGERPRINT)
    record.close()
    return witness


def _read_signed(record: Record) -> tuple[str, Signatures]:
    card = record.text("card", FINGERPRINT)
    return card, read_signatures(record)
