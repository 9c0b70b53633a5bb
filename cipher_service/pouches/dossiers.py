"""A bordereau and all that put it right, opened to be printed: what was sealed, and what is right.

What is in the books was verified when it was issued; the bureau's signatures are verified again,
for whoever wrote into the database could encrypt to its card. A second card may be unknown here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import carriage, rectifying, sealers, signing
from cipher_service.pouches.entitlement import PACK
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.signing import Kept
from keys.cards import Card
from keys.custody import Custodian
from keys.errors import Refusal
from pouch.manifest import Manifest
from pouch.papers.correction import rectification_paper
from pouch.papers.printing import Language
from pouch.rectification import read_rectification, rectified
from pouch.verdict import Trust


@dataclass(frozen=True, slots=True)
class Filed:
    """A rectification on file.

    Attributes:
        file: as it was signed.
        second: name of the second person who issued it.
    """

    file: bytes
    second: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """What was signed at a closing, and what put it right since.

    Attributes:
        kept: what was signed.
        filed: the rectifications, in their order.
        right: the manifest as they leave it.
    """

    kept: Kept
    filed: tuple[Filed, ...]
    right: Manifest

    def paper(self, ordinal: int, language: Language) -> bytes:
        """Print a rectification again. Raises ServiceError RECTIFICATION_UNKNOWN."""
        if not 1 <= ordinal <= len(self.filed):
            raise ServiceError("RECTIFICATION_UNKNOWN", number=self.right.number, ordinal=ordinal)
        filed = self.filed[ordinal - 1]
        signed = read_rectification(filed.file)
        return rectification_paper(
            signed.statement,
            self.kept.sealed.manifest,
            language,
            levels=default_scheme().level_names(language),
            witnessed=signed.witness is not None,
            second=filed.second,
        )


@dataclass(frozen=True, slots=True)
class Unopened:
    """The same as the books hold it: ciphertext, and who signed."""

    sealed: Row[Any]
    rectifications: tuple[tuple[Row[Any], str], ...]
    cards: tuple[Card, ...]


def unopened(sitting: Sitting, seal: str) -> Unopened:
    """Return what the books hold of a closing. Raises ServiceError NOT_SEALED_HERE."""
    connection = sitting.connection
    row = signing.row_of(connection, seal)
    if row is None:
        raise ServiceError("NOT_SEALED_HERE", seal=seal)
    return Unopened(
        row,
        tuple(
            (each, officers.read(connection, each.second).identity.name)
            for each in rectifying.rows_of(connection, seal)
        ),
        sealers.cards_in(connection),
    )


def opened(found: Unopened, custodian: Custodian) -> Dossier:
    """Open a dossier.

    Raises:
        ServiceError: as `signing.open_kept` and `bound`.
        KeysError: the custodian refuses.
    """
    kept = signing.open_kept(found.sealed, found.cards, custodian)
    filed = [
        Filed(rectifying.file_of(row, custodian), second) for row, second in found.rectifications
    ]
    return bound(kept, filed, sealers.trusted(found.cards, custodian))


def bound(kept: Kept, filed: Sequence[Filed], trust: Trust) -> Dossier:
    """Return a dossier of what was opened.

    Raises:
        ServiceError: RECTIFICATION_FORGED: one on file is not what the bureau signed.
    """
    try:
        signed = [read_rectification(each.file) for each in filed]
        right = rectified(kept.sealed, signed, trust=trust, own_books=True)
    except Refusal as error:
        number = kept.sealed.manifest.number
        raise ServiceError("RECTIFICATION_FORGED", number=number) from error
    return Dossier(kept, tuple(filed), right)


def dossier_of(office: Office, named: str, *, by: str) -> Dossier:
    """Open what was signed at a closing and what put it right, to print its papers (again).

    Args:
        office: the bureau.
        named: the closing, or what names its bag.
        by: who prints.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, NOT_SEALED_HERE,
            SEALED_FORGED, RECTIFICATION_FORGED.
        KeysError: the custodian refuses.
    """
    with office.consider("pouch_papers", named) as sitting:
        closing = carriage.seen(sitting, named, by)
        sitting.require(by, PACK, closing)
        found = unopened(sitting, closing.seal)
    with office.keys("pouch_papers", closing.seal) as custodian:
        return opened(found, custodian)
