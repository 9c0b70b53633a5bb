"""The registrar's commands about who calls, and the guard before every act of a post.

An API process says which post it recognised and by which API key; the guard asks the directory of
the very transaction whether that post may act. The proof that the caller presented is used up by
the batch (`storage.batch.Request.claims`), before the act.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.directory import enrolment
from cipher_service.directory.register import ApiKeyRecord, DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.identity.admission import admit, client_in_force
from cipher_service.identity.token_keys import TokenKeys
from cipher_service.identity.tokens import LEEWAY
from cipher_service.storage.batch import Handler, Together
from keys.cards import Card
from keys.certificates import ClientKey
from keys.custody.book import Book
from keys.custody.errors import CustodianFault, CustodianUnavailable, CustodySealed
from keys.custody.lasting import ROOT_KEY, advised, lasting_kind
from keys.custody.protocol import Custodian
from keys.endorsement import read_introduction, root_fingerprint
from keys.lifecycle import PROTECTS, KeyNotUsable
from keys.signing import VerifyingKey

CERTIFICATE_LIFE: Final = timedelta(days=7)

May = Callable[[Connection, str, Sequence[dict[str, Any]]], None]
"""Refuses commands of one name, by their whole payloads, that their posts may not give."""


class Admissions:
    """Guards acts, issues tokens, and says who the service is.

    Args:
        directory: this process's reader.
        custodian: holds the ministry's keys.
        issuer: the issuer's URL.
        now: the clock.
    """

    def __init__(
        self,
        directory: DirectoryReader,
        custodian: Custodian,
        issuer: str,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._directory = directory
        self._custodian = custodian
        self._token_keys = TokenKeys(issuer, custodian)
        self._now = now
        self._introduced: tuple[str, str, bytes] | None = None

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each method says what it takes and gives."""
        return {
            "issue_token": self.issue_token,
            "certify_client": self.certify_client,
            "token_keys": self.token_keys,
            "seals": self.seals,
            "health": self.health,
            "key_warnings": self.key_warnings,
        }

    def guarded(self, acts: Mapping[str, Handler], may: May) -> dict[str, Handler]:
        """Return acts that take `{"post", "client", "act": payload}`.

        The caller is admitted first; then `may` refuses what the policies do not let it. `admit`
        is among them and does nothing else: a reading follows it.
        """
        every = {"admit": _nothing_more, **acts}
        return {name: self._guarded(name, act, may) for name, act in every.items()}

    def guarded_together(self, name: str, act: Together, may: May) -> Together:
        """Return commands done together, as `guarded` does those done alone."""

        def guarded(connection: Connection, payloads: Sequence[dict[str, Any]]) -> list[Any]:
            callers = {(payload["post"], payload["client"]): payload for payload in payloads}
            for caller in callers.values():
                self.admit(connection, caller)
            may(connection, name, payloads)
            return act(connection, [payload["act"] for payload in payloads])

        return guarded

    def admit(self, connection: Connection, payload: dict[str, Any]) -> None:
        """Take `{"post", "client"}`; refusals: `identity.admission.admit`."""
        directory = self._directory.current(connection)
        admit(directory, post=payload["post"], client=payload["client"])

    def issue_token(self, connection: Connection, payload: dict[str, Any]) -> str:
        """Take `{"post", "client", "confirmation"}`, the assertion verified; give an access token.

        Refuses ASSERTION_REFUSED, POST_NOT_ACTIVE.
        """
        directory = self._directory.current(connection)
        client = payload["client"]
        known = directory.clients.get(client)
        if known is None or known.subject != payload["post"]:
            raise ServiceError("ASSERTION_REFUSED")
        if client in directory.api_keys:
            client_in_force(directory, client)
        return self._token_keys.issue(
            post=known.subject,
            client=client,
            confirmation=payload["confirmation"],
            now=self._now(),
        )

    def certify_client(self, connection: Connection, payload: dict[str, Any]) -> dict[str, bytes]:
        """Take `{"post", "client"}`; give `{"certificate", "authority"}`, DER.

        It certifies the key that the caller authenticated with. Refuses as `admit`, which machines
        of doors and auditors pass here and nowhere else.
        """
        directory = self._directory.current(connection)
        known = directory.clients.get(payload["client"])
        if known is None or known.subject != payload["post"]:
            raise ServiceError("TOKEN_REFUSED")
        if isinstance(known, ApiKeyRecord):
            self.admit(connection, payload)
        jwk, now = json.loads(known.jwk), self._now().replace(microsecond=0)
        # Other machines' clocks may be a little behind this one.
        begins = now - timedelta(seconds=LEEWAY)
        wanted = ClientKey(known.subject, jwk["x"], jwk["y"], begins, now + CERTIFICATE_LIFE)
        return {
            "certificate": self._custodian.certify_client_key(wanted.encode()),
            "authority": self._custodian.client_authority(),
        }

    def token_keys(self, _connection: Connection, _payload: object) -> list[bytes]:
        """Give the certificates of the token keys in force, the present one first."""
        return self._token_keys.certificates(self._now())

    def seals(self, connection: Connection, _payload: object) -> dict[str, Any]:
        """Give `{"card", "service_key", "certifying_key", "log_keys", "root", "clients"}`.

        Each key is [ed25519, mldsa65], the log's [ed25519, mldsa44]; the others are bytes. Beside
        them stand the "successions" of the service key and the "log_successions", as the
        custodian gives them.
        """
        card, log_keys = self._custodian.card(), self._custodian.log_keys()
        return {
            "card": card.to_bytes(),
            "service_key": _halves(self._custodian.service_key()),
            "successions": self._custodian.successions(),
            "certifying_key": _halves(self._custodian.certifying_key()),
            "log_keys": [log_keys.ed25519, log_keys.mldsa44],
            "log_successions": self._custodian.log_successions(),
            "root": self._introduction(connection, card),
            "clients": self._custodian.client_authorities(),
        }

    def _introduction(self, connection: Connection, card: Card) -> bytes:
        """Introduce the root, asked for once by each card; empty while nobody may believe it.

        It is kept, so that the root is known also when the service starts with its keys sealed.
        Whether it is in force is asked each time: who enrols now must not learn a root that was
        suspended or called compromised since.
        """
        root = self._root_in_force()
        if root is None:
            return b""
        if self._introduced is None or self._introduced[:2] != (card.fingerprint, root):
            kept = enrolment.introduction(connection, card.fingerprint)
            if kept is None or root_fingerprint(read_introduction(kept, card)) != root:
                try:
                    kept = self._custodian.root_introduction()
                except (CustodySealed, KeyNotUsable):
                    return b""
                enrolment.introduce(connection, card.fingerprint, kept, self._now())
            self._introduced = card.fingerprint, root, kept
        return self._introduced[2]

    def _root_in_force(self) -> str | None:
        """Return the fingerprint of the root that may sign now; None without one that was seen."""
        book = Book.parse(self._custodian.key_versions())
        active = (
            each.fingerprint
            for each in book.versions
            if lasting_kind(each.key) == ROOT_KEY and each.state in PROTECTS
        )
        return next(active, None)

    def health(self, _connection: Connection, _payload: object) -> dict[str, Any]:
        """Give `{"custodian": open, sealed or away, "trial": whether it has no officers}`."""
        try:
            state = self._custodian.state()
        except (CustodianUnavailable, CustodianFault):
            return {"custodian": "away", "trial": False}
        return {"custodian": "sealed" if state.sealed else "open", "trial": not state.founded}

    def key_warnings(self, _connection: Connection, _payload: object) -> list[tuple[str, int, str]]:
        """Give key, number and warning of each version of the custodian's keys that asks for some.

        The warning is named as `keys.custody.lasting.advised` does.

        Nothing while the custodian is away.
        """
        try:
            book = Book.parse(self._custodian.key_versions())
        except (CustodianUnavailable, CustodianFault):
            return []
        told = book.warnings(self._now())
        return [(each.key, each.number, advised(each, what)) for each, what in told]

    def _guarded(self, name: str, act: Handler, may: May) -> Handler:
        def guarded(connection: Connection, payload: dict[str, Any]) -> Any:
            self.admit(connection, payload)
            may(connection, name, [payload])
            return act(connection, payload["act"])

        return guarded


def _nothing_more(_connection: Connection, _payload: object) -> None:
    """Do nothing beyond admitting."""


def _halves(key: VerifyingKey) -> list[bytes]:
    return [key.ed25519, key.mldsa65]
