"""A post enrols again with new keys; its correspondents follow by the root's word alone."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cipher_service.administration.stage import Stage, chiffre
from cipher_service.client.online_refusals import Distrusted
from cipher_service.storage.engine import open_engine
from keys.statements import key_fingerprint
from tests.surfaces.administration.running import done, given, refused

SWAP = text("UPDATE card SET body = :body WHERE post = 'PARIS' AND state = 'active'")
CHANGE = text("UPDATE counter SET value = value + 1 WHERE name = 'directory'")
SHOWN = text("SELECT body FROM card WHERE post = 'PARIS' AND state = 'active'")


def _made(on: Stage, folder: Path) -> str:
    """Make a next edition of PARIS; return its fingerprint."""
    old = f"{on.identity('PARIS')}/PARIS.card"
    new = ("identity", "new", "--post", "PARIS", "--out", str(folder), "--previous", old)
    return str(chiffre("en", *new, "--no-passphrase")["fingerprint"])


def _enrolled_again(on: Stage, folder: Path) -> str:
    fingerprint = _made(on, folder)
    code = done(on, "post", "code", "PARIS").strip()
    chiffre(
        "en",
        *("enrol", "--identity", str(folder), "--server", on.settings.issuer, "--code", code),
        *("--service-fingerprint", key_fingerprint(on.founding.service_key)),
    )
    done(on, "post", "activate", "PARIS", "--fingerprint", fingerprint)
    life = given(on, "audit", "ask", "life", "PARIS")
    assert fingerprint in {line.get("card") for line in life if line["action"] == "post_activate"}
    return fingerprint


def _swapped(on: Stage, body: bytes) -> bytes:
    """Let the directory show another card for PARIS; return the one that it showed."""
    engine = open_engine(on.settings.database)
    with engine.begin() as connection:
        shown: bytes = connection.scalar(SHOWN)
        connection.execute(SWAP, {"body": body})
        connection.execute(CHANGE)
    engine.dispose()
    return shown


def _confirmed(on: Stage) -> Any:
    return chiffre("en", "cards", "--identity", on.identity("LOME"), "PARIS")[0]


def test_a_next_edition_is_followed_and_a_swapped_card_is_not(
    ministry: Stage, tmp_path: Path
) -> None:
    """The lie is sound in itself: PARIS, edition 2, naming edition 1, signed by its own keys."""
    fingerprint = _enrolled_again(ministry, tmp_path / "PARIS-2")
    _made(ministry, tmp_path / "forged")
    true = _swapped(ministry, (tmp_path / "forged" / "PARIS.card").read_bytes().strip())
    with pytest.raises(Distrusted) as refusal:
        _confirmed(ministry)
    assert refusal.value.code == "CARD_CHANGED"

    _swapped(ministry, true)
    told = _confirmed(ministry)
    assert (told["edition"], told["fingerprint"], told["standing"]) == (2, fingerprint, "replaced")
    assert _confirmed(ministry)["standing"] == "known"

    listed = {(each["key"], each["number"]) for each in given(ministry, "keys", "list")}
    assert {("post/PARIS", 2), ("bureau/MINREX", 1)} <= listed
    done(ministry, "post", "endorse", "PARIS")
    refused(ministry, "UNKNOWN_POST", "post", "endorse", "NOWHERE")
