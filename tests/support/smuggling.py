"""Requests that two servers in a row could read differently."""

from itertools import product
from typing import Final

_LINE: Final = b"POST /v1/token HTTP/1.1\r\nHost: localhost\r\n"
_SIX: Final = b"Content-Length: 6\r\n"
_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
_BODY: Final = b"0\r\n\r\nG"
_HIDDEN: Final = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"

_LENGTHS: Final = (
    *(b"-1", b"+6", b"0x6", b"6,6", b"6, 7", b"6 6", b"1e1", b"", b" ", b"6\x00", b"6;"),
    *(b"\xb26", b"99999999999999999999999", b"0b110", b"six"),
)
_CODINGS: Final = (
    *(b"xchunked", b"chunkedx", b"identity", b"gzip", b"cow", b"\x0bchunked", b"chunked\x00"),
    *(b'"chunked"', b"chunked, cow", b"chunked;q=1", b"", b"chun ked"),
)
_CHUNKS: Final = (
    *(b"ZZ\r\nab\r\n0\r\n\r\n", b"-1\r\n\r\n", b"0x2\r\nab\r\n0\r\n\r\n", b"+2\r\nab\r\n0\r\n\r\n"),
    *(b"2\r\nabc\r\n0\r\n\r\n", b"fffffffffffffffff\r\nab\r\n0\r\n\r\n", b"2 2\r\nab\r\n0\r\n\r\n"),
)
_NAMES: Final = (
    *(b"Content-Length : 6", b"Content-Length\t: 6", b"Transfer-Encoding : chunked"),
    *(b"Content\x00-Length: 6", b"Content Length: 6", b"\xc2\xa0Content-Length: 6"),
    *(b": 6", b"Content-Length", b"X: a\x00b"),
)


def corpus() -> dict[str, bytes]:
    """Return whole requests by what is wrong; each hides a second one behind it."""
    found: dict[str, bytes] = {}
    for value in _LENGTHS:
        found[f"length {value!r}"] = _LINE + b"Content-Length: " + value + b"\r\n\r\nabcdef"
    for value in _CODINGS:
        found[f"coding {value!r}"] = _LINE + b"Transfer-Encoding: " + value + b"\r\n\r\n" + _BODY
    for chunks in _CHUNKS:
        found[f"chunks {chunks!r}"] = _LINE + _CHUNKED + b"\r\n" + chunks
    for line in _NAMES:
        found[f"header {line!r}"] = _LINE + line + b"\r\n\r\n" + _BODY
    for first, second in product((_SIX, _CHUNKED), repeat=2):
        if first != second:
            found[f"both, {first!r} first"] = _LINE + first + second + b"\r\n" + _BODY
    found["two lengths"] = _LINE + _SIX + b"Content-Length: 7\r\n\r\nabcdefg"
    found["two codings"] = _LINE + _CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + _BODY
    found["two hosts"] = _LINE + b"Host: other.example\r\nContent-Length: 0\r\n\r\n"
    found["a folded length"] = _LINE + b"Content-Length:\r\n 6\r\n\r\nabcdef"
    found["a version to come"] = b"POST /v1/token HTTP/9.9\r\nHost: localhost\r\n\r\n"
    found["a line before"] = b"\x00\r\n" + _LINE + b"\r\n"
    return {why: request + _HIDDEN for why, request in found.items()}
