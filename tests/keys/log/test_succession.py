"""The root says which keys of the log follow: those before lengthen nothing from then on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keys.custody.log_keys import HeadInMemory, LogKeys
from keys.endorsement import root_fingerprint
from keys.errors import SignatureInvalid
from keys.log.checkpoints import Checkpoint, NoteKeys, cosign
from keys.log.errors import LogForked, LogKeyEnded, LogOfAnother, NoteNotSigned
from keys.log.notes import Ed25519Signer, MlDsa44Signer, Note
from keys.log.succession import (
    LogLine,
    LogSuccession,
    LogVerifiers,
    make_log_succession,
    read_log_succession,
)
from keys.merkle import root
from keys.signing import LOG_SUCCESSION, SUCCESSION, SigningKey
from keys.succession import SuccessionMalformed, SuccessionOfAnother
from tests.support.trees import hashes

ORIGIN = "minrex.example/audit"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROOT, OTHER = SigningKey.generate(), SigningKey.generate()
KEYS = [LogKeys.generate() for _ in range(4)]
LEAVES = hashes(12)


def verifiers(number: int) -> LogVerifiers:
    return KEYS[number].verifiers()


def head(size: int, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root(LEAVES[:size]))


def said(number: int, last: Checkpoint | None, by: SigningKey = ROOT) -> LogSuccession:
    """That the keys `number` follow those before them."""
    return LogSuccession(
        verifiers(number - 1), verifiers(number), last, root_fingerprint(by.verifying_key), NOON
    )


def follows(
    number: int,
    last: Checkpoint | None,
    by: SigningKey = ROOT,
    context: str = LOG_SUCCESSION,
) -> bytes:
    return make_log_succession(said(number, last, by), lambda data: by.sign(context, data))


def signed(number: int, checkpoint: Checkpoint) -> Note:
    """A checkpoint, whatever it says, by the keys `number`."""
    line = LogLine(verifiers(number))
    text = checkpoint.encode()
    return Note.parse(KEYS[number].sign(text, b"", b"", HeadInMemory(), line))


def led(believed: int, *files: bytes) -> LogLine:
    keys = verifiers(believed)
    return LogLine.led(lambda each: each == keys, files, ROOT.verifying_key)


@pytest.mark.parametrize("believed", [0, 1, 2])
def test_who_believes_any_of_the_keys_is_led_along_the_whole_line(believed: int) -> None:
    line = led(believed, follows(1, head(4)), follows(2, head(9)))
    assert line.current == verifiers(2)
    assert line.ended == ((verifiers(0), head(4)), (verifiers(1), head(9)))
    for number, size in ((0, 3), (0, 4), (1, 5), (1, 9), (2, 9), (2, 12)):
        assert line.read_head(signed(number, head(size)), ORIGIN) == head(size)
        assert line.notes(ORIGIN).read(signed(number, head(size))) == head(size)


def test_keys_that_ended_lengthen_nothing() -> None:
    line = led(0, follows(1, head(4)), follows(2, None))
    fork = Checkpoint(ORIGIN, 4, LEAVES[7])
    cases: list[tuple[int, Checkpoint, type[Exception]]] = [
        (0, head(5), LogKeyEnded),
        (0, fork, LogForked),
        (0, head(3, "other.example/audit"), LogKeyEnded),
        (1, head(1), LogKeyEnded),
        (3, head(4), NoteNotSigned),
    ]
    for number, checkpoint, refusal in cases:
        note = signed(number, checkpoint)
        with pytest.raises(refusal):
            line.notes(checkpoint.origin).read(note)
        with pytest.raises(refusal):
            line.read_head(note, checkpoint.origin)


def test_both_keys_of_one_pair_must_have_signed() -> None:
    line = led(0, follows(1, head(4)))
    text = head(4).encode()
    note = Ed25519Signer(ORIGIN, KEYS[0].ed25519_seed).sign(text)
    crossed = cosign(head(4), MlDsa44Signer(ORIGIN, KEYS[1].mldsa44_seed), 0)
    for lines in ((note,), (note, crossed)):
        with pytest.raises(NoteNotSigned):
            line.read_head(Note(text, lines), ORIGIN)
    alien = Ed25519Signer(ORIGIN, KEYS[0].ed25519_seed).sign(head(3, "b").encode())
    with pytest.raises(LogOfAnother):
        line.read_head(Note(head(3, "b").encode(), (alien,)), ORIGIN)


def test_a_head_that_both_pairs_signed_is_the_present_one_s() -> None:
    line = led(0, follows(1, head(4)))
    both = signed(0, head(7)).with_signatures(signed(1, head(7)).signatures)
    assert line.read_head(both, ORIGIN) == head(7)


@pytest.mark.parametrize(
    ("made", "refusal"),
    [
        (lambda: follows(1, head(4), OTHER), SuccessionOfAnother),
        (lambda: follows(1, head(4), context=SUCCESSION), SignatureInvalid),
        (lambda: follows(1, head(4)).replace(b'"size":4', b'"size":9'), SignatureInvalid),
        (lambda: follows(1, head(4)).replace(b"log-succession", b"succession"),
         SuccessionMalformed),
        (lambda: follows(3, head(4)), SuccessionOfAnother),
        (lambda: follows(1, head(4)) + b" ", SuccessionMalformed),
        (lambda: b"{}", SuccessionMalformed),
    ],
    ids=["root", "context", "head", "type", "keys", "longer", "empty"],
)  # fmt: skip
def test_nobody_is_led_by_another_s_word(
    made: Callable[[], bytes], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        led(0, made())


def test_a_word_in_this_root_s_name_by_another_is_not_believed() -> None:
    forged = make_log_succession(said(1, None), lambda data: OTHER.sign(LOG_SUCCESSION, data))
    with pytest.raises(SignatureInvalid):
        read_log_succession(forged, ROOT.verifying_key)
    with pytest.raises(SuccessionMalformed):
        replace(said(1, None), following=verifiers(0)).encode()
    with pytest.raises(SuccessionMalformed):
        said(1, Checkpoint("two words", 1, bytes(32))).encode()


def test_files_that_are_not_one_line_are_none() -> None:
    with pytest.raises(SuccessionMalformed):
        led(0, follows(1, head(4)), follows(3, head(5)))
    with pytest.raises(SuccessionMalformed):
        LogLine.told(verifiers(0), [follows(2, None), follows(1, None)])
    with pytest.raises(SuccessionOfAnother):
        led(0)
    assert LogLine.told(verifiers(0), []) == LogLine(verifiers(0))
    assert LogLine.told(verifiers(0), [follows(1, None)]).current == verifiers(1)
    assert isinstance(LogLine(verifiers(0)).notes(ORIGIN), NoteKeys)
