"""Whether the tests notice: `python -m tests.mutants.run_mutants MODULE [COUNT] [SEED]`.

MODULE is a key of `TESTS`, or `all`; COUNT mutants of it are tried, chosen by the seed (0: every
one). Each is tried in a child of its own, in which that module alone is another one; the module's
own tests run until the first red one. What takes four times as long as the sound module counts as
noticed. Status 1 when fewer than `BAR` are noticed.
"""

import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

# Imported once, before any child begins: children then only read the tests and our own code.
import cbor2
import cryptography.x509
import pytest
import sqlalchemy

from tests.mutants.mutation import Mutant, apply, mutants

ROOT: Final = Path(__file__).resolve().parents[2]
BAR: Final = 0.9
_CUSTODY: Final = "tests/keys/custody/"
TESTS: Final = {
    "keys.age.header": ("tests/keys/age", "tests/attacks/test_envelope_attacks.py"),
    "keys.age.stream": ("tests/keys/age/test_stream.py", "tests/attacks/test_envelope_attacks.py"),
    "keys.package": (
        "tests/attacks",
        "tests/keys/test_custodians_half.py",
        "tests/keys/test_dispatch.py",
        "tests/keys/test_hybrid_stanzas.py",
        "tests/keys/test_rewrapping.py",
        "tests/keys/test_s2.py",
        "tests/keys/test_vectors.py",
    ),
    "keys.ustar": ("tests/attacks/test_package_attacks.py", "tests/keys/test_dispatch.py"),
    "keys.custody.grants": (_CUSTODY + "test_warrants.py", _CUSTODY + "test_demands.py"),
    "keys.custody.intents": (_CUSTODY + "test_warrants.py", _CUSTODY + "test_demands.py"),
    "keys.custody.shares": (_CUSTODY + "test_shares.py", _CUSTODY + "test_splitting.py"),
    "keys.custody.splitting_record": (_CUSTODY + "test_splitting_record.py",),
    "keys.custody.prekeys": (
        _CUSTODY + "test_prekey_stock.py",
        _CUSTODY + "test_bureau_prekeys.py",
        _CUSTODY + "test_spent_prekeys.py",
    ),
    "keys.custody.second_place": (_CUSTODY + "test_second_place.py",),
    "keys.custody.officers": (
        _CUSTODY + "test_officers.py",
        _CUSTODY + "test_acts.py",
        _CUSTODY + "test_warrants.py",
        _CUSTODY + "test_demands.py",
        _CUSTODY + "test_admissions.py",
        _CUSTODY + "test_attacks_on_acts.py",
        _CUSTODY + "test_orders.py",
    ),
    "keys.custody.acts": (_CUSTODY + "test_door.py", _CUSTODY + "test_worker.py"),
    "keys.custody.orders": (_CUSTODY + "test_orders.py",),
    "keys.prekeys": ("tests/keys/test_prekeys.py",),
    "keys.prekey_store": ("tests/keys/test_prekeys.py",),
    "keys.rotation_record": ("tests/keys/test_rotation_record.py",),
    "keys.destruction": ("tests/keys/test_destruction.py",),
    "keys.lifecycle": ("tests/keys/test_lifecycle.py", "tests/keys/test_rotation_record.py"),
    "keys.reading_once": ("tests/keys/test_reading_once.py", "tests/keys/test_s2.py"),
    "keys.acts": ("tests/keys/test_acts.py",),
    "cipher_service.directory.controlled": ("tests/cipher_service/directory/test_controlled.py",),
    "cipher_service.directory.controlled_keys": (
        "tests/cipher_service/directory/test_controlled.py",
        "tests/surfaces/administration/test_key_register.py",
    ),
    "cipher_service.storage.held": ("tests/cipher_service/storage/test_held.py",),
    "keys.merkle": ("tests/keys/test_merkle.py", "tests/keys/test_consistency.py"),
    "pouch.findings": ("tests/pouch/test_verdict.py", "tests/surfaces/valise/test_words.py"),
    "pouch.verdict": ("tests/pouch/test_verdict.py", "tests/pouch/test_vectors.py"),
    "pouch.custody": ("tests/pouch/test_custody.py", "tests/pouch/test_alarms.py"),
    "pouch.claims": ("tests/pouch/test_seal.py", "tests/pouch/test_vectors.py"),
    "cipher_service.audit.ledger": ("tests/cipher_service/audit",),
    "cipher_service.audit.warrants": ("tests/cipher_service/audit",),
    "cipher_service.identity.tokens": ("tests/cipher_service/identity/test_token_corpus.py",),
    "cipher_service.access.authorising": ("tests/cipher_service/access/test_authorising.py",),
}
PRELOADED: Final = (cbor2, cryptography.x509, sqlalchemy)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module in its changed form."""

    def __init__(self, name: str, path: Path, mutant: Mutant) -> None:
        self._name = name
        self._path = path
        self._mutant = mutant

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Claim the one module."""
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run it, changed."""
        tree = apply(self._path.read_text("utf-8"), self._mutant)
        exec(compile(tree, str(self._path), "exec"), module.__dict__)  # noqa: S102  our own source


def path_of(module: str) -> Path:
    """Where a module's source is."""
    return ROOT / f"{module.replace('.', '/')}.py"


def notices(module: str, mutant: Mutant | None, tests: Sequence[str], most: float) -> bool:
    """Whether the tests go red, or hang, with the change (None: none)."""
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        os.setsid()
        if mutant is not None:
            sys.meta_path.insert(0, Finder(module, path_of(module), mutant))
        words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "not postgresql"]
        os._exit(int(pytest.main([*words, *tests])))
    until = time.monotonic() + most
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status != 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def score(module: str, count: int, seed: int) -> tuple[int, list[Mutant], int]:
    """How many were noticed, those that were not, and how many there are in all.

    Raises:
        RuntimeError: the tests are red without any change.
    """
    tests = TESTS[module]
    started = time.monotonic()
    if notices(module, None, tests, 3600):
        raise RuntimeError(f"the tests of {module} are red without any change")
    most = 10 + 4 * (time.monotonic() - started)
    every = mutants(path_of(module).read_text("utf-8"))
    chosen = every
    if 0 < count < len(every):
        chance = random.Random(f"{seed}/{module}")
        chosen = sorted(chance.sample(every, count), key=lambda mutant: mutant.line)
    left = [each for each in chosen if not notices(module, each, tests, most)]
    return len(chosen) - len(left), left, len(every)


def main() -> int:
    """Try the mutants of one module, or of all."""
    names = list(TESTS) if sys.argv[1:2] in ([], ["all"]) else [sys.argv[1]]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    below = False
    for name in names:
        noticed, left, every = score(name, count, seed)
        tried = noticed + len(left)
        below = below or noticed < BAR * tried
        print(f"{name}: {noticed} of {tried} noticed ({every} in all)", flush=True)
        for each in left:
            print(f"    line {each.line}: {each.told}", flush=True)
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
