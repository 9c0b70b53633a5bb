"""A ministry that runs, with two posts that know each other; a module has its own."""

from collections.abc import Iterator

import pytest

from cipher_service.administration.stage import Stage, stage


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage with PARIS and LOME enrolled."""
    with stage(tmp_path_factory.mktemp("ministry") / "data", "en", 1) as on:
        on.introduce({post: on.enrol(post) for post in ("PARIS", "LOME")})
        yield on
