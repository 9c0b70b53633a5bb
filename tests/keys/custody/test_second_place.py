"""What the custodian's store becomes stands in its second place first, and comes back from it."""

import os
import runpy
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keys.custody import place, second_place
from keys.custody.core import Custody
from keys.custody.errors import SecondPlaceDiffers, SecondPlaceUnreachable
from keys.custody.place import (
    MARK_FILE,
    PLACE_FILE,
    STATE_FILE,
    SecondPlace,
    State,
    adopt,
    begin,
    check,
    end,
)
from keys.custody.rotation import Terminal
from keys.custody.second_place import main
from keys.custody.splitting import opened_store, resplit_store
from keys.custody.store import CARD_FILE, SERVICE_FILE, open_store, read_credential
from keys.lifecycle import COMPROMISED
from tests.keys.custody.test_splitting import _holders, _read, _split
from tests.support.dying import killed_at

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
UNTIL = datetime(2027, 11, 25, tzinfo=UTC)
KEY = b"bureau/MINREX"


class Kept:
    """A store with a second place, and a backup of the moment after that was begun."""

    def __init__(self, founded: Any, folder: Path) -> None:
        self.store: Path = founded.store
        self.credential = read_credential(founded.credential)
        self.mount, self.backup = folder / "second", folder / "backup"
        self.mount.mkdir()
        self.place = begin(self.store, self.mount)
        self.back_up()

    def back_up(self) -> None:
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.copytree(self.store, self.backup)

    def terminal(self, shares: Any = ()) -> Terminal:
        return Terminal(self.store, self.credential, shares)

    def rotate(self) -> str:
        return self.terminal().rotate(NOW, UNTIL, NOW).fingerprint

    def opened(self) -> Custody:
        return open_store(self.store, self.credential)

    def restored(self) -> Custody:
        """What a restore makes of the backup, wherever the place is mounted then."""
        adopt(self.backup, self.mount)
        return open_store(self.backup, self.credential)

    def told(self) -> set[str]:
        """What lies in the place besides its state."""
        return {path.name for path in self.place.iterdir()} - {STATE_FILE}


@pytest.fixture
def kept(founded: Any, tmp_path: Path) -> Kept:
    return Kept(founded, tmp_path)


def test_a_rotation_and_a_compromise_come_back_after_the_disk_is_lost(
    kept: Kept,
) -> None:
    card = kept.rotate()
    kept.terminal().rotate_desks(NOW)
    desks = kept.opened().desk_keys()
    kept.opened().compromise_key(KEY, b"1", b"vol")
    book = kept.opened().key_versions()
    assert check(kept.store) is not None
    shutil.rmtree(kept.store)

    custody = kept.restored()
    assert (custody.card().fingerprint, custody.desk_keys()) == (card, desks)
    assert custody.key_versions() == book
    assert COMPROMISED.encode() in book
    # It has none of its own until another is begun.
    assert check(kept.backup) is None
    assert not (kept.backup / MARK_FILE).exists()


def test_a_splitting_is_there_with_the_file_that_its_shares_open(founded: Any, kept: Kept) -> None:
    shares = _split(founded)
    newer = _read(resplit_store(kept.store, shares[:2], 2, _holders("A", "B", "C")))
    state = check(kept.store)
    assert state is not None
    assert kept.told() == set(state.files.values()), "no file of an older splitting stays"
    adopt(kept.backup, kept.mount)
    opened_store(kept.backup, kept.credential, newer[:2])
    assert not (kept.backup / "secret.age").exists()


def test_what_the_place_cannot_take_is_not_in_force(kept: Kept, tmp_path: Path) -> None:
    card, before = kept.opened().card(), (kept.store / SERVICE_FILE).read_bytes()
    kept.mount.rename(tmp_path / "away")
    for act in (kept.rotate, lambda: kept.terminal().rotate_desks(NOW)):
        with pytest.raises(SecondPlaceUnreachable):
            act()
    kept.mount.mkdir()  # a mount point without its disk
    with pytest.raises(SecondPlaceUnreachable):
        kept.opened().suspend_key(KEY, b"1", b"doute")
    with pytest.raises(SecondPlaceUnreachable):
        check(kept.store)
    assert kept.opened().card() == card
    assert (kept.store / SERVICE_FILE).read_bytes() == before
    kept.mount.rmdir()
    (tmp_path / "away").rename(kept.mount)
    kept.rotate()
    assert check(kept.store) is not None


