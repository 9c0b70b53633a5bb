"""The bureau's keys are rotated under a service that runs, and nothing of it is started again."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cipher_service.administration.stage import Stage, chiffre
from keys.canonical import encode
from keys.cards import read_card
from keys.endorsement import read_introduction, root_fingerprint
from tests.support import postgres
from tests.surfaces.administration.ministry_on import ministry_on
from tests.surfaces.administration.running import done, given


@pytest.fixture(params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    url = ""
    if request.param == "postgresql":
        cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
        url = cluster.fresh()
    with ministry_on(tmp_path / "data", url) as on:
        yield on


def _introduced(on: Stage) -> tuple[str, str]:
    """Return the fingerprints of the card that the API shows, and of the root that it names."""
    told = httpx.get(f"{on.settings.issuer}/v1/service-card").raise_for_status().json()
    card = read_card(encode(told["card"]))
    return card.fingerprint, root_fingerprint(read_introduction(encode(told["root"]), card))


def test_the_running_service_signs_and_opens_as_what_is_in_force_now(
    running: Stage, tmp_path: Path
) -> None:
    text, paris = tmp_path / "texte.txt", running.identity("PARIS")
    text.write_text("Objet : clé.\n", "utf-8")
    running.enrol("PARIS")
    first, root = _introduced(running)
    writing = ("send", "--identity", paris, "--to", "MINREX", "--level", "SECRET", str(text))
    chiffre("en", *writing)

    card = given(running, "keys", "rotate")["fingerprint"]
    assert card != first
    assert _introduced(running) == (card, root)
    chiffre("en", "cards", "--identity", paris, "--fingerprint", card, "MINREX")
    chiffre("en", *writing)
    waiting = [each["dispatch_id"] for each in given(running, "bureau", "inbox")]
    assert len(waiting) == 2
    for number, each in enumerate(waiting):
        done(running, "bureau", "open", each, "-o", str(tmp_path / f"received-{number}"))
    people = ("--drafter", "A. Ndongo", "--authority", "SG")
    sent = done(running, "bureau", "send", "--to", "PARIS", "--level", "SECRET", *people, str(text))
    (fetched,) = chiffre(
        "en", "fetch", "--identity", paris, "--all", "--out", str(tmp_path / "paris")
    )
    assert fetched["id"] in sent
