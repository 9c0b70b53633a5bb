"""What a decision and a page of the register cost: `python -m tests.bench.bench_access`.

On one database filled with dispatches from a hundred posts, two ways to the same page of 50 rows
take turns: the condition in SQL with each row decided again, and the engine asked row by row, the
newest first, until the page is full. A head of post sees one dispatch in fifty; the Minister sees
nearly all, so for the Minister both ways decide as many rows.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select

from cipher_service import clock
from cipher_service.access.decisions import decide, decide_many
from cipher_service.access.policies import default_policies
from cipher_service.access.registers import page, subjects
from cipher_service.access.subjects import Circumstances, Dispatch, Principal
from cipher_service.labels.scheme import default_scheme
from cipher_service.storage.engine import open_engine
from cipher_service.storage.migrations import upgrade
from cipher_service.storage.tables.directory import card, post
from cipher_service.storage.tables.dispatches import addressee, dispatch
from cipher_service.storage.unit_of_work import reading, unit_of_work

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
POSTS = [f"POST-{number}" for number in range(100)]
ROWS = 50
CHUNK = 200
POLICIES = default_policies()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures decisions and lists.")
    parser.add_argument("--dispatches", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", help="URL of an empty database; default: SQLite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-access-") as folder:
        engine = open_engine(arguments.database or f"sqlite:///{Path(folder) / 'ministry.db'}")
        upgrade(engine)
        _fill(engine, arguments.dispatches)
        with reading(engine) as connection:
            _decisions()
            for name, role, caveats in (
                ("head of post", "HEAD-OF-POST", frozenset[str]()),
                ("Minister", "MINISTER", frozenset({"NODIS"})),
            ):
                _pages(connection, name, _person(role, caveats), arguments.rounds)
        engine.dispose()


def _person(role: str, caveats: frozenset[str]) -> Principal:
    return Principal(
        "OFF-000001",
        active=True,
        functions=frozenset({role}),
        post=POSTS[7],
        clearance=3,
        caveats=caveats,
        habilitated_until=2**40,
        trained_until=2**40,
    )


def _decisions() -> None:
    person, context = _person("MINISTER", frozenset()), Circumstances(NOW)
    things = [Dispatch(f"D{number}", number % 5, origin=POSTS[0]) for number in range(CHUNK)]
    alone = _seconds(lambda: [decide(POLICIES, person, "read", one, context) for one in things])
    together = _seconds(lambda: decide_many(POLICIES, person, "read", things, context))
    print(f"decisions: {CHUNK / alone:,.0f} a second one by one, {CHUNK / together:,.0f} in pages")


def _pages(connection: Connection, name: str, person: Principal, rounds: int) -> None:
    filtered, walked = list[float](), list[float]()
    for _ in range(rounds):
        filtered.append(_seconds(lambda: page(connection, POLICIES, person, NOW, limit=ROWS)))
        walked.append(_seconds(lambda: _row_by_row(connection, person)))
    rows = page(connection, POLICIES, person, NOW, limit=ROWS)
    by_hand, decided = _row_by_row(connection, person)
    if [row.seq for row in rows] != by_hand:
        raise SystemExit("the two ways do not show the same page")
    fast, slow = statistics.median(filtered), statistics.median(walked)
    print(
        f"page of {ROWS} for a {name}: {1000 * fast:.1f} ms with SQL and each row decided again, "
        f"{1000 * slow:.1f} ms row by row ({decided} decided): {slow / fast:.1f} times"
    )


def _row_by_row(connection: Connection, person: Principal) -> tuple[list[int], int]:
    """Return a page, and how many rows were decided for it."""
    shown: list[int] = []
    before, decided = 2**40, 0
    while len(shown) < ROWS:
        newest = select(dispatch).where(dispatch.c.seq < before).order_by(dispatch.c.seq.desc())
        rows = list(connection.execute(newest.limit(CHUNK)))
        if not rows:
            break
        things = subjects(connection, rows, default_scheme())
        answers = decide_many(POLICIES, person, "list", things, Circumstances(NOW))
        shown += [row.seq for row, answer in zip(rows, answers, strict=True) if answer.allowed]
        decided += len(rows)
        before = rows[-1].seq
    return shown[:ROWS], decided


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _fill(engine: Engine, count: int) -> None:
    stamp = clock.text(NOW)
    levels = [level.code for level in default_scheme().levels]
    with unit_of_work(engine) as connection:
        connection.execute(
            insert(post),
            [
                {
                    "code": code, "kind": "embassy", "name_fr": code, "name_en": code,
                    "city": code, "country": "CM", "state": "active", "state_at": stamp,
                }
                for code in POSTS
            ],
        )  # fmt: skip
        connection.execute(
            card.insert().values(
                fingerprint="f", post=POSTS[0], edition=1, valid_from=stamp, valid_until=stamp,
                body=b"x", state="active", recorded_at=stamp, state_at=stamp,
            )
        )  # fmt: skip
    for start in range(1, count + 1, 20_000):
        numbers = range(start, min(start + 20_000, count + 1))
        with unit_of_work(engine) as connection:
            connection.execute(insert(dispatch), [_row(n, levels, stamp) for n in numbers])
            connection.execute(insert(addressee), [_line(n, stamp) for n in numbers])


def _row(number: int, levels: list[str], stamp: str) -> dict[str, object]:
    return {
        "seq": number, "dispatch_id": f"D{number}", "origin": POSTS[number % 100],
        "origin_card": "f", "kind": "telegram", "level": levels[number * 7 % 5],
        "caveats": '["NODIS"]' if number % 11 == 0 else "[]", "dtg": stamp, "sha256": "0",
        "size": 1, "received_at": stamp, "register_year": 2026, "register_number": number,
    }  # fmt: skip


def _line(number: int, stamp: str) -> dict[str, object]:
    return {
        "dispatch": number, "post": POSTS[(number * 31 + 1) % 100], "position": 0,
        "origin": POSTS[number % 100], "fingerprint": "f", "role": "action",
        "precedence": "ROUTINE", "delivery": "cipher", "place": number, "state": "pending",
        "state_at": stamp, "epoch": 2026, "number": number,
    }  # fmt: skip


if __name__ == "__main__":
    main()
