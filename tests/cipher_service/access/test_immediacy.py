"""Gate 11: what ends, ends in every process at once; what ends at an instant, from that instant on.

Each worker is a process of its own, with its own connections and whatever it remembers of persons,
and has decided for the officer before, so that it has something to forget.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select

from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.subjects import Circumstances, Dispatch
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Window
from cipher_service.errors import ServiceError
from cipher_service.identity import passkey_book, sessions
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.identity import session
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.signing_in import NOW, Enrolled, enrol, load_ministry, signed_in

WORKERS = 4
TRIALS = 50 if os.environ.get("GATES") == "full" else 1
"""Of each way to end a right; each is asked of every worker, before and after."""
ROLE, POST = "DEPUTY-DIRECTOR", "PARIS"
SECRET = 3
MAIL = Dispatch("01KAMV6R8P3ZDFWQ5XJ9T2C4EN", SECRET, origin=POST, addressees=frozenset({"MINREX"}))
ENDS = NOW + timedelta(minutes=10)
Asked = tuple[str, str, datetime]
End = Callable[[Connection, Enrolled], object]


def answer(engine: Engine, gate: Gate, asked: Asked) -> tuple[bool, bool]:
    """Whether the officer may read the mail at an instant, and whether the session is open."""
    officer, token, now = asked
    with reading(engine) as connection:
        gate.principals.look(connection)
        principal = gate.principals.of(connection, officer, now)
        may = decide(gate.policies, principal, "read", MAIL, Circumstances(now)).allowed
        try:
            sessions.find_session(connection, token, now)
        except ServiceError:
            return may, False
    return may, True


def work(url: str, pipe: "Pipe[Any, Any]") -> None:
    """Be one worker: answer until the pipe is closed."""
    engine, gate = open_engine(url), Gate()
    while (asked := pipe.recv()) is not None:
        pipe.send(answer(engine, gate, asked))
    engine.dispose()


class Workers:
    """The processes."""

    def __init__(self, pipes: "list[Pipe[Any, Any]]") -> None:
        self._pipes = pipes

    def ask(self, officer: str, token: str, now: datetime) -> set[tuple[bool, bool]]:
        """What they say, all at one time; one answer where they agree."""
        for pipe in self._pipes:
            pipe.send((officer, token, now))
        return {pipe.recv() for pipe in self._pipes}


@pytest.fixture
def workers(database_url: str) -> Iterator[Workers]:
    start = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pipes = []
        for _ in range(WORKERS):
            ours, theirs = start.Pipe()
            process = start.Process(target=work, args=(database_url, theirs), daemon=True)
            process.start()
            stack.callback(process.join, 60)
            stack.callback(ours.send, None)
            pipes.append(ours)
        yield Workers(pipes)


def _hired(engine: Engine, **ends: datetime) -> tuple[Enrolled, str]:
    """An officer who may read the mail; what `ends` names ends then. With an open session."""
    person = enrol(engine)
    number, year = person.number, NOW + timedelta(days=300)

    def until(what: str) -> Window:
        return Window(NOW - timedelta(days=1), ends.get(what, year))

    with unit_of_work(engine) as connection:
        officers.assign(connection, number, ROLE, until("function"), act="DEC", by=None)
        clearance = Clearance("SECRET", (), until("habilitation"), ends.get("training", year))
        authorisations.habilitate(
            connection, number, clearance, act="H", proposer=None, grantor=None, now=NOW
        )
        authorisations.grant_need(
            connection, number, "post", POST, until("need"), reason="x", by=None
        )
    return person, signed_in(engine, person.keys[0])


def _key(connection: Connection, person: Enrolled) -> None:
    opened = connection.scalar(select(session.c.passkey).where(session.c.officer == person.number))
    passkey_book.revoke_key(connection, person.number, str(opened), NOW)


ENDINGS: dict[str, tuple[End, tuple[bool, bool]]] = {
    "suspension": (
        lambda books, who: officers.set_state(books, who.number, "suspended", NOW),
        (False, False),
    ),
    "function": (
        lambda books, who: officers.end_function(books, who.number, ROLE, NOW),
        (False, True),
    ),
    "habilitation": (
        lambda books, who: authorisations.withdraw_habilitation(books, who.number, NOW),
        (False, True),
    ),
    "session": (lambda books, who: sessions.end_sessions(books, who.number, NOW), (True, False)),
    "key": (_key, (True, False)),
    "every-key": (
        lambda books, who: passkey_book.revoke_all(books, who.number, NOW),
        (True, False),
    ),
}
"""How a right is taken, and what is left: (may read, session open)."""


@pytest.mark.parametrize("_trials", [TRIALS])
def test_what_is_taken_away_is_gone_in_every_process_at_once(
    engine: Engine, workers: Workers, _trials: int
) -> None:
    load_ministry(engine)
    for _ in range(_trials):
        for name, (end, left) in ENDINGS.items():
            person, token = _hired(engine)
            assert workers.ask(person.number, token, NOW) == {(True, True)}, name
            with unit_of_work(engine) as connection:
                end(connection, person)
            assert workers.ask(person.number, token, NOW) == {left}, name


def test_what_ends_at_an_instant_is_refused_from_it_on_by_every_process(
    engine: Engine, workers: Workers
) -> None:
    load_ministry(engine)
    before = ENDS - timedelta(seconds=1)
    for right in ("function", "habilitation", "training", "need"):
        person, token = _hired(engine, **{right: ENDS})
        assert workers.ask(person.number, token, before) == {(True, True)}, right
        assert workers.ask(person.number, token, ENDS) == {(False, True)}, right
    person, token = _hired(engine)
    idle = NOW + sessions.IDLE
    assert workers.ask(person.number, token, idle - timedelta(seconds=1)) == {(True, True)}
    assert workers.ask(person.number, token, idle) == {(True, False)}
