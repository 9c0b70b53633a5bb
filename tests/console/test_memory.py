"""Whoever reads the memory of the service's own processes finds no key; the custodian has them.

The search is proved by the custodian itself: there the very same bytes are found.
"""

import resource
from pathlib import Path

import pytest

from cipher_service.administration.stage import Stage
from cipher_service.identity.demonstration import Demonstration
from keys.custody import read_credential
from keys.custody.store import open_store
from tests.console.conftest import Enter
from tests.support.memory import found, processes
from tests.surfaces.administration.running import done


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
        "log": custody.service.log.ed25519_seed,
        "log, post-quantum": custody.service.log.mldsa44_seed,
        "authority": custody.service.authority,
        "desks": custody.service.desks,
    }
    for name, key in (
        ("signing", custody.bureau.signing),
        ("root", custody.bureau.root),
        ("receipts", custody.service.receipts),
        ("certifying", custody.service.certifying),
    ):
        secrets |= {name: key.ed25519_seed, f"{name}, post-quantum": key.mldsa65_seed}
    running = dict(processes(settings.data))
    try:
        held = {process: found(process, secrets) for process in running}
    except PermissionError:
        pytest.skip("this user may not read the memory of a process that forbids it")

    custodians = {one for one, command in running.items() if "keys.custody.worker" in command}
    names = [Path(f"/proc/{process}/comm").read_text("ascii").strip() for process in running]
    assert len(custodians) == 1
    assert {"registrar", "api 1", "console", "approval"} <= set(names)
    for process, names_found in held.items():
        # What is in memory reaches no core file either: see `test_core_files`.
        assert resource.prlimit(process, resource.RLIMIT_CORE) == (0, 0), running[process]
        assert names_found == (set(secrets) if process in custodians else set()), running[process]
