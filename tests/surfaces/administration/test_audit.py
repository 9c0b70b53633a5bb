"""`cipher-service audit export` of a ministry at work, checked by `cipher-verify` alone."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from cipher_service.administration.stage import Stage
from keys import canonical
from tests.surfaces.administration.running import given, run

EXPORT = ("audit", "export", "--out")


def verify(*typed: str) -> subprocess.CompletedProcess[str]:
    """Run the verifier where the service cannot be imported."""
    code = (
        "import sys; sys.modules['cipher_service'] = None\n"
        "from keys.verifier.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *typed],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )


def test_an_export_is_checked_without_the_service(ministry: Stage, tmp_path: Path) -> None:
    out, records = tmp_path / "log", tmp_path / "records"
    first = {"entries": 0}
    deadline = time.monotonic() + 20
    while first["entries"] == 0 and time.monotonic() < deadline:
        ended = run("--data", str(ministry.settings.data), *EXPORT, str(out), "--json")
        first = json.loads(ended.stdout) if ended.returncode == 0 else first
    assert first["entries"] > 0
    (tmp_path / "older").write_bytes((out / "checkpoint").read_bytes())
    given(ministry, *EXPORT, str(out), "--records", str(records))
    checks = ("--since", str(tmp_path / "older"), "--records", str(records))
    ended = verify("log", str(out), *checks)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"OK {ministry.settings.log_origin} entries=")
    said = records.read_bytes()
    assert b"BEGIN" not in said
    actions = {canonical.decode(record)["action"] for record in read_records(said)}
    assert {"enrol", "issue_token", "admit"} <= actions

    bundle = next((out / "tile" / "entries").rglob("*.p/*"))
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    ended = verify("log", str(out))
    assert (ended.returncode, ended.stderr.split(":")[0]) == (1, "LOG_DAMAGED")


def read_records(lines: bytes) -> list[bytes]:
    return [canonical.bytes_from_text(canonical.decode(line)[2]) for line in lines.splitlines()]
