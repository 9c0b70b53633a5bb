r"""Names of the parts inside a dispatch: safe to unpack with any tar, on any disk.

A dispatch has `message.txt` and then `attachments/001-name`, `attachments/002-name` and so on.
The reader refuses every other name; the writer turns what people call their files into such a
name, since a name is a convenience and the content is what is signed for.

The rules for `name` (SPEC.md §6): Unicode NFC; at most 84 bytes of UTF-8, so that the whole fits
the 100 bytes of a ustar name; no control, format, surrogate, private-use or unassigned
characters, no line or paragraph separators, none of `/ \\ : * ? " < > |`; no space or full stop
at its beginning or end.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MESSAGE: Final = "message.txt"
ATTACHMENTS_MAX: Final = 999
_NAME_BYTES_MAX = 84
_SUFFIX_BYTES_MAX = 16
_FORBIDDEN = frozenset('/\\:*?"<>|')
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ATTACHMENT = re.compile(r"attachments/([0-9]{3})-(.+)", re.DOTALL)


def attachment_name(number: int, name: str) -> str:
    """`attachments/NNN-name` for the `number`-th attachment (from 1), `name` made portable.

    Forbidden characters become `_`; a long name loses its middle and keeps its suffix; a name of
    which nothing is left becomes `file`.
    """
    text = unicodedata.normalize("NFC", name)
    text = "".join(character if _is_plain(character) else "_" for character in text).strip(" .")
    stem, dot, suffix = text.rpartition(".")
    suffix = dot + suffix if stem and len(suffix.encode()) < _SUFFIX_BYTES_MAX else ""
    stem = _cut(text.removesuffix(suffix), _NAME_BYTES_MAX - len(suffix.encode())).rstrip(" .")
    return f"attachments/{number:03d}-{(stem + suffix) or 'file'}"


def given_name(part: str) -> str:
    """The name that the sender gave an attachment, as far as it was portable.

    Raises:
        ValueError: it is not the name of an attachment.
    """
    match = _ATTACHMENT.fullmatch(part)
    if match is None:
        raise ValueError("no attachment has this name")
    return match[2]


def check_part_names(names: list[str]) -> None:
    """Demands `message.txt`, then attachments numbered from 001 without a gap.

    Raises:
        ValueError: a name or its place is wrong.
    """
    if not names or names[0] != MESSAGE:
        raise ValueError("the first part is not message.txt")
    for number, name in enumerate(names[1:], start=1):
        match = _ATTACHMENT.fullmatch(name)
        if match is None or int(match[1]) != number or not _is_portable(match[2]):
            raise ValueError(f"part {number + 1} has a name that no dispatch has")


def _is_portable(name: str) -> bool:
    return (
        all(_is_plain(character) for character in name)
        and unicodedata.is_normalized("NFC", name)
        and len(name.encode()) <= _NAME_BYTES_MAX
        and name.strip(" .") == name
    )


def _is_plain(character: str) -> bool:
    return (
        character not in _FORBIDDEN and unicodedata.category(character) not in _FORBIDDEN_CATEGORIES
    )


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")
