"""The bordereau of a bag and its waybill, as values.

A `Manifest` lists what is in one closing of one bag; it lies inside, and travels ahead enciphered.
Its `Waybill` says how the bag travels with its companions. Nothing here is shown outside the bag:
the seal carries a salted digest, and every line has a salt of its own, so that one line can be
shown without the others (`pouch.bordereau`, which also refuses values that no bag can have).

Grammar of the texts, as regular expressions, stands here once for the whole package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

# The bag's own number: digits only, since it is most of the locator that a hand scanner reads.
BAG: Final = re.compile(r"[0-9]{22}")
# The seal's identifier (`cti`), new each time that a bag is closed: 16 bytes in hexadecimal.
SEAL: Final = re.compile(r"[0-9a-f]{32}")
# What stands on a physical seal, as a person reads it.
SEAL_NUMBER: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{3,19}")
# An officer's code.
OFFICER: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{1,39}")
# A number in a register: 2026/000123, or another service's own form.
REGISTER: Final = re.compile(r"[A-Z0-9][A-Z0-9./ -]{0,38}[A-Z0-9]")
# One line of text, as keys/SPEC.md §4 has it.
LINE: Final = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{1,120}")

SEALS_MAX: Final = 8
ITEMS_MAX: Final = 500
PACKAGES_MAX: Final = 99
LEGS_MAX: Final = 16
WEIGHT_MAX_G: Final = 2_000_000
QUANTITY_MAX: Final = 100_000
SALT_BYTES: Final = 32
VALIDITY_MAX: Final = timedelta(days=45)


class BagClass(StrEnum):
    """What a bag may hold, from the least protected to the most; `CONTROLLED` stands apart.

    The first five are the levels of the scheme of markings. A controlled bag holds what is not
    classified but opened by cleared persons only (14 FAH-4 H-250 calls it UCAP).
    """

    UNCLASSIFIED = "NON-PROTEGE"
    RESTRICTED = "DIFFUSION-RESTREINTE"
    CONFIDENTIAL = "CONFIDENTIEL"
    SECRET = "SECRET"  # noqa: S105 - the name of a level
    TOP_SECRET = "TRES-SECRET"  # noqa: S105 - the name of a level
    CONTROLLED = "CONTROLE"


class Mode(StrEnum):
    """How a bag travels (Vienna Convention on Diplomatic Relations, art. 27 §§5-7)."""

    COURIER = "courier"
    AD_HOC = "ad-hoc"
    CAPTAIN = "captain"
    FREIGHT = "freight"
    POSTAL = "postal"


class ItemKind(StrEnum):
    """What an item is, as far as the rules must know."""

    DISPATCH = "dispatch"
    LETTER = "letter"
    DOCUMENT = "document"
    PARCEL = "parcel"
    EQUIPMENT = "equipment"
    CRYPTOGRAPHIC = "cryptographic"
    SEALS = "seals"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the bordereau.

    Attributes:
        line: 1 for the first line, then one more each.
        register: number in the sender's register, `REGISTER`.
        sender: service that hands the item in, `LINE`.
        addressee: service or person it is for, `LINE`.
        kind: what it is.
        level: its own level, a code of the scheme of markings (`keys.records.CODE`).
        quantity: number of pieces, 1 to 100,000.
        weight_g: of all pieces together, in grams, 1 to 2,000,000.
        enclosure: number of its inner envelope or of that one's seal, `REGISTER`; None without.
        salt: 32 random bytes that hide the line's content behind its hash.
    """

    line: int
    register: str
    sender: str
    addressee: str
    kind: ItemKind
    level: str
    quantity: int
    weight_g: int
    enclosure: str | None
    salt: bytes


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who carries the bags: the courier, the captain, or the company.

    Attributes:
        name: as on the passport, or of the company; `LINE`.
        status: in which capacity, `LINE`.
        passport: its number, `REGISTER`; None for a company.
        vehicle: flight, ship or registration, `LINE`; None when unknown.
    """

    name: str
    status: str
    passport: str | None
    vehicle: str | None


@dataclass(frozen=True, slots=True)
class Waybill:
    """The letter, air waybill or postal note under which one or more bags travel together.

    Attributes:
        number: of the courier's letter, air waybill or S10 item, `REGISTER`.
        mode: how they travel.
        origin: code of the post that sends, `keys.records.POST`.
        destination: code of the post that receives.
        consignee: to whom it is addressed, such as the head of mission; `LINE`.
        packages: how many bags travel together, 1 to 99.
        carrier: who has them in hand.
        itinerary: places called at between origin and destination, at most 16 of `LINE`.
        departs: UTC, whole seconds.
        due: when they should arrive, after `departs`.
    """

    number: str
    mode: Mode
    origin: str
    destination: str
    consignee: str
    packages: int
    carrier: Carrier
    itinerary: tuple[str, ...]
    departs: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class Certifier:
    """The officer who answers for the contents (UN ST/AI/368: full responsibility).

    Attributes:
        officer: code, `OFFICER`.
        name: printed under the signature, `LINE`.
        function: likewise.
    """

    officer: str
    name: str
    function: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The bordereau of one closing of one bag.

    Attributes:
        number: of this bordereau in the pouch bureau's register, `REGISTER`.
        bag: the bag's own number, 22 digits (`BAG`).
        seal: identifier of this closing, 32 hexadecimal digits (`SEAL`).
        ordinal: this is bag n of the waybill's N.
        bag_class: what the bag may hold.
        seals: numbers of the physical seals, 1 to 8 distinct `SEAL_NUMBER`.
        weight_g: of the closed bag, in grams, 1 to 2,000,000.
        closed: when it was closed, UTC, whole seconds.
        expires: when the seal ends, at most 45 days after `closed`.
        certifier: who answers for the contents.
        waybill: how it travels.
        items: 1 to 500 lines.
        nonce_sha256: hash of the secret that lies inside the bag, 64 hexadecimal digits.
        salt: 32 random bytes that hide the whole behind its digest.
    """

    number: str
    bag: str
    seal: str
    ordinal: int
    bag_class: BagClass
    seals: tuple[str, ...]
    weight_g: int
    closed: datetime
    expires: datetime
    certifier: Certifier
    waybill: Waybill
    items: tuple[Item, ...]
    nonce_sha256: str
    salt: bytes
