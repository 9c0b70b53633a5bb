"""Whose seal counts when headquarters reads its own books (article 15, sécurisation).

Whoever writes into the database can encrypt to the bureau's card and put a card into the directory.
Neither makes a seal: which cards are the bureau's, of today and of before, the custodian says from
a store of its own, and what was signed is verified before any of it is shown, printed or sent.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row

from cipher_service.directory.register import read_directory
from cipher_service.errors import ServiceError
from keys.cards import Card
from keys.custody import Custodian
from keys.custody.bureau import Bureau
from pouch.findings import Name
from pouch.sealed import SealedManifest
from pouch.verdict import Trust, judge


def cards_in(connection: Connection) -> tuple[Card, ...]:
    """Return every card of the directory, for `trusted` to choose from."""
    return tuple(each.card for each in read_directory(connection).cards.values())


def trusted(cards: Sequence[Card], custodian: Custodian, at_hand: Sequence[Card] = ()) -> Trust:
    """Return the cards that count; of the bureau, those that the custodian knows as its own.

    Args:
        cards: the directory's.
        custodian: of the bureau.
        at_hand: of persons who sign now, with keys that they brought.
    """
    bureau = Bureau(custodian)
    own, known = bureau.card, bureau.fingerprints
    others = [each for each in cards if each.post != own.post or each.fingerprint in known]
    return Trust([own, *others, *at_hand])


def require_sealed(
    row: Row[Any],
    sealed: SealedManifest,
    nonce: str,
    cards: Sequence[Card],
    custodian: Custodian,
) -> None:
    """Demand that what a row of the books holds is what the bureau sealed as this very closing.

    Both signatures of the bureau are verified, by its card in force at the closing. A second
    person's are where their card is known here; a card that is not was verified at the closing.

    Args:
        row: the closing, as the books hold it.
        sealed: what it opened to.
        nonce: the secret beside it.
        cards: the directory's.
        custodian: says which of them are the bureau's.

    Raises:
        ServiceError: SEALED_FORGED.
    """
    manifest, seal = sealed.manifest, sealed.seal
    secret = sha256(bytes.fromhex(nonce)).hexdigest()
    booked = row.seal, row.number, row.ordinal, row.symbol
    told = manifest.seal, manifest.number, manifest.ordinal, seal.text
    # Its end is no matter here: papers are printed again long after.
    trust, at = trusted(cards, custodian), seal.claims.issued
    verdict = judge(seal.text, trust=trust, at=at, sealed=sealed)
    if (
        (told, manifest.nonce_sha256) != (booked, secret)
        or verdict.name is not Name.SEAL_GENUINE_MANIFEST_MATCHES
        or seal.claims.issuer != custodian.card().post
    ):
        raise ServiceError("SEALED_FORGED", number=row.number)
