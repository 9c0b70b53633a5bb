"""One-time prekeys: a post's keys for one dispatch each, so that a key lost later opens less.

A post makes a bundle of hybrid recipients, signs the root of their Merkle tree once with its card,
and hands it over. Whoever writes to the post takes one prekey with its proof (about 7 kB), wraps
the file key to it, and names it in the manifest (`prekey:ID`). The post destroys the secret half
once it has the dispatch: from then on neither its edition key nor anybody else's opens that stanza.

    bundle = {"prekeys": [{"id", "recipient"}], "signatures", "statement"}
    offer  = {"prekey": {"id", "recipient"}, "proof": {"index", "path", "signatures"}, "statement"}
    statement = {"v": 1, "type": "depeche/v1 prekeys", "post", "card", "created", "expires",
                 "root": hexadecimal, "size"}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.age.bech32 import decode_recipient, encode_recipient
from keys.age.hybrid import parse_recipient
from keys.errors import Refusal
from keys.merkle import HASH_SIZE, inclusion_path, leaf_hash, root, verify_inclusion
from keys.records import FINGERPRINT, POST, Record
from keys.signing import PREKEYS, Signatures
from keys.statements import (
    encode_statement,
    object_of_signatures,
    read_signatures,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from keys.cards import Card

BUNDLE_MOST: Final = 100
BUNDLE_BYTES_MAX: Final = 256 * 1024
OFFER_BYTES_MAX: Final = 16 * 1024
LIFE_MOST: Final = timedelta(days=62)

PREKEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{16}")
_RECIPIENT: Final = re.compile(r"age1pq1[02-9ac-hj-np-z]{1952}")
_PATH_MAX: Final = 7


class PrekeyMalformed(Refusal):
    """A bundle or an offer of prekeys is not of its form."""

    code = "PREKEY_MALFORMED"


class PrekeyNotOfCard(Refusal):
    """The prekeys are of another card than the one at hand."""

    code = "PREKEY_NOT_OF_CARD"


class PrekeyExpired(Refusal):
    """The prekeys are no longer, or not yet, to be used."""

    code = "PREKEY_EXPIRED"


class PrekeyBurnt(Refusal):
    """The dispatch is for a prekey that was compromised on its way: others may read it too."""

    code = "PREKEY_BURNT"


class PrekeyUsed(Refusal):
    """Nothing at hand opens the dispatch, and prekeys were used up: it may be for one of them."""

    code = "PREKEY_USED"


@dataclass(frozen=True, slots=True)
class Prekey:
    """The public half: its id, 16 characters, and the 1,216 raw bytes of its hybrid recipient."""

    id: str
    recipient: bytes

    def encode(self) -> bytes:
        """The canonical bytes that are a leaf of the bundle's tree."""
        return canonical.encode(_prekey_object(self))


