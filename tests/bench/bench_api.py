"""The service's figures: `python tests/bench/bench_api.py`.

Everything is real: a founded ministry, `serve` on SQLite with two API processes, posts that
enrolled, envelopes of `chiffre`, a fresh proof on each request. Contenders take turns (A, B, C, A,
B, C, ...) and the ratios are medians over the rounds, since a shared machine changes from one
minute to the next.

* submissions: a sealed 4 KiB dispatch to one post, numbered, stored, its signed receipt given once
  it is durable; 32 clients; against OpenBao's durable kv-v2 write of as many bytes, and against a
  bare hello of FastAPI behind this server's own border;
* transfers: 1 GiB through the resumable upload, and back; against a bare socket written to disk.

wrk is the clients, and shares the machine's cores with the server that it measures: its own work
took 48 microseconds of CPU for each submission while it read the requests from a file between
them and looked at each answer, some 15 less since it does neither (28 November 2026). Each round
is counted in the ministry's database instead, and in OpenBao's audit.

Where a submission's 0.82 ms of CPU go (26 November 2026, 10,000 submissions on a nearly quiet
machine, before the signature of a commit and its log entries went side by side): 432 microseconds
in the API processes, 297 in the registrar, 91 in the custodian. By what executes (perf, 4,000 on a
busy machine, shares of each process):

    API processes                  registrar                         custodian
      47 %  Python                   47 %  Python                      71 %  ML-DSA-65 and -44
      15 %  ES256 of the proof       23 %  kernel: log, flush, socket  17 %  Python
      12 %  Ed25519 of the slip      14 %  SQLite                      12 %  the rest
       7 %  kernel: sockets          12 %  copies and memory
       7 %  copies and memory         4 %  the rest
      12 %  base64, hashes, loop,
            parser, CBOR

By what is done (py-spy, a day earlier, event loop and sockets apart):

    an API process                        the registrar
      27 %  token and proof                 30 %  receipts (a third of it asking the custodian)
      17 %  judging the slip                27 %  COMMIT: write-ahead log, flush, checkpoints
      16 %  sending the answer              26 %  the commands: proofs, rows, addressees
      15 %  hash and header of the envelope 13 %  the audit log
      11 %  the registrar's call             4 %  the rest
       8 %  reading the slip strictly
       6 %  the rest

Signatures are 0.2 ms of it whatever else becomes faster. About 14 submissions share a commit.

What those cost that none of this takes away, each alone in a loop (thread time, 26 November 2026):
ES256 of the proof 62 microseconds, Ed25519 of the slip 55, SHA-256 of 15 kB 9; ML-DSA-65 of a
commit 0.9 milliseconds in the median and 2.1 on average, which 14 submissions share. A commit of
14 submissions writes 65 pages of 8 KiB to SQLite's log (28 November 2026): 27 are their envelopes,
4 the places of their proofs among the used ones, 34 everything else. It was 82 for 15 while this
bench gave all proofs of a round one instant and sent the second half of their numbers behind the
first: the names of proofs and dispatches begin with their time, so that neighbours share a page.

Tried, and left:

* waiting for more submissions before a commit: all 32 in one commit take a fifth less processor
  time (837 microseconds for 1,060 on a busy machine), but then one core waits while the registrar
  works. A model of both cores by the times above gives 1,832 submissions a second as it is, and
  1,497 to 1,747 with any wait;
* one API process instead of two: 0.99 of the submissions in the mean of 15 rounds in turn, with
  0.04 of doubt, and a tenth less or no less processor time;
* Ed25519 by OpenSSL: 104 microseconds instead of 55;
* SQLite's page of 4 or 16 KiB instead of 8: 394 and 412 microseconds of the registrar's thread for
  each submission against 380, means of three rounds in turn, the registrar's work alone in a loop;
* Debian's own build of Python 3.11 instead of one without its optimisations: 3 % less in the
  registrar and in the API, within what rounds differ by;
* the custodian's signature begun before the rows are written, and batches on a thread of their own
  beside the event loop: no faster, 1,555 to 1,724 a second against 1,460 to 1,693 in turn;
* at most 8, 12, 16 or 24 submissions in a commit: 8 and 12 are slower, the others alike;
* API processes at a lower priority, or the registrar at a higher one: nothing;
* BEGIN by the driver, past SQLAlchemy: what it raises there would come to callers unnamed.

What is left in that loop, of 330 microseconds of a registrar's thread: 64 in six INSERTs of many
rows (audit_entry 19, addressee 16, envelope 10, receipt 8, replay 6, dispatch 5), 57 in COMMIT, the
rest in Python. By table, a commit of 15 in a young database writes 30 pages of envelopes, 10 of the
log's entries and their six orders, 7 of addressees and theirs, 5 of receipts and 2 of their seal, 4
of dispatches, 4 of used proofs. With 150,000 used proofs their INSERT took 11 microseconds instead
of 6 and wrote 13 pages instead of 4; since a proof's name begins with its time (27 November 2026),
those of one moment share a page. SQLite alone, 15 proofs and 15 envelopes of this size in a commit,
took 12 microseconds less of its thread for each in the mean of six pairs in turn (7.6 to 19.7).

Where the time of both cores goes that nobody uses (perf sched, 27 November 2026): for a quarter of
it one core has nothing to do while a process, the registrar more often than not, waits behind
another on the other core; Linux leaves it there. With registrar and custodian on one core and the
API on the other, rounds in turn gave 1,928, 2,066, 1,874 and 1,693 against 1,735, 1,439, 1,776 and
1,414, and a p99 of 30 milliseconds for 45; in an hour in which the machine was a third slower,
1,240 against 1,240 in the median of six. Not done: it would take half of the API's processor from
those who read, and one core for every ministry that a machine serves. In another hour, with the
registrar alone or with the custodian on one core, six rounds in turn showed no difference.

Scheduling without cores: API processes alone under SCHED_BATCH, which then never take a core from
whoever runs there, 26 pairs: 3.4 % more in the mean, with 1.9 % of doubt. Registrar and custodian
with slices of 0.1 ms besides (sched_setattr(2)), 12 pairs: 1 % more, with 5 % of doubt. All
processes under SCHED_BATCH (28 November 2026, 12 rounds in turn): 11 % more in the mean, 7 % in
the median, with 4.5 % of doubt, and a p99 of 36 milliseconds for 44; so it is since
(`cipher_service.app.turns`). The bare hello gains 5 % by it, with 2.5 % of doubt, and has it too.

Tried again in pairs (28 November 2026): registrar and custodian on one core and the API on the
other, 1.02 of the submissions in the mean of four; room for a whole turn's submissions in the
socket to the registrar, which else takes 13 at once, no difference that 17 pairs could show;
fdatasync(2) instead of SQLite's fsync(2) after overwriting 80 pages, 0.5 ms each; each API process
on a core of its own, with registrar and custodian free or on one each: 0.98 and 0.90 of seven;
a checkpoint after 64 or 120 commits instead of 16, no less CPU and no difference in eight.

What waiting for the disk costs (28 November 2026, pairs in a slow hour): without any flush 1.19 of
the submissions, with 0.06 of doubt; without those of the checkpoints' thread alone 1.17, with 0.06;
with fdatasync(2) for each fsync(2) 1.06, with 0.033. A commit's flush took 0.7 ms in the median and
1.4 on average. Neither of the first two is durable, and SQLite's build decides on the third.

What the pool of connections cost (28 November 2026): it gave them in turn, so that a commit of 14
found a connection whose pages others had made worthless, and read 55 anew; 23,322 reads of pages
for 4,000 submissions, 10,219 since a writer keeps its connection (`storage.engine`), all of them
the checkpoints'. With that, transactions begun past SQLAlchemy's execution and rows given without
a look for literals, the registrar's work alone in a loop takes 8 % less of its thread, and of two
runs of 20 rounds in one slow hour the one before was 0.097 of the hello, the one after 0.109.

Flushing beside the next commit (28 November 2026; SQLite with synchronous=NORMAL, the log flushed
by fdatasync(2) on a thread, answers after it): the registrar's part of a commit falls from 9.2 to
7.7 ms, commits get smaller, from 13.9 to 12.7 submissions, and as many idle moments are left: 0.97
of the submissions in eight rounds in turn, with 0.05 of doubt; answered by that thread itself, the
same within what rounds differ by. Waiting a millisecond for more, up to 20 or 24 of 32, with and
without it: nothing. The custodian alone under SCHED_OTHER: 1.02 of twelve, with 0.03 of doubt.

Where the envelopes lie (28 November 2026, eight rounds in turn in a fast hour): with none of their
bytes in the database 1.07 of the submissions in the mean, with 0.04 of doubt, 1.04 in the median;
with their bytes in one growing file, flushed on a thread beside the rows, 1.03, with 0.06. Not
done. What a commit costs however few share it: some 2 ms of the registrar's thread and 2 of the
custodian; a fifth of the cores' time is idle, as it was.

On a quiet machine 0.23 ms of the two cores' time for each submission stood idle besides: all 32
clients waited whenever a commit had SQLite's checkpoint inside it. Since checkpoints are made
beside the commits (`storage.checkpoints`), rounds in turn on a busy machine were 4 to 12 % faster
in the median, at no less CPU.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from cipher_service.administration.stage import Stage, stage
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.dispatches import dispatch
from cipher_service.storage.unit_of_work import reading
from tests.bench import load
from tests.bench.bulk import transfers
from tests.bench.caller import Caller
from tests.bench.hello import hello
from tests.bench.load import Run, median, ratio
from tests.bench.openbao import OpenBao, openbao, script
from tests.bench.processes import Processes, of_service
from tests.bench.stock import DIGITS, Correspondence, address, make_stock, records

POST = "PARIS"
DISPATCH_BYTES = 4096
OPENBAO_BAR, HELLO_BAR = 2.0, 0.10
_CORES = os.cpu_count() or 1
_PATIENCE = 10.0


@dataclass(frozen=True)
class Plan:
    """How long the submissions' part takes."""

    rounds: int
    dispatches: int
    seconds: int


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the service against its peers.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dispatches", type=int, default=8000, help="in each round")
    parser.add_argument("--seconds", type=int, default=4, help="of each peer in each round")
    parser.add_argument("--mebibytes", type=int, default=1024, help="of the transfers")
    parser.add_argument("--only", choices=("submissions", "transfers"))
    parser.add_argument("--folder", help="on the disk to be measured; default: the temporary one")
    arguments = parser.parse_args()
    if load.wrk_is_missing():
        print("wrk is missing: on Debian, apt-get install wrk", file=sys.stderr)
        raise SystemExit(3)
    with tempfile.TemporaryDirectory(prefix="bench-api-", dir=arguments.folder) as name:
        folder = Path(name)
        with stage(folder / "ministry", "en", workers=2) as running:
            running.enrol(POST)
            if arguments.only != "transfers":
                plan = Plan(arguments.rounds, arguments.dispatches, arguments.seconds)
                submissions(running, folder, plan)
            if arguments.only != "submissions":
                transfers(running, folder, arguments.mebibytes)


