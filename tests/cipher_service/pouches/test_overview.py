"""What the bureau looks at each day."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from cipher_service import clock
from cipher_service.administration.founding import planned
from cipher_service.app.registrar import go_round
from cipher_service.app.wiring import rounds_of
from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, mishaps, overview, repository
from cipher_service.pouches.lateness import EVERY, REPORTER, Lateness
from cipher_service.pouches.rules import Count
from cipher_service.storage.tables.pouches import departure
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.discrepancies import ASSESSED, BREACH, CLOCKS, CLOSED, INCIDENT, NOTIFIED, REPORTED
from pouch.facts import Lost
from tests.support.bags import NOON, SEAL
from tests.support.ministry import apart
from tests.support.office import PouchBureau
from tests.support.pouches import NUMBERS, OTHER_BAG, OTHER_SEAL, Pouches


def test_bags_are_counted_before_leaving_the_airport(pouches: Pouches) -> None:
    pouches.closed()
    pouches.closed(numbers=NUMBERS[2:4], bag=OTHER_BAG, seal=OTHER_SEAL)
    with unit_of_work(pouches.engine) as connection:

        def counted(*seen: str) -> Count:
            return overview.count_check(connection, "D-1", seen, officer="KOUR", now=NOON)

        assert counted(OTHER_SEAL, SEAL).complete
        assert cases.cases_of(connection, SEAL) == []
        short = counted(OTHER_SEAL, "7a" * 16)
        assert (short.missing, short.over) == ((SEAL,), ("7a" * 16,))
        (case,) = cases.cases_of(connection, SEAL)
        assert (case.kind, case.severity) == ("bag-missing", BREACH)
        with pytest.raises(ServiceError, match="DEPARTURE_UNKNOWN"):
            overview.count_check(connection, "D-9", [], officer="KOUR", now=NOON)


def test_a_bag_too_many_is_a_case_of_its_own(pouches: Pouches) -> None:
    pouches.closed()
    with unit_of_work(pouches.engine) as connection:
        pouches.depart(connection, "D-2")
        counted = overview.count_check(connection, "D-2", [SEAL], officer="KOUR", now=NOON)
        assert counted.over == (SEAL,)
        (case,) = cases.cases_of(connection, SEAL)
    assert (case.kind, case.severity) == ("bag-over", INCIDENT)


def test_silence_on_the_way_is_news(pouches: Pouches) -> None:
    pouches.closed()
    pouches.bring("MINREX", pouches.journey()[0])
    day = timedelta(days=1)

    def silent(days: int) -> bool:
        with reading(pouches.engine) as connection:
            closing = repository.closing_of(connection, SEAL)
            assert closing is not None
            return bool(overview.silent_of(connection, [closing], NOON + day * days))

    assert not silent(1)
    assert silent(2)
    pouches.bring("PARIS", pouches.arrival())
    assert not silent(9)


def test_empty_bags_age_where_they_lie(pouches: Pouches) -> None:
    pouches.closed()
    with reading(pouches.engine) as connection:
        (ministry,) = overview.empties(connection, NOON + timedelta(days=45))
    assert (ministry.place, ministry.counts, ministry.oldest) == ("MINREX", (0, 1, 0, 0), OTHER_BAG)


def test_a_late_bag_opens_one_case_by_itself_and_anyone_may_close_it(bureau: PouchBureau) -> None:
    kept = bureau.closed()
    seal = kept.sealed.manifest.seal
    lateness = Lateness(bureau.office)
    assert lateness.round() == []
    bureau.now = kept.sealed.manifest.waybill.due + timedelta(seconds=1)

    (case,) = lateness.round()

    with reading(bureau.engine) as connection:
        row = cases.case_of(connection, case)
    assert (row.seal, row.kind, row.state) == (seal, "bag-overdue", REPORTED)
    assert (row.severity, row.reporter) == (INCIDENT, REPORTER)
    assert clock.parse(row.due) == bureau.now + CLOCKS[INCIDENT][0]
    bureau.now += EVERY
    assert lateness.round() == []
    assert Lateness(bureau.office).round() == [], "another process, as after a restart"
    for state in (NOTIFIED, ASSESSED, CLOSED):
        mishaps.advance(bureau.office, case, state, by=bureau.chief)
    bureau.now += EVERY
    assert lateness.round() == [], "closed once, it is not opened again"


def test_the_registrar_s_own_rounds_find_a_late_bag(bureau: PouchBureau, tmp_path: Path) -> None:
    """As it runs: every round of a service, by the real clock, and nobody asks."""
    seal = bureau.closed().sealed.manifest.seal
    issuer = "http://127.0.0.1:8470"
    settings = planned(tmp_path, host="127.0.0.1", port=8470, workers=1, issuer=issuer)
    past = clock.text(bureau.now - timedelta(hours=1))
    with unit_of_work(bureau.engine) as connection:
        connection.execute(update(departure).values(departs=past, due=past))

    async def opened() -> bool:
        rounds = asyncio.create_task(go_round(rounds_of(settings, bureau.engine, apart())))
        for _ in range(600):
            await asyncio.sleep(0.1)
            with reading(bureau.engine) as connection:
                found = cases.cases_of(connection, seal)
            if found or rounds.done():
                break
        rounds.cancel()
        return [row.kind for row in found] == [overview.OVERDUE]

    assert asyncio.run(opened())


@pytest.mark.parametrize("ended", ["received", "lost"])
def test_a_bag_that_is_there_or_known_to_be_lost_is_not_late(pouches: Pouches, ended: str) -> None:
    pouches.closed()
    pouches.bring("MINREX", pouches.journey()[0])
    late = NOON + timedelta(days=9)
    with reading(pouches.engine) as connection:
        assert [each.seal for each in overview.late_or_silent(connection, late)] == [SEAL]
    if ended == "received":
        pouches.bring("PARIS", pouches.arrival())
    else:
        lost = pouches.courier.tell(Lost(), officer="KOUR", place="CDG", minutes=500)
        pouches.bring("MINREX", lost)
    with reading(pouches.engine) as connection:
        assert overview.late_or_silent(connection, late) == ()
