"""What lies on a service beside its dispatches while it soaks (gate 20).

    python -m tests.gates.pressure SERVER ISSUER IDENTITY

At a line `go` of its input it holds 200 connections whose request never ends, and makes fifty
requests a second: a login by a key of its own, then four lists. At `rest` it closes and awaits all
of that, and says `resting`. At the end of its input it says in JSON what it met.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection, socket
from typing import Final
from urllib.parse import urlsplit

import httpx

from cipher_service import clock
from cipher_service.client.transport_tokens import assertion, proof
from cipher_service.wire.tokens import ASSERTION_TYPE
from keys.identity import load_identity
from keys.jws import ApiKey

SLOW: Final = 200
LISTS: Final = 4
EVERY: Final = 0.1
"""Seconds between two logins, each with its lists: fifty requests a second."""
DRIP: Final = 1.0
_TOKEN: Final = "/v1/token"
_LIST: Final = "/v1/dispatches"


@dataclass(frozen=True)
class Met:
    """What was asked, and how it went.

    Attributes:
        statuses: how often each was answered.
        lost: requests without an answer.
        slow: connections with a request that never ended.
        logins: how many there were.
        p99: seconds from the moment a login was due to its token, of 99 in a hundred.
    """

    statuses: dict[str, int]
    lost: int
    slow: int
    logins: int
    p99: float

    def wrong(self) -> list[str]:
        """What a service under pressure must not do, in words."""
        failed = {status: count for status, count in self.statuses.items() if status != "200"}
        told = {
            f"answers {failed}": failed,
            f"{self.lost} requests without an answer": self.lost,
            "nobody logged in": not self.logins,
            "no connection was slow": not self.slow,
        }
        return [words for words, so in told.items() if so]


class Pressure:
    """The pressure as a process beside the soak; it rests until it is told to go."""

    def __init__(self, server: str, issuer: str, identity: Path) -> None:
        words = [sys.executable, "-m", "tests.gates.pressure", server, issuer, str(identity)]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def go(self) -> None:
        """Begin, or go on."""
        self._say("go")

    def rest(self) -> None:
        """Let go of everything; returns when that is done."""
        self._say("rest")
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "resting\n"

    def end(self) -> Met:
        """End it, and tell what it met."""
        told, _ = self._process.communicate(timeout=60)
        return Met(**json.loads(told.splitlines()[-1]))

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()


class _Presser:
    def __init__(self, server: str, issuer: str, folder: Path) -> None:
        identity = load_identity(folder, lambda: b"")
        self._post, self._key = identity.card.post, identity.api_key
        self._server, self._issuer = server, issuer
        place = urlsplit(server)
        self._place = (place.hostname or "", place.port or 0)
        self._going = threading.Event()
        self._statuses: Counter[str] = Counter()
        self._times: list[float] = []
        self._lost = self._slow = 0
        self._threads: list[threading.Thread] = []

    def go(self) -> None:
        self._going.set()
        self._threads = [threading.Thread(target=each) for each in (self._drip, self._ask)]
        for each in self._threads:
            each.start()

    def rest(self) -> None:
        self._going.clear()
        for each in self._threads:
            each.join()
        self._threads = []

    def met(self) -> Met:
        times = sorted(self._times)
        p99 = times[len(times) * 99 // 100] if times else 0.0
        return Met(dict(self._statuses), self._lost, self._slow, len(times), p99)

    def _drip(self) -> None:
        """Hold the slow connections, one line of a head at a time; open those anew that end."""
        slow: list[socket] = []
        while self._going.is_set():
            slow = [each for each in slow if self._dripped(each)]
            with suppress(OSError):
                while len(slow) < SLOW:
                    slow.append(self._opened())
            time.sleep(DRIP)
        for each in slow:
            each.close()

    def _opened(self) -> socket:
        one = create_connection(self._place, timeout=5)
        one.sendall(f"POST {_TOKEN} HTTP/1.1\r\nHost: {self._place[0]}\r\n".encode())
        self._slow += 1
        return one

    def _dripped(self, one: socket) -> bool:
        try:
            one.sendall(b"X-Slow: yes\r\n")
        except OSError:
            one.close()
            return False
        return True

    def _ask(self) -> None:
        due = time.monotonic()
        with (
            httpx.Client(base_url=self._server, timeout=60, trust_env=False) as http,
            ThreadPoolExecutor(16) as callers,
        ):
            while self._going.is_set():
                callers.submit(self._call, http, due)
                due += EVERY
                time.sleep(max(0.0, due - time.monotonic()))

    def _call(self, http: httpx.Client, due: float) -> None:
        """Log in as a client of its own, and ask for the list a few times."""
        key = ApiKey.generate()
        try:
            token = self._login(http, key)
            self._times.append(time.monotonic() - due)
            for _ in range(LISTS if token else 0):
                proved = self._proof(key, "GET", _LIST, token)
                headers = {"Authorization": f"DPoP {token}", "DPoP": proved}
                self._count(http.get(_LIST, headers=headers))
        except httpx.TransportError:
            self._lost += 1

    def _login(self, http: httpx.Client, key: ApiKey) -> str | None:
        said = assertion(self._key, post=self._post, issuer=self._issuer, at=clock.now())
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": said,
        }
        headers = {"DPoP": self._proof(key, "POST", _TOKEN, None)}
        answer = self._count(http.post(_TOKEN, data=form, headers=headers))
        token: str | None = answer.json().get("access_token")
        return token

    def _proof(self, key: ApiKey, method: str, path: str, token: str | None) -> str:
        return proof(key, method=method, url=self._issuer + path, at=clock.now(), token=token)

    def _count(self, answer: httpx.Response) -> httpx.Response:
        self._statuses[str(answer.status_code)] += 1
        return answer


def main() -> None:
    """Obey the lines of the input."""
    server, issuer, folder = sys.argv[1:]
    presser = _Presser(server, issuer, Path(folder))
    for line in sys.stdin:
        if line == "go\n":
            presser.go()
        else:
            presser.rest()
            print("resting", flush=True)
    presser.rest()
    print(json.dumps(vars(presser.met())))


if __name__ == "__main__":
    main()
