"""Gate 14: several commands of the bureau at one time, each with a connection of its own.

Not through the registrar: commands at the ministry's machine write beside it. Nothing is done
twice, nothing goes behind a seal, and whoever is too late is told why.
"""

import os
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cipher_service.pouches import carriage, closing, packing, planning, repository, seal_store
from cipher_service.pouches.signing import Kept
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading
from pouch.bordereau import digest
from pouch.custody import device_chains
from pouch.facts import INTACT, Opened
from tests.support.inbound import SEAL, SEALS, WEIGHT, sent_from_paris
from tests.support.office import PIECE, PouchBureau
from tests.support.races import DONE, at_once

MANY = 50
TIMES = range(10 if os.environ.get("GATES") == "full" else 1)


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> PouchBureau:
    return PouchBureau(engine, tmp_path)


def assert_desk_whole(engine: Engine) -> None:
    """The desks' events form one chain each: none was forked."""
    with reading(engine) as connection:
        bodies = connection.scalars(select(tables.event.c.seal).distinct())
        events = [each for seal in bodies for each in repository.events_of(connection, seal)]
        forked = connection.scalars(
            select(tables.alarm.c.subject).where(tables.alarm.c.kind == "device-forked")
        ).all()
    chains = device_chains(events)
    assert [device for device, chain in chains.items() if chain.forks] == []
    assert forked == []


@pytest.mark.parametrize("_time", TIMES)
def test_one_seal_is_on_one_bag_whoever_closes_others_with_it(
    desk: PouchBureau, _time: int
) -> None:
    desk.entrust(4)
    bags = [desk.bag, *(planning.add_bag(desk.office, by=desk.chief) for _ in range(3))]
    open_bags = [desk.packed(1, bag) for bag in bags]
    told: Counter[str] = Counter()
    while open_bags:
        told = at_once(*(partial(close, desk, seal) for seal in open_bags))
        with reading(desk.engine) as connection:
            found = [repository.closing_of(connection, seal) for seal in open_bags]
        left = [each.seal for each in found if each is not None and each.manifest is None]
        assert set(told) <= {DONE, "BUSY", "SEAL_NUMBER_USED"}
        assert told[DONE] == len(open_bags) - len(left) <= 1
        open_bags = left if told["BUSY"] or told[DONE] else []
    assert told == {"SEAL_NUMBER_USED": 3}
    with reading(desk.engine) as connection:
        book = tables.physical_seal
        bearing = connection.scalars(
            select(book.c.closing).where(book.c.number.in_(desk.seals[:2])).distinct()
        ).all()
    assert len(bearing) == 1
    assert_desk_whole(desk.engine)


@pytest.mark.parametrize("_time", TIMES)
def test_fifty_who_draw_seals_draw_different_ones(desk: PouchBureau, _time: int) -> None:
    drawn: list[str] = []

    def draw() -> None:
        drawn.extend(seal_store.issue(desk.office, 1, by=desk.chief, second=desk.agent))

    assert at_once(*[draw] * MANY) == {DONE: 4, "STOCK_TOO_LOW": MANY - 4}
    assert len({*drawn, *desk.seals}) == 8


@pytest.mark.parametrize("_time", TIMES)
def test_fifty_who_open_one_bag_open_it_once(desk: PouchBureau, _time: int) -> None:
    inbound = sent_from_paris(desk)
    inbound.arrive()
    carriage.hand_over(desk.office, SEAL, by=desk.courier, to=desk.agent, condition=INTACT)
    carriage.receive(
        desk.office, SEAL, by=desk.agent, seals=SEALS, condition=INTACT, weight_g=WEIGHT
    )
    pair = {"by": desk.chief, "second": desk.second}
    told = at_once(*[lambda: carriage.open_bag(desk.office, SEAL, **pair)] * MANY)
    assert told == {DONE: 1, "STEP_FORBIDDEN": MANY - 1}
    with reading(desk.engine) as connection:
        events = repository.events_of(connection, SEAL)
        states = connection.scalars(
            select(tables.physical_seal.c.state).where(tables.physical_seal.c.closing == SEAL)
        ).all()
    assert sum(isinstance(event.facts, Opened) for event in events) == 1
    assert states == ["broken"] * len(SEALS)
    assert_desk_whole(desk.engine)


@pytest.mark.parametrize("_time", TIMES)
def test_nothing_comes_behind_a_seal_while_it_is_put_on(desk: PouchBureau, _time: int) -> None:
    desk.entrust()
    seal = desk.packed(1)
    pieces = [
        packing.hand_in(desk.office, replace(PIECE, register=f"2026/{n:06d}"), by=desk.agent)
        for n in range(700, 712)
    ]
    scans = [partial(packing.scan, desk.office, seal, piece, by=desk.agent) for piece in pieces]
    told = at_once(*scans, partial(close, desk, seal))
    assert set(told) <= {DONE, "BUSY", "BAG_SEALED", "LINE_TAKEN", "MANIFEST_NOT_OF_LINES"}
    with reading(desk.engine) as connection:
        sealed = repository.closing_of(connection, seal)
        lines = repository.lines_of(connection, seal)
    assert [row.line for row in lines] == list(range(1, len(lines) + 1))
    if sealed is None or sealed.manifest is None:
        close(desk, seal)
    else:
        kept = closing.papers_of(desk.office, seal, by=desk.chief).sealed.manifest
        assert len(kept.items) == len(lines)
        assert digest(kept).hex() == sealed.manifest
    assert_desk_whole(desk.engine)


def close(desk: PouchBureau, seal: str) -> Kept:
    return closing.close(desk.office, seal, desk.closure(), by=desk.chief, second=desk.second)