def test_a_place_that_is_full_or_read_only_is_missed_by_name(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(place, "write_new", full)
        with pytest.raises(SecondPlaceUnreachable, match="No space"):
            kept.rotate()
    kept.rotate()
    unlink = Path.unlink

    def stuck(path: Path, *, missing_ok: bool = False) -> None:
        if path.parent == kept.place and not path.name.startswith("."):
            full()
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", stuck)
        with pytest.raises(SecondPlaceUnreachable, match="No space"):
            kept.rotate()
    kept.rotate()
    state = check(kept.store)
    assert state is not None
    assert kept.told() == set(state.files.values())


def test_killed_at_any_step_of_a_rotation_the_place_opens_as_the_store_does(
    kept: Kept, tmp_path: Path
) -> None:
    old = kept.opened().card().fingerprint
    before = tmp_path / "before"
    for folder in (kept.store, kept.mount):
        shutil.copytree(folder, before / folder.name)
    seen = set()
    for step in range(1, 400):
        ended = killed_at(tmp_path, step, kept.rotate, prepared=False)
        assert ended in {0, 9}
        restored = kept.restored().card().fingerprint
        here = kept.opened().card().fingerprint
        # What is in force here is there; what is there and not here was told to nobody.
        assert here in {restored, old}
        seen.add((restored == old, here == old))
        kept.rotate()  # and it goes on from either
        assert check(kept.store) is not None
        for folder in (kept.store, kept.mount):
            shutil.rmtree(folder)
            shutil.copytree(before / folder.name, folder)
        kept.back_up()
        if ended == 0:
            break
    assert ended == 0
    assert seen == {(True, True), (False, True), (False, False)}


def test_a_store_that_was_put_back_from_a_copy_is_not_gone_on_with(kept: Kept) -> None:
    kept.rotate()
    shutil.rmtree(kept.store)
    shutil.copytree(kept.backup, kept.store)
    with pytest.raises(SecondPlaceDiffers, match="older"):
        kept.rotate()
    with pytest.raises(SecondPlaceDiffers, match="other files"):
        check(kept.store)
    # The backup becomes what the place has.
    assert kept.restored().card().edition == 2


def test_a_place_that_was_put_back_from_a_copy_is_refused(kept: Kept, tmp_path: Path) -> None:
    shutil.copytree(kept.mount, tmp_path / "copy")
    kept.rotate()
    kept.back_up()
    shutil.rmtree(kept.mount)
    (tmp_path / "copy").rename(kept.mount)
    with pytest.raises(SecondPlaceDiffers, match="newer"):
        kept.rotate()
    with pytest.raises(SecondPlaceDiffers, match="older than the backup"):
        adopt(kept.backup, kept.mount)
    kept.place = begin(kept.store, kept.mount)
    kept.rotate()
    assert check(kept.store) is not None


def test_a_damaged_and_a_forged_place_are_refused(kept: Kept) -> None:
    state = check(kept.store)
    assert state is not None
    file = kept.place / state.files[CARD_FILE]
    true = file.read_bytes()
    file.write_bytes(true[:-2] + b"\x00\n")
    for judge in (lambda: check(kept.store), lambda: adopt(kept.backup, kept.mount)):
        with pytest.raises(SecondPlaceDiffers, match="damaged"):
            judge()
    file.unlink()
    with pytest.raises(SecondPlaceUnreachable):
        adopt(kept.backup, kept.mount)
    file.write_bytes(true)
    forged = State(9, state.files).to_bytes(bytes(32))
    for written in (forged, b"{}", b"\xff"):
        (kept.place / STATE_FILE).write_bytes(written)
        with pytest.raises(SecondPlaceDiffers, match="damaged"):
            adopt(kept.backup, kept.mount)
    assert (kept.backup / CARD_FILE).read_bytes() == true


@pytest.mark.parametrize("name", [".hidden.age", "../officers.age", "", "officers.age.x", "state"])
def test_a_state_names_files_of_a_store_only(name: str) -> None:
    secret = bytes(32)
    with pytest.raises(ValueError, match="name"):
        State.parse(State(1, {name: "a" * 64}).to_bytes(secret), secret)


def test_what_says_where_the_place_is_must_be_whole(kept: Kept) -> None:
    true = (kept.store / PLACE_FILE).read_bytes()
    assert SecondPlace.parse(true).to_bytes() == true
    relative = SecondPlace(Path("second"), bytes(32)).to_bytes()
    for written in (b"{}", relative):
        (kept.store / PLACE_FILE).write_bytes(written)
        with pytest.raises(SecondPlaceDiffers, match="malformed"):
            kept.rotate()
    (kept.store / PLACE_FILE).write_bytes(true)
    (kept.store / MARK_FILE).write_bytes(b"many")
    with pytest.raises(SecondPlaceDiffers, match="malformed"):
        kept.rotate()
    (kept.store / MARK_FILE).unlink()
    with pytest.raises(SecondPlaceDiffers, match="malformed"):
        kept.rotate()


def test_after_its_end_it_is_told_nothing(kept: Kept, tmp_path: Path) -> None:
    assert end(kept.store)
    assert not end(kept.store)
    kept.mount.rename(tmp_path / "away")
    kept.rotate()
    assert check(kept.store) is None
    kept.back_up()
    with pytest.raises(SecondPlaceDiffers, match="before the second place was begun"):
        adopt(kept.backup, tmp_path / "away")


def test_the_command_begins_checks_adopts_and_ends(
    founded: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(founded.store)

    def typed(*words: str) -> tuple[int, str]:
        status = main(words)
        return status, capsys.readouterr().out.strip()

    (tmp_path / "second").mkdir()
    at = ("--at", str(tmp_path / "second"))
    assert typed("check", "--store", store) == (0, "none")
    status, folder = typed("begin", "--store", store, *at)
    assert (status, Path(folder).parent) == (0, tmp_path / "second")
    assert typed("check", "--store", store) == (0, "1")
    shutil.copytree(founded.store, tmp_path / "backup")
    Terminal(founded.store, read_credential(founded.credential)).rotate(NOW, UNTIL, NOW)
    status, position = typed("adopt", "--store", str(tmp_path / "backup"), *at)
    assert (status, int(position) > 1) == (0, True)
    assert (tmp_path / "backup" / CARD_FILE).read_bytes() == (
        founded.store / CARD_FILE
    ).read_bytes()
    assert typed("begin", "--store", store, "--at", str(tmp_path / "none")) == (3, "")
    assert typed("end", "--store", store) == (0, "ended")
    assert typed("end", "--store", store) == (0, "none")
    for incomplete in (("begin", "--store", store), ("check",)):
        with pytest.raises(SystemExit):
            main(incomplete)


def test_what_the_command_makes_is_for_its_user_alone(founded: Any) -> None:
    before = os.umask(0o022)
    try:
        main(["check", "--store", str(founded.store)])
        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)


def test_the_module_is_a_command(founded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["second_place", "check", "--store", str(founded.store)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(second_place.__file__, run_name="__main__")
    assert ended.value.code == 0
