"""A ministry with two posts in service, on each database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.ministry import Ministry


@pytest.fixture
def ministry(engine: Engine, tmp_path: Path) -> Ministry:
    return Ministry(engine, tmp_path)
