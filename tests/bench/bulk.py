"""1 GiB through the real API, up and down, against a bare socket written to the same disk.

The ceiling has the best of it: before it writes, a file of the same size is written and removed, so
that its pages are at hand. A virtual machine gives freed memory back to its host and pays for it at
the next write, which alone can cost more than all the rest of a transfer. An upload passes through
a few megabytes of memory and needs no such favour; a download ends in a file of the client's, as
its ceiling does, and both find that file's pages at hand: without, a client took 0.6 to 2.9 s of
its own for one gigabyte, whatever the server did (28 November 2026). What the server reads comes
from the disk, what the ceiling reads does not.

Tried, and left (28 November 2026, rounds in turn): envelopes read past the page cache (O_DIRECT),
41 % of the bare socket for 57 %; two pieces read at once, or 32 MiB announced to the disk for 8,
the same; pieces of 256 KiB, 46 %. Upward: buffers of 256 KiB 33 %, of 512 KiB 46 %, of 1 MiB 52 to
55 %, of 2 MiB 56 %, of 4 and 8 MiB 57 to 70 %, for their memory; three buffers, or larger pieces
from the socket, less than two; the hash on one thread and the file on another, no more.

The client here is as bare as the ceiling's (`transfer`): large sends, large receives into one
buffer, so that the server is what is measured. `chiffre` does the same for information: it also
enciphers, verifies and deciphers.
"""

import filecmp
import os
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from cipher_service.administration.stage import Stage, chiffre
from cipher_service.wire.dispatches import CHUNK_MEDIA_TYPE, SUBMISSION_MEDIA_TYPE
from keys.dispatch import Attachment
from keys.slips import SignedSlip
from tests.bench.caller import Caller
from tests.bench.processes import of_service
from tests.bench.stock import make_one
from tests.bench.transfer import BUFFER, disk_to_socket, socket_to_disk

ORIGIN, ADDRESSEE = "BRUXELLES", "ADDIS"
SHARE_BAR, MEMORY_BAR = 0.45, 150
ROUNDS = 5


def transfers(running: Stage, folder: Path, mebibytes: int) -> None:
    """Print the transfers' table."""
    cards = {post: running.enrol(post) for post in (ORIGIN, ADDRESSEE)}
    running.introduce(cards)
    plain = folder / "plain.bin"
    with plain.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(BUFFER))
    spent: dict[str, list[float]] = {"up": [], "down": [], "raw up": [], "raw down": []}
    size = 0
    for number in range(1, ROUNDS + 1):
        print(f"  transfers, round {number} of {ROUNDS} ...", flush=True)
        envelope = folder / "envelope"
        sender = Caller(running.identity(ORIGIN), running.settings.issuer)
        addressee = Caller(running.identity(ADDRESSEE), running.settings.issuer)
        with envelope.open("wb") as sink:
            attachments = [Attachment("plain.bin", plain)]
            card = addressee.identity.card
            signed = make_one(sender.identity, card, number, b"Ci-joint.", sink, attachments)
        size = envelope.stat().st_size
        raw = folder / f"raw-{number}"
        _warm_pages(raw, size)
        spent["raw up"].append(socket_to_disk(size, raw))
        spent["up"].append(_upload(sender, signed, envelope))
        received = folder / "received"
        _warm_pages(received, size)
        spent["raw down"].append(disk_to_socket(size, raw, received))
        path = f"/v1/dispatches/{signed.slip.dispatch_id}/envelope"
        _warm_pages(received, size)
        spent["down"].append(_download(addressee, path, received, size))
        if not filecmp.cmp(received, envelope, shallow=False):
            raise RuntimeError("another envelope came back")
        received.unlink()
        raw.unlink()
    _print(size, spent)
    _print_memory()
    _with_chiffre(running, folder, plain)


