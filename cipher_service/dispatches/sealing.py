"""The ministry's receipts: sealed and stored before the COMMIT that they speak of.

One signature of the custodian covers all submissions of a batch (RFC 6962 tree), with the head of
the log that was signed last: whoever holds a receipt shows which log the ministry then had. Without
the custodian nothing is accepted: an acknowledgement without proof would be worth nothing to a
post. The key of receipts may be exchanged at the custodian's terminal while this runs: what the new
one signed in the place of the old is made anew in its name, before anybody sees it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.audit.hearing import carried
from cipher_service.dispatches import repository
from cipher_service.dispatches.service import Recorded
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import BeforeCommit, Outcome
from keys.custody.errors import (
    CustodianFault,
    CustodianUnavailable,
    SecondPlaceDiffers,
    SecondPlaceUnreachable,
)
from keys.custody.protocol import Custodian
from keys.custody.remote import begin_receipts
from keys.errors import SignatureInvalid
from keys.lifecycle import KeyNotUsable
from keys.receipts import SealedBatch, UnsignedBatch, batch_together, whole_receipt
from keys.signing import RECEIPTS
from keys.statements import key_fingerprint

_NOT_NOW = (CustodianFault, CustodianUnavailable, SecondPlaceDiffers, SecondPlaceUnreachable)


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
        self._look_up_key()

    def _look_up_key(self) -> None:
        self._key = self._custodian.service_key()
        self.service = key_fingerprint(self._key)
        """Of the service key as it was last seen, for the statements."""

    def before_commit(self, connection: Connection, outcomes: Sequence[Outcome]) -> None:
        """Seal the new submissions of a batch, and give every submission its receipt.

        A result becomes `{"receipt": bytes, "created": bool, "register": text}`.

        Raises:
            ServiceError: UNAVAILABLE: the custodian does not answer, or its key of receipts is
                suspended; the batch is undone.
        """
        recorded = [
            (outcome, outcome.result)
            for outcome in outcomes
            if isinstance(outcome.result, Recorded)
        ]
        new = [result for _, result in recorded if result.created]
        signed = self._begin(connection, new) if new else None
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
        return self._store(connection, new, *self._begin(connection, new)())

    def _begin(
        self, connection: Connection, new: Sequence[Recorded]
    ) -> Callable[[], tuple[SealedBatch, datetime]]:
        """Have the receipts signed; what it returns waits for them."""
        now = clock.now().replace(microsecond=0)
        head = carried(connection)
        batch = self._batch(new, now, head)
        signatures = begin_receipts(self._custodian, batch.root_statement)

        def signed() -> tuple[SealedBatch, datetime]:
            try:
                given = signatures()
                try:
                    self._key.verify_ed25519(RECEIPTS, batch.root_statement, given.ed25519)
                except SignatureInvalid:
                    return self._signed_anew(new, now, head), now
            except (*_NOT_NOW, KeyNotUsable, SignatureInvalid) as error:
                raise ServiceError("UNAVAILABLE") from error
            return batch.sealed(given), now

        return signed

    def _signed_anew(self, new: Sequence[Recorded], now: datetime, head: str | None) -> SealedBatch:
        """Have receipts signed by the key that is in force now, and in its name."""
        self._look_up_key()
        batch = self._batch(new, now, head)
        given = self._custodian.sign_receipts(batch.root_statement)
        self._key.verify_ed25519(RECEIPTS, batch.root_statement, given.ed25519)
        return batch.sealed(given)

    def _batch(self, new: Sequence[Recorded], now: datetime, head: str | None) -> UnsignedBatch:
        return batch_together(
            [
                # A statement that was recorded under the key before is sealed by this one.
                result.statement
                if result.statement.service == self.service
                else replace(result.statement, service=self.service)
                for result in new
            ],
            time=now,
            checkpoint=head,
        )

    def _store(
        self, connection: Connection, new: Sequence[Recorded], sealed: SealedBatch, now: datetime
    ) -> list[tuple[int, bytes]]:
        seqs = [result.seq for result in new]
        repository.insert_sealed(connection, self._headquarters, seqs, sealed, now)
        return [
            (seq, whole_receipt(own, sealed.shared))
            for seq, own in zip(seqs, sealed.own, strict=True)
        ]
