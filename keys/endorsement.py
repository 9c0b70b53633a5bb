"""What the ministry's root says of cards: this card is that post's, and follows that one.

A card proves itself and nothing about whose it is. The root is a signature key of the ministry's
that signs endorsements and sync packs (pouch/SPEC.md §8), nothing else: an endorsement for each
edition of each post's card, after two officers compared its fingerprint. Who believes the root need
not be called for every new card; a card that the root did not endorse is still refused until a
person confirms it.

    endorsement = {"signatures", "statement": {"v": 1, "type": "depeche/v1 endorsement", "post",
                   "edition", "card", "previous", "root", "at"}}
    root = {"signatures": by the bureau's card, which a person has compared,
            "statement": {"v": 1, "type": "depeche/v1 root", "card", "ed25519", "mldsa65"}}
    root's file = {"v": 1, "type": "depeche/v1 root-key", "ed25519", "mldsa65"}

The SHA-256 of the root's file is its fingerprint, which persons compare.

No card vouches for its successor (a stolen key could); the root is introduced by the bureau's card
once, at enrolment, and then stands by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.errors import Refusal
from keys.records import FINGERPRINT, POST, Record
from keys.signing import (
    ED25519_PUBLIC_BYTES,
    ENDORSEMENT,
    MLDSA65_PUBLIC_BYTES,
    ROOT,
    VerifyingKey,
)
from keys.statements import decode_signed, encode_signed, encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from keys.cards import Card
    from keys.signing import Signatures

ROOT_KEY: Final = "depeche/v1 root-key"


class EndorsementMalformed(Refusal):
    """An endorsement, or the introduction of a root, is not of its form."""

    code = "ENDORSEMENT_MALFORMED"


class RootMalformed(Refusal):
    """A file is not that of a root's public keys."""

    code = "ROOT_MALFORMED"


class EndorsementOfAnother(Refusal):
    """The endorsement is of another card, or by another root, than the one at hand."""

    code = "ENDORSEMENT_OF_ANOTHER"


class SuccessionBroken(Refusal):
    """The endorsed cards do not lead from the card known to the one offered."""

    code = "SUCCESSION_BROKEN"


@dataclass(frozen=True, slots=True)
class Endorsement:
    """What the root says of one card.

    Attributes:
        post: code of the post.
        edition: of the card.
        card: its fingerprint.
        previous: fingerprint of the edition before, None for the first.
        root: `root_fingerprint` of the root that says it.
        at: when, UTC, whole seconds.
    """

    post: str
    edition: int
    card: str
    previous: str | None
    root: str
    at: datetime

    @classmethod
    def of(cls, card: Card, root: VerifyingKey, at: datetime) -> Endorsement:
        """Gives what a root would say of a card."""
        return cls(
            post=card.post,
            edition=card.edition,
            card=card.fingerprint,
            previous=card.previous,
            root=root_fingerprint(root),
            at=at,
        )

    def encode(self) -> bytes:
        """The canonical bytes that are signed in context `depeche/v1 endorsement`.

        Raises:
            EndorsementMalformed: a field is not as it must be.
        """
        return encode_statement(self, _endorsement_object, _read_endorsement, EndorsementMalformed)

    @classmethod
    def parse(cls, data: bytes) -> Endorsement:
        """Reads what `encode` gives; EndorsementMalformed for anything else."""
        return parse_statement(data, _read_endorsement, EndorsementMalformed)


def root_file(key: VerifyingKey) -> bytes:
    """The file of a root's public keys: canonical JSON, no final newline."""
    return canonical.encode({"v": 1, "type": ROOT_KEY, **_key_object(key)})


def root_fingerprint(key: VerifyingKey) -> str:
    """Lower-case hexadecimal SHA-256 of the root's file."""
    return sha256(root_file(key)).hexdigest()


def read_root_file(data: bytes) -> VerifyingKey:
    """Reads what `root_file` gives; one final newline is forgiven.

    That the root is the ministry's own a person says, who compared its fingerprint.

    Raises:
        RootMalformed: it is not of its form.
    """
    try:
        record = Record(canonical.decode(data.removesuffix(b"\n")), "root")
        record.constant("v", 1)
        record.constant("type", ROOT_KEY)
        return _read_keys(record)
    except ValueError as error:
        raise RootMalformed(str(error)) from error


def make_endorsement(endorsement: Endorsement, sign: Callable[[bytes], Signatures]) -> bytes:
    """Makes the file of an endorsement.

    Args:
        endorsement: what is said.
        sign: both signatures of the root over bytes, context `depeche/v1 endorsement`.
    """
    statement = endorsement.encode()
    return encode_signed(statement, sign(statement))


