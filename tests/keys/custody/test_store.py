"""The store: made whole or not at all, private, and useless without its credential."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.age.files import decrypt_with_passphrase, encrypt_with_passphrase
from keys.cards import read_card
from keys.custody import found, no_secret, open_custodian, read_credential
from keys.custody.core import Custody
from keys.custody.errors import StoreInvalid, StoreUnsafe
from keys.custody.store import open_store
from keys.errors import CardInvalid

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
NOBODY = 65534
OTHER_SEED = canonical.text_from_bytes(bytes(32))


def _open(founded: Any) -> Custody:
    return open_store(founded.store, read_credential(founded.credential))


def _rewrite(founded: Any, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a compartment holds, sealed by the true credential."""
    path, credential = founded.store / name, read_credential(founded.credential)
    value = canonical.decode(decrypt_with_passphrase(path.read_bytes(), credential))
    change(value)
    path.write_bytes(encrypt_with_passphrase(canonical.encode(value), credential, 10))


def test_founding_gives_the_public_side(founded: Any) -> None:
    custody = _open(founded)

    card = read_card((founded.store / "bureau.card").read_bytes())
    assert card == founded.founding.card == custody.card()
    assert (card.post, card.edition, card.valid_from, card.valid_until) == ("MINREX", 1, START, END)
    assert founded.founding.service_key.mldsa65 == custody.service_key().mldsa65
    assert founded.founding.certifying_key.ed25519 == custody.certifying_key().ed25519


def test_everything_is_for_its_owner_alone(founded: Any) -> None:
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (founded.store, founded.credential, *founded.store.iterdir())
    }

    assert modes == {
        "custody": 0o700,
        "wrapping": 0o600,
        "bureau.card": 0o600,
        "service.age": 0o600,
        "secret.age": 0o600,
    }
    assert not [path for path in founded.store.parent.iterdir() if path.name.startswith(".")]


def test_a_copied_store_holds_no_key_in_clear(founded: Any) -> None:
    """A stolen disk without the credential: neither raw nor as base64."""
    custody = _open(founded)
    stolen = b"".join(path.read_bytes() for path in founded.store.iterdir())
    secrets = (
        custody.bureau.hybrid.seed,
        custody.bureau.signing.ed25519_seed,
        custody.bureau.signing.mldsa65_seed,
        custody.service.receipts.ed25519_seed,
        custody.service.certifying.mldsa65_seed,
    )

    for secret in secrets:
        assert secret not in stolen
        assert canonical.text_from_bytes(secret).encode() not in stolen


def test_another_credential_opens_nothing(founded: Any) -> None:
    with pytest.raises(StoreInvalid):
        open_store(founded.store, b"f" * 64)


def test_a_store_is_not_founded_twice(founded: Any) -> None:
    before = {path: path.read_bytes() for path in founded.store.iterdir()}

    with pytest.raises(FileExistsError):
        found(founded.store, founded.credential, "MINREX", START, END)

    assert {path: path.read_bytes() for path in founded.store.iterdir()} == before


def test_an_interrupted_founding_is_done_again_with_the_same_credential(tmp_path: Path) -> None:
    credential = tmp_path / "wrapping"
    first = tmp_path / "one"
    found(first, credential, "MINREX", START, END)
    kept = credential.read_bytes()
    second = tmp_path / "two"
    second.mkdir()

    found(second, credential, "MINREX", START, END)

    assert credential.read_bytes() == kept
    assert open_store(first, kept.strip()).card() != open_store(second, kept.strip()).card()


def test_a_founding_that_cannot_be_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CardInvalid):
        found(tmp_path / "store", tmp_path / "wrapping", "minrex", START, END)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
@pytest.mark.parametrize("name", ["bureau.card", "service.age", "secret.age"])
def test_a_file_that_others_can_open_is_refused(founded: Any, name: str, mode: int) -> None:
    (founded.store / name).chmod(mode)

    with pytest.raises(StoreUnsafe, match=name):
        _open(founded)


def test_a_folder_that_others_can_enter_is_refused(founded: Any) -> None:
    founded.store.chmod(0o750)

    with pytest.raises(StoreUnsafe):
        _open(founded)


def test_a_credential_that_others_can_read_is_refused(founded: Any) -> None:
    founded.credential.chmod(0o644)

    with pytest.raises(StoreUnsafe):
        _open(founded)


