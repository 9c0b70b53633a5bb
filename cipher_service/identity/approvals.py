"""The page where an officer signs: what is put before whom, and what comes of the signature.

    ticket = ask(connection, officer, act.encoded, "/dossiers/1", now)     # in a flow's own command
    Approvals(site, executors).handlers()                                  # show, sign, refuse

A ticket leads one officer, for five minutes, to one statement on the page of the approval origin.
That page shows the very bytes and has them signed; here the signature is verified, the act is
proposed or approved (`shared_acts`), and done in the same transaction when nobody is missing. What
the custodian must verify carries the custodian's own nonce and party; the answer is kept for the
flow that asked, once. What an act of several persons came to has an entry of its own in the log,
under its kind and in the commit that does it; a signature that is refused names its signer there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, select, update

from cipher_service import clock
from cipher_service.audit.ledger import append
from cipher_service.audit.records import DONE, Event
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity import awaiting, challenges, passkey_book, shared_acts
from cipher_service.identity.carried import digest_of, new_secret
from cipher_service.identity.officer_commands import OfficerAct, named
from cipher_service.identity.passkey_book import Site
from cipher_service.identity.shared_acts import Signed
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables import acts as act_tables
from cipher_service.storage.tables import identity as tables
from keys.acts import Act
from keys.age.files import decrypt_with_passphrase, encrypt_with_passphrase
from keys.canonical import decode, encode
from keys.errors import KeysError

LIFE = timedelta(minutes=5)
_WORK_FACTOR: Final = 10  # a ticket is 256 random bits


@dataclass(frozen=True, slots=True)
class Executor:
    """What a kind of act changes.

    Attributes:
        version: of the act's resource, now.
        perform: does it, inside the transaction; told who completed it. Gives what the log keeps
            of the decision (`policies`, `digest`, `mandate`), if the policies were asked.
        proposed: writes down what is kept beside the act, in the transaction that records it.
    """

    version: Callable[[Connection, Act], int]
    perform: Callable[[Connection, Act, str, datetime], dict[str, Any] | None]
    proposed: Callable[[Connection, Act], None] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the custodian asks: its party's id, its nonce, the credentials that may answer."""

    party: str
    nonce: bytes
    credentials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Then:
    """A command that takes a signature: `act`, `nonce`, `response` are added to its payload."""

    command: str
    payload: Mapping[str, Any]


def ask(
    connection: Connection,
    officer: str,
    body: bytes,
    back: str,
    now: datetime,
    *,
    then: Then | None = None,
    asked: Asked | None = None,
    beside: bytes | None = None,
) -> str:
    """Put a statement before an officer; returns the ticket that leads to it.

    Args:
        connection: inside a unit of work.
        officer: who shall sign.
        body: canonical bytes of the statement: an act (keys/ACTS.md §1) or a grant (§6).
        back: path of the console where the officer goes on.
        now: the present; also forgets what is too old.
        then: the command that the signature completes, in the signature's own transaction; without
            one the statement is an act of several persons, proposed or approved.
        asked: what the custodian asks; None when the service verifies.
        beside: what the statement names by its digest only, to be shown with it. The books keep it
            sealed by the ticket, which they do not have.

    Raises:
        ValueError: `back` is not a path of the console: a defect of the caller.
    """
    if not back.startswith("/") or back.startswith("//") or "\\" in back:
        raise ValueError("a way back is a path of the console")
    book, ticket = tables.approval, new_secret()
    connection.execute(delete(book).where(book.c.given_at < clock.text(now - LIFE)))
    connection.execute(
        book.insert().values(
            digest=digest_of(ticket),
            officer=officer,
            body=body,
            back=back,
            command=None if then is None else then.command,
            payload=_sealed(beside, ticket) if then is None else encode(dict(then.payload)),
            party=None if asked is None else asked.party,
            nonce=None if asked is None else asked.nonce,
            credentials=None if asked is None else encode(list(asked.credentials)).decode("ascii"),
            given_at=clock.text(now),
        )
    )
    return ticket


def statement_of(connection: Connection, ticket: str, now: datetime) -> bytes | None:
    """Return the statement to which a ticket leads, to look at; None when it leads nowhere."""
    body: bytes | None = connection.scalar(
        _led_to(ticket, now).with_only_columns(tables.approval.c.body)
    )
    return body


def answer_of(connection: Connection, officer: str, ticket: str, now: datetime) -> bytes:
    """Return the security key's answer to what the custodian asked, once.

    Raises:
        ServiceError: TICKET_UNKNOWN: no such, another officer's, too old, taken, not answered yet.
    """
    return answered(connection, officer, ticket, now)[1]


