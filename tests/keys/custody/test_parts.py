"""The custodian adds its store to a backup, sealed to the key that its own user admitted."""

import os
import runpy
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keys.age.files import decrypt
from keys.custody import admitting, open_custodian
from keys.custody.admitting import main
from keys.custody.backends import no_secret
from keys.custody.backups import BackupKey, make_backup_key, opening_key
from keys.custody.core import Custody
from keys.custody.errors import BackupKeyNotAdmitted, RequestMalformed, StoreInvalid, StoreUnsafe
from keys.custody.parts import (
    KEY_FILE,
    PIECE_BYTES,
    Part,
    PartHead,
    PartMaker,
    admit,
    admitted,
    digest_of,
    gather,
)
from keys.custody.shares import Holder, open_share
from keys.custody.store import CARD_FILE, SERVICE_FILE, open_store, read_credential
from tests.keys.custody.test_splitting import _split

NAMES = ("GARDE-A", "GARDE-B")


class Circle:
    """A key of backups, and its holders' own keys."""

    def __init__(self) -> None:
        people = {
            name: Custody.generate(
                name,
                valid_from=datetime(2026, 1, 1, tzinfo=UTC),
                valid_until=datetime(2028, 1, 1, tzinfo=UTC),
            )
            for name in NAMES
        }
        holders = [Holder(name, office.card().recipient) for name, office in people.items()]
        made = make_backup_key(2, holders)
        self.key: BackupKey = made.key
        self.shares = [
            open_share(sealed, office.bureau.editions[0].hybrid)
            for sealed, office in zip(made.sealed, people.values(), strict=True)
        ]

    def opened(self, sealed: bytes) -> Part:
        return Part.parse(decrypt(sealed, [opening_key(self.shares)]))


@pytest.fixture(scope="module")
def circle() -> Circle:
    return Circle()


def _received(custodian: Any) -> tuple[PartHead, bytes]:
    head = PartHead.parse(custodian.make_backup_part())
    sealed = b""
    while piece := custodian.backup_part_piece(head.sha256.encode(), str(len(sealed)).encode()):
        sealed += piece
    return head, sealed


def test_a_running_custodian_gives_its_whole_store_sealed(
    founded: Any, worker: Any, circle: Circle, tmp_path: Path
) -> None:
    """Whoever receives it learns nothing; enough holders have a custodian again."""
    admit(founded.store, circle.key)
    credential = read_credential(founded.credential)
    with closing(open_custodian(worker.uri, no_secret)) as custodian:
        head, sealed = _received(custodian)
        card = custodian.card()
    assert (head.size, head.key) == (len(sealed), circle.key.fingerprint)
    for secret in (credential, (founded.store / CARD_FILE).read_bytes(), b"age-encryption.org/v1"):
        assert secret not in sealed[30:]
    part = circle.opened(sealed)
    assert part.credential == credential
    assert part.files == gather(founded.store)
    assert {CARD_FILE, SERVICE_FILE, KEY_FILE} <= set(part.files)
    assert not [name for name in part.files if name.endswith(".lock")]

    again, kept = tmp_path / "again", tmp_path / "again.credential"
    part.lay(again, kept)
    assert {path.stat().st_mode & 0o777 for path in again.iterdir()} == {0o600}
    assert (again.stat().st_mode & 0o777, kept.stat().st_mode & 0o777) == (0o700, 0o600)
    assert open_store(again, read_credential(kept)).card() == card
    with pytest.raises(FileExistsError):
        part.lay(again, kept)
    # Also where the keys are in the process that asks.
    _, sealed = _received(open_store(again, credential))
    assert circle.opened(sealed).files == gather(again)


def test_who_asks_names_no_key(founded: Any, worker: Any, circle: Circle) -> None:
    with closing(open_custodian(worker.uri, no_secret)) as custodian:
        for ask in (custodian.make_backup_part, lambda: admitted(founded.store)):
            with pytest.raises(BackupKeyNotAdmitted):
                ask()
        (founded.store / KEY_FILE).write_bytes(b"{}")
        (founded.store / KEY_FILE).chmod(0o600)
        for ask in (custodian.make_backup_part, lambda: admitted(founded.store)):
            with pytest.raises(StoreInvalid):
                ask()
        admit(founded.store, circle.key)
        other = Circle()
        admit(founded.store, other.key)
        head, sealed = _received(custodian)
    assert head.key == other.key.fingerprint
    assert other.opened(sealed).files[KEY_FILE] == other.key.to_bytes()


