"""`chiffre inspect`: what an outsider who holds only the file can see, and nothing else.

No key is asked for and none would help. Nothing shown is verified, since only an addressee can
verify it: the label may have been altered on the way.
"""

import os
import re
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

from cipher_service.client.lines import Line, precedence_name, show_lines
from cipher_service.client.messages import Language, phrase
from cipher_service.client.terminal import Terminal
from keys import canonical
from keys.age.header import Header, Stanza, decode_base64
from keys.package import KEY_TYPES, LABEL_TYPE
from keys.records import CODE, ULID, Record

_SUITE = re.compile(r"S[0-9]{1,3}")
_ROUTING_MAX = 16


def inspect(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre inspect`."""
    seen = examine_from_outside(Path(arguments.file))
    if terminal.as_json:
        terminal.show_json(seen)
        return
    show_lines(terminal, _lines(seen, terminal.language))
    terminal.say("label_unverified")


def examine_from_outside(path: Path) -> dict[str, Any]:
    """Return what a file shows to anybody.

    Raises:
        NotAge, HeaderMalformed, HeaderTooLarge: it is not an age file, or not a sound one.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        header = Header.parse(file)
        header_bytes = file.tell()
        size = os.fstat(file.fileno()).st_size
    types = Counter(stanza.type for stanza in header.stanzas)
    return {
        "format": "age v1",
        "size": size,
        "header_bytes": header_bytes,
        "payload_bytes": size - header_bytes,
        "stanzas": [{"type": name, "count": count} for name, count in types.items()],
        "recipients": sum(types[each] for each in KEY_TYPES),
        "label": next(map(_label, (s for s in header.stanzas if s.type == LABEL_TYPE)), None),
    }


def _label(stanza: Stanza) -> dict[str, Any] | None:
    """Return what a label stanza says, or None when it is not one that a dispatch has."""
    try:
        (argument,) = stanza.args
        body = Record(canonical.decode(stanza.body), "label")
        return {
            "id": body.text("id", ULID),
            "suite": body.text("suite", _SUITE),
            "routing": list(body.texts("routing", CODE, most=_ROUTING_MAX)),
            "manifest_hash": decode_base64(argument.removesuffix("=")).hex(),
        }
    except ValueError:
        return None


def _lines(seen: dict[str, Any], language: Language) -> list[Line]:
    stanzas = ", ".join(f"{each['type']} x {each['count']}" for each in seen["stanzas"])
    lines = [
        ("line_format", seen["format"]),
        ("line_size", phrase("bytes", language, count=seen["size"])),
        ("line_stanzas", stanzas),
        ("line_recipients", phrase("unnamed", language, count=seen["recipients"])),
    ]
    label = seen["label"]
    if label is not None:
        urgencies = ", ".join(precedence_name(code, language) for code in label["routing"])
        lines += [
            ("line_dispatch", label["id"]),
            ("line_suite", label["suite"]),
            ("line_routing", urgencies),
            ("line_manifest_hash", label["manifest_hash"]),
        ]
    return lines
