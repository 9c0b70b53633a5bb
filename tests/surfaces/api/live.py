"""A whole service for the tests: founded, started as real processes, with posts that call it."""

import hashlib
import json
import secrets
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from cipher_service import clock
from cipher_service.administration.founding import found_installation, planned
from cipher_service.client.transport_tokens import assertion, proof
from cipher_service.directory import enrolment
from cipher_service.references import new_id
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import unit_of_work
from cipher_service.wire.dispatches import SUBMISSION_MEDIA_TYPE
from cipher_service.wire.enrolment import enrolment_statement
from cipher_service.wire.tokens import ASSERTION_TYPE
from keys import canonical
from keys.age.header import Stanza, seal_header
from keys.age.hybrid import wrap
from keys.cards import Card, read_card
from keys.jws import ApiKey
from keys.package import LABEL_TYPE
from keys.signing import ENROLMENT, VerifyingKey
from keys.slips import SeriesNumber, SignedSlip, Slip, SlipAddressee, sign_slip
from tests.support.ministry import EPOCH, PostKeys
from tests.support.ports import free_port

FORM = "application/x-www-form-urlencoded"
_RENEWED_S = 200
PROXY_SECRET = "the-secret-of-the-proxy-of-these-tests-alone"


@dataclass
class Service:
    """A running service."""

    settings: Settings
    process: subprocess.Popen[bytes]
    http: httpx.Client
    lent: ExitStack = field(default_factory=ExitStack)
    """What tests opened beside it, let go of when it ends."""
    standing: list["Post"] = field(default_factory=list)
    """Posts that were enrolled with it."""

    def pids(self) -> list[int]:
        """Return the service's processes, the supervisor first."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]

    def issue_code(self, post: str) -> str:
        with self.administration() as connection:
            return enrolment.issue_code(connection, post, clock.now())

    def activate(self, card: Card) -> None:
        with self.administration() as connection:
            enrolment.activate(connection, card.post, card.fingerprint, clock.now())

    def suspend(self, post: str) -> None:
        with self.administration() as connection:
            enrolment.suspend(connection, post, clock.now())

    def resume(self, post: str) -> None:
        with self.administration() as connection:
            enrolment.resume(connection, post, clock.now())

    @contextmanager
    def administration(self) -> Iterator[Any]:
        engine = open_engine(self.settings.database)
        try:
            with unit_of_work(engine) as connection:
                yield connection
        finally:
            engine.dispose()

    def card(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get("/v1/service-card").raise_for_status().json()
        return answer

    def service_key(self) -> VerifyingKey:
        key = self.card()["service_key"]
        return VerifyingKey(
            canonical.bytes_from_text(key["ed25519"]), canonical.bytes_from_text(key["mldsa65"])
        )

    def headquarters(self) -> Card:
        return read_card(canonical.encode(self.card()["card"]))

    def enrolled(self, code: str) -> "Post":
        """Enrol a post through the API and activate it as headquarters does."""
        post = Post(self, PostKeys(code))
        answer = post.enrol(self.issue_code(code))
        assert answer.status_code == 201, answer.text
        self.activate(post.own.card)
        return post


@dataclass
class Post:
    """A post that calls the API, well or badly."""

    service: Service
    own: PostKeys
    run_key: ApiKey = field(default_factory=ApiKey.generate)
    held_token: str | None = None
    held_since: float = 0.0
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.own.code

    @property
    def issuer(self) -> str:
        return self.service.settings.issuer

    def enrolment_body(self, code: str) -> dict[str, Any]:
        card, key = self.own.card, self.own.api
        statement = enrolment_statement(
            post=card.post,
            fingerprint=card.fingerprint,
            jkt=key.thumbprint(),
            code=code,
            issuer=self.issuer,
        )
        signatures = self.own.signing.sign(ENROLMENT, statement)
        return {
            "code": code,
            "card": json.loads(card.to_bytes()),
            "jwk": key.public_jwk(),
            "proof": {
                "ed25519": b64encode(signatures.ed25519).decode(),
                "mldsa65": b64encode(signatures.mldsa65).decode(),
            },
        }

    def enrol(self, code: str) -> httpx.Response:
        return self.service.http.post("/v1/enrolments", json=self.enrolment_body(code))

    # -- tokens --------------------------------------------------------------------------------

    def assertion(self, at: datetime | None = None, key: ApiKey | None = None) -> str:
        return assertion(
            key or self.own.api, post=self.code, issuer=self.issuer, at=at or clock.now()
        )

    def proof(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        at: datetime | None = None,
        key: ApiKey | None = None,
    ) -> str:
        return proof(
            key or self.run_key,
            method=method,
            url=self.issuer + path,
            at=at or clock.now(),
            token=token,
        )

    def ask_token(
        self, written_assertion: str | None = None, written_proof: str | None = None
    ) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": written_assertion or self.assertion(),
        }
        headers = {"DPoP": written_proof or self.proof("POST", "/v1/token")}
        return self.service.http.post("/v1/token", data=form, headers=headers)

    def token(self) -> str:
        # It lasts five minutes, which a module's tests may take on a busy machine. Who is refused
        # another one goes on with what they have.
        if self.held_token is None or time.monotonic() - self.held_since > _RENEWED_S:
            answer, self.held_since = self.ask_token(), time.monotonic()
            assert answer.status_code == 200 or self.held_token is not None, answer.text
            self.held_token = answer.json().get("access_token", self.held_token)
        assert self.held_token is not None
        return self.held_token

    def authorised(self, method: str, path: str) -> dict[str, str]:
        token = self.token()
        return {
            "Authorization": f"DPoP {token}",
            "DPoP": self.proof(method, path, token=token),
        }

    # -- requests ------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        address, _, query = path.partition("?")
        given = {**self.authorised(method, address), **(headers or {})}
        return self.service.http.request(
            method, f"{address}?{query}" if query else address, headers=given, **more
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.call("GET", path, headers=headers)

    def submit(self, head: bytes, body: bytes) -> httpx.Response:
        return self.call(
            "POST",
            "/v1/dispatches",
            headers={"Content-Type": SUBMISSION_MEDIA_TYPE},
            content=head + body,
        )

    def send(self, to: Sequence["Post"], size: int = 4096, **more: Any) -> "Sent":
        """Make and hand in a dispatch."""
        sent = self.make(to, size, **more)
        sent.answer = self.submit(sent.signed.head, sent.body)
        return sent

    def make(
        self,
        to: Sequence["Post"],
        size: int = 4096,
        *,
        precedence: str = "ROUTINE",
        dispatch_id: str | None = None,
        numbers: Mapping[str, int] | None = None,
    ) -> "Sent":
        """Make a dispatch with a true header; its payload is noise, as the carrier sees it."""
        dispatch_id = dispatch_id or new_id(clock.now())
        body = sealed(dispatch_id, [post.own.card for post in to], precedence, size)
        entries = []
        for post in to:
            number = (numbers or {}).get(post.code) or self._next(post.code)
            entries.append(
                SlipAddressee(
                    post=post.code,
                    fingerprint=post.own.card.fingerprint,
                    role="action",
                    precedence=precedence,
                    delivery="cipher",
                    series=SeriesNumber(EPOCH, number),
                )
            )
        slip = Slip(
            dispatch_id=dispatch_id,
            origin=self.code,
            origin_card=self.own.card.fingerprint,
            kind="telegram",
            level="SECRET",
            caveats=(),
            dtg=clock.now().replace(microsecond=0),
            envelope_sha256=hashlib.sha256(body).hexdigest(),
            envelope_size=len(body),
            addressees=tuple(entries),
        )
        return Sent(sign_slip(slip, self.own.sign_slip), body)

    def _next(self, post: str) -> int:
        self.numbers[post] = self.numbers.get(post, 0) + 1
        return self.numbers[post]


@dataclass
class Sent:
    """A dispatch that was made, and perhaps handed in."""

    signed: SignedSlip
    body: bytes
    answer: httpx.Response | None = None

    @property
    def slip(self) -> Slip:
        return self.signed.slip

    @property
    def id(self) -> str:
        return self.slip.dispatch_id

    @property
    def status(self) -> int:
        assert self.answer is not None
        return self.answer.status_code

    def problem(self) -> dict[str, Any]:
        assert self.answer is not None
        return problem(self.answer)


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document: dict[str, Any] = answer.json()
    return document


def sealed(dispatch_id: str, cards: Sequence[Card], precedence: str, size: int) -> bytes:
    """An age file to these cards: a true header, then `size` bytes of noise."""
    label = canonical.encode({"id": dispatch_id, "routing": [precedence], "suite": "S1"})
    file_key = secrets.token_bytes(16)
    stanzas = [
        Stanza(LABEL_TYPE, (b64encode(bytes(32)).decode(),), label),
        *(wrap(file_key, card.recipient) for card in cards),
    ]
    return seal_header(stanzas, file_key) + secrets.token_bytes(size)


@contextmanager
def running(data: Path, *, workers: int = 2, database_url: str = "") -> Iterator[Service]:
    """Found an installation in `data` and run it; afterwards no process of it is left."""
    with serving(founded(data, workers=workers, database_url=database_url)) as service:
        yield service


def founded(data: Path, *, workers: int = 2, database_url: str = "") -> Settings:
    """Found an installation of the decree's ministry in `data`."""
    port = free_port()
    settings = planned(
        data,
        host="127.0.0.1",
        port=port,
        workers=workers,
        issuer=f"http://127.0.0.1:{port}",
        database_url=database_url,
    )
    found_installation(settings)
    settings.proxy_secret.write_text(PROXY_SECRET)
    return settings


@contextmanager
def serving(settings: Settings) -> Iterator[Service]:
    """Run an installation that exists."""
    log = (settings.data / "service.log").open("ab")
    program = "import sys; from pathlib import Path; from cipher_service.app.processes import run; "
    program += "from cipher_service.settings import Settings; "
    program += "run(Settings.load(Path(sys.argv[1])), lambda line: print(line, flush=True))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(settings.data)],
        stdout=subprocess.PIPE,
        stderr=log,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line == f"READY {settings.issuer}\n".encode(), _tail(settings)
        with httpx.Client(base_url=settings.issuer, timeout=60, trust_env=False) as http:
            service = Service(settings, process, http)
            with service.lent:
                yield service
            pids = service.pids()
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(120)
        process.stdout.close()
        log.close()
    assert code == 0, _tail(settings)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def _tail(settings: Settings) -> str:
    return (settings.data / "service.log").read_text()[-4000:]


def rss_bytes(pid: int) -> int:
    """Return a process's peak resident set."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [row for row in status.splitlines() if row.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
