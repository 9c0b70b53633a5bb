"""One running service for the tests of the API, on each database; each test has its own posts."""

from collections.abc import Iterator

import pytest

from tests.conftest import DATABASES
from tests.support import postgres
from tests.surfaces.api.live import Post, Service, running

_POSTS = ("PARIS", "LOME", "WASHINGTON")


@pytest.fixture(scope="session", params=DATABASES)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service with two API processes."""
    url = ""
    if request.param == "postgresql":
        cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
        url = cluster.fresh()
    with running(tmp_path_factory.mktemp("ministry"), database_url=url) as started:
        yield started


@pytest.fixture(scope="session")
def posts(service: Service) -> list[Post]:
    return [service.enrolled(code) for code in _POSTS]


@pytest.fixture
def paris(posts: list[Post]) -> Post:
    return posts[0]


@pytest.fixture
def lome(posts: list[Post]) -> Post:
    return posts[1]


@pytest.fixture
def washington(posts: list[Post]) -> Post:
    return posts[2]
