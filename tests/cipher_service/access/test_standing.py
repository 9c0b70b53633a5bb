"""Who held what on a day: not what was only asked for, nor what was taken back before."""

from datetime import timedelta

from sqlalchemy import Connection, Engine, update

from cipher_service import clock
from cipher_service.access import mandates, sites
from cipher_service.access.mandates import Draft
from cipher_service.access.sites import Wanted
from cipher_service.audit.inquiry import grants_on
from cipher_service.directory.officers import Window
from cipher_service.storage.tables.officers import function_held
from cipher_service.storage.unit_of_work import unit_of_work
from tests.cipher_service.access import ministry as stage
from tests.cipher_service.access.populations import NOW

DAY = timedelta(days=1)
MONTH = Window(NOW, NOW + 30 * DAY)


def held(connection: Connection, kind: str, day: int) -> list[str]:
    return [
        line["right"] for line in grants_on(connection, NOW + day * DAY) if line["kind"] == kind
    ]


def test_a_mandate_was_held_from_its_signature_to_its_end(engine: Engine) -> None:
    ministry = stage.founded(engine)
    of, gate = ministry.of, ministry.gate
    lent = "SECRETARY-GENERAL"
    one, other = ministry.add("DIRECTOR", "MP"), ministry.add("DIRECTOR", "MP")
    with unit_of_work(engine) as connection:
        signed, unsigned = (
            mandates.propose(
                connection,
                gate,
                Draft("interim", holder, of[lent], lent, (), "SECRET", MONTH, "ARR-12", "Absence"),
                of["CHIEF-CNTC"],
                NOW,
            )
            for holder in (one, other)
        )
        assert held(connection, "mandate", 1) == []
        mandates.sign(connection, gate, signed, of["MINISTER"], NOW)
        assert held(connection, "mandate", 1) == [lent]
        for number in (signed, unsigned):
            mandates.end(connection, gate, number, of[lent], NOW + 10 * DAY)
        assert [held(connection, "mandate", day) for day in (9, 10, 11)] == [[lent], [], []]
        lender = function_held.c.officer == of[lent]
        ends = clock.text(NOW + 5 * DAY)
        connection.execute(update(function_held).where(lender).values(ends=ends))
        assert [held(connection, "mandate", day) for day in (4, 5)] == [[lent], []]


def test_an_access_was_held_from_its_grant_to_its_revocation(engine: Engine) -> None:
    ministry = stage.founded(engine)
    of, gate = ministry.of, ministry.gate
    clerk = ministry.add("CIPHER-CLERK")
    wanted = Wanted(clerk, "room", "Salle du chiffre", "SECRET", "Service", MONTH)
    with unit_of_work(engine) as connection:
        number = sites.request(connection, gate, wanted, of["DEPUTY-DIRECTOR"], NOW)
        sites.agree(connection, gate, number, of["SECURITY-OFFICER"], NOW)
        assert held(connection, "site", 1) == []
        sites.grant(connection, gate, number, of["SECRETARY-GENERAL"], "DEC-3", NOW)
        assert held(connection, "site", 1) == ["Salle du chiffre"]
        sites.refuse(connection, gate, number, of["SECURITY-OFFICER"], NOW + 10 * DAY)
        assert [held(connection, "site", day) for day in (9, 10)] == [["Salle du chiffre"], []]
