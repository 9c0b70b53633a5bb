"""A ministry that an earlier release filled (`tests/vectors/make_earlier.py`)."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, Table, func, insert, inspect, select, text

from cipher_service.settings import FILE, Settings
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.ports import free_port

SHAPE = "0015_audit_questions"
ARCHIVE = Path(__file__).parents[1] / "vectors" / "earlier" / f"{SHAPE}.tar.xz"
Rows = dict[str, list[dict[str, object]]]


def unpack(folder: Path) -> Settings:
    """Lay the ministry out, at a free port that its posts are told of."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    data = folder / "data"
    for path in (data, *data.rglob("*"), *(folder / "holders").rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    (data / "run").mkdir(mode=0o700)
    before, port = Settings.load(data), free_port()
    for path in (data / FILE, *data.glob("posts/*/ministry.json")):
        told = path.read_text("utf-8").replace(before.issuer, f"http://127.0.0.1:{port}")
        path.write_text(told.replace(f"port = {before.port}\n", f"port = {port}\n"), "utf-8")
    return Settings.load(data)


def move_to(url: str, settings: Settings) -> Settings:
    """Let the same rows stand in PostgreSQL, in the shape of then, as that release left them."""
    source, target = open_engine(settings.database), open_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with unit_of_work(target) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, SHAPE)
    with reading(source) as old, unit_of_work(target) as new:
        for table in _tables(new):
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows:
                new.execute(insert(table), rows)
            _number_on(new, table)
    source.dispose()
    target.dispose()
    (settings.data / "ministry.db").unlink()
    file = settings.data / FILE
    told = file.read_text("utf-8").replace('database_url = ""', f'database_url = "{url}"')
    file.write_text(told, "utf-8")
    return Settings.load(settings.data)


def rows_of(engine: Engine) -> Rows:
    """Every row of every table that there is, the version aside."""
    with reading(engine) as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in _tables(connection)
        }


@contextmanager
def engine_of(settings: Settings) -> Iterator[Engine]:
    """An engine on the installation's database."""
    engine = open_engine(settings.database)
    try:
        yield engine
    finally:
        engine.dispose()


def _tables(connection: Connection) -> list[Table]:
    seen = MetaData()
    seen.reflect(connection)
    return [table for table in seen.sorted_tables if table.name != "alembic_version"]


def _number_on(connection: Connection, table: Table) -> None:
    """Let new rows be numbered behind those that came with their numbers."""
    for column in inspect(connection).get_columns(table.name):
        if column.get("identity") is not None:
            last = connection.scalar(select(func.max(table.c[column["name"]]))) or 0
            told = {"table": table.name, "column": column["name"], "next": last + 1}
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :next, false)"), told
            )