def answered(
    connection: Connection, officer: str, ticket: str, now: datetime
) -> tuple[bytes, bytes]:
    """Return a statement with the answer that it had; as `answer_of`."""
    row = _open(connection, ticket, now)
    if row.officer != officer or row.answer is None:
        raise ServiceError("TICKET_UNKNOWN")
    _close(connection, ticket)
    return bytes(row.body), bytes(row.answer)


@dataclass(frozen=True, slots=True)
class Shown:
    """A statement that a page shows and nobody signs, and whose it is."""

    officer: str
    statement: dict[str, Any]


def shown(connection: Connection, ticket: str, kind: str, now: datetime) -> Shown:
    """Return the statement that a ticket still leads to.

    Raises:
        ServiceError: TICKET_UNKNOWN: no such, too old, or of another kind of statement.
    """
    row = _open(connection, ticket, now)
    statement = decode(bytes(row.body))
    if statement["type"] != kind:
        raise ServiceError("TICKET_UNKNOWN")
    return Shown(str(row.officer), statement)


def take(connection: Connection, ticket: str, kind: str, now: datetime) -> str:
    """Use up the ticket of a statement that is shown and never signed; returns whose it is.

    Raises:
        ServiceError: TICKET_UNKNOWN: no such, too old, or of another kind of statement.
    """
    found = shown(connection, ticket, kind, now)
    _close(connection, ticket)
    return found.officer


