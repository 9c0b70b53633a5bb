"""Lists of bags fetch what the engine shows of every bag, and no other, on both databases."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, select, true

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide_many
from cipher_service.access.policies import Policies, default_policies, read_policies
from cipher_service.access.principals import Principals
from cipher_service.access.residuals import Untranslatable
from cipher_service.access.subjects import Circumstances, Pouch, Principal
from cipher_service.directory import officers
from cipher_service.directory.officers import Identity
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import (
    cargo,
    custody,
    entitlement,
    listing,
    makeup,
    outcomes,
    repository,
    route_book,
    views,
)
from cipher_service.pouches.listing import BagColumns
from cipher_service.pouches.office import Sitting, seated
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.alarms import Leg, Route
from pouch.events import Event
from pouch.facts import (
    DID_NOT_OCCUR,
    INTACT,
    Accounted,
    Corrected,
    Facts,
    HandedOver,
    Prepared,
    Recalled,
)
from pouch.manifest import BagClass, Mode
from tests.cipher_service.access.populations import NOW, PEOPLE, POSTS, Chance
from tests.support.bags import Device, sealed, signed
from tests.support.ministry import Ministry
from tests.support.pouches import route

FULL = os.environ.get("GATES") == "full"
BAGS = 80
BAG_ROLES = (
    *("CHIEF-POUCH", "POUCH-AGENT", "CONFIDENTIAL-MAIL-AGENT", "COURIER"),
    *("HEAD-OF-POST", "POST-CIPHER-CLERK"),
)


def _leave(engine: Engine, chance: Chance, devices: tuple[Device, Device]) -> None:
    """Routes between the posts and departures on them, some with a waybill."""
    carries = Identity("A", "CAE", NOW.date(), NOW.date(), None, "MINREX")
    with unit_of_work(engine) as connection:
        assert tuple(officers.add(connection, carries, NOW) for _ in PEOPLE) == PEOPLE
        for device in devices:
            connection.execute(
                insert(tables.device).values(
                    device_id=device.id, post="MINREX", ed25519=device.public, state="active",
                    enrolled_at=clock.text(NOW),
                )
            )  # fmt: skip
        for origin, to in permutations(POSTS, 2):
            code = f"{origin}-{to}"
            way = Route((Leg(origin, to, timedelta(hours=1)),))
            route_book.insert_route(connection, route(code, way))
            for courier in (None, *PEOPLE):
                departure = f"{code}/{courier}"
                route_book.insert_departure(
                    connection, departure, route=code, mode=Mode.COURIER, cut_off=NOW,
                    departs=NOW, due=NOW + timedelta(hours=chance.draw.randint(1, 90)),
                )  # fmt: skip
                if courier or chance.often(0.5):
                    connection.execute(
                        insert(tables.waybill).values(
                            departure=departure, packages=1, courier=courier, body=b""
                        )
                    )


def _tell(chance: Chance, devices: tuple[Device, Device], seal: str, bag: str) -> list[Event]:
    """What was told of a bag, as far as it came; some of it corrected."""
    one, two = devices

    def tell(facts: Facts, second: str | None = None) -> Event:
        witness = None if second is None else (two, second)
        return one.tell(facts, officer="OFF-000009", witness=witness, seal=seal, bag=bag)

    told = [tell(Prepared())]
    if chance.often(0.8):
        told.append(tell(sealed(), PEOPLE[1]))
        for ordinal in range(1, chance.draw.choice((1, 2, 3))):
            taker = chance.draw.choice(PEOPLE)
            told.append(tell(HandedOver(ordinal, INTACT), taker))
            if chance.often(0.2):
                wrong = Corrected(event=told[-1].id, reason=DID_NOT_OCCUR, instead=())
                told.append(tell(wrong, PEOPLE[2]))
        if chance.often(0.4):
            told.append(tell(Recalled()))
        if chance.often(0.1):
            told.append(tell(Accounted(nonce="a5" * 16, complete=True)))
    return told


@pytest.fixture
def filled(engine: Engine, tmp_path: Path) -> Engine:
    """Bags by chance in every state, with what devices told of them."""
    Ministry(engine, tmp_path)
    chance = Chance(11)
    devices = Device("one"), Device("two")
    _leave(engine, chance, devices)
    with unit_of_work(engine) as connection:
        departures = list(
            connection.scalars(select(tables.departure.c.departure_id).order_by("departure_id"))
        )
        for number in range(BAGS):
            seal, bag = f"{number:032x}", f"{number:022d}"
            packers = sorted(chance.some(PEOPLE, 0.5))
            makeup.add_bag(connection, bag, place="MINREX", now=NOW)
            connection.execute(
                insert(tables.closing).values(
                    seal=seal, bag=bag, departure=chance.draw.choice(departures),
                    bag_class=chance.draw.choice(list(BagClass)).value, opened_at=clock.text(NOW),
                    packers=repository.text_of(packers), seals="[]", stage=Prepared.kind, lost=0,
                    recalled=0,
                )
            )  # fmt: skip
            told = _tell(chance, devices, seal, bag)
            for event in told:
                body = signed(event, *devices[: 2 if event.witness else 1])
                repository.insert_event(connection, event, body, caller="MINREX", now=NOW)
            custody.settle(connection, seal, NOW)
            if len(told) > 1 and chance.often(0.4):
                connection.execute(
                    insert(tables.receipt).values(
                        seal=seal, event_id=told[-1].id, post=chance.draw.choice(POSTS),
                        granted_at=clock.text(NOW),
                    )
                )  # fmt: skip
    return engine


class Books(Principals):
    """Stands for the books of officers: whoever asks is this one."""

    person: Principal

    def of(self, _connection: Connection, _officer: str, _now: datetime) -> Principal:
        return self.person


def _seated(connection: Connection, books: Books, policies: Policies | None = None) -> Sitting:
    gate = Gate(policies or default_policies())
    gate.principals = books
    return Sitting(seated(connection, "MINREX", gate, lambda: NOW), connection, NOW)


def _fetched(sitting: Sitting, person: Principal) -> list[str]:
    """What SQL alone lets through."""
    only = listing.shown_to(sitting, person.officer_id)
    return [each.seal for each in repository.closings_where(sitting.connection, only)]


def _bags(sitting: Sitting) -> dict[str, dict[str, Pouch]]:
    """Every bag as the policies see it when each of the people asks, by seal."""
    every = repository.closings_where(sitting.connection)
    return {
        person: {each.seal: sitting.bag_of(each, person) for each in every} for person in PEOPLE
    }


def _allowed(sitting: Sitting, person: Principal, bags: dict[str, dict[str, Pouch]]) -> list[str]:
    """What the engine shows of every bag, asked one by one."""
    asked = bags[person.officer_id]
    policies, context = sitting.office.gate.policies, Circumstances(NOW)
    answers = decide_many(policies, person, entitlement.LIST, list(asked.values()), context)
    return [seal for seal, answer in zip(asked, answers, strict=True) if answer.allowed]


def _person(chance: Chance) -> Principal:
    """Somebody whom bags concern, or anybody."""
    person = chance.principal()
    return person if chance.often(0.3) else replace(person, functions=chance.some(BAG_ROLES, 0.4))


@pytest.mark.slow
def test_a_list_fetches_what_the_engine_shows_and_no_other_bag(filled: Engine) -> None:
    """Short form 60 persons a database, long form 600 (`make gates`)."""
    chance, books = Chance(8), Books()
    shown = hidden = 0
    with reading(filled) as connection:
        sitting = _seated(connection, books)
        bags = _bags(sitting)
        for _ in range(600 if FULL else 60):
            books.person = person = _person(chance)
            rows = _fetched(sitting, person)
            assert rows == _allowed(sitting, person, bags), person
            shown, hidden = shown + len(rows), hidden + BAGS - len(rows)
    print(f"{shown} bags shown, {hidden} left out")
    assert min(shown, hidden) > 400


COURIER = Principal(
    PEOPLE[1], active=True, functions=frozenset({"COURIER"}), post="MINREX", clearance=4,
    habilitated_until=2**40, trained_until=2**40,
)  # fmt: skip


def test_a_courier_s_bags_are_those_entrusted_or_taken_until_they_arrived(filled: Engine) -> None:
    books = Books()
    books.person = COURIER
    with reading(filled) as connection:
        sitting = _seated(connection, books)
        seals = _fetched(sitting, COURIER)
        every = {each.seal: each for each in repository.closings_where(connection)}
        entrusted = {s for s in seals if every[s].departure.endswith(COURIER.officer_id)}
        back = {s for s in seals if outcomes.receipt_of(connection, s) is not None}
    assert 0 < len(entrusted) < len(seals) < BAGS
    assert 0 < len(back) < len(seals)  # recalled, received on the way, carried on home


OWN_POLICIES = (
    "resource.packer == principal.id",
    'resource.courier == "" || resource.courier != principal.id',
    '["OFF-000001", "OFF-000003"].contains(resource.courier)',
    "resource.level < 3 && resource.caveats.isEmpty()",
    f'resource.id == "{7:032x}" || resource.caveats.contains("NODIS")',
)


def test_policies_of_the_ministry_s_own_are_translated_too(filled: Engine) -> None:
    books = Books()
    with reading(filled) as connection:
        bags = _bags(_seated(connection, books))
        for when in OWN_POLICIES:
            text = (
                '@id("a") permit (principal, action == Action::"pouch-list", resource is Pouch) '
                f"when {{ {when} }};"
            )
            sitting = _seated(connection, books, read_policies(text))
            for person in PEOPLE:
                books.person = replace(COURIER, officer_id=person)
                found = _fetched(sitting, books.person)
                assert found == _allowed(sitting, books.person, bags), when
                assert 0 < len(found) < BAGS, when


def test_bags_cases_and_keys_under_way_are_filtered_alike(filled: Engine) -> None:
    books = Books()
    books.person = chief = replace(COURIER, functions=frozenset({"CHIEF-POUCH"}), clearance=2)
    number = chief.officer_id
    with unit_of_work(filled) as connection:
        disputed = _lay(connection)
        sitting = _seated(connection, books)
        allowed = set(_fetched(sitting, chief))
        stages = {each.seal: each.stage for each in repository.closings_where(connection)}
        under_way = [line.seal for line in views.under_way(sitting.office, by=number)]
        cases = [line.seal for line in views.open_cases(sitting.office, by=number)]
        keys = [each.seal for each in cargo.keys_under_way(sitting.office, by=number)]
    assert set(under_way) == {seal for seal in allowed if stages[seal] != "accounted"} < allowed
    assert set(cases) == {seal for seal in allowed if seal in disputed} < disputed
    assert set(keys) == {None, *cases}
    assert (len(cases), len(keys)) == (len(set(cases)), len(set(keys)))


def _lay(connection: Connection) -> set[str]:
    """Keys and an open case in every third bag, a closed one in the others; keys that wait."""
    disputed = {f"{number:032x}" for number in range(0, BAGS, 3)}
    for place, seal in enumerate([None, *sorted(disputed)]):
        connection.execute(
            insert(tables.hand_in).values(
                number=f"{place:010d}", destination="PARIS", kind="cryptographic", level="SECRET",
                weight_g=1, quantity=1, officer=PEOPLE[0], handed_at=clock.text(NOW), body=b"",
                seal=seal, line=None if seal is None else 1,
            )
        )  # fmt: skip
    for number in range(BAGS):
        seal = f"{number:032x}"
        connection.execute(
            insert(tables.discrepancy).values(
                discrepancy_id=f"C{number}", seal=seal, kind="bag-overdue", what="",
                severity="incident", state="reported" if seal in disputed else "closed",
                reporter=PEOPLE[0], reported_at=clock.text(NOW), state_at=clock.text(NOW),
            )
        )  # fmt: skip
    return disputed


@pytest.mark.parametrize(
    "ask",
    [lambda columns: columns.at_most("courier", 3), lambda columns: columns.holds("origin", "x")],
    ids=["at-most", "holds"],
)
def test_what_has_no_translation_is_refused_and_never_widened(
    engine: Engine, ask: Callable[[BagColumns], object]
) -> None:
    with pytest.raises(Untranslatable):
        ask(BagColumns(engine.dialect, default_scheme(), COURIER.officer_id))


def test_a_list_that_sql_made_too_wide_still_shows_only_what_the_engine_allows(
    filled: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(BagColumns, "at_most", lambda *_: true())
    books = Books()
    books.person = low = replace(COURIER, functions=frozenset({"CHIEF-POUCH"}), clearance=1)
    with reading(filled) as connection:
        sitting = _seated(connection, books)
        shown = listing.visible(sitting, low.officer_id)
    assert shown
    assert {each.bag_class for each in shown} == {
        *(BagClass.UNCLASSIFIED, BagClass.RESTRICTED, BagClass.CONTROLLED)
    }
    assert "wider than the policies" in caplog.text
