"""Malformed requests against a live service: no status of 500 or more, no process lost.

    python -m tests.fuzz.fuzz_api 100000 [SEED]

Seeded: the same seed gives the same requests. Half of them carry a valid token and a fresh proof,
so that nonsense reaches what lies behind the gate.
"""

import json
import random
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.surfaces.api.live import Post, Service, running

_JUNK: Final = [
    b"", b"\x00", b"\xff\xfe", b"{}", b"[]", b"null", b"NaN", b"1e999", b'"\\ud800"', b"-0", b"1.0",
    b'{"a":1,"a":2}', b"[" * 3000, b'{"a":' * 900, b"9" * 5000, b"\xef\xbb\xbf{}", b"'", b"%00",
    b"../../etc/passwd", "é".encode(), "\u2028".encode(), b"A" * 9000, b"\r\n", b"PARIS", b"paris",
    b"01ARZ3NDEKTSV4RRFFQ69G5FAV", b"0" * 32, b"bytes=0-", b"bytes=-1", b"bytes=9-1", b"-1", b"0",
    b"18446744073709551616", b"application/json", b"chunked", b"DPoP a.b.c", b"Bearer x",
]  # fmt: skip
_PATHS: Final = [
    ("GET", "/v1/health"),
    ("GET", "/v1/service-card"),
    ("GET", "/v1/openapi.json"),
    ("POST", "/v1/enrolments"),
    ("GET", "/v1/enrolments/{}"),
    ("POST", "/v1/token"),
    ("GET", "/v1/directory"),
    ("GET", "/v1/directory/posts/{}"),
    ("GET", "/v1/cards/{}"),
    ("POST", "/v1/dispatches"),
    ("GET", "/v1/dispatches"),
    ("GET", "/v1/dispatches/{}"),
    ("GET", "/v1/dispatches/{}/envelope"),
    ("GET", "/v1/dispatches/{}/receipts"),
    ("POST", "/v1/uploads"),
    ("HEAD", "/v1/uploads/{}"),
    ("PATCH", "/v1/uploads/{}"),
    ("POST", "/v1/receipts"),
    ("POST", "/v1/service-messages"),
    ("GET", "/v1/service-messages"),
]
_TYPES: Final = [
    "application/json",
    "application/x-www-form-urlencoded",
    "application/vnd.depeche.submission",
    "application/offset+octet-stream",
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
]
PATIENCE: Final = 0.3
_HEADERS: Final = [
    b"Range", b"If-Range", b"Last-Event-ID", b"Upload-Offset", b"Accept-Language", b"Content-Type",
    b"Authorization", b"DPoP", b"Expect", b"Transfer-Encoding", b"Content-Length", b"Host",
    b"Content-Encoding", b"Connection", b"X-Forwarded-For", b"X-HTTP-Method-Override", b"Upgrade",
]  # fmt: skip