def submissions(running: Stage, folder: Path, plan: Plan) -> None:
    """Print the submissions' table."""
    correspondence = Correspondence(
        running.identity(POST), running.founding.card.to_bytes(), running.settings.issuer
    )
    print(f"making {plan.rounds} x {plan.dispatches} dispatches ...", flush=True)
    stocks = [
        make_stock(
            correspondence, folder, 1 + plan.dispatches * at, plan.dispatches, DISPATCH_BYTES
        )
        for at in range(plan.rounds)
    ]
    with stocks[0][0].open("rb") as file:
        size = len(next(records(file)))
    service = of_service()
    ours, theirs, bare = [], [], []
    spent = dict.fromkeys(service.cpu_seconds(), 0.0)
    with openbao(folder / "openbao") as bao, hello() as greeting:
        for stock in stocks:
            before = service.cpu_seconds()
            ours.append(_submit(running, correspondence, stock, folder))
            for name, seconds in service.cpu_seconds().items():
                spent[name] += seconds - before[name]
            theirs.append(_write(bao, size, plan.seconds, folder))
            bare.append(load.get(greeting, plan.seconds, folder))
        _print_rates(median(ours), median(theirs), median(bare), size, bao.version)
    _print_ratio("OpenBao", ratio(ours, theirs), OPENBAO_BAR)
    _print_ratio("bare hello", ratio(ours, bare), HELLO_BAR)
    _print_cpu(spent, sum(run.requests for run in ours), service)


