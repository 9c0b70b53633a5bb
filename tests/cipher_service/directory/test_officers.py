"""Persons have numbers for ever, functions that go together, and authorisations that end."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cipher_service import clock
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Identity, Window
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.organisation_book import load
from cipher_service.directory.roles import RolesInvalid, default_roles, read_roles
from cipher_service.errors import ServiceError
from cipher_service.storage import counters
from cipher_service.storage.tables import officers as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
CLERK = Identity(
    "A. Essomba", "SAE", date(2020, 1, 1), date(2012, 5, 1), "SG/SDCCL/SCVD/BC", "MINREX"
)
ALWAYS = Window(NOW, None)


@pytest.fixture
def loaded(engine: Engine) -> Engine:
    with unit_of_work(engine) as connection:
        load(connection, default_organisation(), NOW)
    return engine


def added(engine: Engine, identity: Identity = CLERK) -> str:
    with unit_of_work(engine) as connection:
        return officers.add(connection, identity, NOW)


def assign(engine: Engine, officer: str, role: str, window: Window = ALWAYS) -> int:
    with unit_of_work(engine) as connection:
        return officers.assign(connection, officer, role, window, act="DEC-1", by=None)


def held(engine: Engine, officer: str, at: datetime = NOW) -> list[str]:
    with reading(engine) as connection:
        return [function.role for function in officers.functions(connection, officer, at)]


def test_a_number_is_never_given_to_another_person(loaded: Engine) -> None:
    first = added(loaded)
    with unit_of_work(loaded) as connection:
        officers.set_state(connection, first, "left", NOW)
    assert added(loaded) != first
    with reading(loaded) as connection:
        known = officers.read(connection, first)
        assert (known.identity, known.state) == (CLERK, "left")
        assert len(officers.everyone(connection)) == 2


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": ""}, "NAME_MALFORMED"),
        ({"name": "two\nlines"}, "NAME_MALFORMED"),
        ({"grade": "KING"}, "UNKNOWN_GRADE"),
        ({"unit": "SG/NOWHERE"}, "UNKNOWN_UNIT"),
        ({"post": "NOWHERE"}, "UNKNOWN_POST"),
    ],
)
def test_who_is_not_described_is_not_recorded(
    loaded: Engine, wrong: dict[str, Any], code: str
) -> None:
    with pytest.raises(ServiceError, match=code):
        added(loaded, replace(CLERK, **wrong))
    with reading(loaded) as connection:
        assert officers.everyone(connection) == []
        assert counters.read(connection, officers.OFFICERS) == 0


def test_a_function_holds_from_its_start_to_its_end(loaded: Engine) -> None:
    clerk = added(loaded)
    assign(loaded, clerk, "CIPHER-CLERK", Window(NOW, NOW + YEAR))
    assert held(loaded, clerk, NOW - timedelta(seconds=1)) == []
    assert held(loaded, clerk) == ["CIPHER-CLERK"]
    assert held(loaded, clerk, NOW + YEAR) == []
    with unit_of_work(loaded) as connection:
        officers.end_function(connection, clerk, "CIPHER-CLERK", NOW + timedelta(days=1))
    assert held(loaded, clerk) == ["CIPHER-CLERK"]  # the book still says who could do what
    assert held(loaded, clerk, NOW + timedelta(days=1)) == []
    with unit_of_work(loaded) as connection, pytest.raises(ServiceError, match="NOT_HELD"):
        officers.end_function(connection, clerk, "CIPHER-CLERK", NOW + timedelta(days=2))


def test_a_function_that_was_ended_before_it_began_never_held(loaded: Engine) -> None:
    clerk = added(loaded)
    assign(loaded, clerk, "CIPHER-CLERK", Window(NOW + YEAR, None))
    with unit_of_work(loaded) as connection:
        officers.end_function(connection, clerk, "CIPHER-CLERK", NOW)
    for at in (NOW, NOW + YEAR, NOW + 2 * YEAR):
        assert held(loaded, clerk, at) == []
    assign(loaded, clerk, "CUSTODIAN-A", Window(NOW + YEAR, None))


SIX = ("SECURITY-OFFICER", "CUSTODIAN-A", "CUSTODIAN-B", "CIPHER-CLERK", "ADMINISTRATOR", "AUDITOR")


@pytest.mark.parametrize("first", SIX)
def test_no_two_of_the_six_are_one_person(loaded: Engine, first: str) -> None:
    officer = added(loaded)
    assign(loaded, officer, first)
    for second in set(SIX) - {first}:
        with pytest.raises(ServiceError, match="DUTIES_SEPARATE"):
            assign(loaded, officer, second)
    assert held(loaded, officer) == [first]


def test_windows_that_overlap_later_are_refused_and_neighbours_are_not(loaded: Engine) -> None:
    officer = added(loaded)
    assign(loaded, officer, "CIPHER-CLERK", Window(NOW, NOW + YEAR))
    with pytest.raises(ServiceError, match="DUTIES_SEPARATE"):
        assign(loaded, officer, "AUDITOR", Window(NOW + YEAR - timedelta(seconds=1), None))
    with pytest.raises(ServiceError, match="FUNCTION_HELD"):
        assign(loaded, officer, "CIPHER-CLERK", Window(NOW - YEAR, NOW + timedelta(seconds=1)))
    assign(loaded, officer, "AUDITOR", Window(NOW + YEAR, None))


def test_a_mandate_counts_as_the_function_that_it_gives(loaded: Engine) -> None:
    holder, custodian = added(loaded), added(loaded)
    window = Window(NOW, NOW + YEAR)
    with unit_of_work(loaded) as connection:
        connection.execute(
            tables.mandate.insert().values(
                mandate_id="M-1", kind="interim", holder=holder, delegator=custodian,
                role="CUSTODIAN-A", post="MINREX", actions="[]", level="SECRET",
                **window.columns(), act="A", evidence="{}", state="active",
                state_at=clock.text(NOW),
            )
        )  # fmt: skip
    with pytest.raises(ServiceError, match="DUTIES_SEPARATE"):
        assign(loaded, holder, "CUSTODIAN-B")


def test_two_at_once_give_one_function_only(loaded: Engine) -> None:
    officer = added(loaded)
    refused: list[str] = []
    start = threading.Barrier(2)

    def try_to(role: str) -> None:
        start.wait()
        try:
            assign(loaded, officer, role)
        except ServiceError as error:
            refused.append(error.code)

    threads = [threading.Thread(target=try_to, args=(role,)) for role in ("CUSTODIAN-A", "AUDITOR")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["DUTIES_SEPARATE"]
    assert len(held(loaded, officer)) == 1


@pytest.mark.parametrize(
    ("post", "role", "code"),
    [
        ("MINREX", "HEAD-OF-POST", "ROLE_ELSEWHERE"),
        ("PARIS", "CIPHER-CLERK", "ROLE_ELSEWHERE"),
        ("PARIS", "KING", "UNKNOWN_ROLE"),
    ],
)
def test_a_function_has_its_place(loaded: Engine, post: str, role: str, code: str) -> None:
    officer = added(loaded, replace(CLERK, post=post, unit=None))
    with pytest.raises(ServiceError, match=code):
        assign(loaded, officer, role)


def test_who_left_receives_nothing(loaded: Engine) -> None:
    officer = added(loaded)
    with unit_of_work(loaded) as connection:
        officers.set_state(connection, officer, "left", NOW)
    with pytest.raises(ServiceError, match="OFFICER_LEFT"):
        assign(loaded, officer, "DRAFTER")
    with unit_of_work(loaded) as connection, pytest.raises(ServiceError, match="OFFICER_LEFT"):
        officers.set_state(connection, officer, "active", NOW)
    with unit_of_work(loaded) as connection, pytest.raises(ServiceError, match="UNKNOWN_OFFICER"):
        officers.set_state(connection, "OFF-999999", "active", NOW)


def test_a_person_is_promoted_but_not_moved_by_a_correction(loaded: Engine) -> None:
    officer = added(loaded)
    promoted = replace(CLERK, grade="CAE", grade_since=date(2026, 1, 1))
    with unit_of_work(loaded) as connection:
        officers.change(connection, officer, promoted)
        with pytest.raises(ServiceError, match="POST_BY_TRANSFER"):
            officers.change(connection, officer, replace(promoted, post="PARIS"))
        officers.move(connection, officer, None, "PARIS")
        assert officers.read(connection, officer).identity.post == "PARIS"


def clearance(level: str = "secret", starts: datetime = NOW) -> Clearance:
    return Clearance(level, ("nodis", "NODIS"), Window(starts, starts + YEAR), starts + YEAR)


def habilitate(engine: Engine, officer: str, given: Clearance, proposer: str | None = None) -> int:
    with unit_of_work(engine) as connection:
        return authorisations.habilitate(
            connection, officer, given, act="H-1", proposer=proposer, grantor=None, now=NOW
        )


def test_an_habilitation_replaces_the_one_before_and_ends(loaded: Engine) -> None:
    officer = added(loaded)
    habilitate(loaded, officer, clearance("CONFIDENTIEL"))
    habilitate(loaded, officer, clearance("très secret", NOW + timedelta(days=10)))
    with unit_of_work(loaded) as connection:
        found = authorisations.habilitation(connection, officer, NOW)
        assert found is not None
        assert (found.level, found.caveats) == ("CONFIDENTIEL", ("NODIS",))
        later = authorisations.habilitation(connection, officer, NOW + timedelta(days=10))
        assert later is not None
        assert later.level == "TRES-SECRET"
        authorisations.withdraw_habilitation(connection, officer, NOW + timedelta(days=11))
        gone = authorisations.habilitation(connection, officer, NOW + timedelta(days=11))
        assert gone is None
        assert len(authorisations.habilitations(connection)) == 2
        with pytest.raises(ServiceError, match="NOT_HABILITATED"):
            authorisations.withdraw_habilitation(connection, officer, NOW + timedelta(days=12))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (replace(clearance(), level="LOW"), "UNKNOWN_LEVEL"),
        (replace(clearance(), caveats=("?",)), "UNKNOWN_CAVEAT"),
        (replace(clearance(), window=ALWAYS), "WINDOW_OPEN"),
        (replace(clearance(), trained_until=NOW), "TRAINING_LAPSED"),
    ],
)
def test_what_is_not_an_habilitation_is_refused(
    loaded: Engine, wrong: Clearance, code: str
) -> None:
    officer = added(loaded)
    with pytest.raises(ServiceError, match=code):
        habilitate(loaded, officer, wrong)
    with pytest.raises(ServiceError, match="OWN_ACT"):
        habilitate(loaded, officer, clearance(), proposer=officer)
    with reading(loaded) as connection:
        assert authorisations.habilitations(connection) == []


def test_a_need_to_know_is_given_by_another_and_ends(loaded: Engine) -> None:
    officer, other = added(loaded), added(loaded)
    with unit_of_work(loaded) as connection:
        give = authorisations.grant_need
        seq = give(connection, officer, "post", "PARIS", ALWAYS, reason="desk", by=other)
        for kind, matter, reason, by, code in (
            ("planet", "MARS", "x", other, "UNKNOWN_KIND"),
            ("post", " ", "x", other, "MATTER_MISSING"),
            ("post", "PARIS", " ", other, "REASON_MISSING"),
            ("post", "PARIS", "x", officer, "OWN_ACT"),
        ):
            with pytest.raises(ServiceError, match=code):
                give(connection, officer, kind, matter, ALWAYS, reason=reason, by=by)
        known = authorisations.needs(connection, officer, NOW)
        assert [(need.kind, need.matter) for need in known] == [("post", "PARIS")]
        authorisations.end_need(connection, seq, NOW)
        assert authorisations.needs(connection, officer, NOW) == []
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            authorisations.end_need(connection, seq, NOW)


def test_every_change_tells_the_processes_that_their_copy_is_old(loaded: Engine) -> None:
    seen = []
    officer = added(loaded)
    for act in (
        lambda c: officers.assign(c, officer, "DRAFTER", ALWAYS, act="A", by=None),
        lambda c: officers.end_function(c, officer, "DRAFTER", NOW),
        lambda c: officers.set_state(c, officer, "suspended", NOW),
        lambda c: officers.move(c, officer, None, "PARIS"),
    ):
        with unit_of_work(loaded) as connection:
            act(connection)
        with reading(loaded) as connection:
            seen.append(counters.read(connection, officers.OFFICERS))
    assert seen == sorted(set(seen))


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ServiceError, match="WINDOW_EMPTY"):
        Window(NOW, NOW)


def test_the_shipped_catalogue_parts_what_the_decree_parts() -> None:
    catalogue = default_roles()
    assert catalogue.conflict("CHIEF-CNTC", ["CIPHER-CLERK"])
    assert catalogue.conflict("AUDITOR", ["MINISTER"])
    assert catalogue.conflict("DIRECTOR", ["DRAFTER"]) is None
    assert catalogue.conflict("CIPHER-CLERK", ["CIPHER-CLERK"]) is None
    assert {role.article for role in catalogue.roles.values()} <= set(range(8, 17))


ROLE = '[[role]]\ncode="A1"\narticle=8\nwhere="any"\nfr="a"\nen="a"\n'
GRADE = '[[grade]]\ncode="G"\nrank=1\nfr="g"\nen="g"\n'


@pytest.mark.parametrize(
    "text",
    [
        "?",
        ROLE,
        ROLE + ROLE + GRADE,
        ROLE + GRADE + GRADE,
        ROLE + GRADE + GRADE.replace('"G"', '"H"'),
        ROLE.replace("any", "moon") + GRADE,
        ROLE.replace("A1", "a") + GRADE,
        ROLE + GRADE + '[[exclusive]]\nroles=["A1","B1"]\nfr="x"\nen="x"\n',
    ],
)
def test_what_is_not_a_catalogue_is_refused(text: str) -> None:
    assert read_roles(ROLE + GRADE).separations == ()
    with pytest.raises(RolesInvalid):
        read_roles(text)


def test_nothing_of_a_refused_act_stays(loaded: Engine) -> None:
    officer = added(loaded)
    assign(loaded, officer, "CUSTODIAN-A")
    with pytest.raises(ServiceError, match="DUTIES_SEPARATE"):
        assign(loaded, officer, "AUDITOR")
    with pytest.raises(ServiceError, match="ACT_MISSING"), unit_of_work(loaded) as connection:
        officers.assign(connection, officer, "DIRECTOR", ALWAYS, act=" ", by=None)
    with reading(loaded) as connection:
        assert connection.scalars(select(tables.function_held.c.role)).all() == ["CUSTODIAN-A"]