class Approvals:
    """The registrar's commands of the page where officers sign.

    Args:
        site: who asks for signatures, asked at each of them.
        executors: by kind of act.
        completed: officers' commands that a signature completes, by name.
        origin: of the console, to which officers go back.
        log: the log's name.
        now: the clock.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        executors: Mapping[str, Executor],
        completed: Mapping[str, OfficerAct],
        origin: str,
        log: str,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._site = site
        self._executors = executors
        self._completed = completed
        self._origin = origin
        self._log = log
        self._now = now

    def handlers(self) -> dict[str, Handler]:
        """Return the open commands by name; each method says what it takes and gives."""
        return {"approval_show": named(self.show), "approval_sign": named(self.sign)}

    def acts(self) -> dict[str, OfficerAct]:
        """Return what signed-in officers ask for, to be guarded."""
        return {
            "approval_ask": self.ask_command,
            "act_ask": self.ask_act,
            "act_refuse": self.refuse,
        }

    def show(self, connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        """Take `{"ticket"}`; give what the page needs to show a statement and have it signed.

        `{"officer", "name", "names": of officers that the body names, by number, "body", "beside":
        bytes or None, "party", "nonce", "credentials": hex ids, "back"}`. Refuses TICKET_UNKNOWN.
        """
        now = self._now()
        row = _open(connection, payload["ticket"], now)
        known = officers.read(connection, row.officer)
        shown = {
            "officer": row.officer,
            "name": known.identity.name,
            "names": officers.names_in(connection, bytes(row.body).decode()),
            "body": bytes(row.body),
            "back": f"{self._origin}{row.back}",
            "beside": None,
        }
        if row.party is not None:
            shown["beside"] = _unsealed(row.payload, payload["ticket"])
            return {**shown, "party": row.party, "nonce": row.nonce, "credentials": row.credentials}
        keys = passkey_book.keys_of(connection, row.officer)
        return {
            **shown,
            "party": self._site().party.id,
            "nonce": challenges.give(connection, "step-up", row.officer, now),
            "credentials": encode(
                [key.credential_id for key in keys if key.revoked is None]
            ).decode("ascii"),
        }

    def sign(self, connection: Connection, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"ticket", "nonce", "response"}`; give `{"outcome", "officer", "back"}` and `act`.

        The outcome is `done`, `waiting` (others must sign too) or `answered` (the custodian will
        judge); `act` is the number of an act of several persons. Refuses TICKET_UNKNOWN,
        ACT_NOT_EXECUTABLE, and as `shared_acts` and the executor.
        """
        now, ticket = self._now(), payload["ticket"]
        row = _open(connection, ticket, now)
        told = {"officer": row.officer, "back": f"{self._origin}{row.back}"}
        if row.party is not None:
            book = tables.approval
            connection.execute(
                update(book)
                .where(book.c.digest == digest_of(ticket))
                .values(answer=payload["response"])
            )
            return {**told, "outcome": "answered"}
        _close(connection, ticket)
        if row.command is not None:
            signature = {"nonce": payload["nonce"], "response": payload["response"]}
            given = {**decode(bytes(row.payload)), "act": bytes(row.body), **signature}
            self._completed[row.command](connection, row.officer, given)
            return {**told, "outcome": "done"}
        act = Act.parse(bytes(row.body))
        signed = Signed(row.officer, payload["nonce"], payload["response"])
        try:
            outcome = self._signed(connection, act, signed, now)
        except ServiceError as error:
            facts = {**error.facts, "signer": row.officer, "act": act.id}
            raise ServiceError(error.code, **facts) from error
        except KeysError as error:
            raise ServiceError(error.code, signer=row.officer, act=act.id) from error
        return {**told, "act": act.id, "outcome": outcome}

    def ask_command(self, connection: Connection, officer: str, payload: dict[str, Any]) -> str:
        """Take `{"body", "back", "command", "payload"}`; give the ticket.

        The command verifies the signature over the statement itself and judges it as if it had been
        called: so a console gains nothing here that it could not ask for. Refuses FORM_REFUSED.
        """
        if payload["command"] not in self._completed:
            raise ServiceError("FORM_REFUSED")
        then = Then(payload["command"], payload["payload"])
        return ask(connection, officer, payload["body"], payload["back"], self._now(), then=then)

    def ask_act(self, connection: Connection, officer: str, payload: dict[str, Any]) -> str:
        """Take `{"act": id, "back"}` of an act that waits; give the ticket to sign it.

        Refuses UNKNOWN_ACT, also for an act among others alone, and whatever keeps this officer
        from signing it.
        """
        now = self._now()
        awaiting.require_seen(connection, payload["act"], officer, now)
        act = shared_acts.waiting(connection, payload["act"])
        version = self._executor(act).version(connection, act)
        shared_acts.require_signable(connection, act, officer, now, version=version)
        return ask(connection, officer, act.encoded, payload["back"], now)

    def refuse(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"act": id, "reason"}`; end an act that waits.

        Refuses UNKNOWN_ACT as `ask_act`, and as `shared_acts.refuse`.
        """
        now = self._now()
        awaiting.require_seen(connection, payload["act"], officer, now)
        act = shared_acts.waiting(connection, payload["act"])
        version = self._executor(act).version(connection, act)
        shared_acts.refuse(connection, act.id, officer, payload["reason"], now, version=version)

    def _signed(self, connection: Connection, act: Act, signed: Signed, now: datetime) -> str:
        executor = self._executor(act)
        version, site = executor.version(connection, act), self._site()
        known = connection.scalar(
            select(act_tables.shared_act.c.act_id).where(act_tables.shared_act.c.act_id == act.id)
        )
        if known is None:
            shared_acts.propose(connection, act, signed, site, now, version=version)
            if executor.proposed is not None:
                executor.proposed(connection, act)
        else:
            shared_acts.approve(connection, act.id, signed, site, now, version=version)
        if not shared_acts.is_approved(connection, act.id, now, version=version):
            return "waiting"
        shared_acts.execute(
            connection,
            act.id,
            signed.officer,
            now,
            version=version,
            perform=lambda done: self._perform(connection, done, signed.officer, now),
        )
        return "done"

    def _perform(self, connection: Connection, act: Act, by: str, now: datetime) -> None:
        ruled = self._executor(act).perform(connection, act, by, now) or {}
        done = Event(
            # Now, not when the act began: what it did may have entries of its own by this time.
            time_us=int(self._now().timestamp() * 1_000_000),
            actor=by,
            action=act.kind.replace(".", "_").replace("-", "_"),
            outcome=DONE,
            resource=act.resource.partition("/")[2],
            policies=tuple(ruled.get("policies", ())),
            digest=ruled.get("digest"),
            mandate=ruled.get("mandate") or None,
            act=act.id,
        )
        append(connection, self._log, [done])

    def _executor(self, act: Act) -> Executor:
        try:
            return self._executors[act.kind]
        except KeyError:
            raise ServiceError("ACT_NOT_EXECUTABLE", kind=act.kind) from None


def _sealed(beside: bytes | None, ticket: str) -> bytes | None:
    if beside is None:
        return None
    return encrypt_with_passphrase(beside, ticket.encode(), _WORK_FACTOR)


def _unsealed(beside: bytes | None, ticket: str) -> bytes | None:
    return None if beside is None else decrypt_with_passphrase(bytes(beside), ticket.encode())


def _open(connection: Connection, ticket: str, now: datetime) -> Row[Any]:
    row = connection.execute(_led_to(ticket, now)).one_or_none()
    if row is None:
        raise ServiceError("TICKET_UNKNOWN")
    return row


def _led_to(ticket: str, now: datetime) -> Select[Any]:
    book = tables.approval
    young = book.c.given_at >= clock.text(now - LIFE)
    return select(book).where(book.c.digest == digest_of(ticket), young)


def _close(connection: Connection, ticket: str) -> None:
    book = tables.approval
    connection.execute(delete(book).where(book.c.digest == digest_of(ticket)))
