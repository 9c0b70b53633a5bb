"""A pouch bureau, on each database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.ministry import Ministry
from tests.support.pouches import Pouches


@pytest.fixture
def pouches(engine: Engine, tmp_path: Path) -> Pouches:
    Ministry(engine, tmp_path)
    return Pouches(engine)