def test_a_link_in_the_place_of_a_file_is_refused(founded: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "secret.age"
    (founded.store / "secret.age").rename(elsewhere)
    (founded.store / "secret.age").symlink_to(elsewhere)

    with pytest.raises(OSError, match="symbolic link"):
        _open(founded)


def test_a_pipe_in_the_place_of_a_file_does_not_hang(founded: Any) -> None:
    (founded.store / "secret.age").unlink()
    os.mkfifo(founded.store / "secret.age", 0o600)

    with pytest.raises(StoreUnsafe):
        _open(founded)


def test_a_file_in_the_place_of_the_store_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.touch(mode=0o600)

    with pytest.raises(StoreUnsafe):
        open_store(place, b"f" * 64)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives files away")
def test_files_of_another_user_are_refused(founded: Any) -> None:
    os.chown(founded.store / "secret.age", NOBODY, NOBODY)
    with pytest.raises(StoreUnsafe, match="another user"):
        _open(founded)

    os.chown(founded.store, NOBODY, NOBODY)
    with pytest.raises(StoreUnsafe, match="another user"):
        _open(founded)


@pytest.mark.parametrize("text", [b"", b"\n", b"short"])
def test_a_credential_of_no_strength_is_refused(founded: Any, text: bytes) -> None:
    founded.credential.write_bytes(text)

    with pytest.raises(StoreInvalid):
        _open(founded)


@pytest.mark.parametrize("name", ["bureau.card", "service.age", "secret.age"])
def test_a_missing_file_is_the_disks_matter(founded: Any, name: str) -> None:
    (founded.store / name).unlink()

    with pytest.raises(FileNotFoundError):
        _open(founded)


@pytest.mark.parametrize("name", ["bureau.card", "service.age", "secret.age"])
@pytest.mark.parametrize("cut", [0, 1, 100])
def test_a_damaged_file_is_refused(founded: Any, name: str, cut: int) -> None:
    path = founded.store / name
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - cut - 2] if cut else b"")

    with pytest.raises(StoreInvalid):
        _open(founded)


def test_compartments_do_not_stand_in_for_each_other(founded: Any) -> None:
    (founded.store / "service.age").write_bytes((founded.store / "secret.age").read_bytes())

    with pytest.raises(StoreInvalid):
        _open(founded)


def test_the_secrets_of_another_card_are_refused(founded: Any, tmp_path: Path) -> None:
    found(tmp_path / "other", founded.credential, "MINREX", START, END)
    (founded.store / "secret.age").write_bytes((tmp_path / "other" / "secret.age").read_bytes())

    with pytest.raises(StoreInvalid, match=r"bureau\.card"):
        _open(founded)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("service.age", lambda value: value.update(v=2)),
        ("service.age", lambda value: value.update(also=1)),
        ("service.age", lambda value: value["receipts"].update(also=1)),
        ("service.age", lambda value: value["receipts"].update(ed25519="AAAA")),
        ("secret.age", lambda value: value.update(also=1)),
        ("secret.age", lambda value: value["editions"][0].update(card="00" * 32)),
        ("secret.age", lambda value: value["editions"][0]["signing"].update(ed25519="")),
        # Of the right form, and not the key that the card names: all would be sealed to nobody.
        ("secret.age", lambda value: value["editions"][0].update(hybrid=OTHER_SEED)),
        ("secret.age", lambda value: value.update(editions=[])),
    ],
)
def test_a_compartment_of_another_shape_is_refused(
    founded: Any, name: str, change: Callable[[dict[str, Any]], object]
) -> None:
    _rewrite(founded, name, change)

    with pytest.raises(StoreInvalid):
        _open(founded)


def test_stock_age_tools_could_open_a_compartment(founded: Any) -> None:
    """P3: the wrapping is an ordinary age passphrase file."""
    credential = read_credential(founded.credential)
    plain = decrypt_with_passphrase((founded.store / "secret.age").read_bytes(), credential)

    (edition,) = canonical.decode(plain)["editions"]
    assert canonical.bytes_from_text(edition["card"]) == founded.founding.card.to_bytes()
    assert (founded.store / "secret.age").read_bytes().startswith(b"age-encryption.org/v1\n-> scry")


@pytest.mark.parametrize("uri", ["", "vault:/x", "/run/custodian.sock", "FILE:/x"])
def test_an_unknown_scheme_is_our_mistake(uri: str) -> None:
    with pytest.raises(ValueError, match="file, memory, pkcs11, worker"):
        open_custodian(uri, no_secret)


@pytest.mark.parametrize("query", ["", "?pin-source=/p", "?module-path=/m&pin-source=/p&pin=1"])
def test_a_module_s_uri_that_says_too_little_or_too_much_is_our_mistake(query: str) -> None:
    with pytest.raises(ValueError, match="module-path, pin-source and credential"):
        open_custodian(f"pkcs11:/store{query}", no_secret)


@pytest.mark.parametrize("uri", ["file", "file:store", "worker:custodian.sock", "worker:"])
def test_a_relative_path_is_our_mistake(uri: str) -> None:
    with pytest.raises(ValueError, match="absolute"):
        open_custodian(uri, no_secret)


def test_a_store_is_not_opened_without_a_secret(founded: Any) -> None:
    with pytest.raises(ValueError, match="credential"):
        open_custodian(f"file:{founded.store}", no_secret)


def test_a_custodian_in_memory_may_be_of_any_post() -> None:
    assert open_custodian("memory:", no_secret).card().post == "MINREX"
    assert open_custodian("memory:LOME", no_secret).card().post == "LOME"


def test_keys_do_not_show_in_a_repr(founded: Any) -> None:
    custody = _open(founded)
    shown = repr((custody, custody.service, custody.bureau, custody.bureau.hybrid))

    assert custody.bureau.hybrid.seed.hex() not in shown
    assert repr(custody.bureau.hybrid.seed)[2:-1] not in shown


def test_the_custodian_imports_nothing_of_the_service() -> None:
    code = (
        "import sys, keys.custody.worker; print([m for m in sys.modules if 'cipher_service' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
