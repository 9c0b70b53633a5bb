"""The registrar's process: the only one that writes; what comes round in it by the clock."""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import uvloop
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cipher_service import clock
from cipher_service.access.proven import Proofs
from cipher_service.app.arena import give_back_free_memory
from cipher_service.app.wiring import Round, registrar_handlers, rounds_of
from cipher_service.audit.closing import close_intents
from cipher_service.audit.heads import keep_signed
from cipher_service.audit.journal import Journal
from cipher_service.audit.recorder import Recorder
from cipher_service.console.approving import bundle_digest
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.errors import ServiceError
from cipher_service.settings import Settings
from cipher_service.storage.batch import Batches, Request
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.checkpoints import checkpoints_beside
from cipher_service.storage.engine import open_existing
from cipher_service.storage.sole_writer import sole_writer
from cipher_service.storage.unit_of_work import unit_of_work
from cipher_service.storage.writer import Registrar
from keys.custody import Custodian, open_custodian, read_credential
from keys.errors import KeysError

log = logging.getLogger(__name__)
HOUSEKEEPING_SECONDS: Final = 60.0
HEAD_SECONDS: Final = 1.0
"""How far the log's signed head may be behind its entries."""
DEPARTURE_SECONDS: Final = 1.0
"""How long a released dispatch may wait for its departure."""


def serve_registrar(settings: Settings, ready: Callable[[], None]) -> None:
    """Be the registrar until SIGTERM."""
    uvloop.run(_registrar(settings, ready))


async def _registrar(settings: Settings, ready: Callable[[], None]) -> None:
    credential = settings.custodian_credential
    custodian = open_custodian(
        settings.custodian,
        lambda _uri: read_credential(credential),
        production=settings.production,
    )
    engine = open_existing(settings.database)
    try:
        with sole_writer(engine), checkpoints_beside(engine):
            with unit_of_work(engine) as connection:
                closed = close_intents(connection, settings.log_origin, clock.now())
            if closed:
                log.warning("%d acts were interrupted: their outcome is unknown", closed)
            await _serve_writes(settings, custodian, engine, ready)
    finally:
        engine.dispose()


async def _serve_writes(
    settings: Settings, custodian: Custodian, engine: Engine, ready: Callable[[], None]
) -> None:
    recorder = Recorder(settings.log_origin)
    sealer = ReceiptSealer(custodian, settings.headquarters, recorder.before_commit)
    proofs = Proofs()
    handlers, together = registrar_handlers(settings, custodian, sealer, engine, proofs)
    _record_bundle(settings, engine)
    batches = Batches(engine, handlers, sealer.before_commit, together)
    registrar = Registrar(batches, {"approval_sign": partial(proofs.prepare, engine)})
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, registrar.stop)
    up = asyncio.Event()
    serving = asyncio.create_task(registrar.serve(settings.registrar_socket, up))
    upkeep = asyncio.create_task(housekeep(batches, Blobs(settings.data)))
    signing = asyncio.create_task(_sign_heads(engine, custodian))
    leaving = asyncio.create_task(go_round(rounds_of(settings, engine, custodian)))
    waiting = asyncio.create_task(up.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if up.is_set():
        ready()
    try:
        await serving
    finally:
        upkeep.cancel()
        signing.cancel()
        leaving.cancel()
        _sign_now(engine, custodian)
        waiting.cancel()


def _record_bundle(settings: Settings, engine: Engine) -> None:
    """Let the log say what the page where officers sign consists of, from this start on."""
    if settings.console_port:
        journal = Journal(engine, settings.log_origin, actor="service")
        with journal.act("approval_bundle", bundle_digest()):
            pass


async def housekeep(batches: Batches, blobs: Blobs) -> None:
    """Forget and end what has expired, on the thread that runs the batches: between two of them.

    Memory in which nothing is left goes back with it.
    """
    while True:
        outcome, _lapsed = batches.run([Request("housekeep", None), Request("lapse", None)])
        for upload in outcome.result or ():
            try:
                blobs.abandon(upload)
            except OSError:
                log.exception("a part of an upload that was given up stays in the spool")
        give_back_free_memory()
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


async def go_round(rounds: Sequence[Round]) -> None:
    """Do what waits, on a thread of its own: nobody's command waits for it."""
    while True:
        for each in rounds:
            try:
                await asyncio.to_thread(each)
            except Exception:  # whatever one meets, the others and the next second go on
                log.exception("what the bureau does by itself waits")
        await asyncio.sleep(DEPARTURE_SECONDS)


async def _sign_heads(engine: Engine, custodian: Custodian) -> None:
    """Have the log's head signed whenever it has grown, between two batches."""
    while True:
        await asyncio.sleep(HEAD_SECONDS)
        _sign_now(engine, custodian)


def _sign_now(engine: Engine, custodian: Custodian) -> None:
    try:
        keep_signed(engine, custodian)
    except KeysError as error:
        # Entries go on being written; `/v1/health` says by name that the head stands still.
        log.error("the log's head was not signed: %s: %s", error.code, error)  # noqa: TRY400 - its name says all; a trace each second would bury the log
    except (SQLAlchemyError, ServiceError):
        log.exception("the log's head was not signed")
