"""`cipher-verify` as somebody types it, on what holds and on what does not."""

import runpy
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keys.custody.log_keys import HeadInMemory, LogKeys
from keys.endorsement import root_file, root_fingerprint
from keys.log.checkpoints import Checkpoint, cosign
from keys.log.errors import LogDamaged, LogForked, LogRolledBack
from keys.log.notes import ED25519_COSIGNATURE, Ed25519Signer, Note
from keys.log.proofs import LogProof
from keys.log.succession import LogLine, LogSuccession, LogVerifiers, make_log_succession
from keys.merkle import inclusion_path, leaf_hash
from keys.signing import LOG_SUCCESSION, SigningKey
from keys.verifier.__main__ import main
from keys.verifier.exported import require_grown, verify_export, verify_records
from tests.support.tampering import LOG, ROGUE, Story, honest

KEY = LOG.verifier.encode()
PARIS = Ed25519Signer("PARIS", b"\3" * 32, ED25519_COSIGNATURE)
LOME = Ed25519Signer("LOME", b"\4" * 32, ED25519_COSIGNATURE)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return honest(tmp_path / "log", 300)


def test_a_log_holds(story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "log")
    records, older = ("--records", f"{folder}/records"), ("--since", f"{folder}/older")
    assert main(["log", folder, "--key", KEY, *older, *records]) == 0
    said = capsys.readouterr().out
    assert said == "OK minrex.example/audit entries=300 continues records=300\n"
    assert main(["log", folder]) == 0
    assert main(["log", folder, "--key", ROGUE.verifier.encode()]) == 1
    assert capsys.readouterr().err.startswith("NOTE_NOT_SIGNED")
    assert main(["log", folder, "--quorum", "1", "--witness", PARIS.verifier.encode()]) == 1
    assert capsys.readouterr().err.startswith("QUORUM_MISSED")
    note = story.checkpoint()
    line = cosign(Checkpoint.parse(note.text), PARIS, 1)
    (tmp_path / "log" / "checkpoint").write_bytes(note.with_signatures([line]).encode())
    assert main(["log", folder, "--quorum", "1", "--witness", PARIS.verifier.encode()]) == 0
    assert "witnesses=PARIS witnessed=300" in capsys.readouterr().out


