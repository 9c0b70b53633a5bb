"""The ministry's receipts: sealed and stored before the COMMIT that they speak of.

One signature of the custodian covers all submissions of a batch (RFC 6962 tree). Without the
custodian nothing is accepted: an acknowledgement without proof would be worth nothing to a post.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.dispatches import repository
from cipher_service.dispatches.service import Recorded
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import BeforeCommit, Outcome
from keys.custody.errors import CustodianFault, CustodianUnavailable
from keys.custody.protocol import Custodian
from keys.custody.remote import begin_receipts
from keys.receipts import SealedBatch, batch_together, whole_receipt
from keys.statements import key_fingerprint


def _nothing(_connection: Connection, _outcomes: Sequence[Outcome]) -> None:
    pass


class ReceiptSealer:
    """Seals what a batch recorded; its `before_commit` is the registrar's.

    Args:
        custodian: holds the service key.
        headquarters: post code under which the receipts are filed.
        meanwhile: what else a batch does before its COMMIT. It is done while the custodian signs,
            which takes it longer than anything else here, and sees the results unsealed.
    """

    def __init__(
        self, custodian: Custodian, headquarters: str, meanwhile: BeforeCommit = _nothing
    ) -> None:
        self._custodian = custodian
        self._headquarters = headquarters
        self._meanwhile = meanwhile
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
        signed = self._begin(new) if new else None
        try:
            self._meanwhile(connection, outcomes)
        finally:
            # Whatever happened: an answer that nobody takes would leave its connection unusable.
            sealed = signed() if signed else None
        receipts = {} if sealed is None else dict(self._store(connection, new, *sealed))
        for outcome, result in recorded:
            outcome.result = {
                # The same submission twice in one batch: both get the one receipt.
                "receipt": result.receipt or receipts[result.seq],
                "created": result.created,
                "register": result.statement.register,
            }

    def seal(self, connection: Connection, new: Sequence[Recorded]) -> list[tuple[int, bytes]]:
        """Sign and store the receipts of new submissions: (order of arrival, receipt)."""
        return self._store(connection, new, *self._begin(new)())

    def _begin(self, new: Sequence[Recorded]) -> Callable[[], tuple[SealedBatch, datetime]]:
        """Have the receipts signed; what it returns waits for them."""
        now = clock.now().replace(microsecond=0)
        batch = batch_together([result.statement for result in new], time=now)
        signatures = begin_receipts(self._custodian, batch.root_statement)

        def signed() -> tuple[SealedBatch, datetime]:
            try:
                return batch.sealed(signatures()), now
            except (CustodianUnavailable, CustodianFault) as error:
                raise ServiceError("UNAVAILABLE") from error

        return signed

    def _store(
        self, connection: Connection, new: Sequence[Recorded], sealed: SealedBatch, now: datetime
    ) -> list[tuple[int, bytes]]:
        seqs = [result.seq for result in new]
        repository.insert_sealed(connection, self._headquarters, seqs, sealed, now)
        return [
            (seq, whole_receipt(own, sealed.shared))
            for seq, own in zip(seqs, sealed.own, strict=True)
        ]
