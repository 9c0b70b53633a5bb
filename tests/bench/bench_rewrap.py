"""Rerouting a large dispatch: `python -m tests.bench.bench_rewrap [MIB]`.

Figures of one run, each the least of three: the new header alone (bar: under a second for 1 GiB);
the whole file copied by the kernel, beside `cp` of the same file, flushed; and headquarters' bureau
rerouting it through its service, numbers, log and receipt included, beside one SHA-256 of the same
bytes: the new slip names the hash of the whole envelope, so that the payload is read once.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.dispatches.bureau import HeadquartersBureau, People
from cipher_service.references import new_id
from cipher_service.storage import migrations
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.engine import open_engine
from keys.dispatch import Attachment, Destination, encipher
from keys.manifest import COPY, Heading, Label, Series
from keys.rewrapping import Rerouted, reroute, write_rerouted
from tests.support.ministry import HEADQUARTERS, Ministry, post_keys
from tests.vectors.forge import NOW, heading, identity

PEOPLE = People("A. Ndongo", "SG")
MINREX, PARIS, LOME = map(identity, ("MINREX", "PARIS", "LOME"))
RUNS = 3
BAR = 1.0  # seconds


def main() -> None:
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    with tempfile.TemporaryDirectory() as folder:
        source = _dispatch(Path(folder), mebibytes)
        target = Path(folder) / "out.age"
        header = _least(lambda: _header(source))
        whole = _least(lambda: write_rerouted(_header(source), source, target), target)
        copied = _least(lambda: _cp(source, target), target)
        target.unlink()
        bureau, dispatch_id = _ministry(Path(folder), source)
        source.unlink()
        through = _least(lambda: _reroute(bureau, dispatch_id))
        hashed = _least(lambda: _hash(bureau.blobs))
        files = len(list(bureau.blobs.stored()))
    verdict = "holds" if header < BAR else "DOES NOT HOLD"
    print(f"{mebibytes} MiB: the new header alone {header * 1000:.1f} ms (bar 1 s: {verdict})")
    print(
        f"{mebibytes} MiB: a whole new file, flushed {whole:.2f} s; "
        f"cp and sync {copied:.2f} s; ratio {whole / copied:.2f}"
    )
    print(
        f"{mebibytes} MiB: through the service {through:.2f} s; one SHA-256 of it {hashed:.2f} s; "
        f"ratio {through / hashed:.2f}; {files} file of bodies after {RUNS} reroutings"
    )


def _dispatch(folder: Path, mebibytes: int) -> Path:
    part, path = folder / "piece", folder / "in.age"
    with part.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(1 << 20))
    with path.open("wb") as sink:
        to = [Destination(PARIS.card, "ROUTINE", Series(202600, 1))]
        to.append(Destination(MINREX.card, "ROUTINE", None, "copy"))
        encipher(heading(), to, b"", [Attachment("piece", part)], signer=MINREX, sink=sink)
    part.unlink()
    return path


def _ministry(folder: Path, source: Path) -> tuple[HeadquartersBureau, str]:
    """A service whose headquarters sent that very file to a post, with a copy of its own."""
    engine = open_engine(f"sqlite:///{folder / 'ministry.db'}")
    migrations.upgrade(engine)
    on = Ministry(engine, folder)
    journal = Journal(engine, "bench.example/log", "account/bench")
    bureau = HeadquartersBureau(engine, on.blobs, on.custodian, HEADQUARTERS, journal)
    now = clock.now().replace(microsecond=0)
    label = Label(on.scheme.policy, "SECRET", (), (), None)
    to = [
        Destination(post_keys("PARIS").card, "ROUTINE", None),
        Destination(bureau.card, "ROUTINE", None, COPY),
    ]
    subject = Heading(
        id=new_id(now), kind="telegram", label=label, dtg=now, created=now, subject=""
    )
    attached = [Attachment("piece", source)]
    return bureau, bureau.send(subject, to, b"", attached, PEOPLE).slip.dispatch_id


def _reroute(bureau: HeadquartersBureau, dispatch_id: str) -> None:
    to = [Destination(post_keys("LOME").card, "ROUTINE", None)]
    bureau.reroute(dispatch_id, to, "Mesure", PEOPLE)


def _hash(blobs: Blobs) -> None:
    with blobs.path(next(blobs.stored())).open("rb") as file:
        hashlib.file_digest(file, "sha256")


def _header(source: Path) -> Rerouted:
    with source.open("rb") as file:
        return reroute(
            file,
            [Destination(LOME.card, "ROUTINE", Series(202600, 1))],
            opener=MINREX,
            signer=MINREX,
            find_sender={MINREX.card.fingerprint: MINREX.card}.get,
            created=NOW,
            reason="Mesure",
        )


def _cp(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--reflink=never", source, target], check=True)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _least(work: Callable[[], object], product: Path | None = None) -> float:
    times = []
    for _ in range(RUNS):
        if product is not None:
            product.unlink(missing_ok=True)
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
