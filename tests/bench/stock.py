"""Real submissions made beforehand, so that only the server works while it is measured.

An envelope takes its sender about two milliseconds (two signatures and their verification), so the
stock is made once, by two processes. A proof of possession lives a minute: the requests are
addressed, each with its own fresh proof, right before the round that sends them.

A file of records: 8 decimal digits of length, then that many bytes, again and again.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

from cipher_service import clock
from cipher_service.client.transport_tokens import proof
from cipher_service.references import new_id, series_epoch
from cipher_service.wire.dispatches import SUBMISSION_MEDIA_TYPE
from keys.cards import Card, read_card
from keys.dispatch import Attachment, Destination, DigestingSink, encipher
from keys.identity import Identity, load_identity
from keys.jws import ApiKey
from keys.manifest import Heading, Label, Series
from keys.signing import SLIP
from keys.slip_agreement import slip_for
from keys.slips import SignedSlip, sign_slip
from tests.bench.caller import Caller

PROCESSES = 2
DIGITS = 8


@dataclass(frozen=True)
class Correspondence:
    """Who writes to whom: a post's identity folder, the addressee's card, the service's address."""

    identity: str
    addressee: bytes
    issuer: str


def make_stock(
    correspondence: Correspondence, folder: Path, first: int, count: int, size: int
) -> list[Path]:
    """Encipher `count` dispatches of `size` bytes, numbered from `first`, into files."""
    starts = range(first, first + PROCESSES)
    paths = [folder / f"stock-{start}" for start in starts]
    work = [
        (correspondence, path, range(start, first + count, PROCESSES), size)
        for path, start in zip(paths, starts, strict=True)
    ]
    _side_by_side(_make, work)
    return paths


def address(correspondence: Correspondence, stock: list[Path], caller: Caller, target: Path) -> int:
    """Write the stock as raw HTTP requests, each with its own proof; returns how many.

    They follow each other as they were made, which is how they would arrive: their ids and the
    names of their proofs begin with that time.
    """
    work = [(correspondence, path, caller.key.private_bytes(), caller.token) for path in stock]
    counts = _side_by_side(_address, work)
    parts = [path.with_suffix(".requests") for path in stock]
    with ExitStack() as files, target.open("wb") as sink:
        sources = [records(files.enter_context(part.open("rb"))) for part in parts]
        for turn in zip(*sources, strict=True):
            for request in turn:
                _write_record(sink, request)
    for path in (*parts, *stock):
        path.unlink()
    return sum(counts)


def make_one(
    identity: Identity,
    addressee: Card,
    number: int,
    message: bytes,
    sink: BinaryIO,
    attachments: list[Attachment],
) -> SignedSlip:
    """Encipher one dispatch into `sink` and return its signed slip."""
    now = clock.now().replace(microsecond=0)
    heading = Heading(
        id=new_id(clock.now()),
        kind="telegram",
        label=Label("MINREX", "SECRET"),
        dtg=now,
        created=now,
    )
    digest = hashlib.sha256()
    done = encipher(
        heading,
        [Destination(addressee, "ROUTINE", Series(series_epoch(now.year), number))],
        message,
        attachments,
        signer=identity,
        sink=DigestingSink(sink, digest),
    )
    slip = slip_for(done.manifest, envelope_sha256=digest.hexdigest(), envelope_size=done.size)
    return sign_slip(slip, lambda data: identity.signing_key.sign_ed25519(SLIP, data))


def _make(correspondence: Correspondence, path: Path, numbers: range, size: int) -> int:
    identity = load_identity(Path(correspondence.identity), bytes)
    addressee = read_card(correspondence.addressee)
    with path.open("wb") as sink:
        for number in numbers:
            envelope = io.BytesIO()
            signed = make_one(identity, addressee, number, os.urandom(size), envelope, [])
            _write_record(sink, signed.head + envelope.getvalue())
    return len(numbers)


def _address(correspondence: Correspondence, path: Path, private: bytes, token: str) -> int:
    key = ApiKey.from_private_bytes(private)
    url = f"{correspondence.issuer}/v1/dispatches"
    host = correspondence.issuer.removeprefix("http://")
    count = 0
    with path.open("rb") as source, path.with_suffix(".requests").open("wb") as sink:
        for body in records(source):
            fresh = proof(key, method="POST", url=url, at=clock.now(), token=token)
            head = (
                f"POST /v1/dispatches HTTP/1.1\r\nHost: {host}\r\n"
                f"Authorization: DPoP {token}\r\nDPoP: {fresh}\r\n"
                f"Content-Type: {SUBMISSION_MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            _write_record(sink, head.encode("ascii") + body)
            count += 1
    return count


def records(source: BinaryIO) -> Iterator[bytes]:
    """Give the records of a file."""
    while length := source.read(DIGITS):
        yield source.read(int(length))


def _write_record(sink: BinaryIO, data: bytes) -> None:
    sink.write(b"%0*d" % (DIGITS, len(data)))
    sink.write(data)


def _side_by_side(work: Callable[..., int], arguments: Sequence[tuple[object, ...]]) -> list[int]:
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        return [future.result() for future in [pool.submit(work, *each) for each in arguments]]
