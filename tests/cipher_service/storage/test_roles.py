"""The database's own roles: what the service may not do is refused whatever the code says."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from cipher_service.audit.journal import Journal
from cipher_service.storage import migrations, second_store
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables import metadata
from cipher_service.storage.unit_of_work import unit_of_work
from keys.age.hybrid import HybridKey
from keys.custody.backups import make_backup_key
from keys.custody.shares import Holder
from tests.support import postgres
from tests.support.ministry import Ministry

ROLES = Path(__file__).resolve().parents[3] / "deploy" / "postgresql" / "roles.sql"
LOG = ("audit_entry", "audit_tile", "audit_checkpoint", "audit_witness", "audit_cosignature")


class Roles:
    """A database as `roles.sql` leaves it, and who may come in."""

    def __init__(self, cluster: postgres.Cluster) -> None:
        self.cluster = cluster
        self.url = cluster.fresh()
        self.database = self.url.rpartition("/")[2]
        engine = open_engine(self.url)
        migrations.upgrade(engine)
        engine.dispose()
        for _ in range(2):  # once more changes nothing
            with self.connect(postgres.USER) as connection:
                connection.execute(ROLES.read_bytes())

    def connect(self, user: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host="127.0.0.1",
            port=self.cluster.port,
            user=user,
            dbname=self.database,
            autocommit=True,
        )

    def engine(self, user: str) -> Engine:
        return open_engine(self.url.replace(f"{postgres.USER}@", f"{user}@"))

    def refuses(self, user: str, statement: str, *names: str) -> None:
        """Hold that a statement, `{}` standing for each name, is not the user's to make."""
        composed = sql.SQL(statement).format(*map(sql.Identifier, names))
        with (
            self.connect(user) as connection,
            pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFile)),
        ):
            connection.execute(composed)


@pytest.fixture(scope="module")
def roles(postgres_cluster: postgres.Cluster) -> Roles:
    return Roles(postgres_cluster)


@pytest.fixture(scope="module")
def service(roles: Roles) -> Iterator[Engine]:
    engine = roles.engine("cipher_service")
    yield engine
    engine.dispose()


def test_the_service_works_as_its_role(service: Engine, tmp_path: Path) -> None:
    Ministry(service, tmp_path)
    with Journal(service, "ministry.example/audit", "account/test").act("try", "one") as connection:
        assert connection.dialect.name == "postgresql"


def test_the_owner_begins_a_second_store_and_the_service_tells_it(
    roles: Roles, service: Engine, tmp_path: Path
) -> None:
    key = make_backup_key(
        2, [Holder(f"GARDE-{each}", HybridKey.generate().recipient) for each in "AB"]
    )
    owner = roles.engine("cipher_owner")
    with unit_of_work(owner) as connection:
        name = second_store.begin(connection, tmp_path, tmp_path, key.key)
    with Journal(service, "ministry.example/audit", "account/test").act("try", "two"):
        pass
    assert len(list((tmp_path / name).glob("*.records"))) == 1
    with unit_of_work(owner) as connection:
        second_store.end(connection)
    owner.dispose()


@pytest.mark.parametrize("table", LOG)
def test_the_service_only_adds_to_the_log(roles: Roles, table: str) -> None:
    for statement in ("DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"):
        roles.refuses("cipher_service", statement, table)
    with roles.connect("cipher_service") as connection:
        name = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s LIMIT 1",
            [table],
        ).fetchone()
    assert name is not None
    column = str(name[0])
    roles.refuses("cipher_service", "UPDATE {} SET {} = {}", table, column, column)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a int)",
        "ALTER TABLE counter ADD COLUMN b int",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DELETE FROM audit_log",
        "UPDATE alembic_version SET version_num = 'x'",
        "CREATE ROLE friend",
        "COPY counter TO PROGRAM 'id'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_the_service_changes_no_shape_and_no_guard(roles: Roles, statement: str) -> None:
    roles.refuses("cipher_service", statement)


def test_an_auditor_reads_the_log_and_nothing_else(roles: Roles) -> None:
    with roles.connect("cipher_auditor") as connection:
        connection.execute("SELECT count(*) FROM audit_entry")
    for table in metadata.sorted_tables:
        if not table.name.startswith("audit_"):
            roles.refuses("cipher_auditor", "SELECT count(*) FROM {}", table.name)
    roles.refuses("cipher_auditor", "DELETE FROM audit_entry")


def test_only_the_three_come_in_and_the_owner_upgrades(roles: Roles) -> None:
    roles.cluster.administer("CREATE ROLE stranger LOGIN")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        roles.connect("stranger")
    owner = roles.engine("cipher_owner")
    try:
        migrations.upgrade(owner)
        assert migrations.is_current(owner)
    finally:
        owner.dispose()
    with roles.connect("cipher_owner") as connection:
        connection.execute("CREATE TABLE later (a int)")
        connection.execute("DROP TABLE later")
