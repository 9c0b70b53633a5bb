"""Words that are in nothing else, and where a folder or a process holds them, however written."""

import os
import secrets
import unicodedata
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

_LETTERS: Final = "bcdfghjkmnpqrstvwxz"


def word() -> str:
    """A word of this run alone; its accents make each way of writing it another."""
    first, second = ("".join(secrets.choice(_LETTERS) for _ in range(7)) for _ in range(2))
    return f"{first}éàç{second}"


def forms(text: str) -> dict[str, bytes]:
    """How a text may be written in a file: the name of each way, and its bytes.

    Within base64 it is found wherever it begins; compressed or enciphered it is not.
    """
    found: dict[str, bytes] = {}
    for shape in ("NFC", "NFD"):
        spelled = unicodedata.normalize(shape, text)
        plain = spelled.encode()
        found[shape] = plain
        found[f"{shape} UTF-16 LE"] = spelled.encode("utf-16-le")
        found[f"{shape} UTF-16 BE"] = spelled.encode("utf-16-be")
        found[f"{shape} UTF-32 LE"] = spelled.encode("utf-32-le")
        found[f"{shape} percent"] = quote(spelled).encode()
        found[f"{shape} percent, small"] = quote(spelled).lower().encode()
        found[f"{shape} escaped"] = spelled.encode("ascii", "backslashreplace")
        found[f"{shape} JSON"] = "".join(
            one if one.isascii() else f"\\u{ord(one):04x}" for one in spelled
        ).encode()
        found[f"{shape} hex"] = plain.hex().encode()
        found[f"{shape} HEX"] = plain.hex().upper().encode()
        for shift in range(3):
            # What surrounds it decides the first and the last sign: only those between are its own.
            padded = bytes(shift) + plain
            for name, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
                end = len(padded) * 8 // 6
                found[f"{shape} {name} +{shift}"] = encode(padded)[(shift * 8 + 5) // 6 : end]
    return found


def holding(contents: bytes, words: dict[str, bytes]) -> set[str]:
    """The names of the byte strings that stand in contents."""
    return {name for name, sought in words.items() if sought in contents}


def in_folder(folder: Path, words: dict[str, bytes]) -> dict[str, set[str]]:
    """Which files of a folder hold what, in their names or in their bytes."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        held = holding(os.fsencode(path.relative_to(folder)), words)
        if path.is_file():
            held |= holding(path.read_bytes(), words)
        if held:
            found[str(path.relative_to(folder))] = held
    return found


def open_files(process: int, beyond: Path) -> Iterator[tuple[str, bytes]]:
    """What a process holds open outside of a folder, and what was deleted, with what is in it."""
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            name = link.readlink()
            kept = name.is_relative_to(beyond) and name.exists()
            if name.is_absolute() and link.is_file() and not kept:
                yield str(name), link.read_bytes()
        except FileNotFoundError:
            continue
