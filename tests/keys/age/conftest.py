"""The peers that the age tests measure themselves against, run in the Node of the same .venv."""

import base64
import json
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from keys.age.bech32 import decode_identity, decode_x25519_identity
from keys.age.files import Identity
from keys.age.hybrid import HybridKey
from keys.age.scrypt import Passphrase
from keys.age.x25519 import X25519Key

FOREIGN = Path(__file__).parents[2] / "foreign"
NODE = Path(sys.executable).parent / "node"


@dataclass(frozen=True)
class Vector:
    """One published vector: what to read, with what, and where it must fail."""

    name: str
    expect: str
    payload: str | None
    armored: bool
    identities: tuple[Identity, ...]
    file: bytes


def run_node(script: str, request: str = "") -> str:
    done = subprocess.run(
        [str(NODE), str(FOREIGN / script)],
        input=request,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def read_identity(key: str, value: str) -> Identity:
    if key == "passphrase":
        return Passphrase(value.encode())
    if value.startswith("AGE-SECRET-KEY-PQ-"):
        return HybridKey(decode_identity(value))
    return X25519Key(decode_x25519_identity(value))


def read_vector(name: str, data: bytes) -> Vector:
    head, file = data.split(b"\n\n", 1)
    parted = (line.partition(": ") for line in head.decode().split("\n"))
    fields = [(key, value) for key, _, value in parted]
    single = dict(fields)
    known = {
        *("expect", "payload", "file key", "identity", "passphrase", "armored"),
        *("compressed", "comment"),
    }
    assert known.issuperset(single), name
    return Vector(
        name,
        single["expect"],
        single.get("payload"),
        "armored" in single,
        tuple(read_identity(k, v) for k, v in fields if k in {"identity", "passphrase"}),
        zlib.decompress(file) if "compressed" in single else file,
    )


@pytest.fixture(scope="session")
def vectors() -> list[Vector]:
    """All vectors of C2SP/CCTV, from npm cctv-age."""
    named: dict[str, str] = json.loads(run_node("age_vectors.mjs"))
    return [read_vector(name, base64.b64decode(data)) for name, data in named.items()]


class Typage:
    """npm age-encryption, one process a request."""

    def _ask(self, **request: object) -> dict[str, str]:
        answer: dict[str, str] = json.loads(run_node("age_peer.mjs", json.dumps(request)))
        return answer

    def _bytes(self, **request: object) -> bytes:
        answer = self._ask(**request)
        assert "error" not in answer, answer
        return base64.b64decode(answer["data"])

    def identity(self, kind: str) -> tuple[str, str]:
        made = self._ask(act="identity", kind=kind)
        return made["identity"], made["recipient"]

    def seal(self, data: bytes, *recipients: str, passphrase: str | None = None) -> bytes:
        encoded = base64.b64encode(data).decode()
        return self._bytes(act="seal", recipients=recipients, passphrase=passphrase, data=encoded)

    def open(self, data: bytes, *identities: str, passphrase: str | None = None) -> bytes:
        encoded = base64.b64encode(data).decode()
        return self._bytes(act="open", identities=identities, passphrase=passphrase, data=encoded)

    def refusal(self, data: bytes, *identities: str) -> str:
        encoded = base64.b64encode(data).decode()
        return self._ask(act="open", identities=identities, passphrase=None, data=encoded)["error"]


@pytest.fixture(scope="session")
def typage() -> Typage:
    return Typage()


@pytest.fixture(scope="session")
def paris() -> HybridKey:
    return HybridKey(bytes(range(32)))


@pytest.fixture(scope="session")
def lome() -> HybridKey:
    return HybridKey(bytes(range(1, 33)))