@dataclass(frozen=True, slots=True)
class Statement:
    """What a card signs over a whole bundle.

    Attributes:
        post: code of the post.
        card: fingerprint of the card whose keys sign.
        created: UTC, whole seconds, included.
        expires: UTC, whole seconds, excluded; at most 62 days later.
        root: RFC 6962 root over the prekeys, 32 bytes.
        size: how many they are.
    """

    post: str
    card: str
    created: datetime
    expires: datetime
    root: bytes
    size: int

    def encode(self) -> bytes:
        """The canonical bytes that are signed in context `depeche/v1 prekeys`.

        Raises:
            PrekeyMalformed: a field is not as it must be.
        """
        return encode_statement(self, _statement_object, _read_statement, PrekeyMalformed)

    def require(self, card: Card, now: datetime) -> None:
        """Demands that it is this card's, and to be used now.

        Raises:
            PrekeyNotOfCard, PrekeyExpired: it is not.
        """
        if (self.post, self.card) != (card.post, card.fingerprint):
            raise PrekeyNotOfCard(f"the prekeys are of another card than {card.fingerprint}")
        if not self.created <= now < self.expires:
            raise PrekeyExpired(f"the prekeys end at {canonical.text_from_time(self.expires)}")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose signatures hold: what it states, and its prekeys in their order."""

    statement: Statement
    signatures: Signatures
    prekeys: tuple[Prekey, ...]

    def offers(self) -> list[bytes]:
        """Gives each prekey with its proof, as a file for whoever takes it."""
        leaves = [leaf_hash(prekey.encode()) for prekey in self.prekeys]
        return [
            canonical.encode(
                {
                    "prekey": _prekey_object(prekey),
                    "proof": {
                        "index": at,
                        "path": [
                            canonical.text_from_bytes(each) for each in inclusion_path(at, leaves)
                        ],
                        "signatures": object_of_signatures(self.signatures),
                    },
                    "statement": _statement_object(self.statement),
                }
            )
            for at, prekey in enumerate(self.prekeys)
        ]


def make_bundle(
    prekeys: Sequence[Prekey],
    card: Card,
    *,
    created: datetime,
    expires: datetime,
    sign: Callable[[str, bytes], Signatures],
) -> bytes:
    """Makes the file of a bundle.

    Args:
        prekeys: 1 to 100, their ids distinct.
        card: whose post they are of.
        created: UTC, whole seconds.
        expires: UTC, whole seconds; after `created`, by at most 62 days.
        sign: both signatures over bytes in a context, by the card's keys.

    Raises:
        PrekeyMalformed: one of these is not as it must be.
    """
    statement = Statement(
        post=card.post,
        card=card.fingerprint,
        created=created,
        expires=expires,
        root=root([leaf_hash(prekey.encode()) for prekey in prekeys]),
        size=len(prekeys),
    )
    signatures = sign(PREKEYS, statement.encode())
    data = canonical.encode(
        {
            "prekeys": [_prekey_object(prekey) for prekey in prekeys],
            "signatures": object_of_signatures(signatures),
            "statement": _statement_object(statement),
        }
    )
    read_bundle(data, card, created)
    return data


def read_bundle(data: bytes, card: Card, now: datetime) -> Bundle:
    """Reads a bundle and checks it whole.

    The order: 1. canonical JSON of the one shape; 2. the card's, and in force; 3. both signatures;
    4. the prekeys are those under the signed root.

    Raises:
        PrekeyMalformed, PrekeyNotOfCard, PrekeyExpired, SignatureInvalid: as they say.
    """
    if len(data) > BUNDLE_BYTES_MAX:
        raise PrekeyMalformed(f"a bundle has at most {BUNDLE_BYTES_MAX} bytes")
    try:
        record = Record(canonical.decode(data), "bundle")
        statement = _read_statement(record.record("statement"))
        signatures = read_signatures(record.record("signatures"))
        values = record.items("prekeys", least=1, most=BUNDLE_MOST)
        record.close()
        prekeys = tuple(_read_prekey(Record(value, "prekey")) for value in values)
    except ValueError as error:
        raise PrekeyMalformed(str(error)) from error
    statement.require(card, now)
    card.verifying_key.verify(PREKEYS, statement.encode(), signatures)
    leaves = [leaf_hash(prekey.encode()) for prekey in prekeys]
    if (len(prekeys), root(leaves)) != (statement.size, statement.root):
        raise PrekeyMalformed("the prekeys are not those that were signed")
    if len({prekey.id for prekey in prekeys}) != len(prekeys):
        raise PrekeyMalformed("two prekeys have one id")
    return Bundle(statement, signatures, prekeys)


def read_offer(data: bytes, card: Card, now: datetime) -> Prekey:
    """Reads one prekey with its proof and checks it whole, in the order of `read_bundle`.

    Raises:
        PrekeyMalformed, PrekeyNotOfCard, PrekeyExpired, SignatureInvalid: as they say.
        ProofInvalid: it is not under the signed root.
    """
    if len(data) > OFFER_BYTES_MAX:
        raise PrekeyMalformed(f"an offer has at most {OFFER_BYTES_MAX} bytes")
    try:
        record = Record(canonical.decode(data), "offer")
        statement = _read_statement(record.record("statement"))
        prekey = _read_prekey(record.record("prekey"))
        proof = record.record("proof")
        record.close()
        index = proof.integer("index")
        path = [_read_sibling(item) for item in proof.items("path", most=_PATH_MAX)]
        signatures = read_signatures(proof.record("signatures"))
        proof.close()
    except ValueError as error:
        raise PrekeyMalformed(str(error)) from error
    statement.require(card, now)
    card.verifying_key.verify(PREKEYS, statement.encode(), signatures)
    verify_inclusion(leaf_hash(prekey.encode()), index, statement.size, path, statement.root)
    return prekey


def _prekey_object(prekey: Prekey) -> dict[str, str]:
    return {"id": prekey.id, "recipient": encode_recipient(prekey.recipient)}


def _read_prekey(record: Record) -> Prekey:
    prekey = Prekey(
        id=record.text("id", PREKEY_ID),
        recipient=decode_recipient(record.text("recipient", _RECIPIENT)),
    )
    record.close()
    parse_recipient(prekey.recipient)
    return prekey


def _statement_object(statement: Statement) -> dict[str, Any]:
    return {
        "v": 1,
        "type": PREKEYS,
        "post": statement.post,
        "card": statement.card,
        "created": canonical.text_from_time(statement.created),
        "expires": canonical.text_from_time(statement.expires),
        "root": statement.root.hex(),
        "size": statement.size,
    }


def _read_statement(record: Record) -> Statement:
    record.constant("v", 1)
    record.constant("type", PREKEYS)
    statement = Statement(
        post=record.text("post", POST),
        card=record.text("card", FINGERPRINT),
        created=record.time("created"),
        expires=record.time("expires"),
        root=bytes.fromhex(record.text("root", FINGERPRINT)),
        size=record.integer("size", least=1),
    )
    record.close()
    if not timedelta(0) < statement.expires - statement.created <= LIFE_MOST:
        raise ValueError("prekeys last for some time, at most 62 days")
    return statement


def _read_sibling(item: object) -> bytes:
    sibling = canonical.bytes_from_text(item) if isinstance(item, str) else b""
    if len(sibling) != HASH_SIZE:
        raise ValueError("proof.path is not as it must be")
    return sibling
