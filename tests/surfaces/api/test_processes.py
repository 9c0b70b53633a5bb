"""The service as processes: restarted when they die, stopped in order, none left behind."""

import ctypes
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cipher_service.app.arena import give_back_free_memory
from cipher_service.app.serving import listening_sockets, serve, sockets_at
from tests.surfaces.api.live import Post, Service, founded, problem, running, serving

ARENA_BYTES = 64 * 1024 * 1024  # glibc's HEAP_MAX_SIZE on 64 bits


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose processes are killed."""
    with running(tmp_path_factory.mktemp("killed")) as service:
        yield service


@pytest.fixture(scope="module")
def pair(own: Service) -> tuple[Post, Post]:
    return own.enrolled("PARIS"), own.enrolled("LOME")


def eventually(check: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.1)
    raise AssertionError("it never came to pass")


def healthy(service: Service) -> bool:
    try:
        return httpx.get(f"{service.settings.issuer}/v1/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def named(service: Service, part: str) -> int:
    """Return the process of that name; the custodian has a program of its own."""
    for pid in service.pids()[1:]:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        program = Path(f"/proc/{pid}/cmdline").read_bytes()
        if name == part or (part == "custodian" and b"keys.custody.worker" in program):
            return pid
    raise AssertionError(f"no process {part}")


@pytest.mark.parametrize("part", ["api 1", "registrar", "custodian"])
def test_a_process_that_dies_is_started_again(
    own: Service, pair: tuple[Post, Post], part: str
) -> None:
    paris, lome = pair
    before = own.pids()
    victim = named(own, part)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(own.pids()) == len(before) and victim not in own.pids())
    eventually(lambda: healthy(own))

    def sends() -> bool:
        paris.held_token = None  # a new registrar has a new token key
        try:
            sent = paris.send([lome])
        except (AssertionError, httpx.TransportError):
            return False
        return sent.status == 201

    eventually(sends)


def test_no_process_interrupts_another(own: Service) -> None:
    assert {os.sched_getscheduler(pid) for pid in own.pids()} == {os.SCHED_BATCH}


def test_a_policy_that_somebody_chose_is_kept() -> None:
    chosen = (
        "import os; from cipher_service.app.turns import go_on_until_waiting as ask;"
        "os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)); ask();"
        "assert os.sched_getscheduler(0) == os.SCHED_IDLE"
    )

    subprocess.run([sys.executable, "-c", chosen], check=True)


def arenas_of_threads(pid: int) -> list[str]:
    """Find what glibc set aside for single threads: 64 MiB each, aligned to their own size."""
    lines = Path(f"/proc/{pid}/maps").read_text("ascii").splitlines()
    found = []
    for line, following in itertools.pairwise(lines):
        (start, _), (_, end) = (each.split()[0].split("-") for each in (line, following))
        reserved = following.split()[1] == "---p" and int(end, 16) - int(start, 16) == ARENA_BYTES
        if reserved and int(start, 16) % ARENA_BYTES == 0:
            found.append(line)
    return found


def test_threads_of_a_process_share_one_arena(own: Service, pair: tuple[Post, Post]) -> None:
    paris, lome = pair
    assert paris.send([lome]).status == 201  # its process read the directory in a thread
    processes = own.pids()
    assert any(len(list(Path(f"/proc/{pid}/task").iterdir())) > 1 for pid in processes)
    assert {pid: arenas_of_threads(pid) for pid in processes} == {pid: [] for pid in processes}


PIECE, PIECES = 2000, 50_000
"""Below what malloc(3) takes apart from its arena; 100 MB together."""


@contextmanager
def scattered() -> Iterator[None]:
    """Keep each hundredth of many pieces of memory, and free what lies between them."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    taken = [library.malloc(PIECE) for _ in range(PIECES)]
    for piece in taken:
        ctypes.memset(piece, 1, PIECE)
    kept = taken[99::100]
    for piece in sorted(set(taken) - set(kept)):
        library.free(piece)
    yield
    for piece in kept:
        library.free(piece)


def test_pages_free_between_what_is_kept_go_back() -> None:
    with scattered():
        before = resident()
        give_back_free_memory()
        gone = before - resident()
    assert gone > PIECE * PIECES / 2


