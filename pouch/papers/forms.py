"""The forms of a bag's arrival and end: receipt, discrepancy, empty bags, destruction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pouch.papers.printing import Language, render

if TYPE_CHECKING:
    from datetime import datetime

    from pouch.empties import EmptyBag


@dataclass(frozen=True, slots=True)
class BagReference:
    """The bag that a form is about.

    Attributes:
        locator: as on its label, in groups of four (`pouch.locator.grouped_locator`).
        ordinal: bag n of N.
        packages: N.
        origin: code of the post that sent it.
        destination: code of the post it is for.
    """

    locator: str
    ordinal: int
    packages: int
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs, in which capacity; a name that is None is left to the pen."""

    capacity: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as announced.

    Attributes:
        kind: one of `pouch.discrepancies.KINDS`.
        line: of the bordereau, None for the bag as a whole or what was not announced.
        register: number in the sender's register, None likewise.
        expected: what was announced, in a word; None where there is nothing to compare.
        found: what was there.
    """

    kind: str
    line: int | None = None
    register: str | None = None
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The décharge of one bag.

    Attributes:
        number: in the receiving post's register.
        issuer: the receiving service, as it signs its papers.
        bag: the bag.
        handed_over_by: who brought it.
        received: when, UTC.
        place: where.
        seals_announced: numbers in the manifest.
        seals_read: numbers read from the bag, before the others were shown.
        condition: of the seals, the worst of them, as in `pouch.facts`.
        weight_closed_g: grams at closing.
        weight_received_g: grams at receipt, None at a post without scales.
        lines_announced: lines of the bordereau.
        lines_conforming: those found as announced.
        reserves: what was not as announced.
        nonce: found inside; None when the bag was not opened.
        signatories: who signs.
    """

    number: str
    issuer: str
    bag: BagReference
    handed_over_by: str
    received: datetime
    place: str
    seals_announced: tuple[str, ...]
    seals_read: tuple[str, ...]
    condition: str
    weight_closed_g: int
    weight_received_g: int | None
    lines_announced: int
    lines_conforming: int
    reserves: tuple[Finding, ...]
    nonce: str | None
    signatories: tuple[Signatory, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody who must learn of a discrepancy.

    Attributes:
        recipient: a function, as in `pouch.discrepancies.recipients_of`.
        due: until when.
        informed: when they were; None as long as they were not.
    """

    recipient: str
    due: datetime
    informed: datetime | None


@dataclass(frozen=True, slots=True)
class DiscrepancyReport:
    """A report: breach (known or likely compromise) or incident (unknown).

    Attributes:
        number: in the reporting post's register.
        issuer: the reporting service.
        severity: which of the two, as in `pouch.discrepancies`.
        bag: the bag.
        noticed: when, UTC.
        place: where.
        noticed_by: by whom.
        findings: what is not as announced, at least one.
        circumstances: how it was noticed; lines are kept.
        effect: what it means for what the bag held.
        measures: what was done.
        notices: who must be informed.
        signatories: who signs.
    """

    number: str
    issuer: str
    severity: str
    bag: BagReference
    noticed: datetime
    place: str
    noticed_by: str
    findings: tuple[Finding, ...]
    circumstances: str
    effect: str
    measures: str
    notices: tuple[Notice, ...]
    signatories: tuple[Signatory, ...]


@dataclass(frozen=True, slots=True)
class Empties:
    """The bordereau des sacs vides: nothing else travels in them (14 FAH-4 H-216).

    Attributes:
        number: in the sending post's register.
        issuer: the sending service.
        origin: code of the sending post.
        destination: code of the bags' home.
        made: when the list was made, UTC.
        bags: at least one, each lying at `origin`.
        signatories: who signs.
    """

    number: str
    issuer: str
    origin: str
    destination: str
    made: datetime
    bags: tuple[EmptyBag, ...]
    signatories: tuple[Signatory, ...]


@dataclass(frozen=True, slots=True)
class Destroyed:
    """One object that was destroyed, by kind and number, and why."""

    kind: Literal["seal", "bag", "item", "label", "controlled"]
    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class Destruction:
    """The record of a destruction before witnesses.

    Attributes:
        number: in the register of the service that destroys.
        issuer: that service.
        ordered_by: by whose order.
        method: how.
        destroyed: when, UTC.
        place: where.
        objects: at least one.
        signatories: who destroyed and who witnessed.
    """

    number: str
    issuer: str
    ordered_by: str
    method: str
    destroyed: datetime
    place: str
    objects: tuple[Destroyed, ...]
    signatories: tuple[Signatory, ...]


def receipt(value: Receipt, language: Language, level: str) -> bytes:
    """Prints a décharge; it names lines and register numbers, never what they are."""
    return render("receipt", value, language, made=value.received, level=level)


def discrepancy_report(value: DiscrepancyReport, language: Language, level: str) -> bytes:
    """Prints the report of a discrepancy, breach or incident on the same form."""
    return render("discrepancy", value, language, made=value.noticed, level=level)


def empties(value: Empties, language: Language, level: str) -> bytes:
    """Prints a bordereau des sacs vides."""
    return render("empties", value, language, made=value.made, level=level)


def destruction_record(value: Destruction, language: Language, level: str) -> bytes:
    """Prints the record of a destruction."""
    return render("destruction", value, language, made=value.destroyed, level=level)
