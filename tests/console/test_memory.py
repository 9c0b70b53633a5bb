"""Whoever reads the memory of the service's own processes finds no key; the custodian has them.

The search is proved by the custodian itself: there the very same bytes are found.
"""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from cipher_service.administration.stage import Stage
from cipher_service.identity.demonstration import Demonstration
from keys.custody import read_credential
from keys.custody.store import open_store
from tests.console.conftest import Enter
from tests.surfaces.administration.running import done

_PIECE = 8 * 2**20


def _processes(data: Path) -> Iterator[tuple[int, str]]:
    """Every living process whose command names the ministry's folder."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(data) in command and int(folder.name) != os.getpid():
                yield int(folder.name), command


def _found(process: int, secrets: dict[str, bytes]) -> set[str]:
    """The names of the secrets that stand anywhere in the memory that a process can write."""
    found: set[str] = set()
    overlap = max(map(len, secrets.values()))
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text("utf-8").splitlines():
            place, access = line.split()[:2]
            low, high = (int(end, 16) for end in place.split("-"))
            if "w" not in access or "r" not in access:
                continue
            tail = b""
            for at in range(low, high, _PIECE):
                try:
                    memory.seek(at)
                    piece = memory.read(min(_PIECE, high - at))
                except OSError:
                    break
                found |= {name for name, secret in secrets.items() if secret in tail + piece}
                tail = piece[-overlap:]
    return found


def test_no_process_but_the_custodian_has_a_key(
    ministry: Stage, enter: Enter, tmp_path: Path
) -> None:
    settings = ministry.settings
    text = tmp_path / "texte.txt"
    text.write_text("Le ministre arrive mardi.", "utf-8")
    people = {one.role: one.officer for one in Demonstration.of(settings).people()}
    pair = ("--officer", people["CIPHER-CLERK"], "--with", people["CHIEF-CIPHER-POUCH"])
    done(
        ministry,
        *("bureau", "send", "--to", "PARIS", "--level", "SECRET", "--subject", "Visite"),
        *("--drafter", "A. Ndongo", "--authority", "SG", *pair, str(text)),
    )
    enter("CIPHER-CLERK").goto("/depeches/")
    custody = open_store(settings.custodian_store, read_credential(settings.custodian_credential))
    secrets = {
        "hybrid": custody.bureau.hybrid.seed,
        "signing": custody.bureau.signing.ed25519_seed,
        "signing, post-quantum": custody.bureau.signing.mldsa65_seed,
        "receipts": custody.service.receipts.ed25519_seed,
        "log": custody.service.log.ed25519_seed,
    }
    processes = dict(_processes(settings.data))
    try:
        held = {process: _found(process, secrets) for process in processes}
    except PermissionError:
        pytest.skip("this user may not read the memory of a process that forbids it")

    custodians = {one for one, command in processes.items() if "keys.custody.worker" in command}
    names = [Path(f"/proc/{process}/comm").read_text("ascii").strip() for process in processes]
    assert len(custodians) == 1
    assert {"registrar", "api 1", "console", "approval"} <= set(names)
    for process, found in held.items():
        # What is in memory reaches no core file either.
        assert resource.prlimit(process, resource.RLIMIT_CORE) == (0, 0), processes[process]
        assert found == (set(secrets) if process in custodians else set()), processes[process]
