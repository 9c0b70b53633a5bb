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
from tests.support.memory import found as found_in
from tests.support.memory import processes as processes_of
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
        "signing": custody.bureau.signing.ed25519_seed,
        "signing, post-quantum": custody.bureau.signing.mldsa65_seed,
        "receipts": custody.service.receipts.ed25519_seed,
        "log": custody.service.log.ed25519_seed,
    }
    processes = dict(processes_of(settings.data))
    try:
        held = {process: found_in(process, secrets) for process in processes}
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
