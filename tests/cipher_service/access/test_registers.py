"""Lists in SQL show exactly what the engine would, on both databases; the rest does not exist."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select

from cipher_service import clock
from cipher_service.access import registers
from cipher_service.access.decisions import decide_many
from cipher_service.access.policies import default_policies, read_policies
from cipher_service.access.principals import ABOVE_ALL, Principals
from cipher_service.access.residuals import Columns, Untranslatable, condition, translate
from cipher_service.access.subjects import Circumstances, Principal
from cipher_service.console.posts import traffic
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Identity, Window
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.organisation_book import load
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.storage.tables.access import handling
from cipher_service.storage.tables.directory import card
from cipher_service.storage.tables.dispatches import addressee, dispatch
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.canonical import encode
from tests.cipher_service.access.populations import NOW, PEOPLE, POSTS, Chance
from tests.support.ministry import post_keys

POLICIES = default_policies()
FULL = os.environ.get("GATES") == "full"
CODES = [level.code for level in default_scheme().levels]


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """150 dispatches by chance, one of them under a level that the scheme does not know."""
    chance = Chance(3)
    with unit_of_work(engine) as connection:
        load(connection, default_organisation(), NOW)
        keys_of = post_keys("PARIS")
        connection.execute(
            card.insert().values(
                fingerprint=keys_of.card.fingerprint, post="PARIS", edition=1,
                valid_from=clock.text(NOW), valid_until=clock.text(NOW), body=b"x", state="pending",
                recorded_at=clock.text(NOW), state_at=clock.text(NOW),
            )
        )  # fmt: skip
        for number in range(1, 151):
            add(connection, chance, number, keys_of.card.fingerprint)
    return engine


def add(connection: Connection, chance: Chance, number: int, fingerprint: str) -> None:
    thing = chance.dispatch(f"D{number}")
    seq = connection.scalar(
        dispatch.insert().values(
            dispatch_id=thing.identifier, origin=thing.origin, origin_card=fingerprint,
            kind="telegram", level="OLD-LEVEL" if number == 150 else CODES[thing.level],
            caveats=encode(sorted(thing.caveats)).decode(), dtg=clock.text(NOW), sha256="0",
            size=1, received_at=clock.text(NOW), register_year=2026, register_number=number,
        ).returning(dispatch.c.seq)
    )  # fmt: skip
    for place, post in enumerate(sorted(thing.addressees)):
        connection.execute(
            addressee.insert().values(
                dispatch=seq, post=post, position=place, origin=thing.origin, fingerprint="f",
                role="action", precedence="ROUTINE", delivery="cipher", place=number,
                state="pending", state_at=clock.text(NOW),
            )
        )  # fmt: skip
    if number % 4:
        connection.execute(
            handling.insert().values(
                dispatch_id=thing.identifier, author=thing.author, assigned=thing.assigned,
                file=thing.file, releasable=encode(sorted(thing.releasable)).decode(),
            )
        )  # fmt: skip


def everything(connection: Connection) -> list[Any]:
    return list(connection.execute(select(dispatch).order_by(dispatch.c.seq.desc())))


@pytest.mark.slow
@pytest.mark.no_cover  # the same lines 18,000 times, which the other tests count
def test_the_list_is_what_the_engine_allows_of_every_row(filled: Engine) -> None:
    """Short form 18,000 pairs a database, long form 150,000 (`make gates`)."""
    chance = Chance(8)
    shown = 0
    with reading(filled) as connection:
        rows = everything(connection)
        things = registers.subjects(connection, rows, default_scheme())
        assert things[0].level == ABOVE_ALL
        for _ in range(1_000 if FULL else 120):
            person = chance.principal()
            answers = decide_many(POLICIES, person, "list", things, Circumstances(NOW))
            wanted = [
                thing.identifier for thing, a in zip(things, answers, strict=True) if a.allowed
            ]
            found = registers.page(connection, POLICIES, person, NOW)
            assert [row.dispatch_id for row in found] == wanted, person
            shown += len(wanted)
    print(f"{shown} rows shown")
    assert shown > 500


def test_pages_join_without_gap_or_double(filled: Engine) -> None:
    minister = Principal(
        "OFF-1", active=True, functions=frozenset({"MINISTER"}), post="MINREX", clearance=4,
        caveats=frozenset({"NODIS", "EXDIS"}), habilitated_until=2**40, trained_until=2**40,
    )  # fmt: skip
    with reading(filled) as connection:
        whole = registers.page(connection, POLICIES, minister, NOW)
        joined: list[Any] = []
        before = None
        while part := registers.page(connection, POLICIES, minister, NOW, before=before, limit=7):
            joined += part
            before = part[-1].seq
    assert joined == whole
    assert len(whole) > 50


def test_numbers_per_day_count_what_the_list_shows(filled: Engine) -> None:
    blind = Principal(PEOPLE[0], active=True, functions=frozenset({"MINISTER"}), post="MINREX")
    sees = replace(
        blind, clearance=4, caveats=frozenset({"NODIS", "EXDIS"}), habilitated_until=2**40,
        trained_until=2**40,
    )  # fmt: skip
    seat = POSTS[0]
    with reading(filled) as connection:
        shown = [row.seq for row in registers.page(connection, POLICIES, sees, NOW)]
        ours = (dispatch.c.origin == seat) | (addressee.c.post == seat)
        lines = select(func.count()).select_from(addressee.join(dispatch))
        wanted = connection.scalar(lines.where(dispatch.c.seq.in_(shown), ours))
        counts = traffic.count(connection, POLICIES, sees, seat, NOW)
        assert sum(counts.values()) == wanted
        assert wanted
        assert {came for _, _, came in counts} == {True, False}
        assert traffic.count(connection, POLICIES, blind, seat, NOW) == {}
        assert traffic.count(connection, POLICIES, sees, seat, NOW + timedelta(days=14)) == {}


def test_what_is_not_visible_does_not_exist(filled: Engine) -> None:
    blind = Principal(PEOPLE[0], active=True, functions=frozenset({"MINISTER"}), post="MINREX")
    sees = replace(
        blind, clearance=4, caveats=frozenset({"NODIS", "EXDIS"}), habilitated_until=2**40,
        trained_until=2**40, post=POSTS[1],
    )  # fmt: skip
    told = []
    with reading(filled) as connection:
        assert registers.page(connection, POLICIES, blind, NOW) == []
        visible = registers.page(connection, POLICIES, sees, NOW)[0].dispatch_id
        assert registers.find(connection, POLICIES, sees, visible, NOW).identifier == visible
        for person, name in ((blind, visible), (sees, "D999"), (sees, "D150")):
            with pytest.raises(ServiceError) as refused:
                registers.find(connection, POLICIES, person, name, NOW)
            told.append(str(refused.value))
    assert set(told) == {"NOT_FOUND"}


def test_one_condition_has_one_form_in_sql_each_time(engine: Engine) -> None:
    """Another order of the same alternatives would be compiled, and kept, as another statement."""
    functions = frozenset({"CIPHER-CLERK", "CHIEF-CIPHER-POUCH"})
    officer = replace(Chance(1).principal(), active=True, functions=functions, mandates=())
    columns = registers.DispatchColumns(engine.dialect, default_scheme())
    forms = {
        str(condition(POLICIES, officer, "list", Circumstances(NOW), columns)) for _ in range(20)
    }
    assert len(forms) == 1
    assert "0 = 1" not in forms.pop(), "what can never apply is left out"


def test_a_list_that_sql_made_too_wide_still_shows_only_what_the_engine_allows(
    filled: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        registers.DispatchColumns, "at_most", lambda _s, _a, _b: dispatch.c.seq == dispatch.c.seq
    )
    low = replace(
        Chance(1).principal(), active=True, functions=frozenset({"MINISTER"}), clearance=1,
        caveats=frozenset({"NODIS", "EXDIS"}), habilitated_from=0, habilitated_until=2**40,
        trained_until=2**40,
    )  # fmt: skip
    with reading(filled) as connection:
        rows = registers.page(connection, POLICIES, low, NOW)
    assert rows
    assert {row.level for row in rows} <= set(CODES[:2])
    assert "wider than the policies" in caplog.text


@pytest.mark.parametrize(
    "when",
    [
        'if resource.level > 2 then true else resource.file == ""',
        'resource.file like "F*"',
        "resource.caveats == resource.releasable",
        "resource.level + 1 > 3",
        "resource.caveats.containsAny(resource.releasable)",
        "resource.level == resource.level",
    ],
)
def test_a_form_without_translation_is_refused_and_never_widened(engine: Engine, when: str) -> None:
    text = f'@id("a") permit (principal, action, resource is Dispatch) when {{ {when} }};'
    person = Chance(1).principal()
    columns = registers.DispatchColumns(engine.dialect, default_scheme())
    with pytest.raises(Untranslatable):
        condition(read_policies(text), person, "list", Circumstances(NOW), columns)


ID = {".": {"left": {"unknown": [{"Value": "resource"}]}, "attr": "id"}}


@pytest.mark.parametrize(
    "node",
    [
        {"a": 1, "b": 2},
        {"==": {"left": {".": {"left": {"Var": "x"}, "attr": "id"}}, "right": {"Value": "a"}}},
        {"==": {"left": ID, "right": {"Value": True}}},
        {"<": {"left": ID, "right": {"Value": "a"}}},
        {"containsAny": {"left": {"Value": 1}, "right": {"Value": 2}}},
    ],
)  # fmt: skip
def test_what_the_engine_never_gives_is_refused_too(node: dict[str, Any]) -> None:
    with pytest.raises(Untranslatable):
        translate(node, Columns())


@pytest.mark.parametrize(
    "ask",
    [
        lambda columns: columns.equals("a", 1),
        lambda columns: columns.one_of("a", []),
        lambda columns: columns.at_most("a", 1),
        lambda columns: columns.holds("a", "x"),
        lambda columns: columns.within("a", []),
    ],
)
def test_an_unknown_attribute_is_refused(ask: Callable[[Columns], object]) -> None:
    with pytest.raises(Untranslatable):
        ask(Columns())


def test_a_person_is_read_from_the_books_and_a_change_is_seen_at_once(filled: Engine) -> None:
    person = Identity("A", "CAE", NOW.date(), NOW.date(), None, "MINREX")
    later = NOW + timedelta(days=1)
    window = Window(NOW, NOW + timedelta(days=9))
    reader, other = Principals(), Principals()  # two processes
    with unit_of_work(filled) as connection:
        officer = officers.add(connection, person, NOW)
        officers.assign(connection, officer, "DEPUTY-DIRECTOR", window, act="A", by=None)
        authorisations.habilitate(
            connection, officer, Clearance("SECRET", ("NODIS",), window, later),
            act="H", proposer=None, grantor=None, now=NOW,
        )  # fmt: skip
        authorisations.grant_need(connection, officer, "post", "PARIS", window, reason="x", by=None)
    with reading(filled) as connection:
        for one in (reader, other, reader):
            known = one.of(connection, officer, NOW)
            assert known.functions == {"DEPUTY-DIRECTOR"}
            assert (known.clearance, known.caveats, known.need_posts) == (
                3,
                frozenset({"NODIS"}),
                frozenset({"PARIS"}),
            )
        assert reader.of(connection, officer, NOW + timedelta(days=9)).functions == frozenset()
        seen = registers.page(connection, POLICIES, known, NOW)
        assert seen
        assert registers.page(connection, POLICIES, known, later) == []  # the training lapsed
    with unit_of_work(filled) as connection:
        officers.set_state(connection, officer, "suspended", NOW)
    for one in (reader, other):
        with reading(filled) as connection:
            frozen = one.of(connection, officer, NOW)
            assert not frozen.active
            assert registers.page(connection, POLICIES, frozen, NOW) == []
