"""The textual header of an age file (C2SP age.md, "Header"), read strictly and in linear time.

Reading is canonical: whatever `Header.parse` accepts, `Header.encode` gives back byte for byte,
so the MAC may be computed over the re-encoding. Two caps bound the work that an unauthenticated
file can ask for: 1 MiB and 600 stanzas (200 hybrid recipients take 311 KB).
"""

import binascii
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.errors import HeaderMalformed, HeaderTampered, HeaderTooLarge, NotAge

MAX_HEADER_SIZE: Final = 1 << 20
MAX_STANZAS: Final = 600
FILE_KEY_SIZE: Final = 16
FILE_KEY_SIZES: Final = frozenset({FILE_KEY_SIZE, 32})
"""Of age, and of suite S2, whose stanzas stand in a header of the same grammar (SPEC.md §17)."""
SCRYPT_TYPE: Final = "scrypt"

_MAGIC: Final = b"age-encryption.org/"
_VERSION_LINE: Final = _MAGIC + b"v1\n"
_MAC_SIZE: Final = 32
_COLUMNS: Final = 64
_VCHAR: Final = bytes(range(0x21, 0x7F))


class LineSource(Protocol):
    """What a header is read from: any buffered binary stream (a file, a BytesIO)."""

    def readline(self, size: int = -1, /) -> bytes:
        """Reads up to and including the next newline, at most `size` bytes."""
        ...


def encode_base64(data: bytes) -> bytes:
    """Encodes as age does: standard alphabet, no padding (RFC 4648 §4)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def decode_base64(text: bytes | str) -> bytes:
    """Decodes canonical unpadded base64.

    Args:
        text: the characters, without any newline.

    Returns:
        The only bytes that `encode_base64` encodes so.

    Raises:
        ValueError: a foreign character, padding, or trailing bits that are not zero.
    """
    encoded = text.encode("ascii") if isinstance(text, str) else text
    data = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
    if binascii.b2a_base64(data, newline=False).rstrip(b"=") != encoded:
        raise ValueError("base64 is not canonical")
    return data


@dataclass(frozen=True, slots=True)
class Stanza:
    """One recipient stanza: a wrapped file key, or anything else that the MAC shall cover.

    Attributes:
        type: the first argument, such as `mlkem768x25519`.
        args: the other arguments, each of one or more visible ASCII characters.
        body: the decoded body, any length.

    Raises:
        ValueError: when an argument is empty or has a character outside `!` to `~`.
    """

    type: str
    args: tuple[str, ...]
    body: bytes

    def __post_init__(self) -> None:
        if not all(map(_visible, (self.type, *self.args))):
            raise ValueError("a stanza argument is one or more visible ASCII characters")

    def encode(self) -> bytes:
        """Gives the stanza's lines, the last one shorter than 64 columns (it may be empty)."""
        text = encode_base64(self.body)
        lines = [" ".join(("->", self.type, *self.args)).encode("ascii")]
        lines += [text[at : at + _COLUMNS] for at in range(0, len(text) + 1, _COLUMNS)]
        return b"\n".join(lines) + b"\n"


