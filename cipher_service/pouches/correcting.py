"""Rectifications that wait for two officers' grants, once the custodian has officers (article 15).

    bag_rectify                 what is to be signed waits in the books, as ciphertext
    bag_rectify_ask             the statement is put before an officer, from the bytes that wait
    bag_rectify_take            the answer goes to the custodian; who gave it is noted
    sign_rectification          the custodian signs, by both grants and the proof of this intent
    bag_rectified               the rectification is on record, in one commit

The books hold the digest of the salted statement and never its words: the console, where an
officer's grant opened it, brings it along each time. All that a reader would refuse of the bag's
past is refused before the custodian signs; what is cut short between two steps is taken up where
it stood.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.pouches import rectifying
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.office_commands import Answer
from cipher_service.storage.tables.pouches import rectifying as book
from keys import canonical
from keys.custody.grants import SEAL, Grant
from keys.custody.intents import request_digest
from keys.devices import RECTIFICATION
from keys.errors import SignatureInvalid
from keys.signing import Signatures
from pouch.errors import RectificationUnwitnessed
from pouch.rectification import Rectification
from pouch.seal import read_seal
from pouch.sealed import Signed, sealers_object

SIGN: Final = "sign_rectification"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A rectification that two officers are to grant.

    Attributes:
        ordinal: that it will have among those of its bag.
        author: who answers for it.
        request: digest under which the custodian is asked to sign the statement.
        body: the statement with the levels of the bag's lines, as ciphertext to the bureau's card.
        granted: the officers whose security keys answered for it.
    """

    ordinal: int
    author: str
    request: str
    body: bytes
    granted: tuple[str, ...]


def request_of(statement: Rectification) -> str:
    """Return the digest under which the custodian is asked to sign a statement."""
    return request_digest(SIGN, statement.encode())


def find(connection: Connection, seal: str) -> Waiting | None:
    """Return what waits to be put right in a closing, None for nothing."""
    row = connection.execute(select(book).where(book.c.seal == seal)).one_or_none()
    if row is None:
        return None
    granted = tuple(canonical.decode(row.granted.encode()))
    return Waiting(row.ordinal, row.author, row.request, bytes(row.body), granted)


class CorrectingDesk:
    """What the acts need.

    Args:
        seated: gives the bureau inside a transaction.
        now: the clock.
    """

    def __init__(
        self, seated: Callable[[Connection], Office], now: Callable[[], datetime] = clock.now
    ) -> None:
        self._seated = seated
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "bag_rectify": self.prepare,
            "bag_rectify_ask": self.ask,
            "bag_rectify_take": self.take,
            "bag_rectified": self.record,
            f"{SIGN}.intend": self.signs,
            f"{SIGN}.end": self.ended,
        }

    def prepare(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"seal", "statement", "body": age ciphertext}`; whatever waited before is void.

        Refuses RECTIFICATION_OUTDATED: it does not follow from the books, or names another author;
        NOT_SEALED_HERE, NOT_ALLOWED, CLOSING_UNKNOWN.
        """
        statement = Rectification.parse(payload["statement"])
        with self._seated(connection).look() as sitting:
            _require_of_books(sitting, statement, payload["seal"], officer, second=None)
            connection.execute(delete(book).where(book.c.seal == statement.seal))
            connection.execute(
                insert(book).values(
                    seal=statement.seal,
                    ordinal=statement.ordinal,
                    author=officer,
                    request=request_of(statement),
                    body=payload["body"],
                    granted=_list(()),
                )
            )

    def ask(self, connection: Connection, officer: str, payload: Answer) -> str:
        """Take `{"seal", "statement", "grant", "nonce", "party", "credentials": hex ids, "back"}`.

        Gives the ticket of the page that shows the statement. Refuses FORM_REFUSED: it is not this
        officer's grant to have this statement signed; as `prepare`, GRANT_MALFORMED.
        """
        grant = Grant.parse(payload["grant"])
        with self._seated(connection).look() as sitting:
            statement, waiting = _waiting(sitting, payload)
            _require_granted(grant, officer, statement)
            second = None if officer == waiting.author else officer
            _require_of_books(sitting, statement, payload["seal"], waiting.author, second=second)
            asked = approvals.Asked(
                payload["party"], payload["nonce"], tuple(payload["credentials"])
            )
            return approvals.ask(
                connection, officer, grant.encoded, payload["back"], self._now(),
                asked=asked, beside=statement.encode(),
            )  # fmt: skip

    def take(self, connection: Connection, officer: str, payload: Answer) -> dict[str, bytes]:
        """Take `{"seal", "statement", "ticket"}`; give `{"response"}`, once.

        Refuses TICKET_UNKNOWN, RECTIFICATION_OUTDATED, FORM_REFUSED: it is of another statement.
        """
        grant, answer = approvals.answered(connection, officer, payload["ticket"], self._now())
        with self._seated(connection).look() as sitting:
            statement, waiting = _waiting(sitting, payload)
            _require_granted(Grant.parse(grant), officer, statement)
            connection.execute(
                update(book)
                .where(book.c.seal == statement.seal)
                .values(granted=_list({*waiting.granted, officer}))
            )
        return {"response": answer}

    def signs(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"bag": closing, "other": officer, "request"}`; the custodian may be asked now.

        Refuses FORM_REFUSED: another statement, or not of these two; RECTIFICATION_OUTDATED.
        """
        with self._seated(connection).look() as sitting:
            waiting = find(connection, sitting.closing(payload["bag"]).seal)
            if waiting is None:
                raise ServiceError("RECTIFICATION_OUTDATED", seal=payload["bag"])
            second = _second(waiting, officer, payload["other"])
            rectifying.stand_of(sitting, payload["bag"], waiting.author, second)
            if payload["request"] != waiting.request:
                raise ServiceError("FORM_REFUSED")

    def ended(self, _connection: Connection, _officer: str, _payload: Any) -> None:
        """Take `{"bag", "refused": code or None}`: how the act ended."""

    def record(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "statement", "levels", "other", "ed25519", "mldsa65"}`; give `{"number"}`.

        Refuses FORM_REFUSED: not of its author and another, who both granted it;
        RECTIFICATION_NOT_OF_CARD; as `prepare`.
        """
        signatures = Signatures(payload["ed25519"], payload["mldsa65"])
        with self._seated(connection).look() as sitting:
            statement, waiting = _waiting(sitting, payload)
            second = _second(waiting, officer, payload["other"])
            weight_g = _require_of_books(
                sitting, statement, payload["seal"], waiting.author, second=second
            )
            card, data = sitting.office.card, statement.encode()
            try:
                card.verifying_key.verify(RECTIFICATION, data, signatures)
            except SignatureInvalid as error:
                raise ServiceError("RECTIFICATION_NOT_OF_CARD", seal=statement.seal) from error
            signed = sealers_object(Signed(card.fingerprint, signatures), None)
            file = canonical.encode({"statement": canonical.decode(data), **signed})
            levels = sorted(set(payload["levels"]))
            rectifying.keep(
                sitting, statement, file, levels, weight_g, by=waiting.author, second=second
            )
        return {"number": statement.number}


