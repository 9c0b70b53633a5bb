"""A server that lies, stalls or is not a ministry at all: named, and nothing believed."""

import json
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cipher_service import clock
from cipher_service.client.messages import phrase
from cipher_service.client.online_refusals import Unreachable, Unready
from cipher_service.client.transport import Transport
from cipher_service.identity.tokens import read_proof
from keys.canonical import bytes_from_text, encode, text_from_bytes
from keys.endorsement import root_fingerprint
from keys.receipts import Submitted, seal_batch
from keys.signing import RECEIPTS, SUCCESSION, SigningKey, VerifyingKey
from keys.slips import Slip
from keys.statements import key_fingerprint
from keys.succession import RECEIPTS_KEY, Succession, make_succession
from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import LiveMinistry, Post
from tests.surfaces.client.online.relay import Exchange, Relay

Lie = Callable[[Exchange], None]


def receipt_for(exchange: Exchange, key: SigningKey, **changes: Any) -> bytes:
    """What a service with that key would state of the dispatch just submitted."""
    length = int.from_bytes(exchange.body[:4], "big")
    slip = Slip.parse(encode(json.loads(exchange.body[4 : 4 + length])["slip"]))
    now = clock.now().replace(microsecond=0)
    honest = Submitted(
        dispatch_id=slip.dispatch_id,
        origin=slip.origin,
        register="2026/999999",
        received_at=now,
        envelope_sha256=slip.envelope_sha256,
        envelope_size=slip.envelope_size,
        addressees=tuple(entry.post for entry in slip.addressees),
        service=key_fingerprint(key.verifying_key),
    )
    stated = replace(honest, **changes)
    (receipt,) = seal_batch(
        [stated], time=now, sign=lambda statement: key.sign(RECEIPTS, statement)
    )
    return receipt


def of_another_service(exchange: Exchange) -> None:
    exchange.answer = receipt_for(exchange, SigningKey.generate())


def by_another_key_under_the_known_name(ministry: LiveMinistry) -> Lie:
    def lie(exchange: Exchange) -> None:
        key = SigningKey.generate()
        exchange.answer = receipt_for(exchange, key, service=ministry.service_fingerprint)

    return lie


def of_another_dispatch(kept: list[bytes]) -> Lie:
    def lie(exchange: Exchange) -> None:
        kept.append(exchange.answer)
        exchange.answer = kept[0]

    return lie


def with_another_register_number(exchange: Exchange) -> None:
    receipt = json.loads(exchange.answer)
    receipt["statement"]["register"] = "2026/000042"
    exchange.answer = json.dumps(receipt).encode()


def without_a_proof(exchange: Exchange) -> None:
    exchange.answer = json.dumps({"statement": json.loads(exchange.answer)["statement"]}).encode()


def a_hotel_portal(exchange: Exchange) -> None:
    exchange.status = 200
    exchange.answer_headers = {"content-type": "text/html"}
    exchange.answer = b"<html>Welcome to the Grand Hotel</html>"


def a_refusal_in_html(exchange: Exchange) -> None:
    a_hotel_portal(exchange)
    exchange.status = 403


def a_redirection(exchange: Exchange) -> None:
    exchange.status = 307
    exchange.answer_headers = {"location": "https://elsewhere.example/v1/dispatches"}
    exchange.answer = b""


def more_than_anyone_should_read(exchange: Exchange) -> None:
    exchange.status = 200
    exchange.answer_headers = {"content-type": "application/json"}
    exchange.answer = b" " * (17 * 1024 * 1024)


