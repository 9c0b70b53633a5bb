"""One real ministry for these tests, its posts enrolled once; a fresh folder for each test."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.surfaces.client.online.live import LiveMinistry, Post
from tests.surfaces.client.online.relay import Relay


@dataclass(frozen=True)
class Pair:
    """Two posts that write to each other."""

    paris: Post
    lome: Post


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process try again without a pause."""
    for module in ("transport", "online_delivery", "online_inbox"):
        monkeypatch.setattr(f"cipher_service.client.{module}.sleep", lambda _seconds: None)


@pytest.fixture(scope="session")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveMinistry]:
    ministry = LiveMinistry(tmp_path_factory.mktemp("ministry") / "data")
    try:
        ministry.start()
        yield ministry
    finally:
        ministry.close()


@pytest.fixture(scope="session")
def enrolled(ministry: LiveMinistry, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Two posts enrolled for the whole session, each believing the other's card."""
    folder = tmp_path_factory.mktemp("posts")
    pair = Pair(
        ministry.enrolled("PARIS", folder / "PARIS"), ministry.enrolled("LOME", folder / "LOME")
    )
    pair.paris.confirm(pair.lome)
    pair.lome.confirm(pair.paris)
    return pair


@pytest.fixture
def relay(ministry: LiveMinistry) -> Iterator[Relay]:
    """The hostile outside world, between a post and its ministry."""
    with Relay(ministry.settings.port) as relay:
        yield relay


@pytest.fixture
def relayed(enrolled: Pair, relay: Relay, tmp_path: Path) -> Iterator[Post]:
    """PARIS, its folder lent, reaching the ministry through the relay for one test."""
    post = enrolled.paris
    pin = post.folder / "ministry.json"
    before = pin.read_bytes()
    pin.write_text(json.dumps({**json.loads(before), "server": relay.server}))
    kept = tmp_path / "ministry.json"
    kept.write_bytes(before)
    try:
        yield post
    finally:
        shutil.copyfile(kept, pin)
