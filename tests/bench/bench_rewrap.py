"""Rerouting a large dispatch: `python -m tests.bench.bench_rewrap [MIB]`.

Three figures of one run, each the least of three: the new header alone (what a store pays that
keeps headers beside payloads; bar: under a second for 1 GiB), the whole file copied by the kernel,
and `cp` of the same file, flushed, as the ceiling of this disk.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from keys.dispatch import Attachment, Destination, encipher
from keys.manifest import Series
from keys.rewrapping import Rerouted, reroute, write_rerouted
from tests.vectors.forge import NOW, heading, identity

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
    verdict = "holds" if header < BAR else "DOES NOT HOLD"
    print(f"{mebibytes} MiB: the new header alone {header * 1000:.1f} ms (bar 1 s: {verdict})")
    print(
        f"{mebibytes} MiB: a whole new file, flushed {whole:.2f} s; "
        f"cp and sync {copied:.2f} s; ratio {whole / copied:.2f}"
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
