"""Fixtures for every test: both databases, real ones."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service.storage.engine import open_engine
from cipher_service.storage.migrations import upgrade
from cipher_service.storage.tables import metadata
from tests.support import postgres
from tests.support.counting import Counting

# Whoever runs the tests in the background may have SIGINT ignored, and every command that a test
# starts would inherit that: Ctrl-C could then not be tried.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What tests write need not outlive the machine, and each wait for a disk is one for its test: their
# folders lie in memory where it has room. What must survive a power loss is tried by
# tests/gates/powerloss.py, which forgets what was not flushed, wherever it lies.
MEMORY = Path("/dev/shm")  # noqa: S108  pytest makes folders in it that are its owner's alone
ROOM = 6 * 2**30
"""Bytes: twice what the folders of one run of all tests take at once."""
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

DATABASES = ("sqlite", "postgresql")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Counting())


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """One server for this test process; its database `ministry` has the present shape."""
    with postgres.cluster() as cluster:
        cluster.administer("CREATE DATABASE ministry")
        engine = open_engine(cluster.url("ministry"))
        upgrade(engine)
        engine.dispose()
        yield cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded database of the present shape, to copy."""
    path = tmp_path_factory.mktemp("template") / "ministry.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of its own for one test, of the present shape and empty."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "ministry.db"
        path.write_bytes(template.read_bytes())
        yield f"sqlite:///{path}"
        return
    cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
    # Children first. Identity columns go on counting, as they do after any rollback.
    cluster.empty("ministry", [table.name for table in reversed(metadata.sorted_tables)])
    yield cluster.url("ministry")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on `database_url`."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=DATABASES)
def empty_engine(
    request: pytest.FixtureRequest, tmp_path: Path, open_empty: Callable[[str, Path], Engine]
) -> Iterator[Engine]:
    """An engine on a database that no version has shaped yet."""
    engine = open_empty(request.param, tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def open_empty(request: pytest.FixtureRequest) -> Callable[[str, Path], Engine]:
    """Open an unshaped database of the given sort."""

    def opened(sort: str, folder: Path) -> Engine:
        if sort == "sqlite":
            return open_engine(f"sqlite:///{folder / 'empty.db'}")
        cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
        return open_engine(cluster.fresh())

    return opened
