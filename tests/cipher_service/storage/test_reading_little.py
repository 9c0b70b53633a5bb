"""What is asked again and again reads no more the longer the ministry has worked, in SQLite.

There the planner has no counts to go by: which index it takes, the question's words decide.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Integer, Table, event, insert

from cipher_service import clock
from cipher_service.audit.closing import close_intents
from cipher_service.audit.ledger import append, read_tile
from cipher_service.audit.questions import Wanted, page
from cipher_service.audit.records import DONE, FAILED, INTENDED, REFUSED, Event
from cipher_service.directory.prekeys import give
from cipher_service.dispatches.continuity import BACKED_UP, last_backup
from cipher_service.identity.shared_acts import open_acts
from cipher_service.pouches.handing_in import due_by_pouch
from cipher_service.pouches.overview import OVERDUE, late_or_silent
from cipher_service.pouches.signing import unannounced
from cipher_service.pouches.stock import applied_to
from cipher_service.references import new_id
from cipher_service.storage.engine import PAGE_BYTES, open_engine
from cipher_service.storage.tables.acts import shared_act
from cipher_service.storage.tables.dispatches import addressee, dispatch
from cipher_service.storage.tables.pouches import (
    closing,
    departure,
    discrepancy,
    physical_seal,
    route,
    sealed,
)
from cipher_service.storage.tables.prekeys import prekey
from cipher_service.storage.unit_of_work import unit_of_work
from keys.log.tiles import WIDTH, Tile
from keys.merkle import HASH_SIZE
from pouch.discrepancies import CLOSED, INCIDENT
from pouch.facts import Received, Sealed
from pouch.manifest import BagClass, Mode
from tests.support.ministry import Ministry, post_keys

ORIGIN = "minrex.example/audit"
NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
STEPS = 100
"""Of SQLite's machine, between two counts."""


@pytest.fixture
def engine(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    """An embedded database whose log has some of each sort of entry."""
    path = tmp_path / "ministry.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    entered(engine, Event(1, "OFF-1", BACKED_UP, DONE, resource="2026/000001"))
    entered(engine, Event(2, "OFF-1", "bureau_open", INTENDED, resource="A"))
    entered(engine, Event(2, "OFF-1", "bureau_open", FAILED, resource="A"))
    entered(engine, Event(3, "OFF-2", "dispatch_open", REFUSED, resource="A", mandate="M-1"))
    yield engine
    engine.dispose()


def entered(engine: Engine, event: Event, times: int = 1) -> None:
    with unit_of_work(engine) as connection:
        append(connection, ORIGIN, [event] * times)


def counted(engine: Engine, question: Callable[[Connection], Any]) -> int:
    """Count how often SQLite went through so many steps for a question."""
    counts = [0]

    def count() -> int:
        counts[0] += 1
        return 0

    with unit_of_work(engine) as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.set_progress_handler(count, STEPS)
        question(connection)
        driver.set_progress_handler(None, 0)
    return counts[0]


def asking(**wanted: Any) -> Callable[[Connection], Any]:
    return partial(page, wanted=Wanted(**wanted), limit=50)


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(last_backup, id="the last backup"),
        pytest.param(partial(close_intents, origin=ORIGIN, now=NOW), id="what was interrupted"),
        pytest.param(asking(outcomes=(REFUSED,)), id="refusals"),
        pytest.param(asking(outcomes=(REFUSED, FAILED)), id="all that was not done"),
        pytest.param(asking(outcomes=(DONE,), actions=(BACKED_UP,)), id="one act done"),
        pytest.param(asking(mandate="M-1"), id="under a mandate"),
        pytest.param(asking(actor="OFF-2"), id="by an officer"),
        pytest.param(asking(resource="A"), id="on a dispatch"),
    ],
)
def test_a_longer_log_is_no_more_work(
    engine: Engine, question: Callable[[Connection], Any]
) -> None:
    entered(engine, Event(4, "PARIS", "submit", DONE, resource="B"), times=100)
    before = counted(engine, question)
    entered(engine, Event(5, "PARIS", "submit", DONE, resource="B"), times=3000)
    assert counted(engine, question) <= before + 1


def test_a_tile_of_tiles_is_read_without_what_is_in_them(engine: Engine) -> None:
    tiles = 24
    entered(engine, Event(4, "PARIS", "submit", DONE, resource="B"), times=tiles * WIDTH)
    engine.dispose()
    with unit_of_work(engine) as connection:
        before = bytes_read()
        hashes = read_tile(connection, Tile(1, 0, tiles))
        read = bytes_read() - before
    assert len(hashes) == tiles * HASH_SIZE
    assert read < tiles * WIDTH * HASH_SIZE / 2


def test_a_prekey_is_given_without_a_look_at_all_that_were(engine: Engine, tmp_path: Path) -> None:
    Ministry(engine, tmp_path)
    paris = post_keys("PARIS").card.fingerprint

    def kept(many: int, state: str, ends: datetime, taker: str | None) -> None:
        rows = [
            {
                "prekey_id": new_id(NOW),
                "post": "PARIS",
                "card": paris,
                "expires": clock.text(ends),
                "offer": bytes(4096),
                "state": state,
                "recorded_at": clock.text(NOW),
                "taken_by": taker,
                "taken_for": taker and new_id(NOW),
                "taken_at": taker and clock.text(NOW),
            }
            for _ in range(many)
        ]
        with unit_of_work(engine) as connection:
            connection.execute(insert(prekey), rows)

    def asked(connection: Connection) -> None:
        assert len(give(connection, "LOME", new_id(NOW), [paris], NOW)) == 1

    day = timedelta(days=1)
    kept(20, "free", NOW + day, None)
    before = counted(engine, asked)
    kept(400, "free", NOW + day, None)
    kept(1500, "taken", NOW + day, "ADDIS")
    kept(1500, "taken", NOW - day, "LOME")
    engine.dispose()
    read = bytes_read()
    assert counted(engine, asked) <= before + 1
    assert bytes_read() - read < 100 * PAGE_BYTES


