"""How files named on the command line are read: whole, bounded, `-` for standard input."""

import sys
from pathlib import Path

from cipher_service.client.failures import Refused
from pouch.reading import IMAGE_BYTES_MAX, read_image

_MAGICS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"II*\x00", b"MM\x00*", b"BM", b"GIF8")
_PDF = b"%PDF-"


def read_bounded(name: str, most: int) -> bytes:
    """Return the bytes of a file, or of standard input for `-`.

    Raises:
        Refused: it is longer than `most`.
        OSError: it cannot be read.
    """
    if name == "-":
        data = sys.stdin.buffer.read(most + 1)
    else:
        with Path(name).open("rb") as file:
            data = file.read(most + 1)
    if len(data) > most:
        raise Refused("FILE_TOO_LONG", path=name, most=most)
    return data


def read_scanned(name: str) -> str:
    """Return the text of a seal from a picture or from what a hand scanner typed.

    Raises:
        ImageUnreadable, SymbolNotFound: the picture gives no text.
        Refused: PDF_NOT_READ: the papers are printed as PDF, and no picture.
        Refused, OSError: as `read_bounded`.
    """
    data = read_bounded(name, IMAGE_BYTES_MAX)
    if data.startswith(_PDF):
        raise Refused("PDF_NOT_READ", path=name)
    if data.startswith(_MAGICS):
        return read_image(data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What a French keyboard typed may have been saved the old way.
        return data.decode("cp1252", errors="replace")
