"""A store whose credential a hardware security module seals; SoftHSM2 is the module here."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from keys.age.files import encrypt
from keys.custody import hsm, no_secret, open_custodian, read_credential, worker
from keys.custody.errors import HsmCredentialInvalid, HsmUnavailable
from keys.custody.hsm import Module, main, read_wrapped, unwrap, wrap
from tests.support.softhsm import APT_LINE, LIBRARY, UTILITY


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    """A module with the tokens `ministry` and `spare`."""
    if LIBRARY is None or UTILITY is None:
        message = f"the module of these tests is SoftHSM2: {APT_LINE}"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\n", "utf-8")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    for token in ("ministry", "spare"):
        made = [str(UTILITY), "--init-token", "--free", "--label", token]
        pins = ["--pin", "4711", "--so-pin", "0815"]
        subprocess.run([*made, *pins], check=True, capture_output=True)
    pin = folder / "pin"
    pin.write_text("4711\n", "utf-8")
    pin.chmod(0o600)
    yield Module(Path(str(LIBRARY)), pin)
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture
def wrapped(founded: Any, module: Module, tmp_path: Path) -> Path:
    path = tmp_path / "credential.hsm"
    path.write_bytes(wrap(read_credential(founded.credential), module, "ministry"))
    path.chmod(0o600)
    return path


def test_the_module_gives_the_credential_back_and_the_file_says_nothing(
    founded: Any, module: Module, wrapped: Path
) -> None:
    credential = read_credential(founded.credential)
    assert read_wrapped(wrapped, module) == credential
    assert credential not in wrapped.read_bytes()


def test_a_store_opens_by_its_uri_and_serves_in_a_worker(
    founded: Any, module: Module, wrapped: Path, tmp_path: Path, start_worker: Callable[..., Any]
) -> None:
    founded.credential.unlink()
    query = f"module-path={module.path}&pin-source={module.pin}&credential={wrapped}"
    custodian = open_custodian(f"pkcs11:{founded.store}?{query}", no_secret)
    sealed = encrypt(b"Brouillon", [custodian.card().recipient])
    assert custodian.open_sealed(sealed) == b"Brouillon"

    apart = type(founded)(founded.store, wrapped, founded.founding)
    hsm = ("--hsm-module", str(module.path), "--hsm-pin", str(module.pin))
    started = start_worker(apart, tmp_path / "custodian.sock", *hsm)
    with_worker = open_custodian(started.uri, no_secret)
    assert with_worker.open_sealed(sealed) == b"Brouillon"
    with_worker.close()


def test_another_token_wrong_pin_or_altered_file_opens_nothing(
    module: Module, wrapped: Path, tmp_path: Path
) -> None:
    data = wrapped.read_bytes()
    with pytest.raises(HsmCredentialInvalid):
        unwrap(data.replace(b'"ministry"', b'"spare"'), module)
    with pytest.raises(HsmUnavailable):
        unwrap(data.replace(b'"ministry"', b'"nowhere"'), module)
    place = data.index(b'"sealed":"') + 14
    swapped = b"B" if data[place : place + 1] == b"A" else b"A"
    with pytest.raises(HsmCredentialInvalid):
        unwrap(data[:place] + swapped + data[place + 1 :], module)
    for size in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(HsmCredentialInvalid):
            unwrap(data[:size], module)
    wrong = tmp_path / "wrong"
    wrong.write_text("0000", "utf-8")
    wrong.chmod(0o600)
    with pytest.raises(HsmUnavailable):
        unwrap(data, Module(module.path, wrong))
    with pytest.raises(HsmUnavailable):
        unwrap(data, Module(Path("/nowhere.so"), module.pin))


def test_the_key_never_leaves_the_module(module: Module, wrapped: Path) -> None:
    import pkcs11  # noqa: PLC0415  only where the module is

    assert wrapped.exists()
    token = pkcs11.lib(str(module.path)).get_token(token_label="ministry")
    with token.open(user_pin="4711") as session:
        keys = list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY}))
        assert keys
        for key in keys:
            assert not key[pkcs11.Attribute.EXTRACTABLE]
            with pytest.raises(pkcs11.PKCS11Error):
                key[pkcs11.Attribute.VALUE]


def test_a_module_is_replaced_by_wrapping_anew(
    founded: Any, module: Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--module", str(module.path), "--pin", str(module.pin))
    out = tmp_path / "new.hsm"
    wrapping = ["wrap", *place, "--token", "spare", "--credential", str(founded.credential)]
    assert main([*wrapping, "--out", str(out)]) == 0
    assert read_wrapped(out, module) == read_credential(founded.credential)
    # There already, it is not written over: the store may hang on it.
    assert main([*wrapping, "--out", str(out)]) == 3
    assert "File exists" in capsys.readouterr().err
    command = [sys.executable, "-m", "keys.custody.hsm", "check", *place, "--wrapped"]
    assert subprocess.run([*command, str(out)], check=False).returncode == 0
    out.write_bytes(b"[" * 5000)
    assert main(["check", *place, "--wrapped", str(out)]) == 1
    assert capsys.readouterr().err.startswith("HSM_CREDENTIAL_INVALID: ")
    with patch.object(sys, "argv", ["hsm", "--help"]), pytest.raises(SystemExit) as end:
        runpy.run_path(hsm.__file__, run_name="__main__")
    assert end.value.code == 0


def test_a_worker_whose_module_does_not_open_serves_nobody(
    founded: Any,
    module: Module,
    wrapped: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(worker, "forbid_dumps", lambda: None)  # not for the tests' own process
    place = ["--store", str(founded.store), "--socket", str(tmp_path / "custodian.sock")]
    by_module = ["--hsm-module", "/nowhere.so", "--hsm-pin", str(module.pin)]
    assert worker.main([*place, "--credential", str(wrapped), *by_module]) == 1
    assert capsys.readouterr().err.startswith("HSM_UNAVAILABLE: ")
    assert not (tmp_path / "custodian.sock").exists()
