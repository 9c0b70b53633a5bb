"""A whole manifest as the digits of a symbol on the bordereau inside the bag.

Whoever opened the bag reads it and compares its digest with the one in the verified seal: the
symbol itself asserts nothing.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from pouch.bordereau import MANIFEST_BYTES_MAX, decode, encode
from pouch.digits import decode_digits, encode_digits
from pouch.errors import BordereauMalformed

if TYPE_CHECKING:
    from pouch.manifest import Manifest


def manifest_text(manifest: Manifest) -> str:
    """Gives the text of the symbol: the manifest's bytes (zlib, RFC 1950) as digits.

    Raises:
        BordereauMalformed: it says what no bag can be.
    """
    return encode_digits(zlib.compress(encode(manifest), level=9))


def read_manifest_text(text: str) -> Manifest:
    """Reads what `manifest_text` gives, typed by a hand scanner under any keyboard layout.

    Raises:
        BordereauMalformed: not digits, not such a stream, or not a manifest.
    """
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(decode_digits(text), MANIFEST_BYTES_MAX + 1)
    except (ValueError, zlib.error) as error:
        raise BordereauMalformed(f"not the symbol of a manifest: {error}") from error
    if not inflater.eof or inflater.unused_data:
        raise BordereauMalformed("the symbol of a manifest is cut off or has something behind it")
    return decode(data)
