"""A custodian in another process, reached over its Unix socket."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from keys.custody.acts import ACTS, read_answer
from keys.custody.errors import CustodianFault, CustodianUnavailable, RequestMalformed
from keys.custody.frames import connect, encode_frame, receive_frame

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from keys.cards import Card
    from keys.custody.compartment import CustodyState
    from keys.custody.desk import SealSignatures
    from keys.custody.protocol import Custodian
    from keys.log.succession import LogVerifiers
    from keys.signing import Signatures, VerifyingKey

_SECONDS: Final = 30.0


class AskedCustodian(ABC):
    """A `Custodian` that is asked for each act by name, wherever it is."""

    def state(self) -> CustodyState:
        """Whether the bureau's keys are sealed, and who may open them."""
        state: CustodyState = self._ask("state")
        return state

    def seal(self) -> None:
        """Seals the bureau's keys at once."""
        self._ask("seal")

    def offer_share(self, share: bytes) -> CustodyState:
        """Takes one holder's share."""
        state: CustodyState = self._ask("offer_share", share)
        return state

    def card(self) -> Card:
        """The bureau's card."""
        card: Card = self._ask("card")
        return card

    def service_key(self) -> VerifyingKey:
        """The key that verifies the ministry's receipts."""
        key: VerifyingKey = self._ask("service_key")
        return key

    def successions(self) -> bytes:
        """What the root said of the keys of receipts."""
        said: bytes = self._ask("successions")
        return said

    def certifying_key(self) -> VerifyingKey:
        """The key that verifies certificates of token keys."""
        key: VerifyingKey = self._ask("certifying_key")
        return key

    def log_keys(self) -> LogVerifiers:
        """The keys that verify the log's checkpoints."""
        keys: LogVerifiers = self._ask("log_keys")
        return keys

    def log_successions(self) -> bytes:
        """What the root said of each pair of log keys that took another's place."""
        said: bytes = self._ask("log_successions")
        return said

    def log_head(self) -> bytes:
        """The text of the last checkpoint signed, empty before the first."""
        head: bytes = self._ask("log_head")
        return head

    def sign_checkpoint(self, checkpoint: bytes, path: bytes, published: bytes) -> bytes:
        """Signs a head of the log that continues the last one signed."""
        note: bytes = self._ask("sign_checkpoint", checkpoint, path, published)
        return note

    def sign_manifest(self, manifest: bytes, warrant: bytes = b"") -> Signatures:
        """Signs a dispatch of the bureau."""
        return self._sign("sign_manifest", manifest, warrant)

    def complement(self) -> bytes:
        """The keys of suite S2 that go with the card."""
        made: bytes = self._ask("complement")
        return made

    def sign_slip(self, slip: bytes, warrant: bytes = b"") -> bytes:
        """Signs a slip of the bureau."""
        signature: bytes = self._ask("sign_slip", slip, warrant)
        return signature

    def sign_post_receipt(self, statement: bytes) -> Signatures:
        """Signs what the bureau states about an envelope it received."""
        return self._sign("sign_post_receipt", statement)

    def sign_service_message(self, statement: bytes, warrant: bytes = b"") -> Signatures:
        """Signs a service message of the bureau."""
        return self._sign("sign_service_message", statement, warrant)

    def sign_rerouting(self, addendum: bytes, warrant: bytes = b"") -> Signatures:
        """Signs what the bureau adds to a dispatch."""
        return self._sign("sign_rerouting", addendum, warrant)

    def root_introduction(self) -> bytes:
        """Introduces the root by the bureau's card."""
        introduction: bytes = self._ask("root_introduction")
        return introduction

    def endorse_card(self, card: bytes, warrant: bytes = b"") -> bytes:
        """Endorses a post's card by the root."""
        endorsement: bytes = self._ask("endorse_card", card, warrant)
        return endorsement

    def sign_receipts(self, root_statement: bytes) -> Signatures:
        """Signs the root over one commit's receipts."""
        return self._sign("sign_receipts", root_statement)

    def certify_token_key(self, statement: bytes) -> Signatures:
        """Signs the statement of a day's token key."""
        return self._sign("certify_token_key", statement)

    def client_authority(self) -> bytes:
        """The certificate of the posts' authority."""
        certificate: bytes = self._ask("client_authority")
        return certificate

    def client_authorities(self) -> bytes:
        """The PEM of every authority whose certificates may be in force."""
        authorities: bytes = self._ask("client_authorities")
        return authorities

    def certify_client_key(self, statement: bytes) -> bytes:
        """Makes the certificate of a post's key."""
        certificate: bytes = self._ask("certify_client_key", statement)
        return certificate

    def open_file_key(self, header: bytes, prefix: bytes, warrant: bytes = b"") -> bytes:
        """Releases the file key of a dispatch that is addressed to the bureau."""
        file_key: bytes = self._ask("open_file_key", header, prefix, warrant)
        return file_key

    def rewrap_header(
        self, header: bytes, prefix: bytes, recipient: bytes, warrant: bytes = b""
    ) -> bytes:
        """Makes a header of a dispatch for one reader's own key."""
        made: bytes = self._ask("rewrap_header", header, prefix, recipient, warrant)
        return made

    def make_prekeys(self, count: bytes, warrant: bytes = b"") -> bytes:
        """Makes a bundle of the bureau's one-time prekeys."""
        bundle: bytes = self._ask("make_prekeys", count, warrant)
        return bundle

    def kept_headers(self) -> bytes:
        """What was opened under prekeys, to be read again once they are gone."""
        kept: bytes = self._ask("kept_headers")
        return kept

    def spend_prekey(self, prekey: bytes, header: bytes) -> None:
        """Destroys a prekey whose header is kept."""
        self._ask("spend_prekey", prekey, header)

    def open_sealed(self, ciphertext: bytes, warrant: bytes = b"") -> bytes:
        """Opens a small age file to the bureau's key that is not a dispatch."""
        plaintext: bytes = self._ask("open_sealed", ciphertext, warrant)
        return plaintext

    def open_bag_text(self, ciphertext: bytes, warrant: bytes = b"") -> bytes:
        """Opens a text of the pouch bureau, and no other."""
        plaintext: bytes = self._ask("open_bag_text", ciphertext, warrant)
        return plaintext

    def desk_keys(self) -> bytes:
        """The public keys of the pouch bureau's desks."""
        keys: bytes = self._ask("desk_keys")
        return keys

    def sign_event(self, device: bytes, statement: bytes) -> bytes:
        """Signs an event in which one of the desks takes part."""
        signature: bytes = self._ask("sign_event", device, statement)
        return signature

    def sign_seal(self, claims: bytes, warrant: bytes = b"") -> SealSignatures:
        """Signs the claims of a seal of the bureau."""
        signatures: SealSignatures = self._ask("sign_seal", claims, warrant)
        return signatures

    def sign_rectification(self, statement: bytes, warrant: bytes = b"") -> Signatures:
        """Signs the rectification of a bordereau."""
        return self._sign("sign_rectification", statement, warrant)

    def sign_pack(self, statement: bytes) -> Signatures:
        """Signs a sync pack."""
        return self._sign("sign_pack", statement)

    def key_versions(self) -> bytes:
        """The states of the custodian's keys."""
        book: bytes = self._ask("key_versions")
        return book

    def make_backup_part(self) -> bytes:
        """The head of what the custodian adds to a backup."""
        head: bytes = self._ask("make_backup_part")
        return head

    def backup_part_piece(self, sha256: bytes, offset: bytes) -> bytes:
        """A piece of what the custodian adds to a backup."""
        piece: bytes = self._ask("backup_part_piece", sha256, offset)
        return piece

    def suspend_key(self, key: bytes, number: bytes, reason: bytes) -> bytes:
        """Suspends a version of a key at once."""
        version: bytes = self._ask("suspend_key", key, number, reason)
        return version

    def compromise_key(self, key: bytes, number: bytes, reason: bytes) -> bytes:
        """Calls a version of a key compromised, for ever."""
        version: bytes = self._ask("compromise_key", key, number, reason)
        return version

    def officers(self) -> bytes:
        """The roll of officers, as far as it may be shown."""
        roll: bytes = self._ask("officers")
        return roll

    def officer_challenge(self) -> bytes:
        """A nonce for one answer of an officer's security key."""
        nonce: bytes = self._ask("officer_challenge")
        return nonce

    def register_officer_key(self, nonce: bytes, response: bytes) -> bytes:
        """Verifies a new security key, for an act to give to somebody."""
        passkey: bytes = self._ask("register_officer_key", nonce, response)
        return passkey

    def approve_act(self, act: bytes, nonce: bytes, response: bytes) -> bytes:
        """Takes an officer's signature under an act, and does the act once it is approved."""
        outcome: bytes = self._ask("approve_act", act, nonce, response)
        return outcome

    def open_grant(self, grant: bytes, nonce: bytes, response: bytes) -> bytes:
        """Takes an officer's grant; gives its token."""
        token: bytes = self._ask("open_grant", grant, nonce, response)
        return token

    def close_grant(self, token: bytes) -> None:
        """Ends a grant."""
        self._ask("close_grant", token)

    def _sign(self, act: str, *values: bytes) -> Signatures:
        signatures: Signatures = self._ask(act, *values)
        return signatures

    @abstractmethod
    def close(self) -> None:
        """Lets go of connections; a later act would make new ones."""

    @abstractmethod
    def _ask(self, act: str, *values: bytes) -> Any:
        """Has an act of `ACTS` done, its arguments in their order; gives its result."""


