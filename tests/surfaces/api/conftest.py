"""One running service for the tests of the API, on each database; each test has its own posts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.conftest import DATABASES
from tests.support import postgres
from tests.surfaces.api.live import Post, Service, running

_POSTS = ("PARIS", "LOME", "WASHINGTON")


@pytest.fixture(scope="session")
def open_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Service]]:
    """Give the service on a database, each founded once, with its posts.

    They stay open: a fixture of the session with the databases as its parameters would end one
    whenever a file of tests turns to the other.
    """
    with ExitStack() as stack:

        @cache
        def opened(sort: str) -> Service:
            url = ""
            if sort == "postgresql":
                cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
                url = cluster.fresh()
            folder = tmp_path_factory.mktemp("ministry")
            service = stack.enter_context(running(folder, database_url=url))
            service.standing += [service.enrolled(code) for code in _POSTS]
            return service

        yield opened


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, open_service: Callable[[str], Service]) -> Service:
    """A service with two API processes."""
    return open_service(request.param)


@pytest.fixture(scope="module")
def posts(service: Service) -> list[Post]:
    """Posts that stay in service: what a test ends is a post of its own."""
    for post in service.standing:
        post.held_token = None  # a token lives five minutes, less than all files together
    return service.standing


@pytest.fixture
def paris(posts: list[Post]) -> Post:
    return posts[0]


@pytest.fixture
def lome(posts: list[Post]) -> Post:
    return posts[1]


@pytest.fixture
def washington(posts: list[Post]) -> Post:
    return posts[2]
