"""What an identity folder remembers, and what it refuses to remember twice."""

import os
import sqlite3
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from cipher_service.client.durable import StateUnreadable
from cipher_service.client.numbers import SeriesNumber, Status
from cipher_service.client.quarantine import quarantine
from cipher_service.client.state import DATABASE, PostState
from keys.errors import NumberReused, Replayed
from keys.manifest import Manifest, Series
from tests.vectors import forge

EPOCH = 202600
FIRST = "01JD9ZQ0000000000000000001"
SECOND = "01JD9ZQ0000000000000000002"
HASH = "ab" * 32
OWN = forge.identity("PARIS").card


def manifest(
    number: int | None, dispatch_id: str = FIRST, *, origin: str = "MINREX", epoch: int = EPOCH
) -> Manifest:
    """A verified manifest from an origin to PARIS."""
    entry = forge.addressee(OWN, 1 if number is None else number)
    series = None if number is None else Series(epoch, number)
    to = [replace(entry, series=series, role="action" if series else "copy")]
    heading = forge.heading(id=dispatch_id)
    return Manifest.parse(
        forge.Forgery([OWN], heading=heading, signer=forge.identity(origin), to=to).manifest()
    )


def admit(state: PostState, incoming: Manifest) -> tuple[bool, list[int]]:
    """Admit a manifest in a transaction of its own."""
    with state.transaction():
        admission = state.admit(incoming, OWN.fingerprint)
    return admission.identical, [number for run in admission.missing for number in run]


# -- outgoing --------------------------------------------------------------------------------------


