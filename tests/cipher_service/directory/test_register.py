"""A copy in memory never outlives what it was read from, also when that was taken back."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from cipher_service.directory import enrolment
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Batches, Outcome, Request
from cipher_service.storage.unit_of_work import reading
from tests.support.ministry import Ministry


@pytest.fixture
def ministry(engine: Engine, tmp_path: Path) -> Ministry:
    return Ministry(engine, tmp_path)


def test_what_a_refused_command_saw_is_not_what_the_next_one_sees(ministry: Ministry) -> None:
    """Both reach the same number of the counter: the first one's change was taken back."""
    reader = DirectoryReader()
    seen: list[str] = []

    def suspend_and_refuse(connection: Connection, post: str) -> None:
        enrolment.suspend(connection, post, ministry.now)
        reader.current(connection)
        raise ServiceError("REFUSED_HERE")

    def suspend(connection: Connection, post: str) -> None:
        enrolment.suspend(connection, post, ministry.now)
        seen.append(reader.current(connection).posts[post].state)

    batches = Batches(
        ministry.engine,
        {"refuse": suspend_and_refuse, "suspend": suspend},
        lambda _connection, _outcomes: None,
    )
    for requests in (
        [Request("refuse", "PARIS"), Request("suspend", "LOME")],
        [Request("refuse", "LOME")],
        [Request("suspend", "PARIS")],
    ):
        batches.run(requests)
    with reading(ministry.engine) as connection:
        states = {code: post.state for code, post in reader.current(connection).posts.items()}
    assert seen == ["suspended", "suspended"]
    assert (states["PARIS"], states["LOME"]) == ("suspended", "suspended")


def test_what_an_undone_batch_saw_is_gone_with_it(ministry: Ministry) -> None:
    """The custodian was away: nothing of the batch happened, nor may anything of it be seen."""
    reader, away = DirectoryReader(), [True]

    def suspend(connection: Connection, post: str) -> None:
        enrolment.suspend(connection, post, ministry.now)
        reader.current(connection)

    def seal(_connection: Connection, _outcomes: Sequence[Outcome]) -> None:
        if away[0]:
            raise ServiceError("UNAVAILABLE")

    batches = Batches(ministry.engine, {"suspend": suspend}, seal)
    [undone] = batches.run([Request("suspend", "PARIS")])
    away[0] = False
    [done] = batches.run([Request("suspend", "LOME")])
    assert undone.refusal is not None
    assert done.refusal is None
    with reading(ministry.engine) as connection:
        states = {code: post.state for code, post in reader.current(connection).posts.items()}
    assert (states["PARIS"], states["LOME"]) == ("active", "suspended")