def by_a_key_that_its_own_root_calls_the_next(exchange: Exchange, key: SigningKey) -> None:
    """The thief shows the key of its receipts as if it had been put in force."""
    answer, root = json.loads(exchange.answer), SigningKey.generate()
    known = VerifyingKey(
        *(bytes_from_text(answer["service_key"][half]) for half in ("ed25519", "mldsa65"))
    )
    now, fingerprint = clock.now().replace(microsecond=0), root_fingerprint(root.verifying_key)
    said = Succession(RECEIPTS_KEY, known, key.verifying_key, fingerprint, now)
    succession = make_succession(said, lambda data: root.sign(SUCCESSION, data))
    answer["successions"] = [json.loads(succession)]
    answer["service_key"] = {
        "ed25519": text_from_bytes(key.verifying_key.ed25519),
        "mldsa65": text_from_bytes(key.verifying_key.mldsa65),
        "fingerprint": key_fingerprint(key.verifying_key),
    }
    exchange.answer = json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (of_another_service, "RECEIPT_NOT_OF_KEY"),
        ("another key", "SIGNATURE_INVALID"),
        ("another dispatch", "RECEIPT_OF_ANOTHER"),
        (with_another_register_number, "PROOF_INVALID"),
        (without_a_proof, "RECEIPT_MALFORMED"),
        (a_hotel_portal, "ANSWER_MALFORMED"),
        (a_refusal_in_html, "ANSWER_MALFORMED"),
        (a_redirection, "ANSWER_MALFORMED"),
        (more_than_anyone_should_read, "ANSWER_TOO_LARGE"),
    ],
)
def test_a_lie_about_a_submission_is_named_and_the_dispatch_waits(
    ministry: LiveMinistry, relayed: Post, relay: Relay, lie: Lie | str, code: str
) -> None:
    if lie == "another key":
        lie = by_another_key_under_the_known_name(ministry)
    if lie == "another dispatch":
        kept: list[bytes] = []
        lie = of_another_dispatch(kept)
        relay.alter("POST", "/v1/dispatches", lie, times=1)
        assert relayed.send("LOME", "Dont le reçu resservira.").status == 0
    assert callable(lie)
    relay.alter("POST", "/v1/dispatches", lie)
    told = relayed.send("LOME", f"Contre {code}.", "--json")
    assert told.status == 1
    assert told.json["error"]["code"] == code
    assert "is in the outbox" in told.err

    relay.rules.clear()
    done = relayed.online("send", "--pending", "--json")
    assert [each["status"] for each in done.json] == ["acknowledged"]
    assert ministry.dispatches().count(done.json[0]["id"]) == 1


def test_a_key_that_another_root_calls_the_next_is_not_followed(
    relayed: Post, relay: Relay
) -> None:
    key, pin = SigningKey.generate(), relayed.folder / "ministry.json"
    before = pin.read_bytes()

    def receipt_by_the_thief(exchange: Exchange) -> None:
        exchange.answer = receipt_for(exchange, key)

    relay.alter("POST", "/v1/dispatches", receipt_by_the_thief)
    relay.alter(
        "GET",
        "/v1/service-card",
        lambda exchange: by_a_key_that_its_own_root_calls_the_next(exchange, key),
    )
    told = relayed.send("LOME", "Contre une autre racine.", "--json")
    assert (told.status, told.json["error"]["code"]) == (1, "SERVICE_KEY_CHANGED")
    assert pin.read_bytes() == before

    relay.rules.clear()
    done = relayed.online("send", "--pending", "--json")
    assert [each["status"] for each in done.json] == ["acknowledged"]


def test_a_busy_server_is_asked_again_and_a_failing_one_is_not(relayed: Post, relay: Relay) -> None:
    def busy(exchange: Exchange) -> None:
        exchange.status = 503
        exchange.answer_headers = {"retry-after": "1"}

    relay.answer("GET", "/v1/directory", busy, times=2)
    assert relayed.online("directory").status == 0
    assert len(relay.asked("GET", "/v1/directory")) == 3

    def failed(exchange: Exchange) -> None:
        exchange.status = 502

    relay.seen.clear()
    relay.answer("GET", "/v1/directory", failed)
    told = relayed.online("directory")
    assert (told.status, "SERVER_FAILED" in told.err) == (3, True)
    assert len(relay.asked("GET", "/v1/directory")) == 1
    relay.rules.clear()
    relay.answer("GET", "/v1/directory", busy)
    told = relayed.online("directory")
    assert (told.status, "SERVER_BUSY" in told.err) == (3, True)


def test_a_token_that_ended_early_is_renewed_once(relayed: Post, relay: Relay) -> None:
    def ended(exchange: Exchange) -> None:
        exchange.status = 401
        exchange.answer_headers = {"content-type": "application/problem+json"}
        problem = {
            "type": "urn:x",
            "title": "Token refused",
            "status": 401,
            "code": "TOKEN_REFUSED",
            "detail": "",
            "remedy": "",
            "reference": "0",
            "facts": {},
        }
        exchange.answer = json.dumps(problem).encode()

    relay.answer("GET", "/v1/directory", ended, times=1)
    assert relayed.online("directory").status == 0
    assert len(relay.asked("POST", "/v1/token")) == 2

    relay.answer("GET", "/v1/directory", ended)
    told = relayed.online("directory")
    assert (told.status, "TOKEN_REFUSED" in told.err) == (1, True)