class RemoteCustodian(AskedCustodian):
    """A `Custodian` behind a socket; any number of threads may use it at once.

    Connections are kept and used again, one request at a time on each. When a kept connection
    turns out to be dead (the worker was restarted), the request is made once more on a new one:
    every act may be repeated, since signing or sealing twice harms nothing, a share that is here
    already is refused by name, an officer's answer counts once, and the others change nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._process = os.getpid()

    def close(self) -> None:
        """Closes the connections that are kept; a later act connects anew."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def begin(self, act: str, *values: bytes) -> Callable[[], Any]:
        """Asks for an act and gives what waits for its result; that must be called, once."""
        frame = _request(act, values)
        kept = self._take()
        if kept is not None:
            try:
                _send(kept, frame)
            except OSError:
                kept.close()
                kept = None
        return partial(self._finish, act, frame, kept)

    def _finish(self, act: str, frame: bytes, connection: socket.socket | None) -> Any:
        if connection is None:
            return read_answer(act, self._exchange(frame))
        try:
            answer = self._exchange_on(connection, b"")  # the frame was sent already
        except OSError:
            # As in `_exchange`: the worker went away since.
            self.close()
            answer = self._exchange(frame)
        return read_answer(act, answer)

    def _ask(self, act: str, *values: bytes) -> Any:
        return read_answer(act, self._exchange(_request(act, values)))

    def _exchange(self, frame: bytes) -> object:
        kept = self._take()
        if kept is not None:
            try:
                return self._exchange_on(kept, frame)
            except OSError:
                # The worker went away since; whatever else is kept leads to it too.
                self.close()
        try:
            return self._exchange_on(connect(self._path, _SECONDS), frame)
        except OSError as error:
            raise CustodianUnavailable(f"no custodian answers at {self._path}: {error}") from error

    def _exchange_on(self, connection: socket.socket, frame: bytes) -> object:
        try:
            _send(connection, frame)
            answer = _hear(connection)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)
        return answer

    def _take(self) -> socket.socket | None:
        with self._lock:
            if self._process != os.getpid():
                # After a fork both processes would talk on one connection: the child leaves
                # its parent's alone.
                self._idle, self._process = [], os.getpid()
            return self._idle.pop() if self._idle else None


