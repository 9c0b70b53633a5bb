"""A session ends when it must: after its time, by one act everywhere, on the very next request."""

import multiprocessing
import os
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe

import pytest
from sqlalchemy import Engine, select

from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity import passkey_book, sessions
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables import identity as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.signing_in import NOW, Enrolled, enrol, load_ministry, signed_in

TRIALS = 1000 if os.environ.get("GATES") == "full" else 24
WORKERS = 4


@pytest.fixture
def clerk(engine: Engine) -> Enrolled:
    load_ministry(engine)
    return enrol(engine)


def _ends(engine: Engine, token: str, after: timedelta) -> bool:
    with reading(engine) as connection:
        try:
            sessions.find_session(connection, token, NOW + after)
        except ServiceError as refusal:
            return refusal.code == "SESSION_ENDED"
    return False


def _request(engine: Engine, token: str, after: timedelta) -> None:
    with unit_of_work(engine) as connection:
        found = sessions.find_session(connection, token, NOW + after)
        sessions.mark_seen(connection, token, found, NOW + after)


def test_it_ends_after_15_minutes_without_a_request(engine: Engine, clerk: Enrolled) -> None:
    token = signed_in(engine, clerk.keys[0])
    assert not _ends(engine, token, sessions.IDLE - timedelta(seconds=1))
    assert _ends(engine, token, sessions.IDLE)
    _request(engine, token, timedelta(minutes=14))
    assert not _ends(engine, token, timedelta(minutes=28))
    assert _ends(engine, token, timedelta(minutes=29))


def test_it_ends_after_12_hours_whatever_happens(engine: Engine, clerk: Enrolled) -> None:
    token = signed_in(engine, clerk.keys[0])
    for quarter in range(1, 72):
        _request(engine, token, timedelta(minutes=10 * quarter))
    assert not _ends(engine, token, sessions.LONGEST - timedelta(seconds=1))
    assert _ends(engine, token, sessions.LONGEST)


def test_a_clock_that_went_back_opens_nothing(engine: Engine, clerk: Enrolled) -> None:
    token = signed_in(engine, clerk.keys[0])
    assert _ends(engine, token, timedelta(seconds=-1))


def test_busy_requests_write_once_a_minute(engine: Engine, clerk: Enrolled) -> None:
    token = signed_in(engine, clerk.keys[0])

    def seen() -> str | None:
        with reading(engine) as connection:
            return connection.scalar(select(tables.session.c.seen_at))

    before = seen()
    _request(engine, token, sessions.MARK - timedelta(seconds=1))
    assert seen() == before
    _request(engine, token, sessions.MARK)
    assert seen() != before


def test_signing_in_elsewhere_ends_the_other_session(engine: Engine, clerk: Enrolled) -> None:
    first = signed_in(engine, clerk.keys[0])
    second = signed_in(engine, clerk.keys[1])
    assert _ends(engine, first, timedelta())
    assert not _ends(engine, second, timedelta())


def test_signing_out_ends_the_officers_own_session(engine: Engine, clerk: Enrolled) -> None:
    other = signed_in(engine, enrol(engine).keys[0])
    token = signed_in(engine, clerk.keys[0])
    with unit_of_work(engine) as connection:
        assert sessions.end_sessions(connection, clerk.number, NOW) == 1
        assert sessions.end_sessions(connection, clerk.number, NOW) == 0
    assert _ends(engine, token, timedelta())
    assert not _ends(engine, other, timedelta())


def _worker(url: str, pipe: Pipe) -> None:
    """A process of the service: says for each cookie whether it would let it in."""
    engine = open_engine(url)
    while (token := pipe.recv()) is not None:
        pipe.send(not _ends(engine, token, timedelta()))
    engine.dispose()


def test_whatever_ends_it_ends_it_on_the_next_request_of_every_process(
    engine: Engine, database_url: str, clerk: Enrolled
) -> None:
    """Gate 11: no process remembers that it let somebody in."""
    context = multiprocessing.get_context("spawn")
    pipes = []
    processes = []
    for _ in range(WORKERS):
        ours, theirs = context.Pipe()
        process = context.Process(target=_worker, args=(database_url, theirs), daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)

    def let_in(token: str) -> list[bool]:
        for pipe in pipes:
            pipe.send(token)
        return [pipe.recv() for pipe in pipes]

    key = clerk.keys[0]
    for trial in range(TRIALS):
        token = signed_in(engine, key)
        assert let_in(token) == [True] * WORKERS
        with unit_of_work(engine) as connection:
            match trial % 3:
                case 0:
                    assert sessions.end_sessions(connection, clerk.number, NOW) == 1
                case 1:
                    officers.set_state(connection, clerk.number, "suspended", NOW)
                case _:
                    name = key.credential_id.hex()
                    passkey_book.revoke_key(connection, clerk.number, name, NOW)
        assert let_in(token) == [False] * WORKERS, trial
        with unit_of_work(engine) as connection:
            officers.set_state(connection, clerk.number, "active", NOW)
        if trial % 3 == 2:
            key = enrol(engine, clerk.number).keys[0]
    for pipe in pipes:
        pipe.send(None)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