def read_endorsement(data: bytes, card: Card, root: VerifyingKey) -> Endorsement:
    """Reads an endorsement and checks that this root says it of this card.

    The order: 1. its form; 2. card and root are those at hand; 3. both signatures.

    Raises:
        EndorsementMalformed, EndorsementOfAnother, SignatureInvalid: as they say.
    """
    statement, signatures = decode_signed(data, "an endorsement", EndorsementMalformed)
    stated = Endorsement.parse(statement)
    if stated != Endorsement.of(card, root, stated.at):
        raise EndorsementOfAnother("the endorsement is of another card, or by another root")
    root.verify(ENDORSEMENT, statement, signatures)
    return stated


def require_succession(
    known: Card, offered: Sequence[tuple[Card, bytes]], root: VerifyingKey
) -> Card:
    """Demands that endorsed cards lead from the one known to the newest one offered.

    Args:
        known: the card believed until now.
        offered: cards of the same post with their endorsements, the newest first; those up to
            `known` may be among them.
        root: believed.

    Returns:
        The newest card.

    Raises:
        SuccessionBroken: none is newer, an edition is missing between, or a card names another
            one before it than the one that is there.
        EndorsementMalformed, EndorsementOfAnother, SignatureInvalid: one does not hold.
    """
    newer = sorted(
        (pair for pair in offered if pair[0].edition > known.edition),
        key=lambda pair: pair[0].edition,
    )
    last = known
    for card, endorsement in newer:
        if (card.post, card.edition, card.previous) != (
            known.post,
            last.edition + 1,
            last.fingerprint,
        ):
            raise SuccessionBroken(f"edition {card.edition} does not follow edition {last.edition}")
        read_endorsement(endorsement, card, root)
        last = card
    if last is known:
        raise SuccessionBroken(f"nothing newer than edition {known.edition} is offered")
    return last


def make_introduction(
    root: VerifyingKey, card: Card, sign: Callable[[str, bytes], Signatures]
) -> bytes:
    """Makes the file in which the bureau's card introduces the root.

    Args:
        root: the root's public keys.
        card: of the bureau.
        sign: both signatures of the card's keys over bytes in a context.
    """
    statement = canonical.encode(
        {"v": 1, "type": ROOT, "card": card.fingerprint, **_key_object(root)}
    )
    return encode_signed(statement, sign(ROOT, statement))


def read_introduction(data: bytes, card: Card) -> VerifyingKey:
    """Reads the introduction of a root by a bureau's card that a person has compared.

    Raises:
        EndorsementMalformed: it is not of its form.
        EndorsementOfAnother: another card introduces it.
        SignatureInvalid: a signature does not hold.
    """
    statement, signatures = decode_signed(data, "an introduction", EndorsementMalformed)
    try:
        record = Record(canonical.decode(statement), "root")
        record.constant("v", 1)
        record.constant("type", ROOT)
        introduced_by = record.text("card", FINGERPRINT)
        root = _read_keys(record)
    except ValueError as error:
        raise EndorsementMalformed(str(error)) from error
    if introduced_by != card.fingerprint:
        raise EndorsementOfAnother("another card introduces this root")
    card.verifying_key.verify(ROOT, statement, signatures)
    return root


def _read_keys(record: Record) -> VerifyingKey:
    key = VerifyingKey(
        record.octets("ed25519", ED25519_PUBLIC_BYTES),
        record.octets("mldsa65", MLDSA65_PUBLIC_BYTES),
    )
    record.close()
    return key


def _key_object(key: VerifyingKey) -> dict[str, str]:
    return {
        "ed25519": canonical.text_from_bytes(key.ed25519),
        "mldsa65": canonical.text_from_bytes(key.mldsa65),
    }


def _endorsement_object(endorsement: Endorsement) -> dict[str, Any]:
    return {
        "v": 1,
        "type": ENDORSEMENT,
        "post": endorsement.post,
        "edition": endorsement.edition,
        "card": endorsement.card,
        "previous": endorsement.previous,
        "root": endorsement.root,
        "at": canonical.text_from_time(endorsement.at),
    }


def _read_endorsement(record: Record) -> Endorsement:
    record.constant("v", 1)
    record.constant("type", ENDORSEMENT)
    endorsement = Endorsement(
        post=record.text("post", POST),
        edition=record.integer("edition", least=1),
        card=record.text("card", FINGERPRINT),
        previous=record.optional_text("previous", FINGERPRINT),
        root=record.text("root", FINGERPRINT),
        at=record.time("at"),
    )
    record.close()
    if (endorsement.edition == 1) != (endorsement.previous is None):
        raise ValueError("endorsement.previous is there from the second edition on, and only then")
    return endorsement
