"""The wiring of the service, and nothing else: which process holds what.

    run(settings)                  # all processes, until SIGTERM: what `cipher-service serve` does
    create_api(settings)           # one API process's ASGI application
    registrar_handlers(...)        # what the registrar does, by command

Processes: the custodian (keys), the registrar (writes, tokens), the API processes (everything that
can be done side by side). They are started in this order and stopped in reverse.
"""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import uvicorn
import uvloop
from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from cipher_service import clock
from cipher_service.access import desk as access_desk
from cipher_service.access.acts import Gate
from cipher_service.access.ceremony_desk import CeremonyDesk
from cipher_service.access.upkeep import Upkeep
from cipher_service.api.application import create_application
from cipher_service.api.border import Border
from cipher_service.api.connections import Connection
from cipher_service.api.supervisor import (
    Commanded,
    Forked,
    Start,
    Supervisor,
    environment_for_child,
)
from cipher_service.audit.closing import close_intents
from cipher_service.audit.commands import LogDesk
from cipher_service.audit.heads import keep_signed
from cipher_service.audit.hearing import HEARD
from cipher_service.audit.journal import Journal
from cipher_service.audit.recorder import REQUEST, Recorder
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.console.application import create_console
from cipher_service.console.approving import bundle_digest, create_approval
from cipher_service.directory.prekeys import PrekeyDesk
from cipher_service.directory.register import DirectoryReader
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.commands import Desk
from cipher_service.dispatches.office import chasing, declassifying, own_openings, release
from cipher_service.dispatches.office.chasing import Chasing
from cipher_service.dispatches.office.commands import OfficeDesk
from cipher_service.dispatches.office.copies import CopyDesk
from cipher_service.dispatches.office.departing import SYSTEM, Departing
from cipher_service.dispatches.office.granting import GrantDesk
from cipher_service.dispatches.office.sending import SendingDesk
from cipher_service.dispatches.reception import Reception
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.identity import own_keys, relinking
from cipher_service.identity.approvals import Approvals
from cipher_service.identity.commands import Admissions
from cipher_service.identity.officer_commands import OfficerDesk
from cipher_service.identity.site import site_of
from cipher_service.pouches.announcing import Announcing
from cipher_service.pouches.commands import PouchDesk
from cipher_service.pouches.counter import commands_of_clients
from cipher_service.pouches.device_desk import DeviceDesk
from cipher_service.pouches.office import Office as PouchOffice
from cipher_service.pouches.packs import Packs
from cipher_service.pouches.pair_commands import PairDesk
from cipher_service.settings import Settings
from cipher_service.storage.batch import Batches, BeforeCommit, Handler, Outcome, Request, Together
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.engine import open_existing
from cipher_service.storage.sole_writer import sole_writer
from cipher_service.storage.unit_of_work import unit_of_work
from cipher_service.storage.writer import Registrar
from keys.confinement import forbid_dumps
from keys.custody import Custodian, open_custodian, read_credential
from keys.errors import KeysError

log = logging.getLogger(__name__)

Served = Callable[[Settings, socket.socket, Callable[[], None]], None]
"""Serves at a socket until SIGTERM, and tells once it is ready."""

Round = Callable[[], object]  # does what waits at this moment

OPEN_ACTS: Final = frozenset({"enrol"})
INNER_ACTS: Final = frozenset({"claim", "housekeep", "lapse", HEARD, REQUEST})
HOUSEKEEPING_SECONDS: Final = 60.0
HEAD_SECONDS: Final = 1.0
"""How far the log's signed head may be behind its entries."""
DEPARTURE_SECONDS: Final = 1.0
"""How long a released dispatch may wait for its departure."""
GRACE_SECONDS: Final = 3
BACKLOG: Final = 512


def create_api(settings: Settings) -> Border:
    """Return the ASGI application of one API process."""
    return create_application(settings)


