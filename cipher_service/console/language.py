"""The console's two languages: French in the source, English in `locale/en/*.po`, one per flow.

The catalogues are read once, when a process starts: nothing compiled is kept beside them. A
sentence without its English is a defect that a test names; a reader sees it in French.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any, Final, Literal

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from cipher_service.typography import held

Language = Literal["fr", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("fr", "en")

_MONTHS: Final[dict[Language, tuple[str, ...]]] = {
    "fr": (
        *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
        *("juil.", "août", "sept.", "oct.", "nov.", "déc."),
    ),
    "en": (
        *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
        *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ),
}
_PROSIGN_MONTHS: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)


_UNITS: Final = (
    (86400, "%(num)d jour", "%(num)d jours"),
    (3600, "%(num)d heure", "%(num)d heures"),
    (60, "%(num)d minute", "%(num)d minutes"),
)


class CatalogueUnclear(ValueError):
    """Two catalogues say the same sentence differently."""


class _French(NullTranslations):
    """The source itself, its signs held to their words; in French, zero is singular."""

    def gettext(self, message: str) -> str:
        return held(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return held(msgid2 if n > 1 else msgid1)


def mark(msgid: str) -> str:
    """Return a sentence as it is; marks it for the catalogues where it is translated later."""
    return msgid


@cache
def translations(language: Language) -> NullTranslations:
    """Return what translates into a language.

    Raises:
        CatalogueUnclear: see there.
    """
    if language == "fr":
        return _French()
    whole = Catalog(locale="en")
    for catalogue in english_catalogues():
        for message in catalogue:
            known = whole.get(message.id) if message.id else None
            if known is not None and known.string != message.string:
                raise CatalogueUnclear(str(message.id))
            if message.id:
                whole.add(message.id, message.string)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return GNUTranslations(compiled)


def english_catalogues() -> Iterator[Catalog]:
    """Read each `locale/en/*.po`."""
    folder = files("cipher_service.console").joinpath("locale").joinpath("en")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".po"):
            with file.open("rb") as opened:
                yield read_po(opened, locale="en", abort_invalid=True)


def chosen(asked: str | None, kept: str | None, accepted: str) -> Language:
    """Choose a language: what the address asks, else what was kept, else what the browser wants."""
    for wish in (asked, kept):
        for language in LANGUAGES:
            if wish == language:
                return language
    wanted = accepted[:200].lower()
    english, french = wanted.find("en"), wanted.find("fr")
    return "en" if english >= 0 and (french < 0 or english < french) else "fr"


def moment(instant: datetime | str | None, language: Language) -> str:
    """Write an instant as `22 nov. 2026, 10 h 34` or `22 Nov 2026, 10:34`, in universal time."""
    if instant is None or instant == "":
        return ""
    at = _instant(instant)
    return f"{day(at, language)}, {hour(at, language)}"


def hour(instant: datetime | str, language: Language) -> str:
    """Write an hour as `10 h 34` or `10:34`, in universal time."""
    at = _instant(instant)
    return f"{at:%H} h {at:%M}" if language == "fr" else f"{at:%H:%M}"


def day(instant: datetime | date | str, language: Language) -> str:
    """Write a day as `22 nov. 2026` or `22 Nov 2026`; the first of a month as `1er` in French."""
    at = _instant(instant)
    number = "1er" if language == "fr" and at.day == 1 else str(at.day)
    return f"{number} {_MONTHS[language][at.month - 1]} {at.year}"


def group(instant: datetime | str) -> str:
    """Write a date-time group, `221034Z NOV 26` (ACP 127)."""
    at = _instant(instant)
    return f"{at:%d%H%M}Z {_PROSIGN_MONTHS[at.month - 1]} {at:%y}"


def number(value: int, language: Language) -> str:
    """Write a number with its thousands apart: `12 345` or `12,345`."""
    return f"{value:,}".replace(",", "\u202f" if language == "fr" else ",")


def octets(size: int, language: Language) -> str:
    """Write how long something is: `1 octet`, `12 345 octets`, `12,345 bytes`."""
    words = translations(language).ngettext("%(num)s octet", "%(num)s octets", size)
    return words % {"num": number(size, language)}


def span(seconds: int, translate: NullTranslations) -> str:
    """Write a duration in words, its largest unit only: `3 jours`, `2 heures`, `5 minutes`."""
    for size, one, many in _UNITS:
        if seconds >= size:
            return translate.ngettext(one, many, seconds // size) % {"num": seconds // size}
    return translate.gettext("moins d’une minute")


def _instant(instant: Any) -> datetime:
    at = instant if isinstance(instant, datetime) else datetime.fromisoformat(str(instant))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)  # a day has no zone
