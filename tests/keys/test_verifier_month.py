"""`cipher-verify month`: a month of records holds, and what does not is named with its month."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keys import canonical
from keys.errors import Refusal
from keys.log.checkpoints import Checkpoint
from keys.log.errors import LogDamaged
from keys.log.leaves import commit
from keys.log.notes import Note
from keys.log.ranges import beside, verify_run
from keys.merkle import ProofInvalid, RangeRoot, leaf_hash, root
from keys.verifier.__main__ import main
from keys.verifier.month import Month, bounds, verify_month
from tests.support.tampering import LOG, ORIGIN, ROGUE

KEY = LOG.verifier
NOVEMBER = bounds("2026-11")[0]
NONE = bytes(32)


def range_root(leaves: list[bytes]) -> RangeRoot:
    return lambda low, high: root(leaves[low:high])


def record(seq: int, time_us: int) -> bytes:
    return canonical.encode({"v": 1, "seq": seq, "time_us": time_us, "actor": "PARIS"})


def write(folder: Path, first: int = 5, end: int = 21, size: int = 40) -> list[list[object]]:
    """November's entries from `first` to `end` in a log of `size`; give the lines as values."""
    outside = NOVEMBER - 5
    records = [
        record(seq, NOVEMBER + seq if first <= seq < end and seq != first + 2 else outside)
        for seq in range(size)
    ]
    salts = [bytes([seq]) * 32 for seq in range(size)]
    entries = [commit(*pair) for pair in zip(records, salts, strict=True)]
    leaves = [leaf_hash(entry) for entry in entries]
    text = Checkpoint(ORIGIN, size, root(leaves)).encode()
    month = Month("2026-11", first, end, beside(first, end, size, range_root(leaves)))
    (folder / "checkpoint").write_bytes(Note(text, (LOG.sign(text),)).encode())
    (folder / "month").write_bytes(month.encode())
    (folder / "vkey").write_text(KEY.encode(), "ascii")
    lines = []
    for seq in range(first, end):
        told = [entries[seq]] if seq == first + 2 else [entries[seq], salts[seq], records[seq]]
        lines.append([seq, *map(canonical.text_from_bytes, told)])
    return keep(folder, lines)


def keep(folder: Path, lines: list[list[object]]) -> list[list[object]]:
    (folder / "records").write_bytes(b"".join(canonical.encode(line) + b"\n" for line in lines))
    return lines


def test_a_run_is_proved_wherever_it_stands_and_by_nothing_else() -> None:
    for size in (1, 2, 3, 7, 8, 33):
        leaves = [leaf_hash(bytes([seq])) for seq in range(size)]
        top = root(leaves)
        for first in range(size):
            for end in range(first + 1, size + 1):
                hashes = beside(first, end, size, range_root(leaves))
                run = leaves[first:end]
                verify_run(first, run, size, hashes, top)
                assert len(hashes) <= 2 * size.bit_length()
                wrong = [(first, run, (*hashes, top)), (first, [NONE, *run[1:]], hashes)]
                if hashes:
                    wrong += [(first, run, hashes[1:]), (first, run, (NONE, *hashes[1:]))]
                if first and size > 2:
                    wrong.append((first - 1, run, hashes))
                for at, told, given in wrong:
                    with pytest.raises(ProofInvalid):
                        verify_run(at, told, size, given, top)
    for first, end in ((0, 0), (2, 2), (-1, 1), (3, 9)):
        with pytest.raises(IndexError):
            beside(first, end, 8, range_root([]))
        with pytest.raises(ProofInvalid):
            verify_run(first, [b""] * (end - first), 8, (), b"")


def test_a_month_begins_and_ends_by_universal_time() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for month, begins, ends in (
        ("2026-12", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("2028-02", datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ):
        assert bounds(month) == tuple(
            (at - epoch) // timedelta(microseconds=1) for at in (begins, ends)
        )
    for wrong in ("2026-13", "2026-1", "2026"):
        with pytest.raises(ValueError, match="not a month"):
            bounds(wrong)


def test_a_month_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    assert main(["month", str(tmp_path), "--key", KEY.encode()]) == 0
    said = capsys.readouterr().out
    assert said == f"OK {ORIGIN} month=2026-11 first=5 end=21 of=40 withheld=1\n"
    assert main(["month", str(tmp_path)]) == 0
    assert main(["month", str(tmp_path), "--key", ROGUE.verifier.encode()]) == 1
    assert "NOTE_NOT_SIGNED" in capsys.readouterr().err
    (tmp_path / "month").unlink()
    assert main(["month", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "LOG_DAMAGED: month is missing\n"


def _told(lines: list[list[object]], at: int, changed: bytes) -> None:
    """A record that its salt and entry follow: only the head can tell."""
    salt = canonical.bytes_from_text(str(lines[at][2]))
    entry = commit(changed, salt)
    lines[at][1:] = map(canonical.text_from_bytes, (entry, salt, changed))


def test_what_was_changed_is_named_with_its_month(tmp_path: Path) -> None:
    honest = write(tmp_path)

    def refused(lines: list[list[object]]) -> str:
        keep(tmp_path, lines)
        with pytest.raises(LogDamaged) as told:
            verify_month(tmp_path, KEY)
        keep(tmp_path, honest)
        verify_month(tmp_path, KEY)
        return str(told.value)

    def changed(at: int, place: int, value: object) -> list[list[object]]:
        lines = [list(line) for line in honest]
        lines[at][place] = value
        return lines

    forged = canonical.text_from_bytes(record(9, NOVEMBER + 1))
    assert refused(changed(4, 3, forged)).startswith("2026-11: entry 9:")
    assert refused(changed(4, 0, 10)) == "2026-11: entry 10 stands where 9 must"
    assert refused(changed(4, 1, "*")) == "2026-11: the line of entry 9 is malformed"
    assert refused(honest[1:]) == "2026-11: 15 lines for 16 entries"
    october = [list(line) for line in honest]
    _told(october, 4, record(9, NOVEMBER - 1))
    assert refused(october) == "2026-11: the record of entry 9 is another's"
    rewritten = [list(line) for line in honest]
    _told(rewritten, 4, record(9, NOVEMBER + 7))
    assert refused(rewritten).startswith("2026-11: not what the log holds there")
    hidden = [list(line) for line in honest]
    hidden[4] = hidden[4][:2]
    keep(tmp_path, hidden)
    assert verify_month(tmp_path, KEY).withheld == 2, "what is not told is counted"


def test_any_changed_bit_of_a_month_is_found(tmp_path: Path) -> None:
    write(tmp_path)
    dice = random.Random(17)
    for number in range(120):
        path = tmp_path / ("checkpoint", "month", "records")[number % 3]
        kept = path.read_bytes()
        changed = bytearray(kept)
        changed[dice.randrange(len(kept))] ^= 1 << dice.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(Refusal):
            verify_month(tmp_path, KEY)
        path.write_bytes(kept)
    verify_month(tmp_path, KEY)


def test_a_hash_of_another_length_is_none() -> None:
    short = Month("2026-11", 0, 1, (bytes(31),)).encode()
    with pytest.raises(LogDamaged, match="another length"):
        Month.parse(short)