def test_keys_that_are_in_no_store_are_in_no_backup(lome: Custody) -> None:
    with pytest.raises(BackupKeyNotAdmitted):
        lome.make_backup_part()
    with pytest.raises(BackupKeyNotAdmitted):
        lome.backup_part_piece(b"a" * 64, b"0")


def test_pieces_are_of_the_part_that_was_made_last(founded: Any, circle: Circle) -> None:
    admit(founded.store, circle.key)
    big = founded.store / "versions.age"
    big.write_bytes(os.urandom(PIECE_BYTES))
    big.chmod(0o600)
    maker = PartMaker(founded.store, b"c" * 64)
    with pytest.raises(RequestMalformed):
        maker.piece(b"", b"0")
    first = PartHead.parse(maker.make())
    told = first.sha256.encode()
    assert len(maker.piece(told, b"0")) == PIECE_BYTES
    assert len(maker.piece(told, str(PIECE_BYTES).encode())) == first.size - PIECE_BYTES
    assert maker.piece(told, str(first.size).encode()) == b""
    for offset in (b"", b"-1", b"01", b"1e3", b"9" * 13):
        with pytest.raises(RequestMalformed):
            maker.piece(told, offset)
    maker.make()
    with pytest.raises(RequestMalformed):
        maker.piece(told, b"0")


def test_the_shares_of_a_splitting_are_in_it(founded: Any, circle: Circle) -> None:
    _split(founded)
    admit(founded.store, circle.key)
    assert [name for name in gather(founded.store) if name.endswith(".share")]
    (founded.store / "shares-ff" / "deeper").mkdir(parents=True)
    (founded.store / "shares-ff" / "deeper" / "x.share").write_bytes(b"x")
    (founded.store / ".half").write_bytes(b"x")
    os.mkfifo(founded.store / "pipe")
    assert not {".half", "pipe", "shares-ff/deeper/x.share"} & set(gather(founded.store))


def test_a_store_that_others_could_read_is_not_taken(founded: Any) -> None:
    (founded.store / "left.copy").write_bytes(b"x")
    (founded.store / "left.copy").chmod(0o644)
    with pytest.raises(StoreUnsafe):
        gather(founded.store)
    (founded.store / "left.copy").rename(founded.store / "à part")
    with pytest.raises(StoreInvalid):
        gather(founded.store)


def test_the_digest_is_of_names_and_contents() -> None:
    told = digest_of({"a": b"1", "b": b"2"})
    assert told == digest_of({"b": b"2", "a": b"1"})
    assert len({told, digest_of({"a": b"2", "b": b"1"}), digest_of({"a": b"1"})}) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"custodian-part", b"custodian-Part"),
        lambda data: data.replace(b'"b.age"', b'"a.age"'),
        lambda data: data.replace(b'"b.age"', b'"../age"'),
        lambda data: data.replace(b'"v":1', b'"v":1,"w":1'),
        lambda data: data.replace(b'"a.age"', b'"a.age","x":1'),
    ],
)
def test_a_part_of_another_form_is_none(change: Callable[[bytes], bytes]) -> None:
    data = Part(b"c" * 64, {"a.age": b"1", "b.age": b"2"}).to_bytes()
    assert Part.parse(data).to_bytes() == data
    with pytest.raises(ValueError):
        Part.parse(change(data))


def test_a_head_of_another_form_is_none() -> None:
    head = PartHead("a" * 64, 1, "b" * 64)
    assert PartHead.parse(head.to_bytes()) == head
    with pytest.raises(ValueError):
        PartHead.parse(head.to_bytes().replace(b'"size":1', b'"size":0'))
    with pytest.raises(ValueError):
        PartHead.parse(head.to_bytes().replace(b'"v":1', b'"v":1,"w":1'))


def test_it_is_typed_by_the_custodian_s_user(
    founded: Any, circle: Circle, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    file = tmp_path / "backup.key"
    file.write_bytes(circle.key.to_bytes())
    typed = ["--store", str(founded.store), "--key", str(file)]
    assert main(typed) == 0
    assert capsys.readouterr().out == f"{circle.key.fingerprint} 2 GARDE-A GARDE-B\n"
    assert (founded.store / KEY_FILE).stat().st_mode & 0o777 == 0o600
    file.write_bytes(b"{}")
    assert main(typed) == 1
    assert "BACKUP_KEY_NOT_ADMITTED" in capsys.readouterr().err
    assert (founded.store / KEY_FILE).read_bytes() == circle.key.to_bytes()
    monkeypatch.setattr(sys, "argv", ["admitting", *typed])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(admitting.__file__, run_name="__main__")
    assert ended.value.code == 1
