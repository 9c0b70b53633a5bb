"""The papers under which bags travel: lettre de courrier, letter to the captain, count check.

They are shown at borders, so both languages stand side by side and no class of bag is named
(Vienna Convention, art. 27 paragraphs 5 to 7). Whoever sealed issues them (RS 631.144.0 art. 32).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pouch.manifest import Mode
from pouch.papers.printing import render

if TYPE_CHECKING:
    from datetime import datetime

    from pouch.manifest import Waybill


@dataclass(frozen=True, slots=True)
class Package:
    """One bag as a letter names it.

    Attributes:
        ordinal: bag n of N.
        seals: numbers of its physical seals.
        weight_g: of the closed bag, in grams.
    """

    ordinal: int
    seals: tuple[str, ...]
    weight_g: int


@dataclass(frozen=True, slots=True)
class Issue:
    """Who issues a letter, where and until when.

    Attributes:
        ministry_fr: the issuing ministry in French.
        ministry_en: the same in English.
        place: where it is issued.
        issued: when, UTC.
        until: when it ends.
        name: printed under the signature.
        function: of the person who signs.
    """

    ministry_fr: str
    ministry_en: str
    place: str
    issued: datetime
    until: datetime
    name: str
    function: str


def courier_letter(
    waybill: Waybill, packages: tuple[Package, ...], issue: Issue, *, purpose: str | None = None
) -> bytes:
    """Prints the lettre de courrier of a courier, professional or ad hoc.

    Args:
        waybill: of mode courier or ad-hoc, its carrier with a passport.
        packages: every bag that travels under the waybill.
        issue: who issues it.
        purpose: of the journey, for a courier ad hoc.

    Raises:
        ValueError: no courier carries this waybill, or `packages` are not all its bags.
    """
    if waybill.mode not in {Mode.COURIER, Mode.AD_HOC} or waybill.carrier.passport is None:
        raise ValueError("a lettre de courrier is for a courier with a passport")
    return _letter("letter", waybill, packages, issue, {"purpose": purpose})


def captain_letter(
    waybill: Waybill, packages: tuple[Package, ...], issue: Issue, *, taken_by: str
) -> bytes:
    """Prints the letter to the captain of an aircraft, who is no courier.

    Args:
        waybill: of mode captain, its carrier the captain and the vehicle their flight.
        packages: every bag that travels under the waybill.
        issue: who issues it.
        taken_by: who takes the bags from the captain, by name and function.

    Raises:
        ValueError: no captain carries this waybill, or `packages` are not all its bags.
    """
    if waybill.mode is not Mode.CAPTAIN:
        raise ValueError("a letter to the captain is for bags entrusted to one")
    return _letter("captain", waybill, packages, issue, {"taken_by": taken_by})


def count_check(waybill: Waybill) -> bytes:
    """Prints the form on which the bags are counted at an airport (R8).

    It names no seal: each number is read from its bag and compared with the letter afterwards.

    Args:
        waybill: under which the bags travel.
    """
    return render("count", {"waybill": waybill}, "fr", made=waybill.departs)


def _letter(
    template: str,
    waybill: Waybill,
    packages: tuple[Package, ...],
    issue: Issue,
    rest: dict[str, str | None],
) -> bytes:
    if [package.ordinal for package in packages] != list(range(1, waybill.packages + 1)):
        raise ValueError("a letter names every bag of its waybill, in order")
    paper = {"waybill": waybill, "packages": packages, "issue": issue, **rest}
    return render(template, paper, "fr", made=issue.issued)