def begin_receipts(custodian: Custodian, root_statement: bytes) -> Callable[[], Signatures]:
    """Begins `sign_receipts`, so that its caller can do something else meanwhile.

    Returns:
        What waits for the signatures and raises what `sign_receipts` does; to be called once. A
        custodian that is not remote signs only then.
    """
    if isinstance(custodian, RemoteCustodian):
        return custodian.begin("sign_receipts", root_statement)
    return partial(custodian.sign_receipts, root_statement)


def _request(act: str, values: tuple[bytes, ...]) -> bytes:
    arguments = dict(zip(ACTS[act].arguments, values, strict=True))
    return encode_frame({"act": act, "arguments": arguments})


def _send(connection: socket.socket, frame: bytes) -> None:
    # A worker that does not want us may have closed already, after saying why.
    with suppress(BrokenPipeError):
        connection.sendall(frame)


def _hear(connection: socket.socket) -> object:
    """Gives what comes back.

    Raises:
        CustodianFault: what comes back is not a frame.
        OSError: nothing does.
    """
    try:
        answer: object = receive_frame(connection)
    except RequestMalformed as error:
        raise CustodianFault(f"the custodian's answer is not of the protocol: {error}") from error
    if answer is None:
        raise ConnectionResetError("the custodian closed the connection")
    return answer