def test_a_quorum_counts_each_witness_once_wherever_it_cosigned(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "log"
    older, head = Note.parse((folder / "older").read_bytes()), story.checkpoint()
    (folder / "cosigned").mkdir()
    for note, by in ((older, (PARIS, PARIS)), (head, (LOME,))):
        lines = [cosign(Checkpoint.parse(note.text), each, 1) for each in by]
        size = Checkpoint.parse(note.text).size
        (folder / "cosigned" / str(size)).write_bytes(note.with_signatures(lines).encode())
    keys = [word for each in (PARIS, LOME) for word in ("--witness", each.verifier.encode())]
    asked = ["log", str(folder), "--key", KEY, *keys, "--quorum"]
    assert main([*asked, "2"]) == 0
    told = Checkpoint.parse(older.text).size  # the majority has seen what the slower one has
    assert f"witnesses=LOME,PARIS witnessed={told}" in capsys.readouterr().out
    assert main([*asked, "3"]) == 1
    assert capsys.readouterr().err.startswith("QUORUM_MISSED")
    rogue = ROGUE.sign(older.text)
    (folder / "cosigned" / "1").write_bytes(Note(older.text, (rogue,)).encode())
    assert main([*asked, "2"]) == 1
    assert capsys.readouterr().err.startswith("NOTE_NOT_SIGNED")


def test_the_module_is_the_command(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(story.records) == 300
    monkeypatch.setattr("sys.argv", ["cipher-verify", "log", str(tmp_path / "log")])
    monkeypatch.delitem(sys.modules, "keys.verifier.__main__")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("keys.verifier", run_name="__main__")
    assert ended.value.code == 0


def test_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", str(tmp_path)]) == 3
    assert main(["log", str(tmp_path), "--key", KEY]) == 1
    assert "LOG_DAMAGED" in capsys.readouterr().err


def test_a_proof_holds(story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = story.entries()
    path = inclusion_path(7, [leaf_hash(entry) for entry in entries])
    file = tmp_path / "entry.tlog-proof"
    file.write_bytes(LogProof(7, path, story.checkpoint()).encode())
    typed = ["proof", str(file), "--key", KEY, "--entry"]
    assert main([*typed, entries[7].hex()]) == 0
    assert capsys.readouterr().out == "OK minrex.example/audit entry=7 of=300\n"
    assert main([*typed, entries[8].hex()]) == 1


def test_a_tile_that_lies_and_a_head_over_another_story(story: Story, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    (folder / "checkpoint").write_bytes(Story.of(300).checkpoint().encode())
    with pytest.raises(LogForked):
        verify_export(folder, LOG.verifier)
    (folder / "checkpoint").write_bytes(story.checkpoint().encode())
    exported = verify_export(folder, LOG.verifier)
    with pytest.raises(LogRolledBack):
        require_grown(exported, Story.of(301).checkpoint(), LOG.verifier)
    (folder / "tile" / "1" / "000.p" / "1").write_bytes(bytes(32))
    with pytest.raises(LogDamaged):
        verify_export(folder, LOG.verifier)


@pytest.mark.parametrize("size", [1, 256, 66_000])
def test_every_size(tmp_path: Path, size: int) -> None:
    honest(tmp_path, size)
    assert verify_export(tmp_path, LOG.verifier).checkpoint.size == size


def test_records_in_disorder(story: Story, tmp_path: Path) -> None:
    exported = verify_export(tmp_path / "log", LOG.verifier)
    lines = story.lines()
    assert verify_records(exported, lines[5:9]) == 4
    for wrong in (
        [lines[1], lines[0]],
        [lines[1], lines[1]],
        [lines[0].replace(b"[0,", b"[1,")],
        [lines[0].replace(b"[0,", b"[900,")],
        [b"{}"],
        [b"noise"],
    ):
        with pytest.raises(LogDamaged):
            verify_records(exported, wrong)


def test_a_root_leads_an_auditor_from_the_key_that_was_known(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, by, first = tmp_path / "log", SigningKey.generate(), LogKeys.generate()
    origin, now = LOG.verifier.name, datetime(2026, 11, 26, tzinfo=UTC)
    older = Checkpoint.parse(Note.parse((folder / "older").read_bytes()).text)
    now_signs = LogVerifiers(LOG.verifier.public, first.verifiers().mldsa44)
    said = LogSuccession(
        first.verifiers(), now_signs, older, root_fingerprint(by.verifying_key), now
    )
    word = make_log_succession(said, lambda data: by.sign(LOG_SUCCESSION, data))
    (folder / "successions").write_bytes(b"[" + word + b"]")
    root = tmp_path / "ministry.root"
    root.write_bytes(root_file(by.verifying_key))

    def signed(checkpoint: Checkpoint) -> Note:
        text, line = checkpoint.encode(), LogLine(first.verifiers())
        return Note.parse(first.sign(text, b"", b"", HeadInMemory(), line))

    old = first.verifiers().note_key(origin).encode()
    since = tmp_path / "since"
    since.write_bytes(signed(older).encode())
    whole = ["log", str(folder), "--root", str(root), "--since", str(since), "--key"]
    for key in (old, KEY):
        assert main([*whole, key]) == 0
        assert " continues" in capsys.readouterr().out
    assert main(["log", str(folder), "--since", str(since), "--key", KEY]) == 1
    assert capsys.readouterr().err.startswith("NOTE_NOT_SIGNED")
    since.write_bytes(signed(Checkpoint.parse(story.checkpoint().text)).encode())
    assert main([*whole, old]) == 1
    assert capsys.readouterr().err.startswith("LOG_KEY_ENDED")

    proof, leaves = tmp_path / "proof", [leaf_hash(entry) for entry in story.entries()]
    path = tuple(inclusion_path(2, leaves[: older.size]))
    proof.write_bytes(LogProof(2, path, signed(older)).encode())
    asked = ["proof", str(proof), "--entry", story.entries()[2].hex(), "--key", KEY]
    assert main(asked) == 1
    assert capsys.readouterr().err.startswith("NOTE_NOT_SIGNED")
    assert main([*asked, "--root", str(root), "--successions", str(folder / "successions")]) == 0
    with pytest.raises(SystemExit):
        main([*asked, "--root", str(root)])
