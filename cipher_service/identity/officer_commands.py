"""The registrar's commands about officers: their ceremonies, their sessions, and their acts' guard.

A console process holds no right of its own: each act of an officer comes with the cookie's value,
and the guard finds the open session in the very transaction that carries the act. Whoever has
robbed that process can do what officers do while they are signed in, and nothing in the name of
one who is not.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, delete

from cipher_service import clock
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, passkey_book, sessions
from cipher_service.identity.passkey_book import Site
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables import identity as tables
from keys.canonical import encode
from keys.errors import KeysError
from keys.passkeys import registered_id_of

ADD_KEY: Final = "cipher-service/v1 add-key"

OfficerAct = Callable[[Connection, str, Any], Any]
"""An act of a signed-in officer: (connection, the officer's number, payload) -> result."""


class OfficerDesk:
    """Runs ceremonies and guards officers' acts.

    Args:
        site: who asks for ceremonies, asked at each of them.
        now: the clock.
    """

    def __init__(self, site: Callable[[], Site], now: Callable[[], datetime] = clock.now) -> None:
        self._site = site
        self._now = now

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each method says what it takes and gives."""
        return {
            "officer_ask": named(self.ask),
            "officer_ask_enrolment": named(self.ask_enrolment),
            "officer_enrol": named(self.enrol),
            "officer_sign_in": named(self.sign_in),
            **self.guarded(
                {
                    "officer_seen": self.seen,
                    "officer_sign_out": self.sign_out,
                    "officer_revoke_key": self.revoke_key,
                    "officer_ask_key": self.ask_key,
                    "officer_prefer": self.prefer,
                }
            ),
        }

    def completed(self) -> dict[str, OfficerAct]:
        """Return the acts that an officer's signature completes (`identity.approvals`)."""
        return {"officer_add_key": self.add_key}

    def guarded(self, acts: Mapping[str, OfficerAct]) -> dict[str, Handler]:
        """Return acts that take `{"officer", "session": cookie, "act": payload}`.

        They refuse SESSION_ENDED, and what the act refuses.
        """
        return {name: named(self._guarded(act)) for name, act in acts.items()}

    def ask(self, connection: Connection, _payload: object) -> bytes:
        """Give a nonce for signing in."""
        return challenges.give(connection, "sign-in", None, self._now())

    def ask_enrolment(self, connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        """Take `{"link"}`; give `{"officer", "name", "nonces"}`. Refuses LINK_UNKNOWN."""
        now = self._now()
        officer = passkey_book.officer_of_link(connection, payload["link"], now)
        return {
            "officer": officer,
            "name": officers.read(connection, officer).identity.name,
            "nonces": [
                challenges.give(connection, "enrol", officer, now)
                for _ in range(passkey_book.KEYS_AT_ENROLMENT)
            ],
        }

    def enrol(self, connection: Connection, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"link", "keys": [[nonce, response], ...]}`; give `{"officer"}`.

        Refuses as `passkey_book.enrol`, and AUTHENTICATORS_UNKNOWN.
        """
        pairs = [(nonce, response) for nonce, response in payload["keys"]]
        officer = passkey_book.enrol(connection, payload["link"], pairs, self._site(), self._now())
        return {"officer": officer}

    def sign_in(self, connection: Connection, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"nonce", "response"}`; give `{"officer", "session": the cookie's value}`.

        Refuses as `passkey_book.sign_in`, and AUTHENTICATORS_UNKNOWN; the fact `about` names
        whose key was shown, for the log.
        """
        now = self._now()
        try:
            token = passkey_book.sign_in(
                connection, payload["nonce"], payload["response"], self._site(), now
            )
        except (KeysError, ServiceError) as error:
            holder = passkey_book.holder_of(connection, payload["response"])
            if holder is None:
                raise
            raise ServiceError(error.code, about=holder) from error
        return {"officer": sessions.find_session(connection, token, now).officer, "session": token}

    def seen(self, connection: Connection, _officer: str, payload: dict[str, Any]) -> str:
        """Take `{"session"}`; note a request; give when the session ends without another."""
        now, token = self._now(), payload["session"]
        session = sessions.find_session(connection, token, now)
        sessions.mark_seen(connection, token, session, now)
        return clock.text(sessions.find_session(connection, token, now).ends)

    def sign_out(self, connection: Connection, officer: str, _payload: object) -> None:
        """End the officer's session, everywhere."""
        sessions.end_sessions(connection, officer, self._now())

    def revoke_key(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"key": credential id}`; take one of the officer's own keys away.

        Refuses KEY_UNKNOWN, LAST_KEY (the key that signed in is not lost; the other one may be).
        """
        others = [
            key
            for key in passkey_book.keys_of(connection, officer)
            if key.revoked is None and key.credential_id != payload["key"]
        ]
        if not others:
            raise ServiceError("LAST_KEY")
        passkey_book.revoke_key(connection, officer, payload["key"], self._now())

    def ask_key(self, connection: Connection, officer: str, _payload: object) -> bytes:
        """Give a nonce for registering one more security key."""
        return challenges.give(connection, "enrol", officer, self._now())

    def add_key(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"key": [nonce, response] in base64, "act", "nonce", "response"}`.

        One of the officer's present keys has signed `act`, which names the new one. Refuses
        KEY_UNKNOWN, CHALLENGE_UNKNOWN, KEY_TAKEN, and as the ceremonies.
        """
        now, site = self._now(), self._site()
        nonce, response = (b64decode(part) for part in payload["key"])
        if payload["act"] != statement_of_key(officer, response):
            raise ServiceError("FORM_REFUSED")
        passkey_book.step_up(
            connection,
            officer,
            sha256(ADD_KEY.encode() + b"\0" + payload["act"]).digest(),
            payload["nonce"],
            payload["response"],
            site=site,
            now=now,
        )
        passkey_book.add_key(connection, officer, (nonce, response), site, now)

    def prefer(self, connection: Connection, officer: str, payload: dict[str, Any]) -> None:
        """Take `{"language": "fr" or "en"}`; remember it for the officer."""
        language = payload["language"]
        if language not in ("fr", "en"):
            raise ServiceError("FORM_REFUSED")
        book = tables.preference
        connection.execute(delete(book).where(book.c.officer == officer))
        connection.execute(book.insert().values(officer=officer, language=language))

    def _guarded(self, act: OfficerAct) -> Handler:
        def guarded(connection: Connection, payload: dict[str, Any]) -> Any:
            session = sessions.find_session(connection, payload["session"], self._now())
            if session.officer != payload["officer"]:
                raise ServiceError("SESSION_ENDED")
            return act(connection, session.officer, payload["act"])

        return guarded


def statement_of_key(officer: str, response: bytes) -> bytes:
    """Return what an officer signs to add a security key, canonical JSON.

    Raises:
        PasskeyInvalid: the response is not a registration's.
    """
    return encode({"type": ADD_KEY, "officer": officer, "key": registered_id_of(response).hex()})


def named(handler: Handler) -> Handler:
    """Let a refusal of `keys/` keep its name on its way to the console process."""

    def named(connection: Connection, payload: Any) -> Any:
        try:
            return handler(connection, payload)
        except KeysError as error:
            raise ServiceError(error.code) from error

    return named
