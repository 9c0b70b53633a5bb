"""The bureau's keys by edition: one is in force, older ones still open, the next may wait.

    {"v": 1, "type": "depeche/v1 bureau-keys", "root": K,
     "editions": [{"card": base64 of the card, "hybrid": base64 of the 32-byte seed, "signing": K}]}

The public card outside (`bureau.card`) says which edition is in force; replacing it is the one
step of a rotation that counts. The root signs endorsements of cards and sync packs, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.age.hybrid import SEED_SIZE, HybridKey
from keys.cards import Card, issue_card, read_card
from keys.custody.errors import KeyBookFull
from keys.errors import CardInvalid, NotAddressed
from keys.records import Record
from keys.s2.recipients import open_with_hybrids
from keys.signing import SEED_BYTES, SigningKey

if TYPE_CHECKING:
    from datetime import datetime

    from keys.age.header import Header

SECRET_TYPE: Final = "depeche/v1 bureau-keys"  # noqa: S105  the name of a format
EDITIONS_MOST: Final = 64


@dataclass(frozen=True, repr=False)
class Edition:
    """One edition's keys.

    Attributes:
        card: the public side of the two others.
        signing: signs manifests, slips, receipts and service messages of the bureau.
        hybrid: opens what is addressed to this edition.
    """

    card: Card
    signing: SigningKey
    hybrid: HybridKey


@dataclass(frozen=True, repr=False)
class BureauKeys:
    """The *secret* compartment.

    Attributes:
        card: of the edition in force.
        editions: every edition whose keys are still there, the oldest first.
        root: endorses cards, signs sync packs.
    """

    card: Card
    editions: tuple[Edition, ...]
    root: SigningKey

    @classmethod
    def generate(cls, post: str, valid_from: datetime, valid_until: datetime) -> BureauKeys:
        """Makes a first edition and a root.

        Raises:
            CardInvalid: the code or the validity is not as a card's must be.
        """
        first = make_edition(post, valid_from, valid_until, before=None)
        return cls(first.card, (first,), SigningKey.generate())

    @cached_property
    def _in_force(self) -> Edition:
        return next(each for each in self.editions if each.card == self.card)

    @property
    def signing(self) -> SigningKey:
        """Signs as the edition in force."""
        return self._in_force.signing

    @property
    def hybrid(self) -> HybridKey:
        """Opens what is addressed to the edition in force."""
        return self._in_force.hybrid

    @property
    def next(self) -> Edition | None:
        """The edition after the one in force, when a rotation was begun."""
        number = self.card.edition + 1
        return next((each for each in self.editions if each.card.edition == number), None)

    def newest_first(self) -> list[Edition]:
        """The edition in force, then those before it."""
        usable = [each for each in self.editions if each.card.edition <= self.card.edition]
        return sorted(usable, key=lambda each: -each.card.edition)

    def open(self, header: Header) -> tuple[bytes, Edition]:
        """Gives the file key of a header and the edition that it is addressed to.

        Raises:
            NotAddressed: it is addressed to none.
            HeaderMalformed, HeaderTampered: as `keys.s2.recipients.open_with_hybrids`.
        """
        for edition in self.newest_first():
            try:
                return open_with_hybrids(header, [edition.hybrid]), edition
            except NotAddressed:
                continue
        raise NotAddressed("no stanza of the header opens with a key of the bureau")

    def with_next(self, valid_from: datetime, valid_until: datetime) -> tuple[BureauKeys, Card]:
        """Gives the same with a next edition, made now unless a rotation made it already.

        Returns:
            The keys, and the card of that edition.

        Raises:
            CardInvalid: the validity is not as a card's must be.
            KeyBookFull: the store holds as many editions as it can read again.
        """
        begun = self.next
        if begun is not None:
            return self, begun.card
        if len(self.editions) >= EDITIONS_MOST:
            raise KeyBookFull(f"a store holds {EDITIONS_MOST} editions: an old one is to go first")
        made = make_edition(self.card.post, valid_from, valid_until, before=self.card)
        return replace(self, editions=(*self.editions, made)), made.card

    def without(self, number: int) -> BureauKeys:
        """Gives the same without the keys of an edition that is not in force."""
        kept = tuple(each for each in self.editions if each.card.edition != number)
        return replace(self, editions=kept)


def make_edition(
    post: str, valid_from: datetime, valid_until: datetime, *, before: Card | None
) -> Edition:
    """Makes the keys and the card of an edition.

    Raises:
        CardInvalid: the code or the validity is not as a card's must be.
    """
    signing, hybrid = SigningKey.generate(), HybridKey.generate()
    card = issue_card(
        signing,
        hybrid.recipient,
        post=post,
        edition=1 if before is None else before.edition + 1,
        valid_from=valid_from,
        valid_until=valid_until,
        previous=None if before is None else before.fingerprint,
    )
    return Edition(card, signing, hybrid)


def object_of_bureau(keys: BureauKeys) -> dict[str, object]:
    """Gives the members of the secret compartment's file."""
    return {
        "v": 1,
        "type": SECRET_TYPE,
        "root": object_of_signing(keys.root),
        "editions": [
            {
                "card": canonical.text_from_bytes(each.card.to_bytes()),
                "hybrid": canonical.text_from_bytes(each.hybrid.seed),
                "signing": object_of_signing(each.signing),
            }
            for each in keys.editions
        ],
    }


def read_bureau(record: Record, card: Card) -> BureauKeys:
    """Reads what `object_of_bureau` gives; `v` and `type` were taken.

    Args:
        record: opened on the object.
        card: the edition in force.

    Raises:
        ValueError, CardInvalid: another shape, secrets that are not a card's, or not of `card`.
    """
    root = read_signing(record.record("root"))
    values = record.items("editions", least=1, most=EDITIONS_MOST)
    record.close()
    editions = tuple(_read_edition(Record(value, "edition")) for value in values)
    if card not in {each.card for each in editions}:
        raise ValueError("the secret compartment does not hold the keys of bureau.card")
    return BureauKeys(card, editions, root)


def object_of_signing(key: SigningKey) -> dict[str, str]:
    """Gives both seeds as a JSON object of base64 texts."""
    return {
        "ed25519": canonical.text_from_bytes(key.ed25519_seed),
        "mldsa65": canonical.text_from_bytes(key.mldsa65_seed),
    }


def read_signing(record: Record) -> SigningKey:
    """Reads what `object_of_signing` gives.

    Raises:
        ValueError: another shape.
    """
    key = SigningKey(record.octets("ed25519", SEED_BYTES), record.octets("mldsa65", SEED_BYTES))
    record.close()
    return key


def _read_edition(record: Record) -> Edition:
    edition = Edition(
        card=read_card(canonical.bytes_from_text(record.any_text("card"))),
        hybrid=HybridKey(record.octets("hybrid", SEED_SIZE)),
        signing=read_signing(record.record("signing")),
    )
    record.close()
    if _public_of(edition) != (edition.card.recipient, edition.card.ed25519, edition.card.mldsa65):
        raise CardInvalid("the secrets of an edition are not those of its card")
    return edition


def _public_of(edition: Edition) -> tuple[bytes, bytes, bytes]:
    public: Any = edition.signing.verifying_key
    return edition.hybrid.recipient, public.ed25519, public.mldsa65
