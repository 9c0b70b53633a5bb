"""The ASCII form of an age file (C2SP age.md, "ASCII armor"), reading side only.

Strict PEM (RFC 7468 §3, figure 3): the only liberties are whitespace before and after, and CRLF
throughout instead of LF. What we write is binary; this reads what others send by text channels.
"""

import base64
from typing import ClassVar, Final

from keys.errors import Refusal

BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
END: Final = b"-----END AGE ENCRYPTED FILE-----"

_WHITESPACE: Final = b" \t\r\n"
_COLUMNS: Final = 64


class ArmorMalformed(Refusal):
    """The ASCII form around an age file is not the one canonical form."""

    code: ClassVar[str] = "ARMOR_MALFORMED"


def decode(data: bytes) -> bytes:
    """Gives the binary age file inside an armored one, held in memory whole.

    Args:
        data: the whole armored file.

    Returns:
        The bytes to be read as an age file; their header is not looked at.

    Raises:
        ArmorMalformed: anything but one canonical block with whitespace around it.
    """
    text = data.strip(_WHITESPACE)
    begin, *lines = text.split(b"\r\n" if b"\r\n" in text else b"\n")
    if begin != BEGIN or not lines or lines.pop() != END:
        raise ArmorMalformed("the armor does not begin and end with its two lines")
    if any(len(line) != _COLUMNS for line in lines[:-1]):
        raise ArmorMalformed(f"a line of the armor is not {_COLUMNS} columns wide")
    if lines and not 0 < len(lines[-1]) <= _COLUMNS:
        raise ArmorMalformed(f"the last line of the armor is not 1 to {_COLUMNS} columns wide")
    body = b"".join(lines)
    try:
        decoded = base64.b64decode(body, validate=True)
    except ValueError:
        raise ArmorMalformed("the armor is not base64") from None
    if base64.b64encode(decoded) != body:
        raise ArmorMalformed("the armor's base64 is not canonical")
    return decoded
