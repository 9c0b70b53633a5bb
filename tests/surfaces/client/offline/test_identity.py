"""A post makes its identity: the secret part is its own, the card is for everybody."""

import json
import stat
from pathlib import Path

import pytest

from keys.cards import read_card
from tests.surfaces.client.offline.posts import Post, chiffre


def test_an_identity_has_a_secret_part_and_a_card(tmp_path: Path) -> None:
    made = chiffre(
        "identity",
        "new",
        "--post",
        "NEWYORK-ONU",
        "--out",
        tmp_path / "ny",
        "--json",
        "--no-passphrase",
    )

    assert made.status == 0, made.err
    card = read_card((tmp_path / "ny" / "NEWYORK-ONU.card").read_bytes())
    members = json.loads((tmp_path / "ny" / "NEWYORK-ONU.card").read_bytes())
    assert (card.post, card.edition, card.previous) == ("NEWYORK-ONU", 1, None)
    assert made.record["fingerprint"] == card.fingerprint == members["fingerprint"]
    assert members["recipient"].startswith("age1pq1")
    assert {"post", "edition", "valid_from", "valid_until", "ed25519", "mldsa65"} < set(members)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in [tmp_path / "ny", *(tmp_path / "ny").iterdir()]
    }
    assert modes == {"ny": 0o700, "secret.json": 0o600, "NEWYORK-ONU.card": 0o644}


@pytest.mark.parametrize("code", ["lome", "L", "-LOME", "LOMÉ", "A" * 17, "", "../LOME", "LO ME"])
def test_a_code_that_is_none_makes_nothing(tmp_path: Path, code: str) -> None:
    made = chiffre("identity", "new", f"--post={code}", "--out", tmp_path / "x", "--no-passphrase")
    assert made.status == 2
    assert "(POST_INVALID)" in made.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("days", ["0", "-1", "4000"])
def test_a_validity_that_is_none_makes_nothing(tmp_path: Path, days: str) -> None:
    made = chiffre(
        *("identity", "new", "--post", "LOME", "--out", tmp_path / "x", "--no-passphrase"),
        f"--days={days}",
    )
    assert (made.status, "(DAYS_INVALID)" in made.err) == (2, True)
    assert not (tmp_path / "x").exists()


def test_an_identity_is_never_overwritten(lome: Post) -> None:
    before = lome.tree()
    made = chiffre("identity", "new", "--post", "LOME", "--out", lome.identity, "--no-passphrase")
    assert made.status == 1
    assert "(IDENTITY_EXISTS)" in made.err
    assert lome.tree() == before


def test_a_next_edition_names_the_one_before(lome: Post, paris: Post, tmp_path: Path) -> None:
    common = ("identity", "new", "--post", "LOME", "--out", tmp_path / "next", "--no-passphrase")
    wrong = chiffre(*common, "--previous", paris.card)
    assert (wrong.status, "(PREVIOUS_OF_ANOTHER)" in wrong.err) == (2, True)

    assert chiffre(*common, "--previous", lome.card).status == 0

    card = read_card((tmp_path / "next" / "LOME.card").read_bytes())
    assert card.edition == 2
    assert card.previous == read_card(lome.card.read_bytes()).fingerprint
    assert "Précédente" in chiffre("card", "show", tmp_path / "next" / "LOME.card").out


def test_secrets_that_belong_to_another_card(lome: Post, paris: Post, tmp_path: Path) -> None:
    secret = json.loads((lome.identity / "secret.json").read_text())
    other = json.loads((paris.identity / "secret.json").read_text())
    secret["ed25519"] = other["ed25519"]
    (lome.identity / "secret.json").write_text(
        json.dumps(secret, sort_keys=True, separators=(",", ":"))
    )
    ending = lome.encipher(paris, out=tmp_path / "d.age")
    assert ending.status == 1
    assert "(IDENTITY_INVALID)" in ending.err
