"""The roll of officers: one form, sealed, exchanged whole or not at all."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keys.age.files import encrypt_with_passphrase
from keys.custody.errors import StoreInvalid, StoreUnsafe
from keys.custody.officers import attest
from keys.custody.roll import Roll
from keys.custody.roll_file import LOG_N, ROLL_FILE, RollFile
from tests.support.officers import GENERAL, SECURITY, Ministry, found_ministry, whole_now

CREDENTIAL = b"c" * 64


@pytest.fixture(scope="module")
def ministry() -> Ministry:
    return found_ministry(whole_now())


@pytest.fixture
def file(tmp_path: Path) -> RollFile:
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    return RollFile(store, CREDENTIAL)


def test_it_is_read_as_it_was_written(file: RollFile, ministry: Ministry) -> None:
    assert file.read() is None
    file.write(ministry.roll)
    assert file.read() == ministry.roll
    again = replace(ministry.roll, founded=False)
    file.write(again)
    assert file.read() == again


def test_another_process_s_exchange_is_seen(file: RollFile, ministry: Ministry) -> None:
    file.write(ministry.roll)
    assert file.read() == ministry.roll
    RollFile(file._store, CREDENTIAL).write(replace(ministry.roll, founded=False))
    read = file.read()
    assert read is not None
    assert read.founded is False


def test_nobody_without_the_credential_writes_or_reads_a_roll(
    file: RollFile, ministry: Ministry
) -> None:
    RollFile(file._store, b"r" * 64).write(ministry.roll)
    with pytest.raises(StoreInvalid):
        file.read()


def test_a_roll_that_others_could_exchange_is_refused(file: RollFile, ministry: Ministry) -> None:
    file.write(ministry.roll)
    (file._store / ROLL_FILE).chmod(0o644)
    with pytest.raises(StoreUnsafe):
        RollFile(file._store, CREDENTIAL).read()


def test_what_an_interrupted_exchange_left_is_in_nobody_s_way(
    file: RollFile, ministry: Ministry
) -> None:
    (file._store / ".officers.age-making").write_bytes(b"half")
    file.write(ministry.roll)
    assert file.read() == ministry.roll
    assert {path.name for path in file._store.iterdir()} == {ROLL_FILE, "second.lock"}


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"founded": 1},
        {"more": 1},
        {"party": {"id": "A B", "origins": []}},
        {"party": {"id": "a.cm", "origins": ["http://a.cm"]}},
        {"policy": {"roots": [], "models": []}},
        {"executed": [{"id": "1", "until": "2026-11-22T12:00:00Z"}]},
        {"open": [{"act": "AAAA", "approvals": []}]},
        {"levels": []},
    ],
    ids=lambda change: json.dumps(change)[:20],
)
def test_a_roll_of_another_form_is_invalid(
    file: RollFile, ministry: Ministry, change: dict[str, Any]
) -> None:
    value = json.loads(ministry.roll.encode()) | change
    data = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    path = file._store / ROLL_FILE
    path.write_bytes(encrypt_with_passphrase(data.encode(), CREDENTIAL, LOG_N))
    path.chmod(0o600)
    with pytest.raises(StoreInvalid):
        file.read()


def test_a_key_without_a_name_is_none(ministry: Ministry) -> None:
    officer = ministry.roll.officers[SECURITY]
    nameless = replace(officer.passkeys[0], credential_id=b"")
    armed = replace(officer, passkeys=(nameless,))
    with pytest.raises(ValueError):
        replace(ministry.roll, officers={**ministry.roll.officers, SECURITY: armed}).encode()


def test_what_waits_is_kept(ministry: Ministry) -> None:
    now = whole_now()
    passkey = replace(ministry.roll.officers[GENERAL].passkeys[0], credential_id=b"new")
    waiting = attest(ministry.roll, passkey, now)
    waiting = replace(waiting, executed=(("01KAMV6R8P3ZDFWQ5XJ9T2C4EN", now),))
    assert Roll.parse(waiting.encode()) == waiting
    assert waiting.at(now).executed == ()
