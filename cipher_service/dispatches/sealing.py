"""The ministry's receipts: sealed and stored before the COMMIT that they speak of.

One signature of the custodian covers all submissions of a batch (RFC 6962 tree). Without the
custodian nothing is accepted: an acknowledgement without proof would be worth nothing to a post.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.dispatches import repository
from cipher_service.dispatches.service import Recorded
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Outcome
from keys.custody.errors import CustodianFault, CustodianUnavailable
from keys.custody.protocol import Custodian
from keys.receipts import Submitted, seal_together, whole_receipt
from keys.statements import key_fingerprint


class ReceiptSealer:
    """Seals what a batch recorded; its `before_commit` is the registrar's.

    Args:
        custodian: holds the service key.
        headquarters: post code under which the receipts are filed.
    """

    def __init__(self, custodian: Custodian, headquarters: str) -> None:
        self._custodian = custodian
        self._headquarters = headquarters
        self.service = key_fingerprint(custodian.service_key())
        """Fingerprint of the service key, for the statements."""

    def before_commit(self, connection: Connection, outcomes: Sequence[Outcome]) -> None:
        """Seal the new submissions of a batch, and give every submission its receipt.

        A result becomes `{"receipt": bytes, "created": bool, "register": text}`.

        Raises:
            ServiceError: UNAVAILABLE: the custodian does not answer; the batch is undone.
        """
        recorded = [
            (outcome, outcome.result)
            for outcome in outcomes
            if isinstance(outcome.result, Recorded)
        ]
        new = [result for _, result in recorded if result.created]
        receipts = dict(self.seal(connection, new)) if new else {}
        for outcome, result in recorded:
            outcome.result = {
                # The same submission twice in one batch: both get the one receipt.
                "receipt": result.receipt or receipts[result.seq],
                "created": result.created,
                "register": result.statement.register,
            }

    def seal(self, connection: Connection, new: Sequence[Recorded]) -> list[tuple[int, bytes]]:
        """Sign and store the receipts of new submissions: (order of arrival, receipt)."""
        now = clock.now().replace(microsecond=0)
        statements: list[Submitted] = [result.statement for result in new]
        try:
            sealed = seal_together(statements, time=now, sign=self._custodian.sign_receipts)
        except (CustodianUnavailable, CustodianFault) as error:
            raise ServiceError("UNAVAILABLE") from error
        seqs = [result.seq for result in new]
        repository.insert_sealed(connection, self._headquarters, seqs, sealed, now)
        return [
            (seq, whole_receipt(own, sealed.shared))
            for seq, own in zip(seqs, sealed.own, strict=True)
        ]
