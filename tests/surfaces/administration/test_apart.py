"""A custodian founded apart, in a folder of its own; the service is founded on it as it runs."""

import subprocess
import sys
from pathlib import Path

from cipher_service.administration.installation import custodian_of
from cipher_service.settings import Settings
from keys.age.files import encrypt
from keys.custody.errors import OfficersNotFounded
from tests.surfaces.administration.running import run


def _custody(module: str, *typed: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", f"keys.custody.{module}", *typed],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_service_never_has_the_store_and_production_waits_for_officers(tmp_path: Path) -> None:
    place = ("--store", str(tmp_path / "vault"), "--credential", str(tmp_path / "wrapping"))
    socket, data = tmp_path / "custodian.sock", tmp_path / "data"
    init = (
        *("--data", str(data), "init", "--issuer", "https://chiffre.example.cm"),
        *("--custodian", f"worker:{socket}", "--production"),
    )
    nobody = run(*init)
    assert (nobody.returncode, "(CUSTODIAN_UNAVAILABLE)" in nobody.stderr) == (3, True)

    founded = _custody("founding", *place, "--post", "MINREX")
    assert founded.returncode == 0, founded.stderr
    again = _custody("founding", *place, "--post", "MINREX")
    assert again.returncode == 3
    with subprocess.Popen(
        [sys.executable, "-m", "keys.custody.worker", *place, "--socket", str(socket),
         "--production"],
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:  # fmt: skip
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline().startswith("READY")
            done = run(*init, language="en")
            assert done.returncode == 0, done.stderr
            assert founded.stdout.strip() in done.stdout.replace(" ", "")
            assert not list(data.glob("custodian*"))
            settings = Settings.load(data)
            assert (settings.production, settings.custodian) == (True, f"worker:{socket}")
            with custodian_of(settings) as custodian:
                state = custodian.state()
                sealed = encrypt(b"Brouillon", [custodian.card().recipient])
                try:
                    custodian.open_sealed(sealed)
                except OfficersNotFounded:
                    refused = True
                else:
                    refused = False
            assert refused
            assert not state.founded
        finally:
            worker.terminate()


def test_another_post_s_custodian_is_not_the_ministry_s(tmp_path: Path) -> None:
    place = ("--store", str(tmp_path / "vault"), "--credential", str(tmp_path / "wrapping"))
    assert _custody("founding", *place, "--post", "PARIS").returncode == 0
    worker = subprocess.Popen(
        [sys.executable, "-m", "keys.custody.worker", *place, "--socket",
         str(tmp_path / "custodian.sock")],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    with worker:
        try:
            assert worker.stdout is not None
            worker.stdout.readline()
            refused = run(
                *("--data", str(tmp_path / "data"), "init"),
                *("--custodian", f"worker:{tmp_path / 'custodian.sock'}"),
            )
        finally:
            worker.terminate()
    assert "(CUSTODIAN_OF_ANOTHER)" in refused.stderr
    assert not (tmp_path / "data" / "service.toml").exists()