def _waiting(sitting: Sitting, payload: Answer) -> tuple[Rectification, Waiting]:
    """Return the statement that was brought along, which must be the one that waits.

    Raises:
        ServiceError: RECTIFICATION_OUTDATED.
    """
    statement = Rectification.parse(payload["statement"])
    found = find(sitting.connection, sitting.closing(payload["seal"]).seal)
    if found is None or found.request != request_of(statement):
        raise ServiceError("RECTIFICATION_OUTDATED", seal=payload["seal"])
    return statement, found


def _require_of_books(
    sitting: Sitting, statement: Rectification, seal: str, author: str, *, second: str | None
) -> int:
    """Demand that a statement follows from the books; return the bag's weight as it leaves it.

    Raises:
        ServiceError: RECTIFICATION_OUTDATED; as `rectifying.stand_of`.
        RectificationUnwitnessed: a second person's own card closed the bag.
    """
    stand = rectifying.stand_of(sitting, seal, author, second)
    found, last = sitting.closing(stand.row.seal), stand.earlier[-1:]
    if read_seal(stand.row.symbol).claims.witness is not None:
        raise RectificationUnwitnessed("the second person's card closed the bag")
    weights = [one for one in statement.changes if (one.line, one.what) == (None, "weight")]
    stood = found.rectified_g or found.weighed_g or 0
    told = (statement.seal, statement.bag, statement.digest, statement.number, statement.ordinal)
    ordinal = len(stand.earlier) + 1
    booked = (found.seal, found.bag, found.manifest, f"{stand.row.number}/R{ordinal}", ordinal)
    if (
        told != booked
        or statement.previous != (last[0].hash if last else None)
        or (statement.name, statement.function) != (stand.name, stand.function)
        or statement.made > sitting.now
        or any(one.was != stood for one in weights)
    ):
        raise ServiceError("RECTIFICATION_OUTDATED", seal=stand.row.seal)
    return int(str(weights[0].now)) if weights else stood


def _require_granted(grant: Grant, officer: str, statement: Rectification) -> None:
    """Demand that a grant is this officer's, to have this very statement signed once."""
    wanted = (officer, SEAL, request_of(statement), 1)
    if (grant.officer, grant.purpose, grant.request, grant.uses) != wanted:
        raise ServiceError("FORM_REFUSED")


def _second(waiting: Waiting, officer: str, other: str) -> str:
    """Return who grants beside the author, of the two who granted. Raises FORM_REFUSED."""
    pair = {officer, other}
    if officer == other or not pair <= {*waiting.granted} or waiting.author not in pair:
        raise ServiceError("FORM_REFUSED")
    (second,) = pair - {waiting.author}
    return second


def _list(members: Iterable[str]) -> str:
    return canonical.encode(sorted(members)).decode("ascii")
