"""Bags sealed by the real program."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cipher_service.valise.__main__ import main
from tests.surfaces.client.offline.posts import Post, chiffre, environment

valise = partial(chiffre, main=main)


def draft(place: Path, change: Mapping[str, Any] | None = None) -> Path:
    """Write what `valise example` shows, with other members on top."""
    shown = valise("example")
    assert shown.status == 0, shown.err
    path = place / "draft.json"
    path.write_text(json.dumps({**json.loads(shown.out), **(change or {})}), "utf-8")
    return path


@dataclass(frozen=True)
class Bag:
    """What `valise seal` wrote.

    Attributes:
        folder: with seal.txt, seal.png and the rest.
        card: of the post that sealed.
    """

    folder: Path
    card: Path

    @property
    def text(self) -> str:
        """The seal's digits."""
        return (self.folder / "seal.txt").read_text("ascii").strip()


def sealed(place: Path, sealer: Post, *more: object, name: str = "sealed", **change: Any) -> Bag:
    """Seal the example, changed; `more` goes to `valise seal`."""
    out = place / name
    done = valise(
        "seal", "--identity", sealer.identity, "--manifest", draft(place, change), "-o", out, *more
    )
    assert done.status == 0, done.err
    return Bag(out, sealer.identity / f"{sealer.code}.card")


def state(place: Path) -> dict[str, str]:
    """An environment whose memory of packs is in `place`."""
    return environment(XDG_STATE_HOME=str(place / "state"))
