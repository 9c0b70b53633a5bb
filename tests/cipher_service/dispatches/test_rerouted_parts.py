"""A rerouted envelope is one header more; its payload stays where it lies, once."""

import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.dispatches import departures, integrity, lists
from cipher_service.dispatches.bureau import HeadquartersBureau, People
from cipher_service.references import new_id, series_epoch
from cipher_service.storage import second_store
from cipher_service.storage.blobs import SMALL, Body
from cipher_service.storage.held import Held, digest, opened
from cipher_service.storage.tables.dispatches import (
    addressee,
    dispatch,
    envelope,
    receipt,
    rerouted_header,
)
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.age.header import Header
from keys.age.hybrid import HybridKey
from keys.custody.backups import make_backup_key
from keys.custody.shares import Holder
from keys.dispatch import Attachment, Destination
from keys.manifest import COPY, Heading, Label
from tests.support.ministry import HEADQUARTERS, Ministry, post_keys

PEOPLE = People("A. Ndongo", "SG")


@dataclass
class Desk:
    """Headquarters at work: it sends to PARIS, with its own copy, and reroutes to LOME."""

    ministry: Ministry
    folder: Path

    @property
    def bureau(self) -> HeadquartersBureau:
        on = self.ministry
        journal = Journal(on.engine, "ministry.example/audit", "account/test")
        return HeadquartersBureau(on.engine, on.blobs, on.custodian, HEADQUARTERS, journal)

    def send(self, size: int = 4 * SMALL) -> str:
        now = clock.now().replace(microsecond=0)
        label = Label(self.ministry.scheme.policy, "SECRET", (), (), None)
        heading = Heading(
            id=new_id(now), kind="telegram", label=label, dtg=now, created=now, subject="Objet"
        )
        path = self.folder / "plan.bin"
        path.write_bytes(os.urandom(size))
        to = [
            Destination(post_keys("PARIS").card, "ROUTINE", None),
            Destination(self.ministry.custodian.card(), "ROUTINE", None, COPY),
        ]
        attached = [Attachment("plan.bin", path)]
        return self.bureau.send(heading, to, b"Texte", attached, PEOPLE).slip.dispatch_id

    def reroute(self, dispatch_id: str, to: str = "LOME") -> str:
        added = [Destination(post_keys(to).card, "FLASH", None)]
        sent = self.bureau.reroute(dispatch_id, added, "Pour suite.", PEOPLE)
        return sent.slip.dispatch_id

    def held(self, dispatch_id: str) -> tuple[Held, Body]:
        with reading(self.ministry.engine) as connection:
            record = lists.dispatch_of(connection, HEADQUARTERS, dispatch_id)
            return lists.held_of(connection, record), Body(record.sha256, record.size)

    def payload(self, dispatch_id: str) -> bytes:
        with opened(self.ministry.blobs, self.held(dispatch_id)[0]) as source:
            Header.parse(source)
            return source.read()

    def found(self) -> list[str]:
        on = self.ministry
        told = integrity.check(on.engine, on.blobs, on.custodian.service_key())
        return [each.code for each in told]


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Desk:
    return Desk(Ministry(engine, tmp_path, ("PARIS", "LOME", "ADDIS")), tmp_path)


def test_a_rerouting_writes_a_header_and_no_payload(desk: Desk) -> None:
    blobs = desk.ministry.blobs
    first = desk.send()
    [file] = blobs.stored()
    second = desk.reroute(first)
    assert list(blobs.stored()) == [file]
    held, said = desk.held(second)
    assert (held.file, digest(blobs, held)) == (file, said)
    assert held.head != b""
    assert desk.payload(second) == desk.payload(first)
    assert desk.found() == []


def test_a_rerouting_of_a_rerouted_one_goes_on_with_the_first_file(desk: Desk) -> None:
    first = desk.send()
    second = desk.reroute(first)
    third = desk.reroute(second, "ADDIS")
    [file] = desk.ministry.blobs.stored()
    (before, _), (held, said) = desk.held(second), desk.held(third)
    assert (held.file, held.starts) == (file, before.starts)
    assert len(held.head) > len(before.head)
    assert digest(desk.ministry.blobs, held) == said
    assert desk.payload(third) == desk.payload(first)
    assert desk.found() == []


