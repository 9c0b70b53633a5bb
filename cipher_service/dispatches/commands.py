"""The registrar's commands: what API processes ask for, by name.

Payloads are plain maps; `to_payload` of the judged values makes them. `app` joins these with the
commands of other subjects and hands them to `storage.batch.Batches`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.directory import enrolment
from cipher_service.directory.enrolment import ApiKey
from cipher_service.directory.register import DirectoryReader
from cipher_service.dispatches import acknowledgements, continuity, signals, uploads
from cipher_service.dispatches.service import Recorded, mark_fetched, submit, submit_together
from cipher_service.dispatches.submission import Submission
from cipher_service.storage.batch import Handler
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.replay import claim, forget_expired
from keys.cards import read_card


class Desk:
    """What the commands need: the directory, the blob store, the receipts' key, the time.

    Args:
        directory: this process's reader.
        blobs: the envelope store.
        service: fingerprint of the service key (`ReceiptSealer.service`); the sealer itself names
            another one once it was exchanged.
        now: the clock.
    """

    def __init__(
        self,
        directory: DirectoryReader,
        blobs: Blobs,
        service: str,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._directory = directory
        self._blobs = blobs
        self._service = service
        self._now = now

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each method says what it takes and gives."""
        return {
            "submit": self.submit,
            "submit_upload": self.submit_upload,
            "open_upload": self.open_upload,
            "record_receipt": self.record_receipt,
            "post_service_message": self.post_service_message,
            "mark_fetched": self.mark_fetched,
            "prove_number": self.prove_number,
            "enrol": self.enrol,
            "claim": self.claim,
            "housekeep": self.housekeep,
        }

    def submit(self, connection: Connection, payload: dict[str, Any]) -> Recorded:
        """Take `Submission.to_payload(body)`; see `service.submit` for the refusals.

        The answer, once sealed, is `{"receipt": bytes, "created": bool, "register": text}`.
        """
        return submit(
            connection,
            Submission.from_payload(payload),
            payload["body"],
            directory=self._directory.current(connection),
            service=self._service,
            stored=self._blobs.size,
            now=self._now(),
        )

    def submit_together(
        self, connection: Connection, payloads: Sequence[dict[str, Any]]
    ) -> list[Recorded]:
        """As `submit`, of several; see `service.submit_together` for when it gives up."""
        return submit_together(
            connection,
            [(Submission.from_payload(payload), payload["body"]) for payload in payloads],
            directory=self._directory.current(connection),
            service=self._service,
            stored=self._blobs.size,
            now=self._now(),
        )

    def submit_upload(self, connection: Connection, payload: dict[str, Any]) -> Recorded:
        """As `submit`, of an envelope that came by upload; the upload is then forgotten."""
        recorded = self.submit(connection, payload)
        uploads.end_upload(connection, payload["dispatch_id"], payload["origin"])
        return recorded

    def open_upload(self, connection: Connection, payload: dict[str, Any]) -> str:
        """Take `Submission.to_payload(None)`; give the upload's name.

        Refuses DUPLICATE_ID, UPLOADS_MANY.
        """
        submission = Submission.from_payload(payload)
        return uploads.open_upload(connection, submission, self._now()).upload_id

    def record_receipt(self, connection: Connection, payload: dict[str, Any]) -> bool:
        """Take `JudgedReceipt.to_payload()`; give whether it was new.

        Refusals: `acknowledgements.record`.
        """
        judged = acknowledgements.JudgedReceipt.from_payload(payload)
        return acknowledgements.record(connection, judged, self._now())

    def post_service_message(self, connection: Connection, payload: dict[str, Any]) -> bool:
        """Take `JudgedMessage.to_payload()`; give whether it was new.

        Refusals: `signals.record`.
        """
        judged = signals.JudgedMessage.from_payload(payload)
        directory = self._directory.current(connection)
        return signals.record(connection, judged, directory=directory, now=self._now())

    def mark_fetched(self, connection: Connection, payload: dict[str, Any]) -> None:
        """Take `{"post", "dispatch_id"}`. Refuses NOT_FOUND."""
        mark_fetched(connection, payload["post"], payload["dispatch_id"], self._now())

    def prove_number(self, connection: Connection, payload: dict[str, Any]) -> bool:
        """Take `{"counter", "number"}`, proved by a receipt; give whether it was news."""
        return continuity.spend(connection, payload["counter"], payload["number"], self._now())

    def enrol(self, connection: Connection, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"code", "card": bytes, "thumbprint", "jwk"}`, whose proof holds.

        Gives `{"post", "state", "fingerprint"}`. Refusals: `directory.enrolment.enrol`.
        """
        done = enrolment.enrol(
            connection,
            payload["code"],
            read_card(payload["card"]),
            ApiKey(payload["thumbprint"], payload["jwk"]),
            self._now(),
        )
        return {"post": done.post, "state": done.state, "fingerprint": done.fingerprint}

    def claim(self, connection: Connection, payload: dict[str, Any]) -> list[bool]:
        """Take `{"claims": [[32 bytes, expiry], ...]}`; give, for each, whether it is the first.

        For tokens that carry no act of their own; an act passes its claims beside its payload.
        """
        return claim(connection, [(token, expires) for token, expires in payload["claims"]])

    def housekeep(self, connection: Connection, _payload: object) -> list[str]:
        """Forget expired claims and stale uploads; give the uploads' names, for the spool."""
        forget_expired(connection, self._now())
        return uploads.drop_stale(connection, self._now())
