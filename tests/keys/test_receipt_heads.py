"""The head of the log in the ministry's receipts: under both signatures, in its one shape."""

from typing import Any

import pytest

from keys.errors import SignatureInvalid
from keys.receipts import (
    BatchRoot,
    ReceiptMalformed,
    head_carried,
    read_submitted_receipt,
    seal_batch,
)
from tests.keys.test_receipts import MINISTRY, NOON, _spoilt, _submitted

HEAD = "ministry/audit\n7\nroot\n\n\u2014 ministry/audit c2ln\n"


@pytest.mark.parametrize("checkpoint", [None, HEAD])
def test_every_receipt_of_a_commit_carries_the_log_s_last_head(checkpoint: str | None) -> None:
    receipts = seal_batch(
        [_submitted(n) for n in range(3)],
        time=NOON,
        sign=MINISTRY.sign_receipts,
        checkpoint=checkpoint,
    )

    assert [head_carried(data) for data in receipts] == [checkpoint] * 3
    for data in receipts:
        read_submitted_receipt(data, MINISTRY.service_key())
        assert (b"checkpoint" in data) == (checkpoint is not None)


def test_a_head_that_was_exchanged_or_taken_out_is_not_signed() -> None:
    [data] = seal_batch([_submitted()], time=NOON, sign=MINISTRY.sign_receipts, checkpoint=HEAD)

    def exchanged(value: Any) -> None:
        value["proof"]["root"]["checkpoint"] = HEAD.replace("7", "8")

    def taken_out(value: Any) -> None:
        del value["proof"]["root"]["checkpoint"]

    for spoil in (exchanged, taken_out):
        with pytest.raises(SignatureInvalid):
            read_submitted_receipt(_spoilt(data, spoil), MINISTRY.service_key())


@pytest.mark.parametrize("checkpoint", ["", "x\r", "x" * 4097, 7])
def test_a_head_of_another_shape_is_neither_signed_nor_read(checkpoint: Any) -> None:
    with pytest.raises(ReceiptMalformed):
        BatchRoot(bytes(32), 1, NOON, checkpoint).encode()

    def spoil(value: Any) -> None:
        value["proof"]["root"]["checkpoint"] = checkpoint

    [data] = seal_batch([_submitted()], time=NOON, sign=MINISTRY.sign_receipts, checkpoint=HEAD)
    spoilt = _spoilt(data, spoil)
    for read in (head_carried, lambda one: read_submitted_receipt(one, MINISTRY.service_key())):
        with pytest.raises(ReceiptMalformed):
            read(spoilt)