def test_numbers_follow_each_other_and_name_the_one_before(tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    with PostState(tmp_path) as state:
        assert state.numbers.allocate(FIRST, ["PARIS", "ACCRA"], EPOCH, partial) == {
            "PARIS": SeriesNumber(EPOCH, 1, None),
            "ACCRA": SeriesNumber(EPOCH, 1, None),
        }
        state.numbers.finish(FIRST, HASH)
        state.numbers.issue(FIRST, HASH)
        assert state.numbers.allocate(SECOND, ["PARIS"], EPOCH, partial) == {
            "PARIS": SeriesNumber(EPOCH, 2, HASH)
        }
        # Another epoch begins at 1.
        assert state.numbers.allocate("x", ["PARIS"], EPOCH + 1, partial) == {
            "PARIS": SeriesNumber(EPOCH + 1, 1, None)
        }


def test_a_cancelled_number_is_used_up_and_no_link_of_the_chain(tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    with PostState(tmp_path) as state:
        state.numbers.allocate(FIRST, ["PARIS"], EPOCH, partial)
        state.numbers.finish(FIRST, HASH)
        state.numbers.cancel(FIRST, "interrupted")
        state.numbers.cancel(FIRST, "again")
        state.numbers.issue(FIRST, HASH)
        assert state.numbers.allocate(SECOND, ["PARIS"], EPOCH, partial) == {
            "PARIS": SeriesNumber(EPOCH, 2, None)
        }
        first, _ = state.numbers.entries()
        assert (first.status, first.reason) == (Status.CANCELLED, "interrupted")
        assert first.settled_at is not None


def test_a_dead_command_s_numbers_are_settled_by_its_partial_file(tmp_path: Path) -> None:
    begun, finished, renamed = (tmp_path / name for name in ("begun", "finished", "renamed"))
    begun.touch()
    finished.touch()
    with PostState(tmp_path) as state:
        state.numbers.allocate("begun", ["PARIS"], EPOCH, begun)
        state.numbers.allocate("finished", ["PARIS"], EPOCH, finished)
        state.numbers.finish("finished", HASH)
        state.numbers.allocate("renamed", ["PARIS"], EPOCH, renamed)
        state.numbers.finish("renamed", HASH)

    with PostState(tmp_path) as state, state.exclusive():
        cancelled, leftovers = state.numbers.recover()
        assert [each.dispatch_id for each in cancelled] == ["begun", "finished"]
        assert leftovers == [begun, finished]
        assert [each.status for each in state.numbers.entries()] == [
            Status.CANCELLED,
            Status.CANCELLED,
            Status.ISSUED,
        ]
        assert state.numbers.recover() == ([], [])


def test_a_folder_whose_name_is_no_text_is_remembered(tmp_path: Path) -> None:
    partial = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    with PostState(tmp_path) as state:
        state.numbers.allocate(FIRST, ["PARIS"], EPOCH, partial)
        assert state.numbers.recover()[1] == [partial]


def test_only_one_command_numbers_at_a_time(tmp_path: Path) -> None:
    waited, order = threading.Event(), []

    def second() -> None:
        with PostState(tmp_path) as state, state.exclusive(waited.set):
            order.append("second")

    with PostState(tmp_path) as state:
        thread = threading.Thread(target=second)
        with state.exclusive(lambda: order.append("never")):
            thread.start()
            assert waited.wait(60)
            order.append("first")
        thread.join(60)
    assert order == ["first", "second"]


# -- incoming --------------------------------------------------------------------------------------


def test_the_identical_dispatch_is_admitted_again(tmp_path: Path) -> None:
    with PostState(tmp_path) as state:
        assert admit(state, manifest(1)) == (False, [])
        assert admit(state, manifest(1)) == (True, [])


def test_the_same_id_with_other_content_is_refused(tmp_path: Path) -> None:
    with PostState(tmp_path) as state:
        admit(state, manifest(1))
        with pytest.raises(Replayed):
            admit(state, manifest(2))
        assert state.incoming()[0].received == 1


def test_the_same_number_with_other_content_is_refused_and_nothing_recorded(
    tmp_path: Path,
) -> None:
    with PostState(tmp_path) as state:
        admit(state, manifest(1))
        with pytest.raises(NumberReused):
            admit(state, manifest(1, SECOND))
        # The id of the refused one is still free for the real one.
        assert admit(state, manifest(2, SECOND)) == (False, [])


def test_a_colleague_cannot_use_up_another_s_id_or_number(tmp_path: Path) -> None:
    with PostState(tmp_path) as state:
        admit(state, manifest(1, origin="ROGUE"))
        assert admit(state, manifest(1, origin="MINREX")) == (False, [])


def test_gaps_are_told_as_runs_even_a_billion_wide(tmp_path: Path) -> None:
    with PostState(tmp_path) as state:
        admit(state, manifest(3, FIRST))
        with state.transaction():
            admission = state.admit(manifest(2**53 - 1, SECOND), OWN.fingerprint)
        assert admission.missing == (range(1, 3), range(4, 2**53 - 1))
        (incoming,) = state.incoming()
        assert (incoming.received, incoming.highest) == (2, 2**53 - 1)


def test_a_number_missing_in_one_year_is_not_told_with_another(tmp_path: Path) -> None:
    with PostState(tmp_path) as state:
        assert admit(state, manifest(3, FIRST)) == (False, [1, 2])
        assert admit(state, manifest(1, SECOND, epoch=EPOCH + 100)) == (False, [])


def test_an_own_copy_takes_no_number(tmp_path: Path) -> None:
    with PostState(tmp_path) as state:
        assert admit(state, manifest(None, origin="PARIS")) == (False, [])
        assert state.incoming() == []


def _interrupted(state: PostState) -> None:
    with state.transaction():
        state.admit(manifest(1), OWN.fingerprint)
        raise KeyboardInterrupt


def test_what_is_not_committed_was_never_admitted(tmp_path: Path) -> None:
    with PostState(tmp_path) as state:
        with pytest.raises(KeyboardInterrupt):
            _interrupted(state)
        assert admit(state, manifest(1)) == (False, [])


# -- the file --------------------------------------------------------------------------------------


def test_the_state_is_for_its_owner_only(tmp_path: Path) -> None:
    with PostState(tmp_path) as state, state.exclusive():
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}


def test_a_damaged_state_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        PostState(tmp_path)
    assert (tmp_path / DATABASE).read_bytes() == b"not a database" * 100


def test_the_state_of_a_later_edition_is_left_as_it_is(tmp_path: Path) -> None:
    with PostState(tmp_path):
        pass
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateUnreadable, match="99"):
        PostState(tmp_path)


# -- quarantine ------------------------------------------------------------------------------------


def test_a_quarantine_is_gone_after_its_block(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with quarantine(tmp_path, place) as folder:
        (folder / "plaintext").write_text("secret")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not list(place.iterdir())
    assert not list((tmp_path / "quarantine").iterdir())


def test_a_living_quarantine_is_respected_and_a_dead_one_removed(tmp_path: Path) -> None:
    dead = tmp_path / ".chiffre-0123456789abcdef"
    dead.mkdir()
    (dead / "plaintext").write_text("secret")
    (tmp_path / "quarantine").mkdir()
    (tmp_path / "quarantine" / "0123456789abcdef").write_bytes(os.fsencode(dead))

    with quarantine(tmp_path, tmp_path) as living, quarantine(tmp_path, tmp_path):
        assert living.exists()
        assert not dead.exists()


def test_a_note_cut_short_removes_nothing(tmp_path: Path) -> None:
    """A power loss may leave the beginning of a path: another folder's name."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "quarantine").mkdir()
    note = tmp_path / "quarantine" / "0123456789abcdef"
    note.write_bytes(os.fsencode(tmp_path / "documents"))
    with quarantine(tmp_path, tmp_path):
        pass
    assert (tmp_path / "documents").exists()
