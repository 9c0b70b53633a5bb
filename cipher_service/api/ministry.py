"""What one API process holds: ways to the database, the envelopes and the registrar.

Reads go to the database in a thread; every write, and every use of a proof, goes to the registrar.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request

from cipher_service import clock
from cipher_service.access.machines import Viewer, viewer_of
from cipher_service.api.forwarding import shown_certificate
from cipher_service.api.inbound import header
from cipher_service.audit.signers import Signers
from cipher_service.directory.register import Directory, DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.identity.client_certificates import ClientCertificates
from cipher_service.identity.gatekeeper import Caller, Gatekeeper
from cipher_service.identity.token_keys import trusted
from cipher_service.identity.tokens import PublicKey
from cipher_service.settings import Settings
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading
from cipher_service.storage.writer_client import RegistrarClient
from keys.cards import Card, read_card
from keys.endorsement import read_introduction
from keys.signing import VerifyingKey
from keys.succession import KeyLine, files_of

THREADS: Final = 8
CALLER: Final = "cipher_service.caller"
"""Where a request's scope holds the post that was recognised."""
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Seals:
    """Who the service is: its bureau's card, the public keys of its custodian, its root.

    `root` is the file in which the card introduces it, empty while the keys are sealed and never
    were open under this card, and while the root's key is suspended or compromised; `successions`
    say how the service key came to be, the oldest first; `clients` is the PEM of the posts'
    authorities.
    """

    card: Card
    service_key: VerifyingKey
    successions: tuple[bytes, ...]
    certifying_key: VerifyingKey
    log: Signers
    root: bytes
    clients: bytes

    def receipt_keys(self) -> KeyLine:
        """Return every key that signed the ministry's receipts, with its end."""
        return KeyLine.told(self.service_key, self.successions)

    def root_key(self) -> VerifyingKey:
        """Return the root's public keys. Raises ServiceError UNAVAILABLE: nobody introduces it."""
        if not self.root:
            raise ServiceError("UNAVAILABLE")
        return read_introduction(self.root, self.card)


class Ministry:
    """One process's ways to the ministry's records; belongs to one event loop.

    Args:
        settings: the installation.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.blobs = Blobs(settings.data)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="read")
        self._engine = open_existing(settings.database, readers=THREADS)
        self._registrar = RegistrarClient(settings.registrar_socket)
        self.certificates_shown = ClientCertificates(self._client_authorities)
        self._gatekeeper = Gatekeeper(
            settings.issuer,
            self._token_keys,
            self.certificates_shown,
            certificates_demanded=settings.certificates_demanded,
        )
        self._directory_reader = DirectoryReader()
        self.held_directory: Directory | None = None
        """The directory as it was last read; what it shows may have changed since."""

    def close(self) -> None:
        """Let go of the registrar, the threads and the database."""
        self._registrar.close()
        self.threads.shutdown()
        self._engine.dispose()

    # -- callers -------------------------------------------------------------------------------

    async def recognise(self, request: Request) -> Caller:
        """Recognise the caller; its proof is used up by the act that follows (`act`).

        Raises:
            ServiceError: see `Gatekeeper.recognise`.
        """
        caller = await self._gatekeeper.recognise(
            header(request, b"authorization"),
            header(request, b"dpop"),
            shown_certificate(request),
            method=request.scope["method"],
            path=request.scope["path"],
        )
        request.scope[CALLER] = caller
        return caller

    async def admitted(self, request: Request) -> Caller:
        """Recognise the caller and use its proof up at once: before a reading or a long body.

        Raises:
            ServiceError: see `recognise` and `identity.admission.admit`; PROOF_REPLAYED.
        """
        caller = await self.recognise(request)
        await self.act(caller, "admit")
        return replace(caller, claims=())

    # -- the registrar -------------------------------------------------------------------------

    async def act(
        self,
        caller: Caller,
        command: str,
        payload: dict[str, Any] | None = None,
        *,
        patiently: bool = False,
    ) -> Any:
        """Have the registrar do something for a caller, and use the caller's proof up with it.

        Args:
            caller: recognised.
            command: name of the act.
            payload: what the act takes.
            patiently: ask again while the registrar is busy or away, when sending everything again
                would cost the post dearly. The act must be idempotent and the proof used up.

        Raises:
            ServiceError: the act's refusal, or the registrar's (`RegistrarClient.call`).
        """
        message = {"post": caller.post, "client": caller.client, "act": payload}
        for pause in _PAUSES if patiently else ():
            try:
                return await self._registrar.call(command, message, claims=caller.claims)
            except ServiceError as error:
                if error.code not in ("BUSY", "UNAVAILABLE"):
                    raise
                await asyncio.sleep(pause)
        return await self._registrar.call(command, message, claims=caller.claims)

    async def ask(
        self, command: str, payload: dict[str, Any], claims: tuple[tuple[bytes, int], ...] = ()
    ) -> Any:
        """Ask the registrar something that needs no recognised caller.

        Raises:
            ServiceError: see `act`.
        """
        return await self._registrar.call(command, payload, claims=claims)

    async def seals(self) -> Seals:
        """Return who the service is, as the registrar's custodian says."""
        told = await self.ask("seals", {})
        return Seals(
            card=read_card(told["card"]),
            service_key=VerifyingKey(*told["service_key"]),
            successions=files_of(told["successions"]),
            certifying_key=VerifyingKey(*told["certifying_key"]),
            log=Signers.in_seals(told, self.settings.log_origin),
            root=told["root"],
            clients=told["clients"],
        )

    async def certificates(self) -> list[bytes]:
        """Return the certificates of the token keys in force, the present one first."""
        return list(await self.ask("token_keys", {}))

    async def _token_keys(self) -> dict[str, PublicKey]:
        seals = await self.seals()
        return trusted(
            await self.certificates(),
            seals.certifying_key,
            issuer=self.settings.issuer,
            now=clock.now(),
        )

    async def _client_authorities(self) -> bytes:
        return (await self.seals()).clients

    # -- the database --------------------------------------------------------------------------

    async def read(self, question: Callable[[Connection], Result]) -> Result:
        """Ask the database something in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._read, question)

    async def shown(
        self, caller: Caller, question: Callable[[Connection, Viewer], Result]
    ) -> Result:
        """Ask the database something for a post, which sees what the policies let it."""

        def asked(connection: Connection) -> Result:
            directory = self._directory_reader.current(connection)
            return question(connection, viewer_of(connection, directory, caller.post))

        return await self.read(asked)

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """Do something that blocks in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def directory(self) -> Directory:
        """Return the directory as it is now."""
        self.held_directory = await self.read(self._directory_reader.current)
        return self.held_directory

    def _read(self, question: Callable[[Connection], Result]) -> Result:
        with reading(self._engine) as connection:
            return question(connection)
