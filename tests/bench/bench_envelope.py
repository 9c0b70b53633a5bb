"""The envelope's figures: `python tests/bench/bench_envelope.py`.

CPU seconds (user and system) of this process, the least of several interleaved runs, each as a
ratio to a ceiling measured in the same run:

* bulk: 256 MiB to one post, against copying the file through SHA-256 and ChaCha20-Poly1305 in
  64 KiB chunks, which nothing that does the job can beat. Where the `age` command is installed,
  the same is set against it on the same file, in CPU seconds and in elapsed ones. age neither
  hashes nor signs, so its rows stand beside our age layer alone and the SHA-256 alone, both of
  which a dispatch needs. Elapsed seconds mean something only while two cores are free;
* circular: 4 KiB to 200 posts, against 200 bare HPKE seals and the two signatures.

Tried, and left, by the processor time of 32 MiB: contents read by 64 KiB to 1 MiB at a time, and an
envelope through a buffer of 8 KiB to 1 MiB, differ by no more than runs do.

What is opened is hashed by a thread beside the cipher (`keys.hashing`): of 64 MiB, the first thread
has 0.069 s to do instead of 0.100, for 0.107 s in all (26 November 2026, least of 14 runs in turn).
Handing over 1 to 8 chunks at a time, 2 to 4 times ahead, differed by no more than runs do. What is
enciphered likewise (`keys.reading_once`): 0.097 s instead of 0.138, for 0.138 s in all.

Files are in /dev/shm when there is one. A virtual machine may give freed pages back to its host
and pay for them again at the next write, so every run is preceded by writing and removing a file
of the same size: all runs find the same warm pages.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from keys.age.bech32 import encode_recipient
from keys.age.files import open_age
from keys.age.header import seal_header
from keys.age.hybrid import parse_recipient, wrap
from keys.age.stream import SealingStream
from keys.dispatch import Attachment, Destination, decipher, encipher, encipher_reading_once
from keys.identity import Identity, create_identity
from keys.manifest import Heading, Label, Series
from keys.signing import MANIFEST

CHUNK = 64 * 1024
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEADING = Heading(
    id="01JD8ZK3V00000000000000000",
    kind="dispatch",
    label=Label("MINREX", "SECRET"),
    dtg=NOW,
    created=NOW,
)
BARS = {"encipher": 1.4, "decipher": 1.3, "circular": 1.35}
AGE = {
    "encipher": ("age", "age layer alone, encrypt"),
    "decipher": ("age -d", "age layer alone, decrypt"),
}
AGE_BAR = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the envelope against its ceilings.")
    parser.add_argument("--mebibytes", type=int, default=256)
    parser.add_argument("--posts", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    memory = Path("/dev/shm")  # noqa: S108  a private folder is made inside
    where = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bench-envelope-", dir=where) as name:
        folder = Path(name)
        bulk(folder, arguments.mebibytes, arguments.runs)
        circular(folder, arguments.posts, arguments.runs)


def bulk(folder: Path, mebibytes: int, runs: int) -> None:
    sender, post = _identity(folder, "MINREX"), _identity(folder, "PARIS")
    plain, sealed, copy = folder / "plain", folder / "sealed", folder / "copy"
    with plain.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(1 << 20))

    def ceiling() -> None:
        _copy_hash_encrypt(plain, copy)

    def seal() -> None:
        with sealed.open("wb") as sink:
            encipher_reading_once(
                HEADING,
                [Destination(post.card, "ROUTINE", Series(202600, 1))],
                b"Ci-joint.",
                [Attachment("plain.bin", plain)],
                signer=sender,
                sink=sink,
            )

    cards = {sender.card.fingerprint: sender.card}

    def open_again() -> None:
        with (
            sealed.open("rb") as source,
            decipher(source, opener=post, find_sender=cards.get, workspace=folder),
        ):
            pass

    acts: dict[str, Callable[[], None]] = {
        "ceiling: copy + SHA-256 + ChaCha20-Poly1305": ceiling,
        "encipher": seal,
        "decipher": open_again,
        **_age_acts(folder, plain, post),
    }
    seconds = _least(acts, runs, lambda: _warm_pages(folder, mebibytes))
    print(f"{mebibytes} MiB to one post, seconds of CPU (elapsed), least of {runs}")
    _print_table(seconds)
    _print_beside_age(seconds)


def circular(folder: Path, posts: int, runs: int) -> None:
    sender = _identity(folder, "MINREX")
    addressees = [_identity(folder, f"POST-{number}").card for number in range(posts)]
    destinations = [
        Destination(card, "ROUTINE", Series(202600, number))
        for number, card in enumerate(addressees, start=1)
    ]
    text = os.urandom(4096)
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
    parsed = [parse_recipient(card.recipient) for card in addressees]
    with (folder / "circular").open("wb") as sink:
        manifest = encipher(HEADING, destinations, text, signer=sender, sink=sink).manifest.encode()

    def ceiling() -> None:
        file_key = secrets.token_bytes(16)
        for key in parsed:
            suite.encrypt(file_key, key, info=b"age-encryption.org/mlkem768x25519")
        sender.sign(MANIFEST, manifest)

    def seal() -> None:
        with (folder / "circular").open("wb") as sink:
            encipher(HEADING, destinations, text, signer=sender, sink=sink)

    acts = {f"ceiling: {posts} HPKE seals + both signatures": ceiling, "circular": seal}
    seconds = _least(acts, 4 * runs, lambda: None)
    print(f"\n4 KiB to {posts} posts, seconds of CPU (elapsed), least of {4 * runs}")
    _print_table(seconds)


def _identity(folder: Path, post: str) -> Identity:
    target = folder / secrets.token_hex(4) / post
    until = NOW.replace(year=NOW.year + 2)
    return create_identity(target, post, passphrase=None, valid_from=NOW, valid_until=until)


def _copy_hash_encrypt(plain: Path, copy: Path) -> None:
    cipher = ChaCha20Poly1305(bytes(32))
    digest = hashlib.sha256()
    view = memoryview(bytearray(CHUNK))
    sealed = memoryview(bytearray(CHUNK + 16))
    with plain.open("rb", buffering=0) as source, copy.open("wb", buffering=0) as sink:
        counter = 0
        while count := source.readinto(view):
            digest.update(view[:count])
            cipher.encrypt_into(counter.to_bytes(12, "big"), view[:count], None, sealed)
            sink.write(sealed[: count + 16])
            counter += 1


def _age_acts(folder: Path, plain: Path, post: Identity) -> dict[str, Callable[[], None]]:
    """The `age` command on the same file: hybrid from 1.3.0 on, else its classical recipient."""
    if shutil.which("age") is None:
        return {}
    identity, sealed, copy = (str(folder / name) for name in ("age.txt", "age.age", "age.copy"))
    Path(identity).write_text(post.age_identity + "\n", encoding="ascii")
    recipient, kind = encode_recipient(post.card.recipient), "hybrid"
    probe = ["age", "-r", recipient, "-o", sealed, identity]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        Path(identity).unlink()
        subprocess.run(["age-keygen", "-o", identity], capture_output=True, check=True)
        shown = subprocess.run(
            ["age-keygen", "-y", identity], capture_output=True, check=True, text=True
        )
        recipient, kind = shown.stdout.strip(), "X25519"
    print(f"age with a recipient of kind {kind}")
    seal = ["age", "-r", recipient, "-o", sealed, str(plain)]
    opening = ["age", "-d", "-i", identity, "-o", copy, sealed]
    layer = folder / "layer"
    return {
        "age": lambda: _run(seal),
        "age layer alone, encrypt": lambda: _encrypt_only(plain, layer, post),
        "age -d": lambda: _run(opening),
        "age layer alone, decrypt": lambda: _decrypt_only(layer, folder / "copy", post),
        "SHA-256 alone": lambda: _hash_only(plain),
    }


def _encrypt_only(plain: Path, sealed: Path, post: Identity) -> None:
    file_key = secrets.token_bytes(16)
    view = memoryview(bytearray(256 * 1024))
    with plain.open("rb", buffering=0) as source, sealed.open("wb") as sink:
        sink.write(seal_header([wrap(file_key, post.card.recipient)], file_key))
        stream = SealingStream(file_key, sink)
        while count := source.readinto(view):
            stream.write(view[:count])
        stream.finish()


def _decrypt_only(sealed: Path, copy: Path, post: Identity) -> None:
    with sealed.open("rb") as source, copy.open("wb") as sink:
        stream = open_age(source, [post.hybrid_key])
        while chunk := stream.next_chunk():
            sink.write(chunk)


def _hash_only(plain: Path) -> None:
    with plain.open("rb", buffering=0) as source:
        hashlib.file_digest(source, "sha256")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def _warm_pages(folder: Path, mebibytes: int) -> None:
    warm = folder / "warm"
    block = bytes(1 << 20)
    with warm.open("wb") as file:
        for _ in range(2 * mebibytes):
            file.write(block)
    warm.unlink()


@dataclass(frozen=True)
class Spent:
    """Seconds of one act: of this process and its children on all cores, and of the clock."""

    cpu: float
    elapsed: float


def _least(
    acts: dict[str, Callable[[], None]], runs: int, before: Callable[[], None]
) -> dict[str, Spent]:
    seconds = dict.fromkeys(acts, Spent(float("inf"), float("inf")))
    for _ in range(runs):
        for name, act in acts.items():
            before()
            cpu, started = _cpu_seconds(), time.perf_counter()
            act()
            elapsed, cpu = time.perf_counter() - started, _cpu_seconds() - cpu
            least = seconds[name]
            seconds[name] = Spent(min(least.cpu, cpu), min(least.elapsed, elapsed))
    return seconds


def _cpu_seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _print_table(seconds: dict[str, Spent]) -> None:
    ceiling = next(iter(seconds.values())).cpu
    for name, spent in seconds.items():
        ratio = spent.cpu / ceiling
        bar = BARS.get(name)
        verdict = "" if bar is None else _verdict(ratio, bar)
        shown = f"{spent.cpu:8.4f} s ({spent.elapsed:.4f} s)"
        print(f"  {name:46} {shown}  {ratio:5.2f} x  {verdict}".rstrip())


def _print_beside_age(seconds: dict[str, Spent]) -> None:
    """Each of ours as a ratio to the `age` command, with the least CPU that it can take."""
    for ours, (age, layer) in AGE.items():
        if age not in seconds:
            continue
        whole, sealing, hashing = (
            seconds[name].cpu / seconds[age].cpu for name in (ours, layer, "SHA-256 alone")
        )
        elapsed = seconds[ours].elapsed / seconds[age].elapsed
        least = f"layer {sealing:.2f} and hash {hashing:.2f} alone"
        compared = f"{ours} beside {age}"
        print(f"  {compared + ', CPU':38} {whole:5.2f} x  {_verdict(whole, AGE_BAR)} ({least})")
        print(f"  {compared + ', elapsed':38} {elapsed:5.2f} x  {_verdict(elapsed, AGE_BAR)}")


def _verdict(ratio: float, bar: float) -> str:
    return f"bar {bar:.2f}: " + ("holds" if ratio <= bar else "FAILS")


if __name__ == "__main__":
    main()
