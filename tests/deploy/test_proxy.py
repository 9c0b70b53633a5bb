"""The proxy's configuration as nginx runs it: a post reaches its ministry by TLS and only so."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from cipher_service import clock
from cipher_service.administration.command import main as administration
from cipher_service.client.certificates import Held
from cipher_service.client.transport_tokens import assertion
from cipher_service.wire.tokens import ASSERTION_TYPE
from keys.certificates import ClientKey, pem, present
from keys.custody.client_authority import ClientAuthority
from keys.identity import load_identity
from keys.jws import ApiKey
from tests.support.commands import run_here
from tests.support.ports import free_port
from tests.support.smuggling import corpus
from tests.surfaces.client.online.live import LiveMinistry, Post

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "cipher-service.conf"
CONSOLE = CONFIGURATION.with_name("cipher-console.conf")
APT_LINE = "apt-get install nginx-light"
CORPUS = corpus()
NAMELESS = "header b'\\xc2\\xa0Content-Length: 6'"
SHELL = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/cipher-service.conf;
    include {folder}/cipher-console.conf;
}}
"""


@dataclass(frozen=True)
class Proxy:
    """nginx before a ministry."""

    ministry: LiveMinistry
    port: int
    authority: Path

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    def tls(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.authority))
        context.maximum_version = version
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return context.wrap_socket(plain, server_hostname="localhost")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        message = f"the proxy's configuration is run by nginx: {APT_LINE}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("proxy")
    port = free_port()
    authority = _certificate(folder)
    ministry = LiveMinistry(folder / "data", issuer=f"https://localhost:{port}")
    typed = ["--data", str(folder / "data"), "post", "proxy", "--out", str(folder / "proxy")]
    written = run_here(administration, typed)
    assert written.returncode == 0, written.stderr
    _configure(folder, port, ministry.settings.port)
    ministry.start()
    try:
        with (folder / "nginx.log").open("wb") as log:
            nginx = subprocess.Popen(
                [program, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=log
            )
        try:
            _await(port, nginx, folder / "nginx.log")
            yield Proxy(ministry, port, authority)
        finally:
            nginx.terminate()
            nginx.wait(120)
    finally:
        ministry.close()


def _certificate(folder: Path) -> Path:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    return certificate


def _configure(folder: Path, port: int, behind: int) -> None:
    """Write the configuration with this machine's places; each must stand in it to be replaced."""
    configuration = CONFIGURATION.read_text("utf-8")
    for there, here in {
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "server_name chiffre.example": "server_name localhost",
        "server 127.0.0.1:8470": f"server 127.0.0.1:{behind}",
        "/etc/cipher-service/tls": str(folder),
        "/etc/cipher-service/proxy": f"{folder}/proxy",
        "/var/log/nginx": str(folder),
    }.items():
        assert there in configuration
        configuration = configuration.replace(there, here)
    (folder / "cipher-service.conf").write_text(configuration, "utf-8")
    _with_console(folder, port)
    (folder / "nginx.conf").write_text(SHELL.format(folder=folder), "utf-8")


def _with_console(folder: Path, port: int) -> None:
    """Put the officers' two names beside it, at the same place, with the same certificate."""
    console = CONSOLE.read_text("utf-8")
    for there, here in {
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "/etc/cipher-service/tls/console.pem": f"{folder}/certificate.pem",
        "/etc/cipher-service/tls/console.key": f"{folder}/key.pem",
        "/var/log/nginx": str(folder),
    }.items():
        assert there in console
        console = console.replace(there, here)
    (folder / "cipher-console.conf").write_text(console, "utf-8")


def _await(port: int, nginx: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and nginx.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(log.read_text("utf-8"))


@pytest.fixture(scope="module")
def paris(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Post:
    post = Post("PARIS", tmp_path_factory.mktemp("posts") / "PARIS", proxy.ministry)
    post.new_identity()
    code = proxy.ministry.code_for("PARIS")
    enrolled = post.enrol(code, "--authority", str(proxy.authority), server=proxy.address)
    assert enrolled.status == 0, enrolled.err
    proxy.ministry.activate("PARIS")
    return post


def test_a_post_enrols_and_sends_through_the_proxy(paris: Post, tmp_path: Path) -> None:
    """A large body too: it streams, and no copy of it waits on the proxy's disk."""
    attachment = tmp_path / "carte.bin"
    attachment.write_bytes(os.urandom(24 * 1024 * 1024))

    small = paris.send("MINREX", "Le ministre arrive mardi.")
    large = paris.send("MINREX", "Voir la carte.", "--attach", str(attachment))

    assert (small.status, large.status) == (0, 0), small.err + large.err
    assert len(paris.ministry.dispatches()) >= 2


def test_a_post_that_was_given_no_authority_trusts_nobody(proxy: Proxy, tmp_path: Path) -> None:
    post = Post("LOME", tmp_path / "LOME", proxy.ministry)
    post.new_identity()

    refused = post.enrol(proxy.ministry.code_for("LOME"), server=proxy.address)

    assert refused.status == 3


def test_only_tls_1_3_is_spoken(proxy: Proxy) -> None:
    with proxy.tls() as secured:
        assert secured.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        proxy.tls(ssl.TLSVersion.TLSv1_2)
    plain = httpx.get(f"http://localhost:{proxy.port}/v1/openapi.json", trust_env=False)
    assert plain.status_code == 400


@pytest.mark.parametrize(("why", "request_bytes"), CORPUS.items(), ids=range(len(CORPUS)))
def test_a_request_that_two_servers_could_read_differently_is_refused(
    proxy: Proxy, why: str, request_bytes: bytes
) -> None:
    """The line ends, and what was hidden behind the request is never answered."""
    with proxy.tls() as secured:
        secured.sendall(request_bytes)
        answer = b""
        while piece := secured.recv(65536):
            answer += piece

    statuses = [int(found) for found in re.findall(rb"HTTP/1\.1 ([0-9]{3})", answer)]
    assert statuses[-1] in {400, 501, 505}
    # nginx drops a header whose name it cannot read; the service then hears of a request without a
    # type, and what follows is no request line.
    assert statuses[:-1] == ([415] if why == NAMELESS else [])


@pytest.fixture(scope="module")
def shown(paris: Post) -> bytes:
    """PARIS has a certificate from here on, and shows it."""
    made = paris.online("certificate", "--json")
    assert made.status == 0, made.err
    held = json.loads((paris.folder / "certificate.json").read_text("utf-8"))
    return b64decode(held["certificate"])


def own_key(post: Post) -> ApiKey:
    return load_identity(post.folder, lambda: b"").api_key


def asked(proxy: Proxy, context: ssl.SSLContext, key: ApiKey, **headers: str) -> httpx.Response:
    """Ask for a token as PARIS, without a proof of possession."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(
            key, post="PARIS", issuer=proxy.ministry.server, at=clock.now()
        ),
    }
    with httpx.Client(verify=context, trust_env=False, timeout=60) as http:
        return http.post(f"{proxy.address}/v1/token", data=form, headers=headers)


def context_of(proxy: Proxy) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(proxy.authority))


def test_a_post_shows_its_certificate_and_needs_no_proofs(
    proxy: Proxy, paris: Post, shown: bytes
) -> None:
    sent = paris.send("MINREX", "Sans preuve à chaque demande.")
    assert sent.status == 0, sent.err
    context = context_of(proxy)
    present(context, own_key(paris), shown)
    answer = asked(proxy, context, own_key(paris))
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    token = answer.json()["access_token"]

    # The token is of that connection's certificate: without it, it opens nothing.
    with httpx.Client(verify=context_of(proxy), trust_env=False) as thief:
        stolen = thief.get(
            f"{proxy.address}/v1/dispatches", headers={"Authorization": f"Bearer {token}"}
        )
    assert (stolen.status_code, stolen.json()["code"]) == (401, "TOKEN_MISSING")


def test_what_a_caller_writes_of_itself_does_not_pass_the_proxy(
    proxy: Proxy, paris: Post, shown: bytes
) -> None:
    """A certificate is public: who has seen one writes it into the header, and is nobody."""
    forged = {"Cipher-Client-Certificate": quote(pem(shown)), "Cipher-Proxy": "a secret"}
    answer = asked(proxy, context_of(proxy), own_key(paris), **forged)
    assert (answer.status_code, answer.json()["code"]) == (401, "PROOF_REFUSED")
    direct = httpx.get(
        f"http://127.0.0.1:{proxy.ministry.settings.port}/v1/dispatches",
        headers=forged,
        trust_env=False,
    )
    assert (direct.status_code, direct.json()["code"]) == (400, "PROXY_UNPROVED")


@pytest.mark.parametrize(
    ("seed", "begins", "life"),
    [(b"\x01" * 32, 0, 1), (b"\x01" * 32, -8, 7)],
    ids=["another authority", "another authority, ended"],
)
def test_a_certificate_of_another_authority_is_refused_by_the_proxy(
    proxy: Proxy, paris: Post, seed: bytes, begins: int, life: int
) -> None:
    key, now = own_key(paris), clock.now().replace(microsecond=0)
    jwk, start = key.public_jwk(), now + timedelta(days=begins)
    wanted = ClientKey("PARIS", jwk["x"], jwk["y"], start, start + timedelta(days=life))
    context = context_of(proxy)
    present(context, key, ClientAuthority(seed, "MINREX").certify(wanted.encode(), now))

    answer = asked(proxy, context, key)

    assert answer.status_code == 400
    assert "SSL certificate" in answer.text


@pytest.mark.usefixtures("shown")
def test_a_certificate_that_wears_out_is_renewed_by_itself(
    paris: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = paris.folder / "certificate.json"
    kept = file.read_bytes()
    assert paris.online("inbox").status == 0
    assert file.read_bytes() == kept
    monkeypatch.setattr(Held, "wears_out", lambda _held, _now: True)
    assert paris.online("inbox").status == 0
    assert file.read_bytes() != kept


@pytest.mark.usefixtures("shown")
def test_another_authority_is_followed_while_everything_runs(
    proxy: Proxy, paris: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No post takes a new certificate before the proxy knows who makes it; the old one serves."""
    file, folder = paris.folder / "certificate.json", proxy.authority.parent
    kept, data = file.read_bytes(), ("--data", str(folder / "data"))
    rotated = run_here(administration, [*data, "keys", "rotate", "authority/MINREX"])
    assert rotated.returncode == 0, rotated.stderr
    monkeypatch.setattr(Held, "wears_out", lambda _held, _now: True)
    assert paris.online("inbox").status == 0
    assert file.read_bytes() == kept
    told = ("post", "proxy", "--out", str(folder / "proxy"), "--authorities")
    assert run_here(administration, [*data, *told]).returncode == 0
    os.kill(int((folder / "nginx.pid").read_text()), signal.SIGHUP)
    until = time.monotonic() + 120
    while file.read_bytes() == kept and time.monotonic() < until:
        assert paris.online("inbox").status == 0
    assert file.read_bytes() != kept
    monkeypatch.undo()
    assert paris.online("inbox").status == 0


@pytest.mark.usefixtures("shown")
def test_a_post_ends_the_use_of_its_certificate(paris: Post) -> None:
    file = paris.folder / "certificate.json"
    kept = file.read_bytes()
    file.write_bytes(b"{}")
    assert "PIN_DAMAGED" in paris.online("inbox").err
    assert paris.online("certificate", "--end").status == 0
    assert not file.exists()
    assert paris.online("inbox").status == 0
    file.write_bytes(kept)


def test_what_is_not_of_the_api_is_not_there(proxy: Proxy) -> None:
    with httpx.Client(
        base_url=proxy.address,
        verify=ssl.create_default_context(cafile=str(proxy.authority)),
        trust_env=False,
    ) as http:
        answers = [http.get(path) for path in ("/", "/v1", "/.env", "/v1/../etc/passwd")]
        known = http.get("/v1/service")

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert known.headers["strict-transport-security"].startswith("max-age=63072000")
    assert "nginx/" not in known.headers["server"]


def test_the_proxys_log_holds_no_query_and_no_agent(proxy: Proxy, paris: Post) -> None:
    assert paris.online("inbox").status == 0
    log = (proxy.authority.parent / "cipher-service.log").read_text("utf-8")

    spoofed = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    with httpx.Client(verify=context_of(proxy), trust_env=False) as http:
        assert http.get(f"{proxy.address}/v1/health", headers=spoofed).status_code == 200
    log += (proxy.authority.parent / "cipher-service.log").read_text("utf-8")
    assert {line.split()[1] for line in log.splitlines()} == {"127.0.0.1"}
    assert "GET /v1/" in log
    assert "?" not in log
    assert "chiffre" not in log.replace("localhost", "")


def test_one_caller_holds_so_many_requests_open_and_no_more(proxy: Proxy) -> None:
    """Each says that a body follows, and sends none: the next one is told to wait."""
    begun = b"POST /v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
    begun += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    lines: list[ssl.SSLSocket] = []
    try:
        for _ in range(64):
            lines.append(proxy.tls())
            lines[-1].sendall(begun)
        with proxy.tls() as one_more:
            one_more.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one_more.recv(65536).startswith(b"HTTP/1.1 429 ")
    finally:
        for line in lines:
            line.close()


def test_each_application_has_a_name_of_its_own() -> None:
    """Cookies know hosts: what one is given, no other is sent."""
    api, console = CONFIGURATION.read_text("utf-8"), CONSOLE.read_text("utf-8")
    names = re.findall(r"^ *server_name (\S+);", api + console, re.MULTILINE)
    assert len(names) == len(set(names)) == 3
