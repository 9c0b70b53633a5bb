"""What the demonstration leaves on its officers' desks, seen by each of them."""

from collections.abc import Iterator

import pytest

from cipher_service.administration.showing import make_links
from cipher_service.administration.stage import Stage, stage
from tests.console.conftest import POSTS, Enter


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A demonstration of its own: the others' tests count what lies on the desks."""
    with stage(tmp_path_factory.mktemp("sample") / "data", "fr", 1, console=True) as on:
        on.introduce({post: on.enrol(post) for post in POSTS})
        make_links(on, POSTS)
        yield on


SEEN: dict[str, dict[str, tuple[str, ...]]] = {
    "CIPHER-CLERK": {
        "/depeches/": ("Z FLASH", "PARIS 0001", "PARIS 0003", "0002 de PARIS manque"),
        "/depeches/?tray=dechiffrees": ("LOME 0001", "LOME 0002", "Chiffreur A."),
    },
    "DRAFTER": {"/depeches/miennes": ("brouillon", "attend sa lecture", "attend le visa")},
    "DEPUTY-DIRECTOR": {"/depeches/a-viser": ("Rédacteur C.",)},
    "CHIEF-CIPHER-POUCH": {
        "/depeches/a-viser": ("SECRET",),
        "/actes": ("Faire partir une dépêche",),
    },
    "CHIEF-POUCH": {
        "/valises": ("en retard", "en route", "en confection"),
        "/valises/scelles": ("en stock", "18"),
        "/valises/departs": ("1/1", "0/1"),
        "/valises/depot": ("Lettre", "240"),
        "/valises/irregularites": ("valise retenue",),
    },
    "SECURITY-OFFICER": {"/droits": ("Chiffreur B.",)},
}


def test_each_role_finds_its_work(enter: Enter) -> None:
    for role, pages in SEEN.items():
        tab = enter(role)
        for path, texts in pages.items():
            tab.goto(path)
            shown = tab.page.locator("main").inner_text()
            assert [text for text in texts if text not in shown] == [], (role, path, shown)
