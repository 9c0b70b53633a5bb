"""Who is called to a FLASH, and what asking each second costs."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.console.dispatches import live
from cipher_service.directory import authorisations
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Window
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.cipher_office import DAY, LOG, Office
from tests.support.ministry import HEADQUARTERS


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def test_a_waiting_alert_costs_a_page_no_more_than_none(office: Office) -> None:
    """The stream asks each second: the policies answer when something may have changed."""
    auditor, clerk = office.hire("AUDITOR").number, office.of["CLERK"].number
    pages = {who: live.Alerts(HEADQUARTERS) for who in (auditor, clerk)}
    asked: list[str] = []
    event.listen(office.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def look(who: str, now: datetime | None = None) -> tuple[list[str], int]:
        now = now or clock.now()
        with reading(office.engine) as connection:
            principal = office.gate.principals.of(connection, who, now)
            asked.clear()
            return pages[who].waiting(connection, office.gate, principal, now), len(asked)

    office.arrive(precedence="IMMEDIAT")
    look(clerk)
    nothing = look(clerk)
    first = office.arrive(2, precedence="FLASH")
    assert look(auditor)[0] == look(clerk)[0] == [], "an alert waits, and is for neither"
    assert look(auditor) == look(clerk) == nothing

    office.act("CHIEF", "dispatch_assign", dispatch_id=first, to=clerk)
    with Journal(office.engine, LOG, "test").act("dispatch_assign", first):
        pass  # the entry that every act has
    told = [look(clerk)[0] for _ in range(live.PAUSE)]
    assert told[-1] == [first]
    assert look(clerk) == ([first], nothing[1])
    assert look(auditor)[0] == []

    second = office.arrive(3, precedence="FLASH")
    assert look(clerk)[0] == [first], "what came is asked about at once, and is not the clerk's"
    office.act("CHIEF", "dispatch_assign", dispatch_id=second, to=clerk)
    office.act("CLERK", "dispatch_acknowledge", dispatch_id=first)
    assert look(clerk)[0] == [second], "what was heard is asked about at once"

    now = clock.now()
    with unit_of_work(office.engine) as connection:
        authorisations.withdraw_habilitation(connection, clerk, now)
    assert look(clerk)[0] == [], "a right that is taken away is asked about at once"
    cleared = Clearance("SECRET", ("NODIS",), Window(now, now + 9 * DAY), now + DAY)
    with unit_of_work(office.engine) as connection:
        authorisations.habilitate(
            connection, clerk, cleared, act="H-2", proposer=None, grantor=None, now=now
        )
    assert look(clerk, now)[0] == [second]
    # The training lapses by the clock alone: nothing is written, nobody is another.
    ended = [look(clerk, now + 2 * DAY)[0] for _ in range(live.LONGEST)]
    assert ended[-1] == []
