"""A custodian that serves apart: its user splits its key, and the service starts none beside it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from keys.custody.splitting import in_force
from tests.support.ports import free_port
from tests.surfaces.administration.parted import NAMES, Parted, parted_at
from tests.surfaces.administration.running import run


@pytest.fixture
def parted(tmp_path: Path) -> Iterator[Parted]:
    with parted_at(tmp_path) as on:
        yield on


def _cards(on: Parted) -> list[str]:
    return [word for name in NAMES for word in ("--holder", str(on.folder / name / f"{name}.card"))]


def _refused(on: Parted, *typed: str) -> None:
    """The service's user is told who does it, in both languages, and that nothing changed."""
    for language, remedy in (("fr", "sous son compte"), ("en", "as its user")):
        ended = run("--data", str(on.data), *typed, language=language)
        assert (ended.returncode, "(CUSTODIAN_APART)" in ended.stderr) == (1, True), ended.stderr
        assert remedy in ended.stderr
        assert f"worker:{on.socket}" in ended.stderr


def test_its_user_splits_it_and_the_service_s_user_is_told_so(parted: Parted) -> None:
    split = ("custody", "split", "--threshold", "2", *_cards(parted))
    _refused(parted, *split)
    _refused(parted, "custody", "record", "--reason", "x", "-o", "r.json", *_cards(parted))
    store, credential = ("--store", str(parted.store)), ("--credential", str(parted.credential))
    half = run("--data", str(parted.data), *split, *store)
    assert (half.returncode, "(STORE_WITHOUT_CREDENTIAL)" in half.stderr) == (2, True)

    # The custodian's user reaches no settings and no database.
    nowhere = ("--data", str(parted.folder / "nowhere"))
    made = run(*nowhere, *split, *store, *credential, "--json")
    assert made.returncode == 0, made.stderr
    shares = {each["holder"]: each["share"] for each in json.loads(made.stdout)}
    assert tuple(shares) == NAMES
    assert made.stderr.count("cipher-service items enter --kind share") == len(NAMES)
    first = in_force(parted.store)[1]
    opening = [
        word
        for name in NAMES[:2]
        for word in ("--share", shares[name], "--identity", str(parted.folder / name))
    ]
    _refused(parted, "custody", "drill", *opening)
    _refused(parted, "custody", "resplit", "--threshold", "2", *_cards(parted), *opening)
    drilled = run(*nowhere, "custody", "drill", *store, *opening)
    assert drilled.returncode == 0, drilled.stderr
    record = ("custody", "record", "--reason", "x", "-o", str(parted.folder / "r.json"))
    drawn = run(*nowhere, *record, *store, *_cards(parted))
    assert drawn.returncode == 0, drawn.stderr
    again = ("custody", "resplit", "--threshold", "3", *_cards(parted), *opening)
    anew = run(*nowhere, *again, *store)
    assert anew.returncode == 0, anew.stderr
    assert first.threshold == 2
    assert in_force(parted.store)[1].threshold == 3
    assert not (parted.data / "custodian").exists()


def test_its_keys_are_rotated_by_who_reaches_both_and_by_nobody_else(parted: Parted) -> None:
    _refused(parted, "keys", "rotate")
    _refused(parted, "keys", "rotate", "receipts/MINREX")
    place = ("--store", str(parted.store), "--credential", str(parted.credential))
    for typed in (("rotate",), ("rotate", "receipts/MINREX")):
        done = run("--data", str(parted.data), "keys", *typed, *place, "--json")
        assert done.returncode == 0, done.stderr
    listed = json.loads(run("--data", str(parted.data), "keys", "list", "--json").stdout)
    newest = {each["key"]: each["number"] for each in listed}
    assert (newest["bureau/MINREX"], newest["receipts/MINREX"]) == (2, 2)
    checked = run("--data", str(parted.data), "check")
    assert checked.returncode == 0, checked.stdout


def test_the_service_starts_no_custodian_beside_the_one_that_serves_apart(parted: Parted) -> None:
    """A restore leaves a store in the service's folder until its user has it."""
    shutil.copytree(parted.store, parted.data / "custodian")
    shutil.copy(parted.credential, parted.data / "custodian.credential")
    (parted.data / "custodian").chmod(0o700)
    port = free_port()
    file = parted.data / "service.toml"
    text = file.read_text("utf-8")
    held = next(line for line in text.splitlines() if line.startswith("port = "))
    file.write_text(text.replace(held, f"port = {port}"), "utf-8")
    command = [str(Path(sys.executable).with_name("cipher-service")), "--data", str(parted.data)]
    with subprocess.Popen([*command, "serve"], stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            assert service.stdout.readline().startswith("READY")
            children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
            programs = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children]
            assert len(programs) >= 2
            assert not any(b"keys.custody.worker" in program for program in programs)
            health = httpx.get(f"http://127.0.0.1:{port}/v1/health").json()
            assert health["custodian"] == "open"
        finally:
            service.terminate()
    assert service.returncode == 0