@pytest.mark.parametrize(
    ("off", "words", "french"),
    [
        (600, r"clock is (\d+) s ahead of the ministry's", ("clock_ahead", "avance de 600 s")),
        (
            -1200,
            r"clock is (\d+) s behind the ministry's",
            ("clock_behind", "retarde de 600 s"),
        ),
    ],
)
def test_a_clock_that_is_off_is_told_and_does_not_stop_the_post(
    relayed: Post,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
    *,
    off: int,
    words: str,
    french: tuple[str, str],
) -> None:
    true = clock.now

    def own() -> datetime:
        return true() + timedelta(seconds=off)

    monkeypatch.setattr(clock, "now", own)
    begun = time.monotonic()
    told = relayed.online("directory")
    took = time.monotonic() - begun
    assert told.status == 0, told.err
    found = re.search(words, told.err)
    assert found is not None, told.err
    # Compared over a request, so no further off than that took; the ministry tells whole seconds
    # and so does the post: one more each.
    assert abs(int(found[1]) - abs(off)) <= took + 2
    name, spoken = french
    assert spoken in phrase(name, "fr", seconds=600)
    first, second = relay.asked("POST", "/v1/token")
    assert (first.status, second.status) == (401, 200)


def test_each_run_and_each_request_has_its_own_proof(relayed: Post, relay: Relay) -> None:
    relayed.online("directory")
    relayed.online("directory")
    proofs = [
        read_proof(each.headers["dpop"], now=clock.now())
        for each in relay.seen
        if "dpop" in each.headers
    ]
    assert len({proof.jti for proof in proofs}) == len(proofs)
    assert len({proof.jkt for proof in proofs}) == 2
    for each in relay.asked("GET", "/v1/directory"):
        proof = read_proof(each.headers["dpop"], now=clock.now())
        assert (proof.method, proof.url) == ("GET", f"{relayed.ministry.server}/v1/directory")


def test_a_suspended_post_is_told_and_its_dispatch_waits(
    ministry: LiveMinistry, enrolled: Pair, tmp_path: Path
) -> None:
    post = ministry.enrolled("GENEVE-ONU", tmp_path / "GENEVE-ONU")
    post.confirm(enrolled.lome)
    ministry.suspend("GENEVE-ONU")
    told = post.send("LOME", "Suspendu.", "--json")
    assert told.status == 1
    (entry,) = post.online("outbox", "--json").json
    assert entry["status"] == "queued"


def test_an_addressee_hears_which_number_will_never_come(
    ministry: LiveMinistry, enrolled: Pair, tmp_path: Path
) -> None:
    stranger = Post("ADDIS", tmp_path / "ADDIS", ministry)
    stranger.new_identity()
    sent = enrolled.paris.send("LOME", "À deux.", "--info", str(stranger.card_file))
    assert sent.status == 1, sent.err
    refused = enrolled.paris.online("outbox", "--json").json[-1]
    (number,) = [each["number"] for each in refused["numbers"] if each["post"] == "LOME"]
    heard = enrolled.lome.online("service-message", "--json").json
    said = [each["series"]["number"] for each in heard if each["kind"] == "cancelled"]
    assert said.count(number) == 1
    enrolled.paris.online("inbox")
    again = enrolled.lome.online("service-message", "--json").json
    assert len(again) == len(heard)


# -- TLS ---------------------------------------------------------------------------------------


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"status":"ok","time":"2026-11-22T10:34:00Z"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def test_only_the_ministry_s_own_authority_opens_its_line(tmp_path: Path) -> None:
    certificate, secret = tmp_path / "tls.pem", tmp_path / "tls.secret"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", str(secret), "-out", str(certificate), "-days", "2"),
            *("-subj", "/CN=ministry", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _Healthy)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    server = f"https://127.0.0.1:{listener.server_port}"
    try:
        with Transport(server, authority=certificate.read_text()) as transport:
            assert transport.call("GET", "/v1/health").status == 200
        with Transport(server, pauses=()) as transport, pytest.raises(Unreachable):
            transport.call("GET", "/v1/health")
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
    with pytest.raises(Unready, match="AUTHORITY_INVALID"):
        Transport(server, authority="not a certificate")
