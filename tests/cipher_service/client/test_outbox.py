"""What enters the outbox is handed over once, and nothing enters by halves."""

import os
import signal
import sqlite3
import stat
import sys
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import FrameType

import pytest

from cipher_service import clock
from cipher_service.client import outbox as outbox_module
from cipher_service.client.durable import StateUnreadable, open_database
from cipher_service.client.outbox import KEPT, Outbox
from cipher_service.client.outbox_entries import TABLES, Note, Standing, Status

FIRST = "01JD9ZQ0000000000000000001"
SECOND = "01JD9ZQ0000000000000000002"
THIRD = "01JD9ZQ0000000000000000003"
REGISTER = "2026/000001"
ENVELOPE = b"age-encryption.org/v1\n" + bytes(range(256)) * 300


def draft(outbox: Outbox, dispatch_id: str, *, mark: str = "mark", urgency: int = 1) -> None:
    outbox.partial(dispatch_id).write_bytes(ENVELOPE)
    outbox.draft(
        dispatch_id,
        slip=b'{"signature":"","slip":{}}',
        mark=mark,
        urgency=urgency,
        sha256=sha256(ENVELOPE).hexdigest(),
        size=len(ENVELOPE),
    )


def queue(outbox: Outbox, dispatch_id: str, *, mark: str = "mark", urgency: int = 1) -> None:
    draft(outbox, dispatch_id, mark=mark, urgency=urgency)
    outbox.enter(dispatch_id)


def test_a_dispatch_that_entered_is_still_there_for_the_next_command(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST)

    with Outbox(tmp_path) as outbox:
        (entry,) = outbox.pending()
        assert entry.dispatch_id == FIRST
        assert entry.status is Status.QUEUED
        assert outbox.envelope(FIRST).read_bytes() == ENVELOPE


def test_a_flash_leaves_before_what_entered_earlier(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST, urgency=1)
        queue(outbox, SECOND, urgency=4)
        queue(outbox, THIRD, urgency=1)

        assert [entry.dispatch_id for entry in outbox.pending()] == [SECOND, FIRST, THIRD]


def test_an_acknowledged_dispatch_leaves_the_pending_and_keeps_its_receipt(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST)
        outbox.start_upload(FIRST, "/v1/uploads/1")
        assert outbox.entry(FIRST).upload == "/v1/uploads/1"
        outbox.acknowledge(FIRST, b"receipt", REGISTER)

        assert outbox.pending() == []
        entry = outbox.entry(FIRST)
        assert (entry.status, entry.receipt, entry.upload) == (
            Status.ACKNOWLEDGED,
            b"receipt",
            None,
        )
        with pytest.raises(RuntimeError):
            outbox.acknowledge(FIRST, b"another receipt", REGISTER)
        with pytest.raises(RuntimeError):
            outbox.refuse(FIRST, "DUPLICATE_NUMBER")
        assert outbox.entry(FIRST).receipt == b"receipt"


def test_an_envelope_goes_a_month_after_its_dispatch_and_never_before_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Outbox(tmp_path) as outbox:
        for each in (FIRST, SECOND, THIRD):
            queue(outbox, each)
        outbox.acknowledge(FIRST, b"receipt", REGISTER)
        outbox.refuse(SECOND, "UNKNOWN_POST")
        outbox.meet(Standing("chiffre.example/audit", (), "2026/000001"))
        outbox.settle()
        assert all(outbox.envelope(each).exists() for each in (FIRST, SECOND, THIRD))

        later = clock.now() + KEPT + timedelta(minutes=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        outbox.settle()
        there = [outbox.envelope(each).exists() for each in (FIRST, SECOND, THIRD)]
        assert there == [False, False, True]
        assert outbox.entry(FIRST).receipt == b"receipt"


def test_an_envelope_waits_for_a_backup_that_has_it_a_year_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST)
        outbox.acknowledge(FIRST, b"receipt", "2026/000007")
        now = clock.now()
        for covered, days, there in (
            (None, 31, True),
            ("2026/000006", 31, True),
            ("2025/999999", 365, True),
            ("2026/000006", 367, False),
        ):
            outbox.meet(Standing("chiffre.example/audit", (), covered))
            monkeypatch.setattr(clock, "now", lambda days=days: now + timedelta(days=days))
            outbox.settle()
            assert outbox.envelope(FIRST).exists() == there, covered


