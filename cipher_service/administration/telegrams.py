"""Read telegrams from JSON files, and place their correspondents on the ministry's posts.

The shape is that of the declassified telegrams which the demonstration is played with; the members
used are `id`, `from`, `to`, `info`, `classification`, `precedence`, `captions`, `subject` and
`body`. Only `id` and `body` are required.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

HEADQUARTERS_NAMES = frozenset({"Department of State", "Secretary of State", "MINREX"})

# Their words, and the nearest marking of the default scheme.
LEVELS = {
    "TOP SECRET": "TRES-SECRET",
    "SECRET": "SECRET",
    "CONFIDENTIAL": "CONFIDENTIEL",
    "LIMITED OFFICIAL USE": "DIFFUSION-RESTREINTE",
    "OFFICIAL USE ONLY": "DIFFUSION-RESTREINTE",
}
PRECEDENCES = {
    "FLASH": "FLASH",
    "NIACT": "IMMEDIAT",
    "NIACT IMMEDIATE": "IMMEDIAT",
    "IMMEDIATE": "IMMEDIAT",
    "PRIORITY": "URGENT",
}


class TelegramUnreadable(ValueError):
    """A file is not a telegram in the expected shape; the text names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Telegram:
    """One telegram to exchange.

    Attributes:
        identifier: its name among the others.
        origin: the correspondent who sends it, as written.
        action: correspondents addressed for action, as written.
        info: correspondents addressed for information, as written.
        level: code of the default scheme.
        precedence: code of the default scheme.
        captions: mentions de diffusion.
        subject: may be empty.
        body: the text, UTF-8.
        record: the whole file, which travels as an attachment.
    """

    identifier: str
    origin: str
    action: tuple[str, ...]
    info: tuple[str, ...]
    level: str
    precedence: str
    captions: tuple[str, ...]
    subject: str
    body: bytes
    record: bytes


def read_folder(folder: Path) -> list[Telegram]:
    """Read every `*.json` of a folder, in the order of their names.

    Raises:
        TelegramUnreadable: the folder holds none, or one is not in the expected shape.
    """
    telegrams = [_read(file.name, file.read_bytes()) for file in sorted(folder.glob("*.json"))]
    if not telegrams:
        raise TelegramUnreadable(f"{folder}: no *.json file")
    return telegrams


def shipped() -> list[Telegram]:
    """Return the product's own few dispatches, in French and English."""
    data = json.loads(
        files("cipher_service.administration").joinpath("data/dispatches.json").read_text("utf-8")
    )
    return [_telegram(entry, json.dumps(entry, ensure_ascii=False).encode()) for entry in data]


def place(name: str, headquarters: str, posts: Sequence[str]) -> str:
    """Return the post that plays a correspondent: the same one whenever the name comes back.

    A correspondent who bears a post's code plays himself.
    """
    if name in HEADQUARTERS_NAMES or name == headquarters:
        return headquarters
    if name in posts:
        return name
    return posts[int.from_bytes(sha256(name.encode()).digest()[:4], "big") % len(posts)]


def _read(name: str, content: bytes) -> Telegram:
    try:
        return _telegram(json.loads(content), content)
    except (ValueError, KeyError, TypeError) as error:
        raise TelegramUnreadable(f"{name}: {error}") from error


def _telegram(entry: dict[str, Any], record: bytes) -> Telegram:
    return Telegram(
        identifier=str(entry["id"]),
        origin=str(entry.get("from") or "MINREX"),
        action=tuple(str(name) for name in entry.get("to") or ()),
        info=tuple(str(name) for name in entry.get("info") or ()),
        level=LEVELS.get(entry.get("classification") or "", "NON-PROTEGE"),
        precedence=PRECEDENCES.get(entry.get("precedence") or "", "ROUTINE"),
        captions=tuple(str(caption) for caption in entry.get("captions") or ()),
        subject=str(entry.get("subject") or ""),
        body=str(entry["body"]).encode(),
        record=record,
    )
