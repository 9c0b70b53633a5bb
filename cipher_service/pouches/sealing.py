"""Bags are sealed under two officers' own grants, once the custodian has officers.

    bag_number          the bordereau's number is taken; the console opens the lines and draws up
    bag_prepare         what is to be signed waits in the books, on which both officers' keys answer
    bag_grant_ask       the claims themselves are put before an officer, from the books
    bag_grant_take      the answer goes to the custodian; who gave it is noted
    sign_seal           the custodian signs, by both grants and the proof of this intent
    bag_seal            event, stock, label and papers, in one commit

What is cut short between two of them is taken up again where it stood: the number stays, and the
custodian signs the same claims again. All that the books would refuse is refused before it signs.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.pouches import (
    carriage,
    closing,
    correcting,
    handing_in,
    packing,
    photographing,
    preparing,
    rectifying,
    repository,
    signing,
    waybills,
)
from cipher_service.pouches.entitlement import PACK
from cipher_service.pouches.makeup import NewLine
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.office_commands import Answer
from cipher_service.pouches.preparing import Waiting
from cipher_service.pouches.repository import Closing
from keys.custody.desk import SealSignatures
from keys.custody.grants import SEAL, Grant
from keys.custody.intents import request_digest
from keys.signing import Signatures
from pouch.classes import Certification, require_certified
from pouch.facts import Sealed

SIGN: Final = "sign_seal"
OPEN: Final = "open_bag_text"


class SealingDesk:
    """What the acts need.

    Args:
        seated: gives the bureau inside a transaction.
        now: the clock.
    """

    def __init__(
        self,
        seated: Callable[[Connection], Office],
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._seated = seated
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "bag_lay": self.lay,
            "bag_number": self.number,
            "bag_prepare": self.prepare,
            "bag_grant_ask": self.ask,
            "bag_grant_take": self.take,
            "bag_seal": self.seal,
            f"{SIGN}.intend": self.signs,
            f"{SIGN}.end": self.ended,
            f"{OPEN}.intend": self.opens,
            f"{OPEN}.end": self.ended,
        }

    def lay(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "number", "line": NewLine as a map}`; give whether it was `{"new"}`.

        Refusals: as `packing.lay`.
        """
        line = NewLine(**payload["line"])
        with self._seated(connection).look() as sitting:
            laid = packing.lay(sitting, payload["seal"], payload["number"], line, by=officer)
        return {"new": laid.new}

    def number(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "certifier"}`; give `{"number"}`, always the same for a closing.

        Refusals: as `closing.closable` and `preparing.next_number`.
        """
        with self._seated(connection).look() as sitting:
            found = closing.closable(
                sitting, payload["seal"], payload["certifier"], by=officer, second=None
            )
            number, _ordinal = preparing.take(connection, found, sitting.now)
        return {"number": number}

    def prepare(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"seal"}` and the members of `Waiting` but `closer` and `granted`.

        Refusals: PREPARATION_OUTDATED, NOT_CERTIFIED, as `closing.closable`.
        """
        members = {name: value for name, value in payload.items() if name != "seal"}
        absent = frozenset(members.pop("absent"))
        waiting = Waiting(closer=officer, absent=absent, **members)
        with self._seated(connection).look() as sitting:
            found = closing.closable(
                sitting, payload["seal"], waiting.certifier, by=officer, second=None
            )
            require_certified(Certification(waiting.certifier, absent), found.packers)
            preparing.keep(connection, found, waiting)

    def ask(self, connection: Connection, officer: str, payload: Answer) -> str:
        """Take `{"seal", "grant", "nonce", "party", "credentials": hex ids, "back"}`.

        Gives the ticket of the page that shows the claims. Refuses FORM_REFUSED: it is not this
        officer's grant to have these claims signed; PREPARATION_OUTDATED, NOT_ALLOWED,
        GRANT_MALFORMED.
        """
        grant = Grant.parse(payload["grant"])
        with self._seated(connection).look() as sitting:
            found = sitting.closing(payload["seal"])
            waiting = preparing.current(connection, found)
            self._require_granted(grant.encoded, officer, waiting)
            second = None if officer == waiting.closer else officer
            closing.closable(
                sitting, found.seal, waiting.certifier, by=waiting.closer, second=second
            )
            asked = approvals.Asked(
                payload["party"], payload["nonce"], tuple(payload["credentials"])
            )
            return approvals.ask(
                connection, officer, grant.encoded, payload["back"], self._now(),
                asked=asked, beside=waiting.claims,
            )  # fmt: skip

    def take(self, connection: Connection, officer: str, payload: Answer) -> dict[str, bytes]:
        """Take `{"seal", "ticket"}`; give `{"response"}`, once.

        Refuses TICKET_UNKNOWN, PREPARATION_OUTDATED, FORM_REFUSED: it is of other claims.
        """
        grant, answer = approvals.answered(connection, officer, payload["ticket"], self._now())
        with self._seated(connection).look() as sitting:
            waiting = preparing.current(connection, sitting.closing(payload["seal"]))
            self._require_granted(grant, officer, waiting)
            preparing.grant(connection, payload["seal"], waiting, officer)
        return {"response": answer}

    def signs(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"bag": closing, "other": officer, "request"}`; the custodian may be asked now.

        Refuses FORM_REFUSED: other claims, or not of these two; and all that `seal` refuses.
        """
        trial = connection.begin_nested()
        try:
            with self._seated(connection).look() as sitting:
                _, waiting = self._record(sitting, payload["bag"], officer, payload["other"])
                if payload["request"] != request_digest(SIGN, waiting.claims):
                    raise ServiceError("FORM_REFUSED")
        finally:
            trial.rollback()

    def ended(self, _connection: Connection, _officer: str, _payload: Any) -> None:
        """Take `{"bag", "refused": code or None}`: how the act ended."""

    def seal(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "other", "cose", "ed25519", "mldsa65"}`; give `{"number"}`.

        Refuses FORM_REFUSED: not of the closer and another, who both granted it; SEAL_NOT_OF_CARD,
        PREPARATION_OUTDATED; as `closing.closable` and `makeup.seal_bag`.
        """
        signed = SealSignatures(payload["cose"], Signatures(payload["ed25519"], payload["mldsa65"]))
        with self._seated(connection).look() as sitting:
            found, waiting = self._record(sitting, payload["seal"], officer, payload["other"])
            signing.keep_apart(connection, found, waiting, sitting.office.card, signed)
        return {"number": waiting.number}

    def opens(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"bag": closing, "request"}`, or with the bag a `"photograph"` of it.

        The custodian may be asked now. The log's entry names no bag: the custodian reads none in
        such a text. Refuses CLOSING_UNKNOWN, NOT_FOUND, NOT_ALLOWED, FORM_REFUSED: the request
        opens something else than that photograph, or this bag's waybill, lines and papers, or a
        piece that the officer may lay into it.
        """
        office = self._seated(connection)
        photograph = payload.get("photograph")
        if photograph is None:
            with office.look() as sitting:
                found = carriage.seen(sitting, payload["bag"], officer)
                sitting.require(officer, PACK, found)
                opened = _texts_of(sitting, found, officer)
        else:
            opened = [photographing.body_of(office, payload["bag"], photograph, by=officer)]
        if payload["request"] not in {request_digest(OPEN, bytes(text)) for text in opened}:
            raise ServiceError("FORM_REFUSED")

    def _require_granted(self, grant: bytes, officer: str, waiting: Waiting) -> None:
        """Demand that a grant is this officer's, to have these very claims signed once."""
        said = Grant.parse(grant)
        wanted = (officer, SEAL, request_digest(SIGN, waiting.claims), 1)
        if (said.officer, said.purpose, said.request, said.uses) != wanted:
            raise ServiceError("FORM_REFUSED")

    def _record(
        self, sitting: Sitting, seal: str, officer: str, other: str
    ) -> tuple[Closing, Waiting]:
        """Put the closing on record, by its closer and the other who granted it."""
        waiting = preparing.current(sitting.connection, sitting.closing(seal))
        pair = {officer, other}
        if officer == other or not pair <= {*waiting.granted} or waiting.closer not in pair:
            raise ServiceError("FORM_REFUSED")
        (second,) = pair - {waiting.closer}
        found = closing.closable(sitting, seal, waiting.certifier, by=waiting.closer, second=second)
        said = waiting.said
        closing.record(
            sitting,
            found,
            Sealed(said.digest.hex(), said.seals, said.weight_g),
            head=waiting.head,
            nonce_sha256=waiting.nonce_sha256,
            certification=Certification(waiting.certifier, waiting.absent),
            by=waiting.closer,
            second=second,
        )
        return found, waiting


def _texts_of(sitting: Sitting, found: Closing, officer: str) -> list[bytes]:
    """Return what an officer may have opened of a bag's own texts."""
    connection = sitting.connection
    texts = [row.body for row in repository.lines_of(connection, found.seal)]
    kept = signing.row_of(connection, found.seal)
    if kept is not None:
        texts.append(kept.body)
        texts += [row.body for row in rectifying.rows_of(connection, found.seal)]
        waiting = correcting.find(connection, found.seal)
        texts += [] if waiting is None else [waiting.body]
    else:
        texts.append(waybills.body_of(connection, found.departure))
        for row in handing_in.waiting(connection, found.route.destination):
            try:
                packing.fitting(sitting, found.seal, row.number, officer)
            except ServiceError:
                continue
            texts.append(row.body)
    return texts
