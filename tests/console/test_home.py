"""What awaits a person on the home page, by office."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.administration.stage import Stage
from cipher_service.console import posts, pouches, rights
from cipher_service.console.flow import Awaiting, Flow
from cipher_service.console.pouches import lists
from cipher_service.directory.register import read_directory
from cipher_service.pouches import stock
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.officers import habilitation
from cipher_service.storage.unit_of_work import reading
from pouch.stock import STOCKED
from tests.console.test_signing import sample

KEYS = "Clés de poste à renouveler"
ENDING = "Habilitations, formations et mandats qui finissent sous 60 jours"
SEALS = "Scellés qui manquent à la réserve"


def waiting(
    connection: Connection, ministry: Stage, flow: Flow, role: str, at: datetime
) -> dict[str, Awaiting]:
    """What a flow would say at a moment to whom the sample has in a function today."""
    gate = Gate()
    principal = gate.principals.of(connection, sample(ministry, role), clock.now())
    assert flow.awaits is not None
    return {line.label: line for line in flow.awaits(connection, gate, principal, at) if line.count}


@pytest.mark.parametrize("role", ["SECURITY-OFFICER", "CUSTODIAN-A"])
def test_keys_that_end_soon_await_their_keepers(ministry: Stage, role: str) -> None:
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        directory = read_directory(connection)
        card = directory.cards[directory.posts["LOME"].fingerprint or ""].card
        soon, late = card.valid_until - timedelta(days=20), card.valid_until + timedelta(days=1)
        assert KEYS not in waiting(connection, ministry, posts.FLOW, role, card.valid_from)
        line = waiting(connection, ministry, posts.FLOW, role, soon)[KEYS]
        assert line.count >= 1
        gone = waiting(connection, ministry, posts.FLOW, role, late)[KEYS]
        assert gone.late >= 1
        assert KEYS not in waiting(connection, ministry, posts.FLOW, "CIPHER-CLERK", late)
    engine.dispose()


def test_rights_that_end_soon_await_the_security_officer(ministry: Stage) -> None:
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        last = clock.parse(connection.scalars(select(func.max(habilitation.c.ends))).one())
        soon = last - timedelta(days=59)
        line = waiting(connection, ministry, rights.FLOW, "SECURITY-OFFICER", soon)[ENDING]
        assert line.count >= 1
        before = waiting(
            connection, ministry, rights.FLOW, "SECURITY-OFFICER", last + timedelta(days=1)
        )
        assert ENDING not in before
        assert not waiting(connection, ministry, rights.FLOW, "AUDITOR", soon)
    engine.dispose()


def test_a_stock_of_seals_that_runs_low_awaits_the_chief(
    ministry: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        left = stock.counts(connection, ministry.settings.headquarters).get(STOCKED, 0)
        now = clock.now()
        for short in (3, 0):
            monkeypatch.setattr(lists, "_RESERVE", left + short)
            found = waiting(connection, ministry, pouches.FLOW, "CHIEF-POUCH", now).get(SEALS)
            assert (found.count if found else 0) == short
        monkeypatch.setattr(lists, "_RESERVE", left + 3)
        assert SEALS not in waiting(connection, ministry, pouches.FLOW, "COURIER", now)
        monkeypatch.setattr(stock, "counts", lambda *_given: {})
        none = waiting(connection, ministry, pouches.FLOW, "CHIEF-POUCH", now)[SEALS]
        assert none.count == none.late == left + 3
    engine.dispose()
