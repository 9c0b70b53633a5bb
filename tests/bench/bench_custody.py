"""What the custodian's demands cost: authorised openings a second, against the same work bare.

    python -m tests.bench.bench_custody [--dispatches 200]

All in one run on one machine, one caller, each opening granted by an officer's session and proved
by a logged intent:

- bare: HPKE, manifest, grant and proof checked in this process, warrants ready;
- worker: the same through the custodian's process and its socket;
- service: the same again with what the service does for each: the intent committed, the log's head
  signed, the proof made, the outcome committed (embedded database, synchronous=FULL).
"""

import argparse
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cipher_service.audit.journal import Journal
from cipher_service.audit.warrants import Session, WarrantedCustodian
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from keys.age.header import Header
from keys.custody import Bureau, Custodian, found, no_secret, open_custodian, read_credential
from keys.custody.bureau_opening import PREFIX_BYTES
from keys.custody.core import Custody
from keys.custody.roll_file import RollFile
from keys.custody.store import open_store
from keys.dispatch import Destination, encipher
from keys.manifest import Heading, Label, Series
from tests.support.intents import ORIGIN, IntentLog, grant_of, granted
from tests.support.officers import CLERK, Ministry, found_ministry, whole_now

Sealed = tuple[str, bytes, bytes]


def sealed_dispatches(custodian: Custodian, count: int) -> list[Sealed]:
    """Dispatches of CONFIDENTIEL to the bureau: number, header, beginning of the payload."""
    now = datetime.now(UTC).replace(microsecond=0)
    sender = Custody.generate("PARIS", valid_from=now, valid_until=now + timedelta(days=9))
    made = []
    for place in range(count):
        number = f"01KAMV6R8P3ZDFWQ5XJ9{place:06d}"
        heading = Heading(
            id=number,
            kind="telegram",
            label=Label("CMR", "CONFIDENTIEL"),
            dtg=now,
            created=now,
            subject="Visite",
        )
        to = [Destination(custodian.card(), "ROUTINE", Series(202600, place + 1))]
        sink = io.BytesIO()
        encipher(heading, to, b"Bonjour.\n" * 200, signer=Bureau(sender), sink=sink)
        data = sink.getvalue()
        header = Header.parse(io.BytesIO(data)).encode()
        made.append((number, header, data[len(header) :][:PREFIX_BYTES]))
    return made


def ready(custodian: Custodian, ministry: Ministry, sealed: Sequence[Sealed]) -> list[bytes]:
    """A warrant for each, all proved under one head."""
    token = granted(ministry, custodian, grant_of(CLERK, uses=500))
    log = IntentLog(custodian)
    for number, *arguments in sealed[:-1]:
        log.intend("open_file_key", tuple(arguments), number, CLERK)
    number, *arguments = sealed[-1]
    log.warrant("open_file_key", tuple(arguments), number, actor=CLERK, grant=token)
    return [
        log.warrant("open_file_key", tuple(rest), name, actor=CLERK, grant=token)
        for name, *rest in sealed
    ]


def timed(act: Callable[[int], object], count: int) -> float:
    """Seconds for one act."""
    start = time.perf_counter()
    for place in range(count):
        act(place)
    return (time.perf_counter() - start) / count


def main() -> None:
    """Run all three and print them with their shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dispatches", type=int, default=200)
    count: int = parser.parse_args().dispatches
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        now = datetime.now(UTC).replace(microsecond=0)
        ministry = found_ministry(whole_now())
        places = {}
        for name in ("bare", "worker", "service"):
            store, credential = folder / name, folder / f"{name}.credential"
            found(store, credential, "MINREX", now, now + timedelta(days=9))
            RollFile(store, read_credential(credential)).write(ministry.roll)
            places[name] = (store, credential)
        bare = open_store(places["bare"][0], read_credential(places["bare"][1]))
        sealed = sealed_dispatches(bare, count)
        warrants = ready(bare, ministry, sealed)
        alone = timed(lambda place: bare.open_file_key(*sealed[place][1:], warrants[place]), count)
        print(f"bare      {1 / alone:9.0f} openings a second  {alone * 1e6:8.0f} us each")
        for name in ("worker", "service"):
            store, credential = places[name]
            socket = folder / f"{name}.sock"
            command = [sys.executable, "-m", "keys.custody.worker", "--store", str(store)]
            command += ["--credential", str(credential), "--socket", str(socket)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                process.stdout.readline()
                each = measure(name, folder, open_custodian(f"worker:{socket}", no_secret),
                               ministry, count)  # fmt: skip
                process.terminate()
            share = f"{alone / each:6.1%} of bare"
            added = f"{(each - alone) * 1e6:8.0f} us added"
            print(f"{name:9} {1 / each:9.0f} openings a second  {share}  {added}")


def measure(name: str, folder: Path, custodian: Custodian, ministry: Ministry, count: int) -> float:
    """Seconds for one opening through a worker, with ready warrants or with the service's."""
    sealed = sealed_dispatches(custodian, count)
    if name == "worker":
        warrants = ready(custodian, ministry, sealed)
        return timed(
            lambda place: custodian.open_file_key(*sealed[place][1:], warrants[place]), count
        )
    engine = open_engine(f"sqlite:///{folder / 'ministry.db'}")
    migrations.upgrade(engine)
    with Journal(engine, ORIGIN, "account/bench").act("begin"):
        pass
    token = granted(ministry, custodian, grant_of(CLERK, uses=500))
    asking = WarrantedCustodian(
        custodian, engine, ORIGIN, "account/bench", Session(CLERK, {"open": token})
    )
    try:
        return timed(lambda place: asking.open_file_key(*sealed[place][1:]), count)
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()
