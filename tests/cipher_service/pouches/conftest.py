"""A pouch bureau, on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service.storage.engine import open_engine
from tests.support.ministry import Ministry
from tests.support.office import PouchBureau
from tests.support.pouches import Pouches


@pytest.fixture
def pouches(engine: Engine, tmp_path: Path) -> Pouches:
    Ministry(engine, tmp_path)
    return Pouches(engine)


@pytest.fixture(scope="session")
def lasting_bureau(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PouchBureau, Path]:
    """Headquarters' bureau with a waybill, and its database to copy."""
    folder = tmp_path_factory.mktemp("bureau")
    path = folder / "ministry.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    bureau = PouchBureau(engine, folder)
    bureau.entrust()
    engine.dispose()
    return bureau, path


@pytest.fixture
def bureau(lasting_bureau: tuple[PouchBureau, Path], tmp_path: Path) -> Iterator[PouchBureau]:
    """That bureau on a database of its own."""
    made, path = lasting_bureau
    copy = tmp_path / "bureau.db"
    copy.write_bytes(path.read_bytes())
    engine = open_engine(f"sqlite:///{copy}")
    yield made.on(engine)
    engine.dispose()
