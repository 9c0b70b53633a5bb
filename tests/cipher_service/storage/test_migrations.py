"""The versions of the database lead to the tables that the code names."""

from importlib import import_module
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import DatabaseError

from cipher_service import clock
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.organisation_book import load
from cipher_service.pouches import makeup, repository, route_book
from cipher_service.storage import migrations
from cipher_service.storage.migrations import is_current, upgrade, version
from cipher_service.storage.statements import insert_or_skip
from cipher_service.storage.tables import metadata
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.events import Event
from pouch.facts import DID_NOT_OCCUR, Corrected, Prepared
from pouch.manifest import Mode
from tests.support.bags import BAG, NOON, SEAL, Voyage, signed
from tests.support.pouches import route

EARLIER = "0013_approvals"
LAST_TABLE = "CREATE TABLE controlled_item (obstacle TEXT)"


def test_an_empty_database_is_brought_to_the_present_shape(empty_engine: Engine) -> None:
    assert version(empty_engine) is None
    assert not is_current(empty_engine)
    upgrade(empty_engine)
    assert is_current(empty_engine)


def test_the_versions_give_exactly_the_tables_of_the_metadata(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_checks_and_partial_indexes_are_there_too(empty_engine: Engine) -> None:
    """Alembic's comparison does not look at these."""
    upgrade(empty_engine)
    found = inspect(empty_engine)
    for table in metadata.sorted_tables:
        wanted = {c.name for c in table.constraints if c.__class__.__name__ == "CheckConstraint"}
        assert {c["name"] for c in found.get_check_constraints(table.name)} == wanted, table.name
        assert {
            i["name"] for i in found.get_indexes(table.name) if "duplicates_constraint" not in i
        } == {i.name for i in table.indexes}, table.name


def test_upgrading_twice_changes_nothing(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    before = version(empty_engine)
    upgrade(empty_engine)
    assert version(empty_engine) == before


def test_an_upgrade_that_fails_leaves_the_older_database_as_it_was(empty_engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with unit_of_work(empty_engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, EARLIER)
        connection.execute(text("INSERT INTO counter (name, value) VALUES ('register/2025', 41)"))
        # Where the last of the missing versions will fail, after those between.
        connection.execute(text(LAST_TABLE))
    before = set(inspect(empty_engine).get_table_names())

    with pytest.raises(DatabaseError):
        upgrade(empty_engine)
    assert version(empty_engine) == EARLIER
    assert set(inspect(empty_engine).get_table_names()) == before

    with unit_of_work(empty_engine) as connection:
        connection.execute(text("DROP TABLE controlled_item"))
    upgrade(empty_engine)
    assert is_current(empty_engine)
    with reading(empty_engine) as connection:
        assert connection.execute(text("SELECT name, value FROM counter")).all() == [
            ("register/2025", 41)
        ]


def test_who_took_a_bag_is_told_again_for_the_bags_of_before(empty_engine: Engine) -> None:
    """Events on record keep their bytes; what lists ask about them is a column since."""
    before = import_module("cipher_service.storage.migrations.versions.0055_bag_takers")
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    voyage = Voyage()
    told = voyage.events()
    wrong = voyage.desk.tell(
        Corrected(event=told[2].id, reason=DID_NOT_OCCUR, instead=()),
        officer="ABENA",
        witness=(voyage.second, "BIYA-C"),
    )
    others = [voyage.desk.tell(Prepared(), officer="ABENA", seal="0b" * 16)]
    with unit_of_work(empty_engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, before.down_revision)
        load(connection, default_organisation(), NOON)
        begun(connection, SEAL, "0b" * 16)
        for event in (*told, wrong, *others):
            kept(connection, event, voyage)

    upgrade(empty_engine)

    book = tables.closing
    with reading(empty_engine) as connection:
        found = connection.execute(select(book.c.seal, book.c.takers).order_by(book.c.seal))
        assert found.all() == [("0b" * 16, None), (SEAL, '["PAUL"]')]


def test_the_last_rectification_of_before_has_the_weight_that_its_bag_has(
    empty_engine: Engine,
) -> None:
    since = import_module("cipher_service.storage.migrations.versions.0071_rectified_weights")
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with unit_of_work(empty_engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, since.down_revision)
        load(connection, default_organisation(), NOON)
        begun(connection, SEAL, "0b" * 16)
        repository.change_closing(connection, SEAL, rectified_g=9_400)
        for ordinal in (1, 2):
            connection.execute(
                insert(tables.rectification).values(
                    seal=SEAL, ordinal=ordinal, number=f"V/R{ordinal}", hash="a5" * 32,
                    made_at=clock.text(NOON), first="OFF-1", second="OFF-2", body=b"sealed",
                )
            )  # fmt: skip

    upgrade(empty_engine)

    book = tables.rectification
    with reading(empty_engine) as connection:
        found = connection.execute(select(book.c.weight_g).order_by(book.c.ordinal))
        assert list(found.scalars()) == [None, 9_400]


def begun(connection: Connection, *seals: str) -> None:
    """Closings of a version that knew no takers."""
    at = clock.text(NOON)
    route_book.insert_route(connection, route())
    route_book.insert_departure(
        connection, "D-1", route="R-PARIS", mode=Mode.COURIER, cut_off=NOON, departs=NOON, due=NOON
    )
    makeup.add_bag(connection, BAG, place="MINREX", now=NOON)
    for seal in seals:
        connection.execute(
            insert(tables.closing).values(
                seal=seal, bag=BAG, departure="D-1", bag_class="SECRET", opened_at=at,
                packers="[]", seals="[]", stage="prepared", lost=0, recalled=0,
            )
        )  # fmt: skip


def kept(connection: Connection, event: Event, voyage: Voyage) -> None:
    """An event on record, its devices with it."""
    known = {each.id: each for each in vars(voyage).values()}
    names = [event.device, *([event.witness.device] if event.witness else [])]
    for name in names:
        connection.execute(
            insert_or_skip(tables.device, ["device_id"]).values(
                device_id=name, post="MINREX", ed25519=known[name].public, state="active",
                enrolled_at=clock.text(NOON),
            )
        )  # fmt: skip
    body = signed(event, *(known[name] for name in names))
    repository.insert_event(connection, event, body, caller="MINREX", now=NOON)
