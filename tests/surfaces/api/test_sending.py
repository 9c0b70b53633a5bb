"""A dispatch is handed in: once, by its origin, with a receipt that proves itself."""

from keys.receipts import read_submitted_receipt
from tests.surfaces.api.live import Post, Service


def test_a_dispatch_is_received_with_a_receipt_that_proves_itself(
    service: Service, paris: Post, lome: Post
) -> None:
    sent = paris.send([lome])
    assert sent.answer is not None
    assert sent.status == 201, sent.answer.text
    receipt = read_submitted_receipt(sent.answer.content, service.service_key())
    receipt.require_for(sent.slip)