def test_a_process_that_serves_returns_them_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cipher_service.app.serving.TIDY_SECONDS", 1)
    [listener] = sockets_at("127.0.0.1", 0, 1)
    place = f"http://127.0.0.1:{listener.getsockname()[1]}"
    child = get_context("fork").Process(target=serve, args=(_scattering(), listener, int))
    child.start()
    listener.close()
    try:
        taken = int(httpx.get(f"{place}/scatter", timeout=60).text)
        eventually(lambda: taken - int(httpx.get(f"{place}/size").text) > PIECE * PIECES / 2)
    finally:
        child.terminate()
        child.join(60)
    assert child.exitcode == -signal.SIGTERM  # uvicorn ends by the signal that it obeyed


def _scattering() -> Starlette:
    """Return what scatters, at each request for it, and tells how much its process holds."""
    held = ExitStack()

    async def scatter(_request: Request) -> Response:
        held.enter_context(scattered())
        return Response(str(resident()))

    async def size(_request: Request) -> Response:
        return Response(str(resident()))

    return Starlette(routes=[Route("/scatter", scatter), Route("/size", size)])


def resident() -> int:
    """Count the bytes that this process holds in memory."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_what_all_processes_have_loaded_is_in_memory_once(own: Service) -> None:
    told = Path(f"/proc/{named(own, 'api 1')}/smaps_rollup").read_text("ascii")
    alone, shared = (
        int(told.split(f"{name}_Dirty:")[1].split()[0]) for name in ("Private", "Shared")
    )
    assert alone < shared


def test_without_a_registrar_there_is_an_error_and_no_receipt(
    own: Service, pair: tuple[Post, Post]
) -> None:
    """The acknowledgement leaves after the COMMIT, so a registrar that stands still gives none."""
    paris, lome = pair
    paris.held_token = None
    sent = paris.make([lome])
    headers = paris.authorised("POST", "/v1/dispatches")
    registrar = named(own, "registrar")
    os.kill(registrar, signal.SIGSTOP)
    answers: list[httpx.Response] = []

    def hand_in() -> None:
        with httpx.Client(base_url=own.settings.issuer, timeout=60) as http:
            answers.append(
                http.post(
                    "/v1/dispatches",
                    headers={**headers, "Content-Type": "application/vnd.depeche.submission"},
                    content=sent.signed.head + sent.body,
                )
            )

    waiting = threading.Thread(target=hand_in)
    waiting.start()
    time.sleep(0.5)
    assert answers == []
    os.kill(registrar, signal.SIGKILL)
    waiting.join(60)
    assert problem(answers[0])["code"] == "UNAVAILABLE"
    assert answers[0].headers["retry-after"]
    eventually(lambda: healthy(own))

    def recorded_once() -> bool:
        paris.held_token = None
        try:
            answer = paris.submit(sent.signed.head, sent.body)
        except AssertionError:
            return False
        return answer.status_code == 201

    eventually(recorded_once)
    assert paris.submit(sent.signed.head, sent.body).status_code == 200


def test_sigterm_leaves_no_process_even_with_open_lines(tmp_path: Path) -> None:
    settings = founded(tmp_path / "m")
    with serving(settings) as service:
        paris = service.enrolled("PARIS")
        idle = socket.create_connection(("127.0.0.1", settings.port))
        headers = paris.authorised("GET", "/v1/arrivals")
        stream = service.http.stream("GET", "/v1/arrivals", headers=headers)
        response = stream.__enter__()
        assert next(response.iter_lines()).startswith("id: ")
    # `serving` has ended it, not waiting for the lines to end, and found no process left.
    idle.close()


def test_a_killed_supervisor_takes_its_processes_with_it(tmp_path: Path) -> None:
    settings = founded(tmp_path / "m")
    program = "import sys; from pathlib import Path; from cipher_service.app.processes import run; "
    program += "from cipher_service.settings import Settings; "
    program += "run(Settings.load(Path(sys.argv[1])), lambda line: print(line, flush=True))"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(settings.data)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"READY ")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 4
        process.kill()
    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_an_address_in_use_is_an_error_and_not_shared(own: Service) -> None:
    with pytest.raises(OSError, match="in use"):
        listening_sockets(own.settings)