def _submit(running: Stage, correspondence: Correspondence, stock: list[Path], folder: Path) -> Run:
    caller = Caller(correspondence.identity, correspondence.issuer)
    requests = folder / "requests"
    sent = address(correspondence, stock, caller, requests)
    before = _recorded(running)
    try:
        run = load.stream(correspondence.issuer, requests, DIGITS, folder)
    finally:
        requests.unlink()
    _await(lambda: _recorded(running) - before, run.requests, sent)
    return run


def _await(recorded: Callable[[], int], answered: int, sent: int) -> None:
    """Wait for those under way at the end; each that was answered was recorded, and once.

    wrk hangs up with its last request: what the server had not read by then, it gives up.
    """
    end = time.monotonic() + _PATIENCE
    while (found := recorded()) != sent:
        late = time.monotonic() > end
        if found > sent or (late and found < answered):
            raise RuntimeError(f"{found} of {sent} requests were recorded, {answered} answered")
        if late:
            return
        time.sleep(0.1)


def _recorded(running: Stage) -> int:
    engine = open_existing(running.settings.database)
    with reading(engine) as connection:
        recorded = connection.scalar(select(func.count()).select_from(dispatch))
    engine.dispose()
    return recorded or 0


def _write(bao: OpenBao, size: int, seconds: int, folder: Path) -> Run:
    before = bao.accepted()
    run = load.repeat(bao.address, script(bao.token, size), seconds, folder)
    accepted = bao.accepted() - before
    if not run.requests <= accepted <= run.requests + load.CLIENTS:
        raise RuntimeError(f"{accepted} of {run.requests} requests were accepted")
    return run