class Fuzzer:
    """Makes requests that no honest client would send."""

    def __init__(self, post: Post, samples: list[bytes], seed: int) -> None:
        self._random = random.Random(seed)
        self._post = post
        self._samples = samples

    def request(self) -> tuple[str, bytes]:
        """Return a method and the bytes of one request, ended by `Connection: close`."""
        pick = self._random
        method, template = pick.choice(_PATHS)
        known = ["PARIS", "LOME", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "a" * 32]
        path = template.format(pick.choice(known))
        address = path
        if pick.random() < 0.2:
            method = pick.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "XX"])
        target = path.encode()
        if pick.random() < 0.25:
            target = self._damaged(target)
        if pick.random() < 0.3:
            name = pick.choice([b"after", b"limit", b"state", b"x"])
            target += b"?" + name + b"=" + self._junk()
        lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: x", b"Connection: close"]
        if pick.random() < 0.5:
            for header, value in self._post.authorised(method, address).items():
                written = value.encode()
                if pick.random() < 0.1:
                    written = self._damaged(written)
                lines.append(header.encode() + b": " + written)
        body = self._body()
        lines.append(b"Content-Type: " + pick.choice(_TYPES).encode())
        lines += [
            pick.choice(_HEADERS) + b": " + self._junk() for _ in range(pick.choice([0, 0, 1, 2]))
        ]
        if pick.random() < 0.9:
            length = len(body) if pick.random() < 0.9 else pick.randint(0, len(body) + 5)
            lines.append(b"Content-Length: %d" % length)
        else:
            lines.append(b"Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        whole = b"\r\n".join(lines) + b"\r\n\r\n" + body
        return method, self._damaged(whole) if pick.random() < 0.1 else whole

    def _junk(self) -> bytes:
        return self._random.choice(_JUNK)

    def _body(self) -> bytes:
        makers: list[Callable[[], bytes]] = [
            lambda: b"",
            self._junk,
            lambda: self._random.choice(self._samples),
            lambda: self._damaged(self._random.choice(self._samples)),
            lambda: self._damaged(self._random.choice(self._samples)),
            lambda: json.dumps(self._value(4)).encode("utf-8", "surrogatepass"),
            lambda: self._random.randbytes(self._random.randint(0, 300)),
            lambda: self._random.randint(0, 2**32 - 1).to_bytes(4, "big") + self._junk(),
        ]
        return self._random.choice(makers)()

    def _value(self, depth: int) -> Any:
        pick = self._random
        kinds = 8 if depth else 6
        match pick.randrange(kinds):
            case 0:
                return None
            case 1:
                return pick.choice([True, False])
            case 2:
                return pick.choice([0, -1, 1, 2**53, 2**63, 10**30, 1.5, float("nan")])
            case 3 | 4 | 5:
                return pick.choice(["", "PARIS", "\ud800", "\0", "x" * 300, "é", "S1", "a" * 64])
            case 6:
                return [self._value(depth - 1) for _ in range(pick.randint(0, 3))]
            case _:
                names = ["code", "card", "jwk", "proof", "slip", "signature", "statement", "x"]
                return {pick.choice(names): self._value(depth - 1) for _ in range(3)}

    def _damaged(self, data: bytes) -> bytes:
        pick = self._random
        changed = bytearray(data)
        for _ in range(pick.randint(1, 3)):
            place = pick.randint(0, len(changed))
            match pick.randrange(4):
                case 0:
                    changed[place:place] = self._junk()
                case 1:
                    del changed[place : place + pick.randint(1, 20)]
                case 2 if place < len(changed):
                    changed[place] = pick.randrange(256)
                case _:
                    changed[place : place + 3] = pick.randbytes(3)
        return bytes(changed)


def samples(post: Post, to: Post) -> list[bytes]:
    """Return bodies that are right, to be damaged."""
    sent = post.make([to], size=200)
    enrolment = json.dumps(post.enrolment_body("0000-0000-0000-0000-0000")).encode()
    form = b"grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
    form += b"client-assertion-type%3Ajwt-bearer&client_assertion=" + post.assertion().encode()
    return [sent.signed.head + sent.body, sent.signed.head, enrolment, form]


def status_of(service: Service, request: bytes) -> int:
    """Send one request; returns the status of its answer, 0 when there is none.

    The line stays open while the server thinks: a half-closed one counts as a caller who left. A
    request whose body never comes to its end is given up soon.
    """
    with socket.create_connection(("127.0.0.1", service.settings.port)) as line:
        line.settimeout(PATIENCE)
        try:
            line.sendall(request)
            answer = line.recv(65536)
        except (ConnectionResetError, BrokenPipeError, TimeoutError):
            return 0
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def run(service: Service, post: Post, to: Post, *, count: int, seed: int) -> Counter[int]:
    """Send `count` requests and count their statuses."""
    fuzzer = Fuzzer(post, samples(post, to), seed)
    statuses: Counter[int] = Counter()
    for _ in range(count):
        _, request = fuzzer.request()
        status = status_of(service, request)
        statuses[status] += 1
        if status >= 500:
            print("SERVER ERROR", status, request[:2000])
    return statuses


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "m") as service:
        paris, lome = service.enrolled("PARIS"), service.enrolled("LOME")
        before, statuses = service.pids(), Counter[int]()
        for start in range(0, count, 2000):
            paris.held_token = None  # a token lives five minutes
            statuses += run(service, paris, lome, count=min(2000, count - start), seed=seed + start)
        print(dict(sorted(statuses.items())))
        lost = service.pids() != before
    errors = sum(number for status, number in statuses.items() if status >= 500)
    print(f"{count} requests, {errors} server errors, processes lost: {lost}")
    return 1 if errors or lost else 0


if __name__ == "__main__":
    sys.exit(main())
