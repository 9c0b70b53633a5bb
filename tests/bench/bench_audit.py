"""What the log costs: entries a second in group commits against one durable commit each.

    python -m tests.bench.bench_audit [--entries 20000]

Both run on the embedded database, synchronous=FULL, in one process and one run; the processor time
is that of the registrar's process alone, commit and signed head included.
"""

import argparse
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine

from cipher_service.audit.heads import sign_head
from cipher_service.audit.ledger import append
from cipher_service.audit.records import DONE, Event
from cipher_service.storage.engine import open_engine
from cipher_service.storage.migrations import upgrade
from cipher_service.storage.unit_of_work import unit_of_work
from cipher_service.storage.writer import BATCH
from keys.custody import no_secret, open_custodian

ORIGIN = "minrex.example/audit"
CLIENT = "A" * 43


def write(engine: Engine, entries: int, batch: int) -> tuple[float, float]:
    """Append in commits of `batch`; gives seconds and processor seconds."""
    events = [
        Event(1_700_000_000_000_000 + n, "PARIS", "submit", DONE, CLIENT, f"01KAMV{n:020}")
        for n in range(entries)
    ]
    start, busy = time.perf_counter(), time.process_time()
    for first in range(0, entries, batch):
        with unit_of_work(engine) as connection:
            append(connection, ORIGIN, events[first : first + batch])
    return time.perf_counter() - start, time.process_time() - busy


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=20_000)
    entries: int = parser.parse_args().entries
    rates = {}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for batch in (1, BATCH):
            custodian = open_custodian("memory:", no_secret)
            engine = open_engine(f"sqlite:///{folder}/{batch}.db")
            upgrade(engine)
            count = entries if batch > 1 else entries // 10
            seconds, busy = write(engine, count, batch)
            start = time.perf_counter()
            sign_head(engine, custodian)
            signing = time.perf_counter() - start
            rates[batch] = count / seconds
            print(
                f"commits of {batch:>2}: {count / seconds:>8,.0f} entries/s, "
                f"{busy / count * 1e6:>5.0f} us of processor an entry, "
                f"signed head {signing * 1000:.1f} ms"
            )
            engine.dispose()
    print(f"a group commit of {BATCH} is {rates[BATCH] / rates[1]:.1f} times one commit each")


if __name__ == "__main__":
    main()
