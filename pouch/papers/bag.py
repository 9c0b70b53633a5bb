"""The two papers of a closed bag: the label on it and the bordereau in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pouch.bordereau import digest
from pouch.classes import CLASSES
from pouch.errors import SealTooLarge
from pouch.locator import grouped_locator
from pouch.manifest import BagClass
from pouch.papers.manifest_symbol import manifest_text
from pouch.papers.printing import Language, picture, render
from pouch.symbol import Modules, draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pouch.manifest import Item, Manifest

_CONTROLLED: Final[Mapping[Language, str]] = {"fr": "Contrôlé", "en": "Controlled"}


EXERCISE: Final = "EXERCICE / DRILL"
"""What stands on every paper of an exercise, in both languages."""


def label(manifest: Manifest, seal: str, *, exercise: bool = False) -> bytes:
    """Prints the label, both faces: a PDF of two pages of 60 x 100 mm, in both languages.

    It says nothing but character, route, bag n of N, seal, locator and the physical seals' numbers:
    whatever else the manifest holds is for the inside (design P10).

    Args:
        manifest: of the bag.
        seal: text of its seal.
        exercise: it is of no bag, and says so in place of "diplomatic bag".

    Raises:
        SealTooLarge: no symbol that a tag can show holds the seal.
    """
    outside = _outside(manifest, exercise=exercise)
    return render("label", outside, "fr", made=manifest.closed, symbol=draw(seal))


def exercise_picture(manifest: Manifest, seal: str) -> bytes:
    """Gives one face of the label of an exercise as a PNG file, for those without a printer."""
    return picture("label", _outside(manifest, exercise=True), "fr", symbol=draw(seal))


def _outside(manifest: Manifest, *, exercise: bool) -> dict[str, object]:
    return {
        "origin": manifest.waybill.origin,
        "destination": manifest.waybill.destination,
        "ordinal": manifest.ordinal,
        "packages": manifest.waybill.packages,
        "seals": manifest.seals,
        "locator": grouped_locator(manifest.bag),
        "exercise": exercise,
    }


def bordereau(
    manifest: Manifest,
    language: Language,
    *,
    issuer: str,
    levels: Mapping[str, str],
    nonce: str | None,
    sealers: tuple[str | None, str | None] = (None, None),
    root: str | None = None,
    exercise: bool = False,
) -> bytes:
    """Prints the bordereau that lies on top inside the bag.

    A short one of a bag that is not classified carries itself as a symbol, so that the receiver's
    device checks item by item without network and without typing. A classified one does not: its
    enciphered copy travels ahead.

    Args:
        manifest: of the bag.
        language: of the paper.
        issuer: the service that sends, as it signs its papers.
        levels: the level words of the scheme of markings in this language, by code; a code
            without a word is printed as it is.
        nonce: the secret whose hash the manifest carries; the receiver's discharge repeats it.
            None leaves its place empty, as only an exercise does.
        sealers: names of the two persons who closed the bag; None leaves one to the pen.
        root: fingerprint of the ministry's root, which comes by another way than the wire so: who
            takes a telephone into service compares it. None where it is not at hand.
        exercise: it lay in no bag, and says so above and below.

    Raises:
        BordereauMalformed: the manifest says what no bag can be.
    """
    inside = {
        "number": manifest.number,
        "issuer": issuer,
        "ordinal": manifest.ordinal,
        "waybill": manifest.waybill,
        "closed": manifest.closed,
        "weight_g": manifest.weight_g,
        "seals": manifest.seals,
        "certifier": manifest.certifier,
        "sealers": sealers,
        "items": tuple(_line(item, levels) for item in manifest.items),
        "locator": grouped_locator(manifest.bag),
        "digest": digest(manifest).hex(),
        "nonce": nonce,
        "root": None if root is None else grouped_fingerprint(root),
    }
    level = level_of(manifest.bag_class, language, levels)
    return render(
        "bordereau",
        inside,
        language,
        made=manifest.closed,
        level=f"{EXERCISE} · {level}" if exercise else level,
        symbol=_symbol(manifest),
    )


def grouped_fingerprint(fingerprint: str) -> str:
    """Gives a fingerprint as it is read aloud and printed, in groups of four."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def _symbol(manifest: Manifest) -> Modules | None:
    if CLASSES[manifest.bag_class].classified:
        return None
    try:
        return draw(manifest_text(manifest))
    except SealTooLarge:
        return None


def level_of(bag_class: BagClass, language: Language, levels: Mapping[str, str]) -> str:
    """Gives a class as it stands above and below the pages of its bag's papers."""
    if bag_class is BagClass.CONTROLLED:
        return _CONTROLLED[language]
    return levels.get(bag_class, bag_class)


def _line(item: Item, levels: Mapping[str, str]) -> dict[str, object]:
    return {
        "line": item.line,
        "register": item.register,
        "sender": item.sender,
        "addressee": item.addressee,
        "kind": item.kind,
        "level": levels.get(item.level, item.level),
        "quantity": item.quantity,
        "weight_g": item.weight_g,
        "enclosure": item.enclosure,
    }
