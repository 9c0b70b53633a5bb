"""An identity: its keys in a folder, behind a passphrase, and openable with other tools."""

import errno
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keys.cards import read_card
from keys.dispatch import Destination, decipher, encipher
from keys.errors import CardInvalid, IdentityInvalid, PassphraseWrong
from keys.identity import Identity, create_identity, load_identity
from tests.vectors.forge import YEAR, heading

PASSPHRASE = b"Nyong-Sanaga-Wouri"
FOREIGN = Path(__file__).resolve().parents[1] / "foreign"


def _create(folder: Path, passphrase: bytes | None = None, post: str = "PARIS") -> Identity:
    return create_identity(
        folder, post, passphrase=passphrase, valid_from=YEAR[0], valid_until=YEAR[1]
    )


def _never() -> bytes:
    raise AssertionError("nobody is to be asked")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_identity_without_passphrase(tmp_path: Path) -> None:
    folder = tmp_path / "posts" / "paris"
    created = _create(folder)

    assert sorted(path.name for path in folder.iterdir()) == ["PARIS.card", "secret.json"]
    assert _mode(folder) == 0o700
    assert _mode(folder / "secret.json") == 0o600
    loaded = load_identity(folder, _never)
    assert loaded.card == created.card == read_card((folder / "PARIS.card").read_bytes())
    assert loaded.age_identity == created.age_identity
    assert loaded.api_key.thumbprint() == created.api_key.thumbprint()


def test_the_secret_opens_with_a_published_tool(tmp_path: Path) -> None:
    """P3: the passphrase and any age give the keys back, without this product."""
    created = _create(tmp_path, PASSPHRASE)
    assert _mode(tmp_path / "secret.age") == 0o600
    script = """
        import { readFileSync } from "node:fs";
        import { Decrypter } from "age-encryption";
        const decrypter = new Decrypter();
        decrypter.addPassphrase(process.argv[1]);
        console.log(await decrypter.decrypt(readFileSync(0), "text"));
    """
    node = str(Path(sys.executable).with_name("node"))
    done = subprocess.run(
        [node, "--input-type=module", "-e", script, PASSPHRASE.decode()],
        input=(tmp_path / "secret.age").read_bytes(),
        capture_output=True,
        check=True,
        cwd=FOREIGN,
    )
    assert json.loads(done.stdout)["age"] == created.age_identity
    assert load_identity(tmp_path, lambda: PASSPHRASE).card == created.card


def test_a_wrong_passphrase_is_refused(tmp_path: Path) -> None:
    _create(tmp_path, PASSPHRASE)
    with pytest.raises(PassphraseWrong):
        load_identity(tmp_path, lambda: b"Wouri")


def test_an_identity_signs_and_opens(tmp_path: Path) -> None:
    identity = _create(tmp_path / "paris")
    sink = io.BytesIO()
    to = [Destination(identity.card, "ROUTINE", None, role="copy")]
    encipher(heading(), to, b"Note pour le dossier", signer=identity, sink=sink)
    sink.seek(0)
    trusted = {identity.card.fingerprint: identity.card}
    with decipher(sink, opener=identity, find_sender=trusted.get, workspace=tmp_path) as opened:
        assert (opened.folder / "message.txt").read_bytes() == b"Note pour le dossier"
        assert opened.manifest.to[0].series is None


def test_no_secret_in_its_representation(tmp_path: Path) -> None:
    identity = _create(tmp_path)
    assert repr(identity) == "Identity(PARIS, edition 1)"


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_an_identity_is_never_overwritten(passphrase: bytes | None, tmp_path: Path) -> None:
    _create(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for post in ("PARIS", "LOME"):
        with pytest.raises(FileExistsError):
            _create(tmp_path, passphrase, post)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_card_that_is_in_the_way_is_kept_and_nothing_else_written(tmp_path: Path) -> None:
    (tmp_path / "PARIS.card").write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        _create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["PARIS.card"]
    assert (tmp_path / "PARIS.card").read_bytes() == b"another's"


def test_a_bad_post_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CardInvalid):
        _create(tmp_path / "x", post="paris")
    assert not (tmp_path / "x").exists()


def test_a_folder_without_identity(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_identity(tmp_path, _never)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"age": "AGE-SECRET-KEY-PQ-1" + "Q" * 58},
        {"age": "AGE-SECRET-KEY-1"},
        {"ed25519": "AAAA"},
        {"mldsa65": None},
        {"api": "A" * 43 + "="},
        {"motto": ""},
        {"card": "0" * 64},
    ],
)
def test_altered_secrets_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    _create(tmp_path)
    secret = tmp_path / "secret.json"
    members = json.loads(secret.read_bytes())
    secret.write_text(json.dumps(members | change, sort_keys=True, separators=(",", ":")))
    with pytest.raises(IdentityInvalid):
        load_identity(tmp_path, _never)


def test_anothers_card_is_refused(tmp_path: Path) -> None:
    _create(tmp_path / "one")
    _create(tmp_path / "two")
    (tmp_path / "two" / "PARIS.card").replace(tmp_path / "one" / "PARIS.card")
    with pytest.raises(IdentityInvalid):
        load_identity(tmp_path / "one", _never)


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_disk_that_fails_leaves_no_half_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """The secrets, the card, their folder: whichever cannot be flushed."""
    turns = iter(range(1, 9))
    flush = os.fsync

    def fail(descriptor: int) -> None:
        if next(turns) == failing:
            raise OSError(errno.ENOSPC, "no space")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        _create(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert _create(tmp_path).card.post == "PARIS"
