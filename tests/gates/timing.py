"""Do refusals that say the same take the same time? Measured on a running service, by rank.

    python -m tests.gates.timing [N]

Two refusals of each pair are asked in random order, N times each (2,000), over one connection.
Their times are compared by the rank-sum test of Mann and Whitney; a pair is told apart when three
measurements in a row give p <= 0.01. The last pair must be told apart: else we would be blind.
Exits with 1 when anything is otherwise than it should be.
"""

import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import urlencode, urlsplit

from cipher_service import clock
from cipher_service.references import new_id
from cipher_service.wire.tokens import ASSERTION_TYPE
from keys.jws import ApiKey
from tests.support.ministry import PostKeys
from tests.surfaces.api.live import FORM, PROXY_SECRET, Post, Service, running

ALPHA: Final = 0.01
ROUNDS: Final = 3


@dataclass(frozen=True)
class Asked:
    """One request, ready to be sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


Make = Callable[[], Asked]


@dataclass(frozen=True)
class Pair:
    """Two ways to be refused: by one code, and in the same time unless `apart`."""

    what: str
    first: Make
    second: Make
    code: str
    apart: bool = False


def p_value(first: list[float], second: list[float]) -> float:
    """Return the two-sided p of Mann and Whitney's test (normal approximation, ties averaged)."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    rank_sum, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        shared = (at + 1 + end) / 2
        rank_sum += shared * sum(1 for _, group in ranked[at:end] if group == 0)
        at = end
    n, m = len(first), len(second)
    wins = rank_sum - n * (n + 1) / 2
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(wins - n * m / 2) / spread / math.sqrt(2))


def measured(line: HTTPConnection, pair: Pair, times: int) -> tuple[list[float], list[float]]:
    """Return the seconds that each of the two took, `times` times."""
    order = [0, 1] * times
    random.shuffle(order)
    seconds: tuple[list[float], list[float]] = ([], [])
    for which in order:
        asked = (pair.first, pair.second)[which]()
        began = time.perf_counter()
        line.request(asked.method, asked.path, asked.body or None, asked.headers)
        answer = line.getresponse()
        document = answer.read()
        seconds[which].append(time.perf_counter() - began)
        code = json.loads(document)["code"]
        if code != pair.code:
            raise AssertionError(f"{pair.what}: {code} instead of {pair.code}")
    return seconds


def judged(line: HTTPConnection, pair: Pair, times: int) -> bool:
    """Measure a pair, print what came of it, and say whether it is as it should be."""
    for number in range(1, ROUNDS + 1):
        first, second = measured(line, pair, times)
        p = p_value(first, second)
        apart = (median(first) - median(second)) * 1e6
        print(f"{pair.what}: medians {apart:+.0f} us apart, p = {p:.3g} (measurement {number})")
        if p > ALPHA:
            return not pair.apart
    return pair.apart


def pairs(service: Service) -> list[Pair]:
    """Return what is compared: unknown keys, codes and ids, and a secret's first and last sign."""
    paris, lome, other = (service.enrolled(code) for code in ("PARIS", "LOME", "WASHINGTON"))
    known, unknown = paris.own.api.thumbprint(), ApiKey.generate().thumbprint()
    stranger = ApiKey.generate()
    newcomer = Post(service, PostKeys("ADDIS"))
    codes = ("0000-0000-0000-0000-0000", service.issue_code("PEKIN"))
    bodies = [json.dumps(newcomer.enrolment_body(code)).encode() for code in codes]
    sent = paris.send([lome]).id
    return [
        Pair(
            "an assertion by an unknown key and by another than the enrolled one",
            lambda: _token(paris, stranger, unknown),
            lambda: _token(paris, stranger, known),
            "ASSERTION_REFUSED",
        ),
        Pair(
            "an enrolment code that nobody gave and one that another post was given",
            lambda: _enrolment(bodies[0]),
            lambda: _enrolment(bodies[1]),
            "ENROLMENT_REFUSED",
        ),
        Pair(
            "a dispatch that does not exist and one between others",
            lambda: _dispatch(other, new_id(clock.now())),
            lambda: _dispatch(other, sent),
            "NOT_FOUND",
        ),
        Pair(
            "a proxy's secret wrong from its first sign and in its last",
            lambda: _proxied("-" + PROXY_SECRET[1:]),
            lambda: _proxied(PROXY_SECRET[:-1] + "-"),
            "PROXY_UNPROVED",
        ),
        Pair(
            "an assertion that is none and one with a signature to verify, to be told apart",
            lambda: _token(paris, stranger, "short"),
            lambda: _token(paris, stranger, known),
            "ASSERTION_REFUSED",
            apart=True,
        ),
    ]


def _token(post: Post, key: ApiKey, kid: str) -> Asked:
    instant = int(clock.now().timestamp())
    claims = {
        "iss": post.code,
        "sub": post.code,
        "aud": post.issuer,
        "iat": instant,
        "exp": instant + 60,
        "jti": new_id(clock.now()),
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": key.sign_compact(
            {"typ": "client-authentication+jwt", "kid": kid}, claims
        ),
    }
    headers = {"Content-Type": FORM, "DPoP": post.proof("POST", "/v1/token")}
    return Asked("POST", "/v1/token", headers, urlencode(form).encode())


def _enrolment(body: bytes) -> Asked:
    return Asked("POST", "/v1/enrolments", {"Content-Type": "application/json"}, body)


def _dispatch(post: Post, name: str) -> Asked:
    path = f"/v1/dispatches/{name}"
    return Asked("GET", path, post.authorised("GET", path))


def _proxied(secret: str) -> Asked:
    return Asked("GET", "/v1/health", {"Cipher-Proxy": secret})


@contextmanager
def _line(service: Service) -> Iterator[HTTPConnection]:
    line = HTTPConnection(urlsplit(service.settings.issuer).netloc, timeout=60)
    yield line
    line.close()


def main(typed: list[str]) -> int:
    """Measure every pair; returns 1 when one is otherwise than it should be."""
    times = int(typed[0]) if typed else 2000
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "ministry") as service:
        right = []
        for pair in pairs(service):
            with _line(service) as line:
                measured(line, pair, 100)
                right.append(judged(line, pair, times))
    print("as it should be" if all(right) else "NOT as it should be")
    return 0 if all(right) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
