"""The units: how much they expose by systemd's own count, and that the service lives inside them.

The exposure is read offline from the files. Living inside is tried for real, as far as
`confinement.py` says: the filters are those that systemd would load.
"""

import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keys.age.hybrid import HybridKey
from keys.custody import found, no_secret, open_custodian
from keys.custody.backups import make_backup_key
from keys.custody.parts import PartHead, admit
from keys.custody.shares import Holder

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
CUSTODIAN = UNITS / "cipher-custodian.service"
SERVICE = UNITS / "cipher-service.service"
CONFINEMENT = Path(__file__).with_name("confinement.py")
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


def _confined(unit: Path, *command: str) -> list[str]:
    return [sys.executable, str(CONFINEMENT), str(unit), *command]


def _try(unit: Path, code: str) -> str:
    command = _confined(unit, sys.executable, "-c", code)
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


# Tenths of systemd's exposure level, 0 (nothing) to 100.
@pytest.mark.parametrize(("unit", "most"), [(CUSTODIAN, 5), (SERVICE, 12)], ids=["keys", "api"])
def test_a_unit_exposes_no_more_than_was_agreed(unit: Path, most: int) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    judged = subprocess.run(
        [*command, f"--threshold={most}", str(unit)], capture_output=True, text=True, check=False
    )

    assert judged.returncode == 0, judged.stdout


def test_the_service_may_listen_where_the_proxy_looks_for_it() -> None:
    proxies = "".join(each.read_text("utf-8") for each in (ROOT / "deploy/nginx").glob("*.conf"))
    unit = SERVICE.read_text("utf-8")
    allowed = re.search(r"^SocketBindAllow=tcp:(\d+)-(\d+)$", unit, re.MULTILINE)
    assert allowed

    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", proxies)}

    assert ports == set(range(int(allowed[1]), int(allowed[2]) + 1))


def test_the_custodian_serves_under_its_units_filters(tmp_path: Path) -> None:
    store, credential, path = tmp_path / "store", tmp_path / "credential", tmp_path / "c.sock"
    founding = found(store, credential, "MINREX", START, END)
    options = ["--store", str(store), "--credential", str(credential), "--socket", str(path)]
    holders = [Holder(f"GARDE-{one}", HybridKey(bytes([one]) * 32).recipient) for one in (1, 2)]
    admit(store, make_backup_key(2, holders).key)
    worker = _confined(CUSTODIAN, sys.executable, "-m", "keys.custody.worker", *options)
    with subprocess.Popen(worker, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"READY {path}\n"
            with closing(open_custodian(f"worker:{path}", no_secret)) as custodian:
                assert custodian.card() == founding.card
                assert PartHead.parse(custodian.make_backup_part()).size > 0
        finally:
            process.terminate()

    assert process.returncode == 0


def test_a_ministry_and_its_posts_exchange_dispatches_under_the_services_filters() -> None:
    command = _confined(SERVICE, str(Path(sys.executable).with_name("cipher-service")), "demo")
    played = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=240
    )

    assert played.returncode == 0, played.stderr
    assert "0 differences" in played.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket(socket.AF_INET)",
        "import os; os.setpriority(os.PRIO_PROCESS, 0, 5)",
        "import os; os.sched_setaffinity(0, {0})",
        "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
    ],
    ids=["network", "priority", "processors", "writable code"],
)
def test_what_the_custodian_never_needs_is_refused_to_it(code: str) -> None:
    assert "PermissionError" in _try(CUSTODIAN, code)


def test_the_service_reaches_the_network_and_the_custodian_alone() -> None:
    assert _try(SERVICE, "import socket; socket.socket(socket.AF_INET)") == ""
    assert "PermissionError" in _try(SERVICE, "import socket; socket.socket(socket.AF_PACKET)")


@pytest.mark.parametrize("unit", [CUSTODIAN, SERVICE], ids=["keys", "api"])
def test_a_unit_lets_nobody_of_the_service_interrupt_another(unit: Path) -> None:
    assert _try(unit, "import os; assert os.sched_getscheduler(0) == os.SCHED_BATCH") == ""


def test_a_unit_of_an_earlier_release_starts_the_service_all_the_same(tmp_path: Path) -> None:
    earlier = tmp_path / SERVICE.name
    earlier.write_text(SERVICE.read_text("utf-8").replace("CPUSchedulingPolicy=batch\n", ""))
    ask = "from cipher_service.app.turns import go_on_until_waiting as ask; ask()"
    refused = "import os; os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))"

    assert "PermissionError" in _try(earlier, refused)
    assert _try(earlier, ask) == ""
