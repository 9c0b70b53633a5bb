"""The proxy's configuration as nginx runs it: a post reaches its ministry by TLS and only so."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.ports import free_port
from tests.surfaces.client.online.live import LiveMinistry, Post

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "cipher-service.conf"
CONSOLE = CONFIGURATION.with_name("cipher-console.conf")
APT_LINE = "apt-get install nginx-light"
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
    assert len(paris.ministry.dispatches()) == 2


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


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding : chunked",
        b"Host: other.example\r\nContent-Length: 0",
    ],
    ids=["both lengths", "two lengths", "unknown coding", "space before colon", "two hosts"],
)
def test_a_request_that_two_servers_could_read_differently_is_refused(
    proxy: Proxy, head: bytes
) -> None:
    with proxy.tls() as secured:
        secured.sendall(b"POST /v1/token HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\nabcde")
        status = int(secured.recv(65536).split()[1])

    assert status in {400, 501}


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

    assert "GET /v1/" in log
    assert "?" not in log
    assert "chiffre" not in log.replace("localhost", "")