def registrar_handlers(
    settings: Settings, custodian: Custodian, sealer: ReceiptSealer, engine: Engine
) -> tuple[dict[str, Handler], dict[str, Together]]:
    """Return the registrar's commands by name, and how to do several of a kind together.

    Every act of a post is guarded (`identity.commands`); enrolling is open to who has a code.
    """
    directory = DirectoryReader()
    admissions = Admissions(directory, custodian, settings.issuer)
    desk = Desk(directory, Blobs(settings.data), sealer.service)
    pouches, packs = PouchDesk(), Packs(custodian, directory)
    bags = PairDesk(custodian, settings.headquarters)
    acts = {
        **desk.handlers(),
        **commands_of_clients(pouches, bags, settings.headquarters),
        **PrekeyDesk(directory).handlers(),
        **packs.handlers(),
        **Upkeep(settings.log_origin).handlers(),
        **LogDesk().handlers(),
    }
    site = partial(site_of, settings)
    officers = OfficerDesk(site)
    devices = DeviceDesk(pouches, packs)
    gate = Gate()
    reception = reception_of(settings, engine, custodian)
    desk_of_officers = OfficeDesk(site, reception, settings.headquarters, gate)
    office = desk_of_officers.acts()
    executors = {
        **access_desk.executors(gate),
        relinking.KIND: relinking.executor(),
        own_keys.KIND: own_keys.executor(),
        declassifying.KIND: declassifying.executor(gate),
        release.PAIR: release.executor(gate),
        **bags.executors(),
    }
    ceremonies = CeremonyDesk(site, custodian, gate)
    completed = {**office, **officers.completed(), **ceremonies.completed()}
    signing = Approvals(site, executors, completed, settings.console_origin, settings.log_origin)
    grants = {**GrantDesk(desk_of_officers).acts(), **own_openings.acts()}
    sending = SendingDesk(sealer, Blobs(settings.data), settings.headquarters, gate).acts()
    handlers = {
        **admissions.handlers(),
        **officers.handlers(),
        **signing.handlers(),
        **officers.guarded({**signing.acts(), **relinking.acts(), **office, **bags.acts()}),
        **officers.guarded({**declassifying.acts(gate), **grants, **CopyDesk(gate).acts()}),
        **officers.guarded({**chasing.acts(gate, settings.headquarters), **sending}),
        **officers.guarded({**access_desk.acts(gate), **ceremonies.acts()}),
        **own_keys.OwnKeyDesk().handlers(officers),
        **{name: acts.pop(name) for name in OPEN_ACTS | INNER_ACTS},
        **admissions.guarded(acts),
        **devices.handlers(),
        **officers.guarded({"officer_device": devices.take_in}),
    }
    return handlers, {"submit": admissions.guarded_together(desk.submit_together)}


def run(settings: Settings, announce: Callable[[str], None] = print) -> None:
    """Run all processes until SIGTERM or SIGINT; leave none behind.

    Args:
        settings: the installation; its database has the present shape.
        announce: told one line, `READY` and the address, once all are up.

    Raises:
        StartFailed: a process did not come up.
        OSError: the address is taken.
    """
    forbid_dumps()
    (settings.data / "run").mkdir(mode=0o700, exist_ok=True)
    sockets = listening_sockets(settings)
    consoles = console_places(settings)
    starts: list[tuple[str, Start]] = []
    if settings.custodian.startswith("worker:") and settings.custodian_store.exists():
        starts.append(("custodian", partial(_start_custodian, settings)))
    starts.append(("registrar", partial(Forked, "registrar", partial(serve_registrar, settings))))
    for number, listener in enumerate(sockets, start=1):
        name = f"api {number}"
        starts.append((name, partial(Forked, name, partial(serve_api, settings, listener))))
    for name, serve, listener in consoles:
        starts.append((name, partial(Forked, name, partial(serve, settings, listener))))
    try:
        Supervisor(starts).run(lambda: announce(f"READY {settings.issuer}"))
    finally:
        for listener in (*sockets, *(place[2] for place in consoles)):
            listener.close()


def listening_sockets(settings: Settings) -> list[socket.socket]:
    """Return one listening socket for each API process, all at the same address.

    One socket each (SO_REUSEPORT), because the kernel then shares connections out evenly; with a
    single socket the process that wakes first takes them all.

    Raises:
        OSError: somebody else listens there.
    """
    return _sockets(settings.host, settings.port, settings.workers)


def console_places(settings: Settings) -> list[tuple[str, Served, socket.socket]]:
    """Return the console and the page where officers sign: name, what serves, listening socket.

    Nothing for an installation without a console.

    Raises:
        OSError: somebody else listens there.
    """
    if not settings.console_port:
        return []
    [pages] = _sockets(settings.host, settings.console_port, 1)
    [signing] = _sockets(settings.host, settings.approval_port, 1)
    return [("console", serve_console, pages), ("approval", serve_approval, signing)]