def _print_rates(ours: Run, theirs: Run, bare: Run, size: int, version: str) -> None:
    load1, load5, _ = os.getloadavg()
    print(
        f"\nSubmissions of {size} bytes, {load.CLIENTS} clients, medians; "
        f"{_CORES} cores, load {load1:.1f} ({load5:.1f} over 5 minutes)"
    )
    rows = (
        ("submission, durable, receipt signed", ours),
        (f"OpenBao {version}: kv-v2 write", theirs),
        ("bare hello of this server, 2 processes", bare),
    )
    for name, run in rows:
        print(f"  {name:38} {run.rate:8.0f}/s   p50 {run.p50:7.2f} ms   p99 {run.p99:7.2f} ms")


def _print_ratio(name: str, value: float, bar: float) -> None:
    verdict = "holds" if value >= bar else "FAILS"
    print(f"  submission / {name:25} {value:8.3f} x   bar {bar:.2f}: {verdict}")


def _print_cpu(spent: dict[str, float], dispatches: int, service: Processes) -> None:
    print("  CPU per dispatch, microseconds, and peak memory:")
    peaks = service.peak_memory()
    for name, seconds in spent.items():
        most = max(size for full, size in peaks.items() if full.partition(" ")[0] == name)
        print(f"    {name:12} {seconds / dispatches * 1e6:8.0f} us   {most / 2**20:6.0f} MiB")
    total = sum(spent.values()) / dispatches
    print(
        f"    {'together':12} {total * 1e6:8.0f} us   at most {_CORES / total:.0f}/s on these cores"
    )


if __name__ == "__main__":
    main()
