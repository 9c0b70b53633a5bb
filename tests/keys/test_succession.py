"""The root says which key of receipts follows: who believes it follows, and nobody else's word."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keys import canonical
from keys.endorsement import root_fingerprint
from keys.errors import SignatureInvalid
from keys.receipts import ReceiptNotOfKey, Submitted, read_submitted_receipt, seal_batch
from keys.signing import ENDORSEMENT, RECEIPTS, SUCCESSION, SigningKey, VerifyingKey
from keys.statements import key_fingerprint
from keys.succession import (
    RECEIPTS_KEY,
    SLACK,
    KeyLine,
    Succession,
    SuccessionMalformed,
    SuccessionOfAnother,
    files_of,
    make_succession,
    read_succession,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROOT, OTHER = SigningKey.generate(), SigningKey.generate()
KEYS = [SigningKey.generate() for _ in range(4)]
BELIEVED = ROOT.verifying_key


def _key(number: int) -> VerifyingKey:
    return KEYS[number].verifying_key


def _follows(
    number: int, root: SigningKey = ROOT, context: str = SUCCESSION, at: datetime = NOON
) -> bytes:
    """The word of a root that key `number` follows the one before it."""
    said = Succession(
        RECEIPTS_KEY, _key(number - 1), _key(number), root_fingerprint(root.verifying_key), at
    )
    return make_succession(said, lambda data: root.sign(context, data))


def _receipt(number: int, at: datetime) -> bytes:
    """A receipt that the key `number` signed at an hour."""
    key = KEYS[number]
    statement = Submitted(
        dispatch_id="01KAMV6R8P3ZDFWQ5XJ9T2C4EN",
        origin="PARIS",
        register="2026/000001",
        received_at=at,
        envelope_sha256="ab" * 32,
        envelope_size=4096,
        addressees=("MINREX",),
        service=key_fingerprint(key.verifying_key),
    )
    return seal_batch([statement], time=at, sign=lambda data: key.sign(RECEIPTS, data))[0]


def test_who_believes_the_root_follows_it_from_key_to_key() -> None:
    files = [_follows(1), _follows(2, at=NOON + SECOND), _follows(3, at=NOON + 2 * SECOND)]
    line, taken = KeyLine(_key(1)).following(files, RECEIPTS_KEY, BELIEVED)
    assert taken == tuple(files[1:]), "what is of before the key that is known is passed over"
    assert key_fingerprint(line.current) == key_fingerprint(_key(3))
    assert [end for _, end in line.ended] == [NOON + SECOND, NOON + 2 * SECOND]
    again, nothing = line.following(files, RECEIPTS_KEY, BELIEVED)
    assert (again, nothing) == (line, ())
    kept = KeyLine.told(_key(1), taken)
    assert [key_fingerprint(kept.current), *(key_fingerprint(each) for each, _ in kept.ended)] == [
        key_fingerprint(_key(number)) for number in (3, 1, 2)
    ]


def test_a_key_verifies_what_it_signed_before_its_end_and_nothing_after() -> None:
    line, _ = KeyLine(_key(0)).following([_follows(1)], RECEIPTS_KEY, BELIEVED)
    for number, at in ((0, NOON), (0, NOON + SLACK), (1, NOON - SECOND), (1, NOON + SLACK)):
        assert read_submitted_receipt(_receipt(number, at), line).register == "2026/000001"
    with pytest.raises(ReceiptNotOfKey, match="end"):
        read_submitted_receipt(_receipt(0, NOON + SLACK + SECOND), line)
    for stranger in (line, _key(0)):
        with pytest.raises(ReceiptNotOfKey):
            read_submitted_receipt(_receipt(2, NOON), stranger)


@pytest.mark.parametrize(
    ("made", "refusal"),
    [
        (lambda: _follows(1, OTHER), SuccessionOfAnother),
        (lambda: _follows(1, context=ENDORSEMENT), SignatureInvalid),
        (lambda: _follows(1).replace(b'"receipts"', b'"log"'), SuccessionMalformed),
        (lambda: _follows(1)[:-1], SuccessionMalformed),
        (lambda: b"{}", SuccessionMalformed),
    ],
    ids=["root", "context", "kind", "cut", "empty"],
)
def test_nobody_follows_another_s_word(made: Callable[[], bytes], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        KeyLine(_key(0)).following([made()], RECEIPTS_KEY, BELIEVED)


def test_a_word_of_this_root_with_another_s_name_is_not_believed() -> None:
    said = Succession(RECEIPTS_KEY, _key(0), _key(1), root_fingerprint(BELIEVED), NOON)
    forged = make_succession(said, lambda data: OTHER.sign(SUCCESSION, data))
    with pytest.raises(SignatureInvalid):
        read_succession(forged, RECEIPTS_KEY, BELIEVED)
    with pytest.raises(SuccessionOfAnother):
        read_succession(_follows(1), "log", BELIEVED)
    with pytest.raises(SuccessionMalformed):
        replace(said, following=_key(0)).encode()


def test_files_that_are_not_one_line_are_none() -> None:
    with pytest.raises(SuccessionMalformed):
        KeyLine.told(_key(0), [_follows(1), _follows(3)])
    files = [_follows(1), _follows(2)]
    listed = canonical.encode([canonical.decode(each) for each in files])
    assert list(files_of(listed)) == files
    for other in (b"{}", b"[", b""):
        with pytest.raises(SuccessionMalformed):
            files_of(other)
