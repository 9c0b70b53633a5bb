"""Gate 14: one prekey goes to one dispatch, however many ask at one time.

`GATES=full` runs each race 200 times.
"""

import os
import secrets
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cipher_service import clock
from cipher_service.directory import prekeys
from cipher_service.directory.register import DirectoryReader
from cipher_service.storage.tables.prekeys import prekey
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.age.hybrid import HybridKey
from keys.prekeys import Prekey, make_bundle
from tests.support.ministry import Ministry, post_keys
from tests.support.races import DONE, at_once

MANY, OFFERED = 50, 30
TIMES = 200 if os.environ.get("GATES") == "full" else 1


@pytest.fixture
def take(engine: Engine, tmp_path: Path) -> Callable[[str], list[bytes]]:
    """Ask for one of Paris's thirty prekeys for a dispatch, in a transaction of its own."""
    Ministry(engine, tmp_path)
    paris, now = post_keys("PARIS"), clock.now().replace(microsecond=0)
    made = [
        Prekey(secrets.token_urlsafe(12), HybridKey.generate().recipient) for _ in range(OFFERED)
    ]
    ends = now + timedelta(days=7)
    bundle = make_bundle(made, paris.card, created=now, expires=ends, sign=paris.signing.sign)
    with unit_of_work(engine) as connection:
        prekeys.take_in(connection, "PARIS", bundle, DirectoryReader(), now)

    def asked(dispatch: str) -> list[bytes]:
        with unit_of_work(engine) as connection:
            return prekeys.give(connection, "LOME", dispatch, [paris.card.fingerprint], now)

    return asked


def taken(engine: Engine) -> Counter[str]:
    """How many prekeys each dispatch has."""
    with reading(engine) as connection:
        return Counter(
            connection.scalars(select(prekey.c.taken_for).where(prekey.c.taken_for != ""))
        )


@pytest.mark.parametrize("_time", range(TIMES))
def test_fifty_dispatches_get_thirty_prekeys_once_each(
    engine: Engine, take: Callable[[str], list[bytes]], _time: int
) -> None:
    given: list[bytes] = []

    def ask(dispatch: str) -> None:
        given.extend(take(dispatch))

    assert at_once(*(partial(ask, f"D-{turn}") for turn in range(MANY))) == {DONE: MANY}
    assert len(given) == len(set(given)) == OFFERED
    assert (len(taken(engine)), set(taken(engine).values())) == (OFFERED, {1})


@pytest.mark.parametrize("_time", range(TIMES))
def test_a_dispatch_that_asks_fifty_times_takes_one(
    engine: Engine, take: Callable[[str], list[bytes]], _time: int
) -> None:
    assert at_once(*[partial(take, "D-1")] * MANY) == {DONE: MANY}
    assert taken(engine) == {"D-1": 1}
