"""The custodian signs one story of the log: forks, roll-backs, twins and old copies are refused."""

import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keys.custody import Custodian, new_log, no_secret, open_custodian, read_credential
from keys.custody.acts import perform, read_answer
from keys.custody.core import Custody
from keys.custody.errors import LogHeadLost
from keys.log.checkpoints import Checkpoint, read_checkpoint, read_cosignature
from keys.log.errors import LogForked, LogOfAnother, LogRolledBack, NoteMalformed, NoteNotSigned
from keys.log.notes import Ed25519Signer, Note
from keys.merkle import consistency_path_of, root
from tests.support.trees import hashes, range_roots

ORIGIN = "minrex.example/audit"
LEAVES = hashes(40)


def head(size: int, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root(LEAVES[:size]))


def path(old: int, size: int) -> bytes:
    return b"".join(consistency_path_of(old, size, range_roots(LEAVES)))


def sign(custodian: Custodian, old: int, size: int, published: bytes = b"") -> bytes:
    return custodian.sign_checkpoint(head(size).encode().encode(), path(old, size), published)


@pytest.fixture(params=["memory", "file", "worker"])
def custodian(request: pytest.FixtureRequest) -> Iterator[Custodian]:
    uri = "memory:"
    secrets: Callable[[str], bytes] = no_secret
    if request.param == "file":
        founded = request.getfixturevalue("founded")
        uri = f"file:{founded.store}"
        secrets = lambda _uri: read_credential(founded.credential)  # noqa: E731  a callable is meant
    elif request.param == "worker":
        uri = request.getfixturevalue("worker").uri
    with closing(open_custodian(uri, secrets)) as opened:
        yield opened


def test_each_head_continues_the_last(custodian: Custodian) -> None:
    assert custodian.log_head() == b""
    published = b""
    for old, size in ((0, 3), (3, 3), (3, 17), (17, 40)):
        published = sign(custodian, old, size, published)
        note = Note.parse(published)
        keys = custodian.log_keys()
        assert read_checkpoint(note, keys.note_key(ORIGIN)) == head(size)
        assert read_cosignature(note, keys.cosigner_key(ORIGIN)) == 0
        assert custodian.log_head().decode() == head(size).encode()
    asked_again = Note.parse(sign(custodian, 17, 40))
    assert asked_again.text == Note.parse(published).text


def test_no_other_story_is_signed(custodian: Custodian) -> None:
    first = sign(custodian, 0, 9)
    other = Checkpoint(ORIGIN, 17, root(list(reversed(LEAVES[:17])))).encode().encode()
    cases: list[tuple[bytes, bytes, bytes, type[Exception]]] = [
        (other, path(9, 17), first, LogForked),
        (Checkpoint(ORIGIN, 9, LEAVES[0]).encode().encode(), b"", first, LogForked),
        (head(17).encode().encode(), path(8, 17), first, LogForked),
        (head(4).encode().encode(), b"", first, LogRolledBack),
        (head(17, "other.example/audit").encode().encode(), path(9, 17), b"", LogOfAnother),
        (head(17).encode().encode(), path(9, 17)[:-1], first, NoteMalformed),
        (head(17).encode().encode() + b"more\n", path(9, 17), first, NoteMalformed),
        (b"\xff", b"", first, NoteMalformed),
        (b"noise", b"", b"", NoteMalformed),
    ]
    for text, proof, published, refusal in cases:
        with pytest.raises(refusal):
            custodian.sign_checkpoint(text, proof, published)
    forged = Note(head(20).encode(), (Ed25519Signer(ORIGIN, bytes(32)).sign(head(20).encode()),))
    with pytest.raises(NoteNotSigned):
        sign(custodian, 9, 17, forged.encode())
    assert custodian.log_head().decode() == head(9).encode()
    sign(custodian, 9, 17, first)


def test_a_restored_store_is_told_from_the_log(founded: Any, tmp_path: Path) -> None:
    def opened(store: Path) -> Custodian:
        return open_custodian(f"file:{store}", lambda _uri: read_credential(founded.credential))

    custodian = opened(founded.store)
    first = sign(custodian, 0, 5)
    twin = tmp_path / "twin"
    shutil.copytree(founded.store, twin)
    published = sign(custodian, 5, 9, first)
    with pytest.raises(LogHeadLost):
        sign(opened(twin), 5, 17, published)
    with pytest.raises(LogForked):  # and it cannot be given the proof that the log would need
        sign(opened(twin), 9, 17, first)
    # Two custodians on one store share its memory.
    again = opened(founded.store)
    latest = sign(again, 9, 17, published)
    with pytest.raises(LogRolledBack):
        sign(custodian, 9, 12, latest)


def test_the_log_keys_pass_the_socket_whole(lome: Custody) -> None:
    answer = perform(lome, {"act": "log_keys", "arguments": {}})

    told, own = read_answer("log_keys", answer), lome.log_keys()
    assert (told.ed25519, told.mldsa44) == (own.ed25519, own.mldsa44)


def test_a_log_that_ended_is_not_begun_again(
    founded: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its custodian lives, and the restored service has another name for the log."""

    def opened() -> Custodian:
        return open_custodian(
            f"file:{founded.store}", lambda _uri: read_credential(founded.credential)
        )

    def typed() -> str:
        assert new_log.main(["--store", str(founded.store)]) == 0
        return capsys.readouterr().out

    assert typed() == "none\n"
    custodian = opened()  # it runs all the while
    sign(custodian, 0, 5)
    assert typed() == f"{ORIGIN} 5\n"
    assert (founded.store / "log.head.1").read_text() == head(5).encode()
    assert typed() == "none\n"
    for one in (custodian, opened()):
        assert one.log_head() == b""
        for size in (3, 5, 9):
            with pytest.raises(LogOfAnother):
                sign(one, 0, size)
    other = head(3, f"{ORIGIN}/r1").encode().encode()
    custodian.sign_checkpoint(other, path(0, 3), b"")
    assert typed() == f"{ORIGIN}/r1 3\n"
    assert (founded.store / "log.head.2").read_text() == other.decode()
    with pytest.raises(LogOfAnother):
        custodian.sign_checkpoint(other, path(0, 3), b"")


def test_ending_a_log_is_a_command(founded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["new_log", "--store", str(founded.store)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(new_log.__file__, run_name="__main__")
    assert ended.value.code == 0
