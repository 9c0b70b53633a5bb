"""Two persons of a post and a third elsewhere, made once."""

import pytest

from tests.surfaces.client.offline.posts import Post, found


@pytest.fixture(scope="session")
def posts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Post]:
    """Identity folders by the code of their post."""
    folder = tmp_path_factory.mktemp("posts")
    return {code: found(folder, code) for code in ("YAOUNDE", "DOUALA", "LOME")}


@pytest.fixture
def yaounde(posts: dict[str, Post]) -> Post:
    """Who seals."""
    return posts["YAOUNDE"]


@pytest.fixture
def douala(posts: dict[str, Post]) -> Post:
    """Who witnesses."""
    return posts["DOUALA"]


@pytest.fixture
def lome(posts: dict[str, Post]) -> Post:
    """Whom nobody trusts."""
    return posts["LOME"]
