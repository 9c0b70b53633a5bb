"""From values to the bytes of a PDF: tagged (PDF/UA-1), archivable (PDF/A-2a), the same every time.

A template never sees a value as markup: values arrive as one JSON text. The fonts come from
packages, never from the machine. The only date in the file is the document's own, so equal values
give equal bytes wherever and whenever they are printed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import fontpkg_ibm_plex_mono
import fontpkg_ibm_plex_sans
import typst

from pouch.papers.drawing import svg
from pouch.papers.legible import instant_texts, legible

Language = Literal["fr", "en"]

_LABEL_DPI: Final = 203.0
_TEMPLATES: Final = Path(__file__).parent / "templates"


def render(
    template: str,
    paper: object,
    language: Language,
    *,
    made: datetime,
    level: str | None = None,
    symbol: Sequence[Sequence[bool]] | None = None,
) -> bytes:
    """Prints one paper.

    Args:
        template: name of a file in `templates/`, without its ending.
        paper: a frozen record or a mapping of such; its members are what the template reads.
        language: of a paper in one language, and of the reader's software otherwise.
        made: UTC, the date of the document, the only one in the file.
        level: the level in words, as it stands above and below each page.
        symbol: modules of a symbol that the paper carries, rows of True for dark.
    """
    printed = typst.compile(
        _TEMPLATES / f"{template}.typ",
        root=_TEMPLATES,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        pdf_standards=["ua-1", "a-2a"],
        timestamp=made,
        sys_inputs={"data": _data(paper, language, level, symbol)},
    )
    return bytes(printed)


def picture(
    template: str, paper: object, language: Language, *, symbol: Sequence[Sequence[bool]]
) -> bytes:
    """Gives the first page of a paper as a PNG file, at the resolution of label printers."""
    pages = typst.compile(
        _TEMPLATES / f"{template}.typ",
        root=_TEMPLATES,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="png",
        ppi=_LABEL_DPI,
        sys_inputs={"data": _data(paper, language, None, symbol)},
    )
    return bytes(pages[0])


def _data(
    paper: object,
    language: Language,
    level: str | None,
    symbol: Sequence[Sequence[bool]] | None,
) -> str:
    drawn = symbol and {"svg": svg(symbol), "side": len(symbol)}
    return json.dumps(
        {
            "lang": language,
            "level": plain(level and level.upper()),
            "paper": plain(paper),
            "symbol": drawn,
        }
    )


def plain(value: object) -> Any:
    """Turns a record into what JSON and the templates know: texts made legible, times in words."""
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, datetime):
        return instant_texts(value)
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in value.items()}
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


@cache
def _fonts() -> typst.Fonts:
    # What typst embeds stands behind: DejaVu Sans Mono has the alphabets that Plex lacks.
    packages = (fontpkg_ibm_plex_sans, fontpkg_ibm_plex_mono)
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=True,
        font_paths=[package.ROOT / "files" for package in packages],
    )