def test_a_small_envelope_stays_whole_in_its_row(desk: Desk) -> None:
    """One that is a file, as headquarters' own always are, and one of a post that is a row."""
    first = desk.send(10)
    held, said = desk.held(desk.reroute(first))
    assert held.file is not None
    with unit_of_work(desk.ministry.engine) as connection:
        mine = (
            envelope.c.dispatch
            == select(dispatch.c.seq).where(dispatch.c.dispatch_id == first).scalar_subquery()
        )
        with opened(desk.ministry.blobs, desk.held(first)[0]) as source:
            values = {"body": source.read()}
        connection.execute(envelope.update().where(mine).values(values))
    held, said = desk.held(desk.reroute(first))
    assert held.file is None
    assert digest(desk.ministry.blobs, held) == said
    assert desk.found() == []


def test_a_payload_stays_while_a_header_names_it(desk: Desk) -> None:
    first = desk.send()
    second = desk.reroute(first)
    with unit_of_work(desk.ministry.engine) as connection:
        seq = select(dispatch.c.seq).where(dispatch.c.dispatch_id == first).scalar_subquery()
        for table in (addressee, receipt, envelope):
            connection.execute(delete(table).where(table.c.dispatch == seq))
        connection.execute(delete(dispatch).where(dispatch.c.dispatch_id == first))
    assert "BODY_ORPHAN" not in desk.found()
    with unit_of_work(desk.ministry.engine) as connection:
        connection.execute(delete(rerouted_header))
    # Without its row a rerouted envelope is missing, and nobody names the file.
    assert {"BODY_ORPHAN", "BODY_MISSING"} <= set(desk.found())
    assert second


def test_a_payload_that_is_gone_or_altered_is_found_for_each_that_needs_it(desk: Desk) -> None:
    first = desk.send()
    desk.reroute(first)
    blobs = desk.ministry.blobs
    path = blobs.path(next(blobs.stored()))
    true = path.read_bytes()
    path.write_bytes(true[:-1] + bytes([true[-1] ^ 1]))
    assert desk.found() == ["BODY_DAMAGED", "BODY_DAMAGED"]
    path.unlink()
    assert desk.found() == ["BODY_MISSING", "BODY_MISSING"]
    with pytest.raises(FileNotFoundError):
        desk.reroute(first)
    path.write_bytes(true)
    with unit_of_work(desk.ministry.engine) as connection:
        connection.execute(rerouted_header.update().values(starts=rerouted_header.c.starts + 1))
    assert desk.found() == ["BODY_DAMAGED"]


def test_the_second_store_has_header_and_payload_before_it_is_acknowledged(
    desk: Desk, engine: Engine, tmp_path: Path
) -> None:
    first = desk.send()
    [file] = desk.ministry.blobs.stored()
    persons = [Holder(name, HybridKey.generate().recipient) for name in ("A", "B")]
    mount = tmp_path / "second"
    mount.mkdir()
    key = make_backup_key(2, persons).key
    with unit_of_work(engine) as connection:
        name = second_store.begin(connection, mount, tmp_path, key)
    theirs = mount / name / "blobs" / file[:2] / file[2:4] / file
    theirs.unlink()  # as if this payload were new to it
    try:
        desk.reroute(first)
        assert theirs.read_bytes() == desk.ministry.blobs.path(file).read_bytes()
        with reading(engine) as connection:
            assert list(second_store.compare(connection)) == []
        theirs.unlink()
        with reading(engine) as connection:
            assert {code for code, _ in second_store.compare(connection)} == {
                "SECOND_STORE_BODY_MISSING"
            }
    finally:
        with unit_of_work(engine) as connection:
            second_store.end(connection)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the n-th commit of the bureau not come about: `killed[0]` counts down to it."""
    left = [0]

    def dying(_connection: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise InterruptedError

    monkeypatch.setattr("cipher_service.storage.unit_of_work.tell", dying)
    return left


def test_killed_before_any_commit_nothing_is_half_there(desk: Desk, killed: list[int]) -> None:
    first = desk.send()
    cut = 0
    for step in count(1):
        killed[0] = step
        try:
            desk.reroute(first)
        except InterruptedError:
            cut += 1
        else:
            break
        killed[0] = 0
        with unit_of_work(desk.ministry.engine) as connection:
            departures.recover(connection, before=clock.now(), now=clock.now())
        with reading(desk.ministry.engine) as connection:
            headers = connection.execute(select(rerouted_header.c.dispatch)).scalars().all()
            recorded = connection.execute(select(dispatch.c.seq)).scalars().all()
        assert set(headers) <= set(recorded)
        assert set(desk.found()) <= {"INTENT_OPEN"}
        assert len(list(desk.ministry.blobs.stored())) == 1
    assert cut >= 3
    epoch = series_epoch(clock.now().year)
    with reading(desk.ministry.engine) as connection:
        states = [
            each.state for each in departures.numbers(connection, HEADQUARTERS, "LOME", epoch)
        ]
    assert "issued" in states
