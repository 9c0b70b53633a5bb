"""The archive inside a dispatch: ustar (POSIX.1-1988), of which one form is allowed.

Only regular files, each header a function of its name and size alone (mode 0600, owner 0, a fixed
time), bodies padded with zeros to 512 bytes, two zero blocks at the end and nothing behind them:
no links, no directories, no pax or GNU extensions, no sparse files, no 10,240-byte record. The
reader rebuilds the header that it expects and compares bytes, so there is nothing to interpret
and nothing to smuggle. Any `tar` unpacks it.
"""

from __future__ import annotations

import re
from typing import Final

from keys.errors import PackageMalformed

BLOCK_BYTES: Final = 512
END: Final = bytes(2 * BLOCK_BYTES)
NAME_BYTES_MAX: Final = 100
# Eleven octal digits: larger files would need a GNU or pax extension, which stock readers treat
# in different ways.
SIZE_MAX: Final = 8**11 - 1

# 1980-01-01T00:00:00Z: some readers warn about the year 1970.
_TIME = 315532800
_SIZE_FIELD = slice(124, 136)
_SIZE = re.compile(rb"[0-7]{11}\0")
_CHECKSUM_FIELD = slice(148, 156)


def entry_header(name: str, size: int) -> bytes:
    """The 512-byte header of a regular file.

    Args:
        name: at most 100 bytes of UTF-8.
        size: at most `SIZE_MAX` bytes.
    """
    header = bytearray(BLOCK_BYTES)
    fields = (
        (0, name.encode()),
        (100, b"0000600\0"),  # mode
        (108, b"0000000\0"),  # uid
        (116, b"0000000\0"),  # gid
        (124, b"%011o\0" % size),
        (136, b"%011o\0" % _TIME),
        (148, b"        "),  # the checksum counts its own field as spaces
        (156, b"0"),  # a regular file
        (257, b"ustar\x0000"),
        (329, b"0000000\0"),  # devmajor
        (337, b"0000000\0"),  # devminor
    )
    for offset, field in fields:
        header[offset : offset + len(field)] = field
    header[_CHECKSUM_FIELD] = b"%06o\0 " % sum(header)
    return bytes(header)


def read_entry_header(block: bytes) -> tuple[str, int]:
    """Name and size of the entry that `block` heads.

    Raises:
        PackageMalformed: the block is not exactly what `entry_header` makes of them.
    """
    name_field = block[:NAME_BYTES_MAX].rstrip(b"\0")
    size_field = block[_SIZE_FIELD]
    try:
        name = name_field.decode()
    except UnicodeDecodeError as error:
        raise PackageMalformed("an entry's name is not UTF-8") from error
    if not _SIZE.fullmatch(size_field):
        raise PackageMalformed("an entry's size is not eleven octal digits")
    size = int(size_field[:-1], 8)
    if "\0" in name or entry_header(name, size) != block:
        raise PackageMalformed("an entry's header is not the canonical one of a regular file")
    return name, size


def padding_after(size: int) -> int:
    """How many zero bytes follow a body of `size` bytes."""
    return -size % BLOCK_BYTES


def entry_bytes(size: int) -> int:
    """How many bytes an entry takes: header, body, padding."""
    return BLOCK_BYTES + size + padding_after(size)