def test_what_a_restored_ministry_lost_waits_again_and_keeps_its_first_receipt(
    tmp_path: Path,
) -> None:
    standing = Standing("chiffre.example/audit/r1", ((2026, 7, 10),), None)
    with Outbox(tmp_path) as outbox:
        for each in (FIRST, SECOND):
            queue(outbox, each)
            outbox.acknowledge(each, b"receipt", REGISTER)
            outbox.show(each)
        outbox.post(Note("receipt/1/delivered", "/v1/receipts", b"{}"))
        outbox.note_posted("receipt/1/delivered")
        outbox.begin_again(standing, [FIRST])

    with Outbox(tmp_path) as outbox:
        assert outbox.standing() == standing
        assert [entry.dispatch_id for entry in outbox.pending()] == [FIRST]
        assert [note.name for note in outbox.pending_notes()] == ["receipt/1/delivered"]
        outbox.acknowledge(FIRST, b"another", "2026/000011")
        entry = outbox.entry(FIRST)
        assert (entry.receipt, entry.earlier) == (b"another", (b"receipt",))


def test_an_outbox_of_the_first_edition_is_brought_up_whole(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    before = open_database(tmp_path / "outbox" / "outbox.db", TABLES, 1)
    before.execute(
        "INSERT INTO dispatch (dispatch_id, mark, urgency, status, slip, sha256, size, queued_at,"
        " receipt) VALUES (?, 'mark', 1, 'acknowledged', x'7b7d', '', 0, '2026-01-01T00:00:00Z',"
        " x'7b7d')",
        (FIRST,),
    )
    before.close()

    with Outbox(tmp_path) as outbox:
        assert outbox.entry(FIRST).register is None
        assert outbox.standing() is None
    with pytest.raises(StateUnreadable):
        open_database(tmp_path / "outbox" / "outbox.db", TABLES, 1)


def test_a_refused_dispatch_keeps_the_name_of_its_refusal(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST)
        outbox.refuse(FIRST, "UNKNOWN_POST")

        assert outbox.pending() == []
        assert outbox.entry(FIRST).refusal == "UNKNOWN_POST"


def test_an_upload_that_the_ministry_forgot_starts_anew(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST)
        outbox.start_upload(FIRST, "/v1/uploads/1")
        outbox.forget_upload(FIRST)

        assert outbox.entry(FIRST).status is Status.QUEUED
        with pytest.raises(RuntimeError):
            outbox.forget_upload(FIRST)


def test_the_same_act_is_recognised_until_its_end_was_shown(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        assert outbox.find_unshown("mark") is None
        queue(outbox, FIRST)
        found = outbox.find_unshown("mark")
        assert found is not None
        assert found.dispatch_id == FIRST
        with pytest.raises(RuntimeError):
            outbox.show(FIRST)  # it has no end yet
        outbox.acknowledge(FIRST, b"receipt", REGISTER)
        assert outbox.find_unshown("mark") is not None
        outbox.show(FIRST)
        assert outbox.find_unshown("mark") is None
        assert outbox.find_unshown("another mark") is None


def test_an_id_enters_once(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST)
        with pytest.raises(sqlite3.IntegrityError):
            queue(outbox, FIRST)
        assert len(outbox.entries()) == 1


def test_an_unknown_id_is_a_key_error(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox, pytest.raises(KeyError):
        outbox.entry(FIRST)


def test_an_envelope_that_is_not_what_was_enciphered_does_not_enter(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        outbox.partial(FIRST).write_bytes(ENVELOPE[:-1])
        with pytest.raises(OSError, match="bytes on disk"):
            outbox.draft(FIRST, slip=b"", mark="", urgency=1, sha256="", size=len(ENVELOPE))
        outbox.settle()
        assert outbox.entries() == []
        assert not outbox.partial(FIRST).exists()


def test_an_abandoned_draft_is_invisible_and_removed(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST)
        draft(outbox, SECOND, mark="second")
        outbox.partial(THIRD).write_bytes(b"half an envel")

        assert outbox.find(SECOND) is None
        assert outbox.find_unshown("second") is None
        assert [entry.dispatch_id for entry in outbox.entries()] == [FIRST]
        outbox.settle()
        assert not outbox.partial(SECOND).exists()
        assert not outbox.partial(THIRD).exists()
        assert outbox.envelope(FIRST).exists()
        queue(outbox, SECOND)  # nothing is in its way


def test_two_commands_never_send_one_dispatch_together(tmp_path: Path) -> None:
    with Outbox(tmp_path) as one, Outbox(tmp_path) as other:
        queue(one, FIRST)
        with one.claim(FIRST) as claim:
            assert claim is not None
            assert claim.file.read() == ENVELOPE
            with other.claim(FIRST) as second:
                assert second is None
            one.acknowledge(FIRST, b"receipt", REGISTER)
        with other.claim(FIRST) as third:
            assert third is not None
            assert not third.entry.pending


def test_notes_are_posted_in_order_and_once(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        delivered = Note("receipt/1/delivered", "/v1/receipts", b"{}")
        deciphered = Note("receipt/1/deciphered", "/v1/receipts", b'{"a":1}')
        repetition = Note("service-message/1", "/v1/service-messages", b"{}")
        assert outbox.post(delivered)
        assert outbox.post(deciphered)
        assert outbox.post(repetition)
        assert not outbox.post(delivered)
        assert outbox.pending_notes() == [delivered, deciphered, repetition]

        outbox.note_posted(delivered.name)
        outbox.note_refused(deciphered.name, "RECEIPT_UNKNOWN")
        assert outbox.pending_notes() == [repetition]
        with pytest.raises(RuntimeError):
            outbox.note_refused(delivered.name, "TOO_LATE")
        assert not outbox.post(delivered)


def test_only_its_owner_reads_the_outbox(tmp_path: Path) -> None:
    previous = os.umask(0o000)
    try:
        with Outbox(tmp_path) as outbox:
            queue(outbox, FIRST)
    finally:
        os.umask(previous)
    for path in [tmp_path / "outbox", tmp_path / "outbox" / "outbox.db"]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_an_outbox_of_a_later_edition_is_left_alone(tmp_path: Path) -> None:
    with Outbox(tmp_path) as outbox:
        queue(outbox, FIRST)
    with sqlite3.connect(tmp_path / "outbox" / "outbox.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateUnreadable):
        Outbox(tmp_path)


def die_at(step: int, act: Callable[[], None]) -> bool:
    """Run `act` in a child that is killed at its `step`-th line of outbox.py; say if it ended."""
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(frame: FrameType, event: str, _argument: object) -> object:
            nonlocal seen
            if frame.f_code.co_filename != outbox_module.__file__:
                return None
            if event == "line":
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)  # type: ignore[arg-type]  # typeshed's recursive alias is unspellable
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)


def test_killed_at_every_line_a_dispatch_entered_wholly_or_not_at_all(tmp_path: Path) -> None:
    died_before = died_after = 0
    for step in range(1, 1000):
        folder = tmp_path / str(step)
        folder.mkdir()

        def send(folder: Path = folder) -> None:
            with Outbox(folder) as outbox:
                queue(outbox, FIRST)

        finished = die_at(step, send)
        with Outbox(folder) as outbox:
            outbox.settle()
            entries = outbox.pending()
            if entries:
                assert sha256(outbox.envelope(FIRST).read_bytes()).hexdigest() == entries[0].sha256
                died_after += not finished
            else:
                # Not entered: the next command may use the id again, nothing is in its way.
                queue(outbox, FIRST)
                died_before += 1
            assert [entry.dispatch_id for entry in outbox.pending()] == [FIRST]
        if finished:
            break
    else:
        pytest.fail("the enumeration never reached the end of the act")
    assert died_before > 15
    assert died_after >= 1


def test_killed_at_every_line_of_an_acknowledgement_the_receipt_is_there_or_still_asked_for(
    tmp_path: Path,
) -> None:
    for step in range(1, 1000):
        folder = tmp_path / str(step)
        folder.mkdir()
        with Outbox(folder) as outbox:
            queue(outbox, FIRST)

        def acknowledge(folder: Path = folder) -> None:
            with Outbox(folder) as outbox, outbox.claim(FIRST):
                outbox.acknowledge(FIRST, b"receipt", REGISTER)

        finished = die_at(step, acknowledge)
        with Outbox(folder) as outbox, outbox.claim(FIRST) as claim:
            assert claim is not None  # the dead command's lock is gone
            assert claim.entry.pending or claim.entry.receipt == b"receipt"
        if finished:
            break
    else:
        pytest.fail("the enumeration never reached the end of the act")
