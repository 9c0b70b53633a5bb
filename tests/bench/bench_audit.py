"""What the log costs: entries a second in group commits against one durable commit each.

    python -m tests.bench.bench_audit [--entries 20000] [--questions 1000000]

With `--questions` it fills a log with so many made-up entries and times each question of auditors
(`audit.questions`, `audit.inquiry`) instead. Otherwise both run on the embedded database,
synchronous=FULL, in one process and one run; the processor time is that of the registrar's process
alone, commit and signed head included.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, insert

from cipher_service.audit import inquiry
from cipher_service.audit.closing import close_intents
from cipher_service.audit.heads import sign_head
from cipher_service.audit.ledger import append
from cipher_service.audit.questions import READINGS, Wanted, every
from cipher_service.audit.records import DONE, REFUSED, Event
from cipher_service.storage.engine import open_engine
from cipher_service.storage.migrations import upgrade
from cipher_service.storage.tables.audit import audit_entry, audit_log
from cipher_service.storage.tables.dispatches import dispatch
from cipher_service.storage.unit_of_work import reading, unit_of_work
from cipher_service.storage.writer import BATCH
from keys.custody import no_secret, open_custodian
from tests.support.ministry import Ministry

ORIGIN = "minrex.example/audit"
QUESTION_SECONDS = 2.0
"""What an auditor's question on a million entries may take."""
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


def fill(engine: Engine, count: int) -> None:
    """Write made-up entries of 40 officers and 20 posts over 300 days, without their tree."""
    actions = ("dispatch_open", "admit", "mark_fetched", "submit", "issue_token", "bureau_send")
    start_us = 1_750_000_000_000_000
    step_us = 300 * 86_400 * 1_000_000 // count
    for first in range(0, count, 20_000):
        rows = []
        for seq in range(first, min(first + 20_000, count)):
            event = Event(
                start_us + seq * step_us,
                f"OFF-{seq % 40:06}" if seq // 6 % 2 else f"POST-{seq % 20}",
                actions[seq // 3 % len(actions)],
                REFUSED if seq % 50 == 0 else DONE,
                resource=f"01KAMV{seq // 9:020}",
                mandate=f"M-{seq % 7:06}" if seq % 11 == 0 else None,
            )
            rows.append(
                {
                    "seq": seq,
                    "time_us": event.time_us,
                    "actor": event.actor,
                    "action": event.action,
                    "resource": event.resource,
                    "outcome": event.outcome,
                    "mandate": event.mandate,
                    "record": event.encode(seq),
                    "salt": bytes(32),
                    "entry": bytes(32),
                }
            )
        with unit_of_work(engine) as connection:
            connection.execute(insert(audit_entry), rows)
    with unit_of_work(engine) as connection:
        connection.execute(insert(audit_log).values(origin=ORIGIN, size=count, peaks=b""))


def register(engine: Engine, folder: Path, count: int) -> None:
    """Enter the dispatches that the entries are about, of four levels in turn."""
    card = Ministry(engine, folder).card_of("PARIS").fingerprint
    levels = ("DIFFUSION-RESTREINTE", "CONFIDENTIEL", "SECRET", "TRES-SECRET")
    rows = [
        {
            "dispatch_id": f"01KAMV{number:020}",
            "origin": "PARIS",
            "origin_card": card,
            "kind": "telegram",
            "level": levels[number % len(levels)],
            "caveats": "[]",
            "dtg": "2025-09-01T00:00:00Z",
            "sha256": f"{number:064x}",
            "size": 4096,
            "received_at": "2025-09-01T00:00:00Z",
            "register_year": 2025,
            "register_number": number + 1,
        }
        for number in range(count)
    ]
    with unit_of_work(engine) as connection:
        connection.execute(insert(dispatch), rows)


def time_questions(count: int) -> None:
    """Time each question on a log of `count` entries; the longest answers have 1,000 lines."""
    day = datetime(2025, 9, 1, tzinfo=UTC)
    end = day + timedelta(days=30)
    secret = ("SECRET", "TRES-SECRET")
    wanted = {
        "who read a thing": Wanted(resource=f"01KAMV{count // 20:020}", actions=READINGS),
        "reads of a person in a month": Wanted(
            actor="OFF-000007", actions=READINGS, since=day, until=end
        ),
        "reads above a level, outside hours": Wanted(
            actions=READINGS, levels=secret, outside_hours=True
        ),
        "reads outside hours": Wanted(actions=READINGS, outside_hours=True),
        "acts under a mandate": Wanted(mandate="M-000003"),
        "refusals of a person": Wanted(actor="OFF-000007", outcomes=(REFUSED,)),
        "refusals in a month": Wanted(outcomes=(REFUSED,), since=day, until=end),
        "what never happened": Wanted(actor="OFF-000007", actions=("bureau_seal",)),
        "contradictions": Wanted(actions=("log_heard",)),
    }
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        engine = open_engine(f"sqlite:///{folder}/questions.db")
        upgrade(engine)
        register(engine, Path(folder), count // 9)
        fill(engine, count)
        with reading(engine) as connection:
            for name, each in wanted.items():
                report(name, lambda each=each: len(every(connection, each, 1000)))  # type: ignore[misc]  # a bound default
            report("holes in numbering or clock", lambda: len(inquiry.holes(connection)))
            report("acts after leaving", lambda: len(inquiry.after_leaving(connection)))
            report("grants on a day", lambda: len(inquiry.grants_on(connection, day)))
        with unit_of_work(engine) as connection:
            report("closing intents at start", lambda: close_intents(connection, ORIGIN, day))
        engine.dispose()


def report(name: str, ask: Callable[[], int]) -> None:
    """Print how many lines a question gave and how long it took."""
    start, busy = time.perf_counter(), time.process_time()
    lines = ask()
    seconds, worked = time.perf_counter() - start, time.process_time() - busy
    verdict = "holds" if seconds < QUESTION_SECONDS else "FAILS"
    print(
        f"{name:<36} {lines:>5} lines {seconds:>8.3f} s, processor {worked:>6.3f} s   "
        f"bar {QUESTION_SECONDS:.1f} s: {verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=0)
    options = parser.parse_args()
    if options.questions:
        time_questions(options.questions)
        return
    entries: int = options.entries
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
