"""The key of receipts changes, is suspended or lies: no receipt leaves that nobody can believe."""

from datetime import timedelta
from functools import partial

import pytest

from cipher_service import clock
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.storage.batch import Batches, Request
from keys.custody.core import Custody
from keys.receipts import ReceiptNotOfKey, read_submitted_receipt
from keys.signing import RECEIPTS, SigningKey
from keys.succession import RECEIPTS_KEY, KeyLine, files_of
from tests.cipher_service.dispatches.test_submit import BODY, rows
from tests.support.ministry import HEADQUARTERS, Ministry


def _custodian() -> Custody:
    """One whose keys this test may change; the ministry's own serves its neighbours too."""
    now = clock.now().replace(microsecond=0)
    return Custody.generate(HEADQUARTERS, valid_from=now, valid_until=now + timedelta(days=1))


def test_a_key_of_receipts_that_is_exchanged_while_the_service_runs_signs_in_its_own_name(
    ministry: Ministry,
) -> None:
    custody = _custodian()
    sealer = ReceiptSealer(custody, HEADQUARTERS)
    batches = Batches(ministry.engine, ministry.desk.handlers(), sealer.before_commit)

    def receipt(number: int) -> bytes:
        slip = ministry.slip("PARIS", [("MINREX", number)], BODY)
        (done,) = batches.run([Request("submit", ministry.judged(slip).to_payload(BODY))])
        given: bytes = done.result["receipt"]
        return given

    old, before = custody.service_key(), receipt(1)
    now = clock.now().replace(microsecond=0)
    custody._service = custody.service.with_receipts(custody.bureau.root, now)
    line, _ = KeyLine(old).following(
        files_of(custody.successions()), RECEIPTS_KEY, custody.bureau.root.verifying_key
    )
    numbers = [read_submitted_receipt(each, line).register for each in (before, receipt(2))]
    assert numbers == ["2026/000001", "2026/000002"]
    after = receipt(3)
    with pytest.raises(ReceiptNotOfKey):
        read_submitted_receipt(after, old)
    read_submitted_receipt(after, custody.service_key())


def test_a_custodian_that_signs_by_no_key_that_it_names_has_nothing_accepted(
    ministry: Ministry, monkeypatch: pytest.MonkeyPatch
) -> None:
    custody, stranger = ministry.custodian, SigningKey.generate()
    batches = Batches(ministry.engine, ministry.desk.handlers(), ministry.sealer.before_commit)
    payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
    monkeypatch.setattr(custody, "sign_receipts", partial(stranger.sign, RECEIPTS))
    (outcome,) = batches.run([Request("submit", payload)])
    assert outcome.refusal is not None
    assert outcome.refusal.code == "UNAVAILABLE"
    assert rows(ministry) == (0, 0, 0, 0)


def test_what_comes_while_the_key_of_receipts_is_suspended_is_refused_as_not_now(
    ministry: Ministry,
) -> None:
    custody = _custodian()
    sealer = ReceiptSealer(custody, HEADQUARTERS)
    batches = Batches(ministry.engine, ministry.desk.handlers(), sealer.before_commit)
    payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
    custody.suspend_key(b"receipts/MINREX", b"1", b"doute")
    (outcome,) = batches.run([Request("submit", payload)])
    assert outcome.refusal is not None
    assert outcome.refusal.code == "UNAVAILABLE"
    assert rows(ministry) == (0, 0, 0, 0)
