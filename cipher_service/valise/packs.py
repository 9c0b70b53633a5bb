"""`valise pack`: checks a sync pack and remembers its version, below which none is read again."""

import json
import os
from argparse import Namespace
from datetime import datetime
from pathlib import Path
from typing import Any

from cipher_service import clock
from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.lines import date_text, show_lines
from cipher_service.client.messages import Language, phrase
from cipher_service.client.terminal import Terminal
from cipher_service.valise.reading import read_bounded
from keys.endorsement import read_root_file, root_fingerprint
from pouch.pack import PACK_BYTES_MAX, Pack, read_pack

_FILE = "packs.json"
_ROOT_BYTES_MAX = 16 * 1024
_DAY = 86_400
_HOUR = 3_600


def pack(arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise pack`."""
    now = clock.now()
    held = load_pack(arguments, now)
    if terminal.as_json:
        terminal.show_json(_record(held, now))
        return
    language = terminal.language
    show_lines(
        terminal,
        [
            ("line_pack_version", str(held.version)),
            ("line_pack_issued", date_text(held.issued, language)),
            ("line_pack_age", age_text((now - held.issued).total_seconds(), language)),
            ("line_pack_expires", date_text(held.expires, language)),
            ("line_pack_cards", ", ".join(sorted({card.post for card in held.cards})) or "-"),
            ("line_pack_announced", str(len(held.announced))),
            ("line_pack_recalled", str(len(held.recalled))),
            ("line_pack_revoked", str(len(held.revoked_seals) + len(held.revoked_cards))),
        ],
    )
    if now >= held.expires:
        terminal.say("pack_expired", when=date_text(held.expires, language))


def load_pack(arguments: Namespace, now: datetime) -> Pack:
    """Read the pack that `arguments` name, and remember its version.

    Raises:
        Misused: no root was given.
        Refused: what is remembered cannot be read.
        RootMalformed: the root's file is none.
        PackMalformed, PackNotOfRoot, PackRolledBack, PackNotYetValid: it is not to be used.
        OSError: a file cannot be read, or the memory not be written.
    """
    if arguments.root is None:
        raise Misused("ROOT_MISSING")
    root = read_root_file(read_bounded(arguments.root, _ROOT_BYTES_MAX))
    known_as = root_fingerprint(root)
    folder = Path(arguments.memory) if arguments.memory else _default_memory()
    versions = _remembered(folder / _FILE)
    least = versions.get(known_as, 0)
    data = read_bounded(arguments.pack, PACK_BYTES_MAX)
    held = read_pack(data, root, least_version=least, at=now)
    if held.version > least:
        _remember(folder, {**versions, known_as: held.version})
    return held


def age_text(seconds: float, language: Language) -> str:
    """Return a duration in words: in days from two days on, else in hours."""
    if seconds >= 2 * _DAY:
        return phrase("days", language, count=int(seconds // _DAY))
    return phrase("hours", language, count=max(0, int(seconds // _HOUR)))


def _record(held: Pack, now: datetime) -> dict[str, Any]:
    return {
        "version": held.version,
        "issued": clock.text(held.issued),
        "expires": clock.text(held.expires),
        "expired": now >= held.expires,
        "age_seconds": int((now - held.issued).total_seconds()),
        "cards": [{"post": card.post, "fingerprint": card.fingerprint} for card in held.cards],
        "announced": [
            {
                "bag": bag.bag,
                "seal": bag.seal,
                "destination": bag.destination,
                "expires": None if bag.expires is None else clock.text(bag.expires),
            }
            for bag in held.announced
        ],
        "arrivals": [{"seal": each.seal, "place": each.place} for each in held.arrivals],
        "recalled": sorted(held.recalled),
        "revoked_seals": sorted(held.revoked_seals),
        "revoked_cards": sorted(held.revoked_cards),
    }


def _default_memory() -> Path:
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "valise"


def _remembered(path: Path) -> dict[str, int]:
    """Return the highest version seen of each root, by its fingerprint."""
    try:
        versions = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Refused("MEMORY_DAMAGED", path=str(path)) from error
    if not isinstance(versions, dict) or not all(type(each) is int for each in versions.values()):
        raise Refused("MEMORY_DAMAGED", path=str(path))
    return versions


def _remember(folder: Path, versions: dict[str, int]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = folder / f".{_FILE}-{os.getpid()}"
    with new.open("w", encoding="ascii") as file:
        json.dump(versions, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / _FILE)
    sync_folder(folder)