def _sockets(host: str, port: int, count: int) -> list[socket.socket]:
    address = (host, port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # SO_REUSEPORT alone would quietly share the address with another service of this user.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    return [_listen(family, address) for _ in range(count)]


def serve_api(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Be one API process until SIGTERM."""
    collect_seldom()
    _serve(create_api(settings), listener, ready)


def serve_console(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Be a console process until SIGTERM."""
    _serve(create_console(settings), listener, ready)


def serve_approval(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Be the process where officers sign, until SIGTERM."""
    _serve(create_approval(settings), listener, ready)


def _serve(application: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, ready).run(sockets=[listener])


def collect_seldom() -> None:
    """Have Python look for unreachable cycles after ten thousand new objects instead of 700.

    A request makes hundreds of objects and leaves no cycle behind; what is loaded now stays.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


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
        with sole_writer(engine):
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
    sealer = ReceiptSealer(custodian, settings.headquarters)
    handlers, together = registrar_handlers(settings, custodian, sealer, engine)
    _record_bundle(settings, engine)
    recorder = Recorder(settings.log_origin)
    last = in_turn(recorder.before_commit, sealer.before_commit)
    batches = Batches(engine, handlers, last, together)
    registrar = Registrar(batches)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, registrar.stop)
    up = asyncio.Event()
    serving = asyncio.create_task(registrar.serve(settings.registrar_socket, up))
    upkeep = asyncio.create_task(_housekeep(batches, Blobs(settings.data)))
    signing = asyncio.create_task(_sign_heads(engine, custodian))
    leaving = asyncio.create_task(_go_round(rounds_of(settings, engine, custodian)))
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


async def _housekeep(batches: Batches, blobs: Blobs) -> None:
    """Forget and end what has expired, on the thread that runs the batches: between two of them."""
    while True:
        outcome, _lapsed = batches.run([Request("housekeep", None), Request("lapse", None)])
        for upload in outcome.result or ():
            blobs.abandon(upload)
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


def reception_of(settings: Settings, engine: Engine, custodian: Custodian) -> Reception:
    """Return where the bureau opens what arrives."""
    journal = Journal(engine, settings.log_origin, SYSTEM)
    return Reception(engine, Blobs(settings.data), custodian, settings.headquarters, journal)


def rounds_of(settings: Settings, engine: Engine, custodian: Custodian) -> list[Round]:
    """Return what the bureau does by itself.

    What was released leaves, receivers of sealed bags are told, and what is missing is asked for
    again where an officer wants it.
    """
    origin, post = settings.log_origin, settings.headquarters
    journal, blobs = Journal(engine, origin, SYSTEM), Blobs(settings.data)
    warranted = WarrantedCustodian(custodian, engine, origin, SYSTEM)
    bureau = HeadquartersBureau(engine, blobs, warranted, post, journal)
    return [
        Departing(engine, bureau, journal).round,
        Announcing(PouchOffice(engine, warranted, post, journal), bureau).round,
        Chasing(engine, bureau, journal, post).round,
    ]


async def _go_round(rounds: Sequence[Round]) -> None:
    """Do what waits, on a thread of its own: nobody's command waits for it."""
    while True:
        for each in rounds:
            try:
                await asyncio.to_thread(each)
            except (KeysError, SQLAlchemyError):
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
    except SQLAlchemyError:
        log.exception("the log's head was not signed")


def in_turn(*acts: BeforeCommit) -> BeforeCommit:
    """Join the last acts of a transaction, in this order."""

    def before_commit(connection: DatabaseConnection, outcomes: Sequence[Outcome]) -> None:
        for act in acts:
            act(connection, outcomes)

    return before_commit


class _Server(uvicorn.Server):
    """uvicorn, telling when it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _start_custodian(settings: Settings) -> Commanded:
    return Commanded(
        "custodian",
        [
            sys.executable,
            "-m",
            "keys.custody.worker",
            "--store",
            str(settings.custodian_store),
            "--credential",
            str(settings.custodian_credential),
            "--socket",
            settings.custodian.removeprefix("worker:"),
            *(["--production"] if settings.production else []),
        ],
        environment_for_child(),
    )


def _listen(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.listen(BACKLOG)
    listener.settimeout(0)
    return listener