def _warm_pages(path: Path, size: int) -> None:
    with path.open("wb", buffering=0) as file:
        block = bytes(BUFFER)
        for _ in range(size // BUFFER + 1):
            file.write(block)
    os.sync()  # no earlier write is then paid for by the next measurement
    path.unlink()


def _upload(caller: Caller, signed: SignedSlip, envelope: Path) -> float:
    started = time.perf_counter()
    opened = caller.post("/v1/uploads", signed.head, SUBMISSION_MEDIA_TYPE)
    path = opened.headers["location"]
    size = envelope.stat().st_size
    with _connected(caller) as connection, envelope.open("rb") as file:
        more = {
            "Content-Type": CHUNK_MEDIA_TYPE,
            "Content-Length": str(size),
            "Upload-Offset": "0",
        }
        connection.sendall(_head(caller, "PATCH", path, more))
        connection.sendfile(file)
        status, _, _ = _answer(connection)
    if status != 201:
        raise RuntimeError(f"the upload was answered {status}")
    return time.perf_counter() - started


def _download(caller: Caller, path: str, target: Path, size: int) -> float:
    started = time.perf_counter()
    with _connected(caller) as connection, target.open("wb", buffering=0) as file:
        connection.sendall(_head(caller, "GET", path, {"Range": "bytes=0-"}))
        status, _, first = _answer(connection)
        received = file.write(first)
        buffer = memoryview(bytearray(BUFFER))
        while received < size:
            count = connection.recv_into(buffer)
            if not count:
                break
            received += file.write(buffer[:count])
        os.fsync(file.fileno())
    if (status, received) != (206, size):
        raise RuntimeError(f"answered {status}, {received} of {size} bytes")
    return time.perf_counter() - started


def _connected(caller: Caller) -> socket.socket:
    address = urlsplit(caller.issuer)
    return socket.create_connection((address.hostname, address.port), timeout=120)


def _head(caller: Caller, method: str, path: str, more: dict[str, str]) -> bytes:
    host = caller.issuer.removeprefix("http://")
    headers = {"Host": host, **caller.headers(method, path), **more}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _answer(connection: socket.socket) -> tuple[int, bytes, bytes]:
    """Read up to the end of the headers; returns status, headers, and what came of the body."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(BUFFER)
        if not piece:
            raise RuntimeError("the server hung up")
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head, body


def _print(size: int, spent: dict[str, list[float]]) -> None:
    rates = {name: size / statistics.median(seconds) / 1e6 for name, seconds in spent.items()}
    print(f"\n{size / 2**20:.0f} MiB, medians of {ROUNDS}, MB/s; load {os.getloadavg()[0]:.1f}")
    for name, words in (("up", "upload, durable, receipt signed"), ("down", "download to disk")):
        pairs = zip(spent[f"raw {name}"], spent[name], strict=True)
        share = statistics.median(bare / ours for bare, ours in pairs)
        verdict = "holds" if share >= SHARE_BAR else "FAILS"
        print(
            f"  {words:34} {rates[name]:6.0f}   bare socket {rates[f'raw {name}']:6.0f}   "
            f"{share:5.0%}   bar {SHARE_BAR:.0%}: {verdict}"
        )


def _print_memory() -> None:
    peaks = {name: size / 2**20 for name, size in of_service().peak_memory().items()}
    verdict = "holds" if max(peaks.values()) < MEMORY_BAR else "FAILS"
    shown = ", ".join(f"{name} {size:.0f}" for name, size in peaks.items())
    print(f"  peak memory, MiB: {shown}   bar {MEMORY_BAR}: {verdict}")


def _with_chiffre(running: Stage, folder: Path, plain: Path) -> None:
    text = folder / "text.txt"
    text.write_text("Ci-joint.", "utf-8")
    sent: dict[str, str] = {}

    def send() -> None:
        identity = ("--identity", running.identity(ADDRESSEE))
        options = ("--to", ORIGIN, "--level", "secret", "--attach", str(plain), str(text))
        sent.update(chiffre("en", "send", *identity, *options))

    def fetch() -> None:
        identity = ("--identity", running.identity(ORIGIN))
        received = str(folder / "deciphered")
        chiffre("en", "fetch", *identity, sent["id"], "--decipher", "-o", received)

    size = plain.stat().st_size / 1e6
    for name, act in (("chiffre send", send), ("chiffre fetch --decipher", fetch)):
        print(f"  for information: {name:26} {size / _timed(act):6.0f} MB/s")


def _timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
