"""`cipher-service audit export` of a ministry at work, checked by `cipher-verify` alone."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from cipher_service import clock
from cipher_service.administration.stage import Stage, chiffre
from keys import canonical
from keys.statements import key_fingerprint
from tests.surfaces.administration.running import done, given, refused, run

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
    _export(ministry, out, least=1)
    (tmp_path / "older").write_bytes((out / "checkpoint").read_bytes())
    done(ministry, "post", "suspend", "LOME")
    done(ministry, "post", "resume", "LOME")
    # The head may have lagged behind the log before: what counts is where both entries stand now.
    _export(ministry, out, least=given(ministry, "audit", "state")["entries"])
    given(ministry, *EXPORT, str(out), "--records", str(records))
    checks = ("--since", str(tmp_path / "older"), "--records", str(records))
    ended = verify("log", str(out), *checks)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"OK {ministry.settings.log_origin} entries=")
    said = records.read_bytes()
    assert b"BEGIN" not in said
    actions = {canonical.decode(record)["action"] for record in read_records(said)}
    assert {"enrol", "issue_token", "admit", "post_suspend", "post_resume"} <= actions

    partial = (out / "tile" / "entries").rglob("*.p/*")  # one of each size that was exported
    bundle = max(partial, key=lambda path: int(path.name))
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    ended = verify("log", str(out))
    assert (ended.returncode, ended.stderr.split(":")[0]) == (1, "LOG_DAMAGED")


def test_a_month_is_checked_without_the_service_and_tells_of_no_other(
    ministry: Stage, tmp_path: Path
) -> None:
    _export(ministry, tmp_path / "log", least=1)
    month, out = f"{clock.now():%Y-%m}", tmp_path / "month"
    told = given(ministry, *EXPORT, str(out), "--month", month)
    assert {path.name for path in out.iterdir()} == {"checkpoint", "month", "records", "vkey"}
    assert (out / "records").stat().st_mode & 0o777 == 0o600
    lines = (out / "records").read_bytes().splitlines()
    assert len(lines) == told["end"] - told["first"]
    key = (tmp_path / "log" / "vkey").read_text("ascii").strip()
    ended = verify("month", str(out), "--key", key)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f" month={month} first={told['first']} end={told['end']} of=" in ended.stdout
    life = given(ministry, "audit", "ask", "life", month)
    assert [line["action"] for line in life] == ["audit_records", "audit_records"]
    (out / "records").write_bytes(b"\n".join([*lines[:-1], lines[0]]))
    ended = verify("month", str(out), "--key", key)
    assert (ended.returncode, ended.stderr.split(" entry")[0]) == (1, f"LOG_DAMAGED: {month}:")
    refused(ministry, "MONTH_EMPTY", *EXPORT, str(out), "--month", "1999-12")
    refused(ministry, "MONTH_MALFORMED", *EXPORT, str(out), "--month", "2026", status=2)


def _export(ministry: Stage, out: Path, least: int) -> int:
    """Export once the signed head has come so far; the running service signs one each second."""
    deadline = time.monotonic() + 90
    size = 0
    while size < least and time.monotonic() < deadline:
        ended = run("--data", str(ministry.settings.data), *EXPORT, str(out), "--json")
        size = json.loads(ended.stdout)["entries"] if ended.returncode == 0 else size
    assert size >= least
    return size


def read_records(lines: bytes) -> list[bytes]:
    return [canonical.bytes_from_text(canonical.decode(line)[2]) for line in lines.splitlines()]


def test_an_auditor_asks_and_the_asking_stands_in_the_log(ministry: Stage) -> None:
    done(ministry, "post", "suspend", "LOME")
    done(ministry, "post", "resume", "LOME")
    life = given(ministry, "audit", "ask", "life", "LOME")
    assert {"post_suspend", "post_resume"} <= {line["action"] for line in life}
    assert "post_resume" in done(ministry, "audit", "ask", "life", "LOME")
    asked = given(ministry, "audit", "ask", "life", "audit_ask/x")
    assert asked == []
    again = given(ministry, "audit", "ask", "life", "life/LOME")
    assert {(line["action"], line["outcome"]) for line in again} == {
        ("audit_ask", "intended"),
        ("audit_ask", "done"),
    }
    for question in ("holes", "after-leaving", "contradictions", "emergencies", "interrupted"):
        assert given(ministry, "audit", "ask", question) == []
    refused(ministry, "ASK_INCOMPLETE", "audit", "ask", "reads", status=2)
    facts = given(ministry, "audit", "state")
    assert facts["entries"] >= facts["signed"] >= 0
    assert (facts["trouble"], facts["contradictions"], facts["witnessed"]) == (None, 0, 0)
    assert facts["majority"] == len(facts["seen"]) // 2 + 1
    assert facts["origin"] in done(ministry, "audit", "state")


def test_the_log_tells_every_card_of_a_post_and_of_the_bureau(
    ministry: Stage, tmp_path: Path
) -> None:
    """What came into force and what went, each by its fingerprint."""
    first = _enrolled(ministry, tmp_path / "first")
    second = _enrolled(
        ministry, tmp_path / "second", "--previous", str(tmp_path / "first/LIBREVILLE.card")
    )
    done(ministry, "post", "withdraw", "LIBREVILLE", "--fingerprint", second)
    life = given(ministry, "audit", "ask", "life", "LIBREVILLE")
    assert [(line["action"], line["card"]) for line in life if "card" in line] == [
        ("post_withdraw", second),
        ("post_activate", second),
        ("post_activate", first),
    ]
    told = done(ministry, "audit", "ask", "life", "LIBREVILLE")
    assert first in told
    card = given(ministry, "keys", "rotate")["fingerprint"]
    (rotated, *_) = given(ministry, "audit", "ask", "life", "bureau/MINREX")
    assert (rotated["action"], rotated["card"]) == ("key_rotate", card)


def _enrolled(ministry: Stage, folder: Path, *more: str) -> str:
    """Make a card of LIBREVILLE, take it in and put it in force; return its fingerprint."""
    new = ("identity", "new", "--post", "LIBREVILLE", "--out", str(folder), "--no-passphrase")
    fingerprint = str(chiffre("en", *new, *more)["fingerprint"])
    code = done(ministry, "post", "code", "LIBREVILLE").strip()
    enrolling = ("enrol", "--identity", str(folder), "--server", ministry.settings.issuer)
    chiffre(
        "en",
        *(*enrolling, "--code", code),
        *("--service-fingerprint", key_fingerprint(ministry.founding.service_key)),
        *("--headquarters-fingerprint", ministry.founding.card.fingerprint),
    )
    done(ministry, "post", "activate", "LIBREVILLE", "--fingerprint", fingerprint)
    return fingerprint
