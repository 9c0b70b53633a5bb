"""Posts made once; each test works with copies of their folders."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.surfaces.client.offline.posts import Post, found

Founder = Callable[[str], Post]


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founder:
    """Give a post that nobody has used yet, by its code."""
    folder = tmp_path_factory.mktemp("posts")
    made: dict[str, Post] = {}

    def give(code: str) -> Post:
        if code not in made:
            made[code] = found(folder, code)
        return made[code]

    return give


def _copy(post: Post, place: Path) -> Post:
    folder = place / f"identity-{post.code}"
    shutil.copytree(post.identity, folder)
    return Post(post.code, folder)


@pytest.fixture
def lome(founded: Founder, tmp_path: Path) -> Post:
    """A post that writes."""
    return _copy(founded("LOME"), tmp_path)


@pytest.fixture
def paris(founded: Founder, tmp_path: Path) -> Post:
    """A post that reads."""
    return _copy(founded("PARIS"), tmp_path)


@pytest.fixture
def accra(founded: Founder, tmp_path: Path) -> Post:
    """A third post."""
    return _copy(founded("ACCRA"), tmp_path)