@dataclass(frozen=True, slots=True)
class Header:
    """A header as read: its stanzas in order and its MAC, not yet verified.

    Attributes:
        stanzas: one or more.
        mac: 32 bytes, HMAC-SHA-256 over everything before the space of the last line.
    """

    stanzas: tuple[Stanza, ...]
    mac: bytes

    @classmethod
    def parse(cls, source: LineSource) -> Self:
        """Reads exactly the header from a stream; what follows is the payload.

        Args:
            source: a buffered binary stream that stands at the first byte of the file.

        Returns:
            The header, whose MAC is still to be verified with the file key.

        Raises:
            NotAge: the file does not begin like an age file.
            HeaderMalformed: it does, and then departs from the grammar, or ends.
            HeaderTooLarge: more than 1 MiB or 600 stanzas; no more than 1 MiB was asked for.
        """
        version = source.readline(len(_VERSION_LINE))
        if version != _VERSION_LINE:
            if version.startswith(_MAGIC):
                raise HeaderMalformed("this version of the age format is not v1")
            raise NotAge("the file does not begin with the age version line")
        lines = _Lines(source)
        stanzas: list[Stanza] = []
        while (line := lines.next()).startswith(b"-> "):
            if len(stanzas) == MAX_STANZAS:
                raise HeaderTooLarge(f"more than {MAX_STANZAS} stanzas")
            stanzas.append(_read_stanza(line, lines))
        if not line.startswith(b"--- "):
            raise HeaderMalformed("a line is neither a stanza nor the MAC")
        mac = _decode(line[4:], "the MAC")
        if len(mac) != _MAC_SIZE:
            raise HeaderMalformed(f"the MAC has {len(mac)} bytes, expected {_MAC_SIZE}")
        if not stanzas:
            raise HeaderMalformed("the header has no stanza")
        # C2SP age.md "scrypt recipient stanza": it MUST be alone, since a passphrase is taken
        # as a kind of authentication.
        if len(stanzas) > 1 and any(stanza.type == SCRYPT_TYPE for stanza in stanzas):
            raise HeaderMalformed("a passphrase stanza is not alone")
        return cls(tuple(stanzas), mac)

    def encode(self) -> bytes:
        """Gives the header's bytes, the newline after the MAC included."""
        return _with_mac(_until_mac(self.stanzas), self.mac)

    def verify(self, file_key: bytes) -> None:
        """Verifies the MAC with an unwrapped file key.

        Args:
            file_key: 16 bytes.

        Raises:
            HeaderTampered: someone without the file key changed the header.
        """
        if not hmac.compare_digest(_mac(_until_mac(self.stanzas), file_key), self.mac):
            raise HeaderTampered("the header's MAC does not match its stanzas")


def seal_header(stanzas: Iterable[Stanza], file_key: bytes) -> bytes:
    """Writes a header over stanzas that wrap (or accompany) a file key.

    Args:
        stanzas: one or more, in the order to be written.
        file_key: 16 random bytes (32 in suite S2), never used for another file.

    Returns:
        The header's bytes; the payload follows immediately.

    Raises:
        ValueError: no stanza, or a file key of another size.
    """
    ordered = tuple(stanzas)
    if not ordered:
        raise ValueError("a header has at least one stanza")
    if len(file_key) not in FILE_KEY_SIZES:
        raise ValueError(f"a file key has {FILE_KEY_SIZE} bytes, or 32 in suite S2")
    text = _until_mac(ordered)
    return _with_mac(text, _mac(text, file_key))


def _visible(argument: str) -> bool:
    # Deleting every visible character leaves nothing: a third of what `isprintable` costs.
    return argument != "" and argument.isascii() and not argument.encode().translate(None, _VCHAR)


class _Lines:
    """Lines of a header, without their newlines, within the cap on its size."""

    __slots__ = ("_remaining", "_source")

    def __init__(self, source: LineSource) -> None:
        self._source = source
        self._remaining = MAX_HEADER_SIZE - len(_VERSION_LINE)

    def next(self) -> bytes:
        line = self._source.readline(self._remaining)
        self._remaining -= len(line)
        if line.endswith(b"\n"):
            return line[:-1]
        if self._remaining:
            raise HeaderMalformed("the file ends within its header")
        raise HeaderTooLarge(f"the header exceeds {MAX_HEADER_SIZE} bytes")


def _decode(text: bytes, what: str) -> bytes:
    try:
        return decode_base64(text)
    except ValueError:
        raise HeaderMalformed(f"{what} is not canonical base64") from None


def _read_stanza(line: bytes, lines: _Lines) -> Stanza:
    body: list[bytes] = []
    while len(part := lines.next()) == _COLUMNS:
        body.append(part)
    if len(part) > _COLUMNS:
        raise HeaderMalformed(f"a body line is longer than {_COLUMNS} columns")
    body.append(part)
    try:
        kind, *arguments = line[3:].decode("ascii").split(" ")
        return Stanza(kind, tuple(arguments), _decode(b"".join(body), "a stanza's body"))
    except ValueError as error:
        raise HeaderMalformed(f"a stanza's first line: {error}") from None


def _until_mac(stanzas: tuple[Stanza, ...]) -> bytes:
    return b"".join((_VERSION_LINE, *(stanza.encode() for stanza in stanzas), b"---"))


def _mac(text: bytes, file_key: bytes) -> bytes:
    key = HKDF(hashes.SHA256(), 32, salt=None, info=b"header").derive(file_key)
    return hmac.digest(key, text, "sha256")


def _with_mac(text: bytes, mac: bytes) -> bytes:
    return b"%b %b\n" % (text, encode_base64(mac))
