"""What leaves by an officer's signature: its numbers are taken, then its envelope is handed over.

Between the two the officer's page makes the manifest of the numbers and the custodian signs it.
Whoever lets something leave (`sending`, `pouches.announcing_desk`) judges first what it is.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from cipher_service.directory.register import Directory, read_directory
from cipher_service.dispatches import departures, incarnations
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.dispatches.submission import judge
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.storage.blobs import Blobs
from keys.slips import SignedSlip, Slip


class Outgoing:
    """The bureau's way out.

    Args:
        sealer: receipts what leaves.
        blobs: the envelopes.
    """

    def __init__(self, sealer: ReceiptSealer, blobs: Blobs) -> None:
        self._sealer = sealer
        self._blobs = blobs

    def intend(
        self,
        connection: Connection,
        departure: departures.Departure,
        directory: Directory,
        now: datetime,
    ) -> list[list[Any]]:
        """Take the numbers; each `[post, epoch, number, previous]`.

        Raises:
            ServiceError: as `departures.intend`.
        """
        epoch = incarnations.epoch(connection, now.year)
        begun = departures.intend(connection, departure, epoch=epoch, directory=directory, now=now)
        return [[each.post, each.epoch, each.number, each.previous] for each in begun.numbers]

    def issue(
        self,
        connection: Connection,
        slip: Slip,
        payload: dict[str, Any],
        caller: str,
        now: datetime,
    ) -> str:
        """Hand the envelope over and receipt it; returns its register number.

        Args:
            connection: inside the registrar's transaction.
            slip: judged already to be what was to leave.
            payload: has `signature`, `manifest_hash` and `body`: the envelope if it is small, else
                None and the blob store holds it.
            caller: the post it leaves from.
            now: the clock.

        Raises:
            ServiceError: ENVELOPE_MISMATCH, and as `departures.issue`.
        """
        body: bytes | None = payload["body"]
        if body is not None and sha256(body).hexdigest() != slip.envelope_sha256:
            raise ServiceError("ENVELOPE_MISMATCH", dispatch_id=slip.dispatch_id)
        directory, signed = read_directory(connection), SignedSlip(slip, payload["signature"])
        recorded = departures.issue(
            connection,
            judge(signed, directory, default_scheme(), caller=caller),
            body,
            payload["manifest_hash"],
            directory=directory,
            service=self._sealer.service,
            stored=self._blobs.size,
            now=now,
        )
        self._sealer.seal(connection, [recorded])
        return recorded.statement.register
