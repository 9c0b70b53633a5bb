"""Officers' own keys at the approval origin: what the page that makes and uses them is given.

The page makes a key, enciphers it under the secrets (PRF) of its officer's security keys, and opens
dispatches by itself. What passes through this process is public or ciphertext: recipients, wrapped
copies, cards, envelopes.
"""

import asyncio
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from cipher_service import clock
from cipher_service.console import octets
from cipher_service.console.bodies import members_of
from cipher_service.console.language import group
from cipher_service.directory.register import read_directory
from cipher_service.dispatches.lists import DispatchRecord, dispatch_of
from cipher_service.dispatches.office.own_openings import OPENING
from cipher_service.dispatches.reception import stored_envelope, trusted
from cipher_service.errors import ServiceError
from cipher_service.identity import own_keys
from cipher_service.identity.own_keys import MAKING, RECOVERING
from cipher_service.labels.scheme import default_scheme
from cipher_service.settings import Settings
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading
from cipher_service.storage.writer_client import RegistrarClient
from keys.age.header import Header
from keys.canonical import decode
from keys.slips import Slip

OWN_KEY: Final = "/propre"
"""End of the address, after the language, of the page that opens dispatches."""
MAKE_OWN_KEY: Final = "/propre/faire"
"""The same of the page that makes own keys and gives lost ones back."""

_PIECE: Final = 256 * 1024
_THREADS: Final = 4


class OwnDesk:
    """Serves the page of own keys.

    Args:
        settings: the installation.
        registry: its registrar; whoever gave it closes it.
    """

    def __init__(self, settings: Settings, registry: RegistrarClient) -> None:
        self._post = settings.headquarters
        self._engine = open_existing(settings.database)
        self._blobs = Blobs(settings.data)
        self._registry = registry
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="own")

    def close(self) -> None:
        """Let go of the threads and the database."""
        self._threads.shutdown()
        self._engine.dispose()

    def routes(self) -> list[Route]:
        """Return where the page asks."""
        return [
            Route("/propre/montrer", self.show, methods=["POST"]),
            Route("/propre/offrir", self.offer, methods=["POST"]),
            Route("/propre/retrouver", self.recover, methods=["POST"]),
            Route("/propre/exemplaire", self.copy, methods=["POST"]),
            Route("/propre/enveloppe", self.envelope, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Take `{"ticket"}`; give what the page is for: making a key, recovering, or opening."""
        told, statement = await self._told(await members_of(request, "ticket"))
        common = {name: told[name] for name in ("officer", "name", "party", "back")}
        if statement["type"] == MAKING:
            names = _written(decode_list(told))
            return JSONResponse({**common, "task": "making", "credentials": names})
        if statement["type"] == RECOVERING:
            lost = await self._in_thread(self._recovering, told["officer"])
            return JSONResponse({**common, "task": "recovering", **lost})
        opening = await self._in_thread(self._opening, statement, told["officer"])
        return JSONResponse({**common, "task": "opening", **opening})

    async def offer(self, request: Request) -> Response:
        """Take `{"ticket", "recipient", "wrapped", "recovery"}`; give `{"ticket"}` to sign."""
        members = await members_of(request, "ticket", "recipient", "wrapped", "recovery")
        offered = await self._registry.call("own_key_offer", members)
        return JSONResponse({"ticket": offered["ticket"]})

    async def recover(self, request: Request) -> Response:
        """Take `{"ticket", "wrapped"}`: copies of a key that its holders gave back."""
        members = await members_of(request, "ticket", "wrapped")
        await self._registry.call("own_key_recover", members)
        return JSONResponse({})

    async def copy(self, request: Request) -> Response:
        """Take `{"ticket", "part"}`: 0 to print the text, else an attachment; give `{"copy"}`."""
        members = await members_of(request, "ticket", "part")
        entered = await self._registry.call("own_copy", members)
        return JSONResponse({"copy": str(entered["copy"])})

    async def envelope(self, request: Request) -> Response:
        """Take `{"ticket"}`; give the payload of its dispatch, which follows the header."""
        _told, statement = await self._told(await members_of(request, "ticket"))
        if statement["type"] != OPENING:
            raise ServiceError("TICKET_UNKNOWN")
        record = await self._in_thread(self._record, statement["dispatch"])
        return StreamingResponse(
            self._sent(self._payload(record)),
            headers={"content-type": "application/octet-stream"},
        )

    async def _told(self, members: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        told = await self._registry.call("approval_show", members)
        statement = decode(bytes(told["body"]))
        if statement["type"] not in (MAKING, RECOVERING, OPENING):
            raise ServiceError("TICKET_UNKNOWN")
        return told, statement

    async def _in_thread(self, work: Any, *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    def _record(self, number: str) -> DispatchRecord:
        with reading(self._engine) as connection:
            return dispatch_of(connection, self._post, number)

    def _recovering(self, officer: str) -> dict[str, Any]:
        with reading(self._engine) as connection:
            recovery = own_keys.recovery_of(connection, officer)
            if recovery is None:
                raise ServiceError("OWN_KEY_MISSING")
            return {
                "recipient": own_keys.key_of(connection, officer)["recipient"],
                "credentials": _written(own_keys.uncopied(connection, officer)),
                "threshold": recovery.threshold,
                "shares": list(recovery.shares),
            }

    def _opening(self, statement: dict[str, Any], officer: str) -> dict[str, Any]:
        with reading(self._engine) as connection:
            record = dispatch_of(connection, self._post, statement["dispatch"])
            slip = Slip.parse(record.slip)
            card = trusted(read_directory(connection), slip.origin_card)
            own = own_keys.key_of(connection, officer)
        level = default_scheme().level(slip.level)
        return {
            "dispatch": record.dispatch_id,
            "header": statement["header"],
            "card": None if card is None else card.to_bytes().decode(),
            **own,
            "level": [level.fr, level.en, level.rank],
            "code": slip.level,
            "origin": slip.origin,
            "at": group(clock.now()),
        }

    def _payload(self, record: DispatchRecord) -> Generator[bytes, None, None]:
        with stored_envelope(self._engine, self._blobs, record) as source:
            Header.parse(source)
            while piece := source.read(_PIECE):
                yield piece

    async def _sent(self, pieces: Generator[bytes, None, None]) -> Any:
        with closing(pieces):
            while piece := await self._in_thread(next, pieces, b""):
                yield piece


def _written(credentials: list[str]) -> list[str]:
    return [octets.written(bytes.fromhex(one)) for one in credentials]


def decode_list(told: dict[str, Any]) -> list[str]:
    """Return the officer's security keys in force, as the registrar names them."""
    return list(decode(told["credentials"].encode()))
