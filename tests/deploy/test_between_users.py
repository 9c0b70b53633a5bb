"""What a restore lays is brought to the custodian's user and the service's, by the page's commands.

As root alone, as the page has it: two users of the system stand for those of the units.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.test_runbooks import BIN, PAGES_OF, strictly
from tests.surfaces.administration.parted import Parted, parted_at

BLOCK = re.compile(r"^```sh root\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CUSTODIAN, SERVICE = "daemon", "nobody"


def _as(user: str, *command: str) -> list[str]:
    return ["setpriv", "--reuid", user, "--clear-groups", *command]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that both users reach, which pytest's own are not."""
    if os.geteuid() != 0:
        pytest.skip("only root gives files to other users")
    reached = _as(SERVICE, sys.executable, "-c", "import keys.custody.worker")
    if subprocess.run(reached, capture_output=True, check=False).returncode:
        pytest.skip("this product lies where no other user reaches it")
    made = Path(tempfile.mkdtemp(dir="/var/tmp"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def _restored(on: Parted) -> None:
    """Make a backup of both; the custodian is lost with the service, and both come back."""
    assert on.admit(on.data / "backup.key").returncode == 0
    ended = on.restored(on.make()["path"], "anew")
    assert ended.returncode == 0, ended.stderr
    assert "restore.md §6" in ended.stdout


def test_each_user_has_its_own_and_both_serve(folder: Path) -> None:
    with parted_at(folder) as on:
        _restored(on)
    home, service, store = folder / "home", folder / "srv", folder / "credstore.encrypted"
    store.mkdir()
    blocks = BLOCK.findall(PAGES_OF["restore"].read_text("utf-8"))
    assert len(blocks) == 2
    script = "\n".join(map(strictly, blocks))
    names = {"CUSTODIAN_USER": CUSTODIAN, "CUSTODIAN_HOME": str(home), "CREDSTORE": str(store)}
    names |= {"SERVICE_USER": SERVICE, "SERVICE_HOME": str(service)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **names},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (folder / "anew").exists()

    # As the unit has it: systemd unseals the credential for the custodian's user alone.
    opened = folder / "credentials"
    unseal = ["systemd-creds", "decrypt", "--name=custodian", str(store / "custodian"), str(opened)]
    subprocess.run(unseal, check=True, capture_output=True)
    opened.chmod(0o400)
    shutil.chown(opened, CUSTODIAN)
    place = ("--store", str(home / "store"), "--credential", str(opened))
    serve = ("-m", "keys.custody.worker", *place, "--socket", str(on.socket), "--admit", SERVICE)
    command = _as(CUSTODIAN, sys.executable, *serve)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline().startswith("READY")
            look = _as(SERVICE, str(BIN / "cipher-service"), "--data", str(service))
            checked = subprocess.run([*look, "check"], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stdout + checked.stderr
            state = subprocess.run(
                [*look, "--lang", "en", "custody", "state"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert "keys are open" in state.stdout, state.stderr
        finally:
            worker.terminate()


def test_a_suspension_is_ended_in_two_halves_by_two_users(folder: Path) -> None:
    with parted_at(folder) as on:
        pass
    for path, user in ((on.store.parent, CUSTODIAN), (on.credential.parent, CUSTODIAN)):
        _give(path, user)
    _give(on.data, SERVICE)
    place = ("--store", str(on.store), "--credential", str(on.credential))
    serve = ("-m", "keys.custody.worker", *place, "--socket", str(on.socket), "--admit", SERVICE)
    command = _as(CUSTODIAN, sys.executable, *serve)
    resume = ("keys", "resume", "desks/MINREX", "--reason", "x")

    def typed(user: str, *words: str) -> "subprocess.CompletedProcess[str]":
        whole = [str(BIN / "cipher-service"), "--lang", "en", "--data", str(on.data), *words]
        return subprocess.run(_as(user, *whole), capture_output=True, text=True, check=False)

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline().startswith("READY")
            suspended = typed(SERVICE, "keys", "suspend", "desks/MINREX", "--reason", "x")
            assert suspended.returncode == 0, suspended.stderr
            # The store is not this user's, nor the books that one's.
            assert typed(SERVICE, *resume, *place).returncode == 3
            assert "service.toml" in typed(CUSTODIAN, *resume, *place).stderr
            assert "(KEY_AT_CUSTODIAN)" in typed(SERVICE, *resume).stderr
            there = typed(CUSTODIAN, *resume, "--at-custodian", *place)
            assert (there.returncode, "keys take-in" in there.stderr) == (0, True), there.stderr
            taken = typed(SERVICE, "keys", "take-in")
            assert "end of its suspension" in taken.stderr
            assert "tells every" in typed(SERVICE, "keys", "take-in").stderr
        finally:
            worker.terminate()


def _give(folder: Path, user: str) -> None:
    """Let a folder and all that is in it be that user's alone."""
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user)
        path.chmod(0o700 if path.is_dir() else 0o600)