def filled(connection: Connection, book: Table, *rows: dict[str, Any]) -> None:
    """Insert rows whose other columns hold nothing in particular."""
    needed = {
        column.name: 0 if isinstance(column.type, Integer) else ""
        for column in book.columns
        if not column.nullable and not column.identity
    }
    connection.execute(insert(book), [{**needed, **row} for row in rows])


@pytest.fixture
def lone_rows(engine: Engine) -> None:
    """Let rows be without those of other tables that they name."""
    engine.dispose()

    def alone(driver: Any, _record: object) -> None:
        driver.execute("PRAGMA foreign_keys=OFF")

    event.listen(engine, "connect", alone)


@pytest.mark.usefixtures("lone_rows")
def test_bags_to_be_told_of_are_found_without_those_that_were(engine: Engine) -> None:
    before = counted(engine, unannounced)
    rows = [
        {
            "seal": f"S-{number}",
            "number": f"2026/{number}",
            "ordinal": number,
            "body": bytes(2000),
            "announcement": "A",
        }
        for number in range(1, 1001)
    ]
    with unit_of_work(engine) as connection:
        filled(connection, sealed, *rows)
    assert counted(engine, unannounced) <= before + 1


@pytest.mark.usefixtures("lone_rows")
def test_late_bags_are_found_without_those_that_arrived(engine: Engine) -> None:
    def travelled(many: int, stage: str, *, told: bool) -> None:
        names = [f"{stage}-{number}" for number in range(many)]
        stamp = clock.text(NOW)
        leg = {"departure_id": "", "route": "R", "mode": Mode.COURIER}
        times = {"cut_off": stamp, "departs": stamp, "due": stamp}
        bag = {"bag_class": BagClass.RESTRICTED, "packers": "[]", "manifest": "", "seals": "[]"}
        with unit_of_work(engine) as connection:
            filled(connection, departure, *({**leg, **times, "departure_id": one} for one in names))
            moving = {**bag, "opened_at": stamp, "stage": stage}
            filled(
                connection, closing, *({**moving, "seal": one, "departure": one} for one in names)
            )
            if told:
                case = {"kind": OVERDUE, "severity": INCIDENT, "state": CLOSED}
                ids = ({"discrepancy_id": one, "seal": one} for one in names)
                filled(connection, discrepancy, *(case | one for one in ids))

    def asked(connection: Connection) -> None:
        assert len(late_or_silent(connection, NOW + timedelta(days=1))) == 2

    legs = '[["MINREX","PARIS",60]]'
    with unit_of_work(engine) as connection:
        filled(connection, route, {"code": "R", "legs": legs, "limits": "{}", "news_minutes": 60})
    travelled(2, Sealed.kind, told=False)
    before = counted(engine, asked)
    travelled(2000, Received.kind, told=True)
    assert counted(engine, asked) <= before + 1


@pytest.mark.usefixtures("lone_rows")
def test_the_seals_on_a_bag_are_found_without_all_others(engine: Engine) -> None:
    asked = partial(applied_to, closing="S-1")
    before = counted(engine, asked)
    seal = {"type": "plastic", "state": "applied"}
    rows = [{**seal, "number": f"{number}", "closing": f"{number}"} for number in range(3000)]
    with unit_of_work(engine) as connection:
        filled(connection, physical_seal, *rows)
    assert counted(engine, asked) <= before + 1


@pytest.mark.usefixtures("lone_rows")
def test_acts_that_wait_are_found_without_those_that_were_done(engine: Engine) -> None:
    asked = partial(open_acts, now=NOW)
    before = counted(engine, asked)
    later = clock.text(NOW + timedelta(days=1))
    act = {"state": "done", "expires_at": later, "body": bytes(1500)}
    with unit_of_work(engine) as connection:
        filled(connection, shared_act, *({**act, "act_id": new_id(NOW)} for _ in range(3000)))
    assert counted(engine, asked) <= before + 1


@pytest.mark.usefixtures("lone_rows")
def test_what_goes_by_pouch_is_found_without_what_goes_by_wire(engine: Engine) -> None:
    def sent(numbers: range, delivery: str) -> None:
        line = {"post": "PARIS", "role": "action", "delivery": delivery, "state": "pending"}
        with unit_of_work(engine) as connection:
            own = ({"dispatch_id": f"{n}", "register_number": n, "seq": n} for n in numbers)
            filled(connection, dispatch, *({**one, "origin": "MINREX"} for one in own))
            filled(connection, addressee, *({**line, "dispatch": n} for n in numbers))

    def asked(connection: Connection) -> None:
        assert len(due_by_pouch(connection, "MINREX")) == 2

    sent(range(1, 3), "pouch")
    before = counted(engine, asked)
    sent(range(3, 3000), "cipher")
    assert counted(engine, asked) <= before + 1


def bytes_read() -> int:
    """Count what this thread has asked of any file."""
    told = Path("/proc/thread-self/io").read_text("ascii")
    return int(told.splitlines()[0].removeprefix("rchar: "))
