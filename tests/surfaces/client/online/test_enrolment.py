"""Nothing is believed before a person compared it, and nothing believed changes by itself."""

import json
import os
import pty
import select
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cipher_service import clock
from keys.canonical import text_from_bytes
from keys.cards import grouped, read_card
from keys.identity import create_identity
from keys.signing import SigningKey
from keys.statements import key_fingerprint
from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import ROOT, LiveMinistry, Post
from tests.surfaces.client.online.relay import Exchange, Relay

NOBODY = "0" * 64


@pytest.fixture
def newcomer(ministry: LiveMinistry, tmp_path: Path) -> Post:
    post = Post("LIBREVILLE", tmp_path / "LIBREVILLE", ministry)
    post.new_identity()
    return post


def test_without_a_confirmed_fingerprint_not_even_the_code_is_sent(
    ministry: LiveMinistry, newcomer: Post, relay: Relay
) -> None:
    code = ministry.code_for("LIBREVILLE")
    words = ("--server", relay.server, "--code", code)
    told = newcomer.online("enrol", *words)
    assert told.status == 1
    assert "CONFIRMATION_NEEDED" in told.err
    assert grouped(ministry.service_fingerprint) in told.err

    told = newcomer.online("enrol", *words, "--service-fingerprint", NOBODY)
    assert told.status == 1
    assert "FINGERPRINT_DIFFERS" in told.err
    assert relay.asked("POST", "/v1/enrolments") == []
    assert not (newcomer.folder / "ministry.json").exists()


def test_a_fingerprint_may_be_typed_as_it_is_read(ministry: LiveMinistry, newcomer: Post) -> None:
    told = newcomer.online(
        "enrol",
        *("--server", ministry.server, "--code", ministry.code_for("LIBREVILLE").lower()),
        *("--service-fingerprint", grouped(ministry.service_fingerprint).upper()),
        "--json",
    )
    assert told.status == 0, told.err
    assert told.json["state"] == "pending"
    assert told.json["fingerprint"] == newcomer.fingerprint
    assert told.json["headquarters"]["confirmed"] is False
    assert "chiffre cards MINREX" in told.err


def test_enrolling_again_is_harmless(ministry: LiveMinistry, newcomer: Post) -> None:
    code = ministry.code_for("LIBREVILLE")
    assert newcomer.enrol(code).status == 0
    again = newcomer.enrol(code, "--json")
    assert again.status == 0, again.err
    assert again.json["headquarters"]["confirmed"] is True


def test_a_wrong_code_is_refused_in_the_ministry_s_words(newcomer: Post) -> None:
    told = newcomer.enrol("ABCD-EFGH-JKMN-PQRS")
    assert told.status == 1
    assert "ENROLMENT_REFUSED" in told.err
    assert "Ask the headquarters cipher bureau for a new code" in told.err
    told = newcomer.enrol("pas un code")
    assert told.status == 1
    assert "CODE_MALFORMED" in told.err


@pytest.mark.parametrize(
    ("server", "code"),
    [
        ("http://chiffre.example", "ADDRESS_INSECURE"),
        ("http://127.0.0.1.example:8470", "ADDRESS_INSECURE"),
        ("ftp://127.0.0.1", "ADDRESS_INSECURE"),
        ("https://user:word@chiffre.example", "ADDRESS_INVALID"),
        ("https://chiffre.example/?a=b", "ADDRESS_INVALID"),
        ("chiffre.example", "ADDRESS_INVALID"),
        ("https://[", "ADDRESS_INVALID"),
    ],
)
def test_an_address_in_the_open_is_refused(newcomer: Post, server: str, code: str) -> None:
    told = newcomer.enrol("ABCD-EFGH-JKMN-PQRS", server=server)
    assert told.status == 1
    assert code in told.err


def test_a_post_that_is_not_enrolled_says_so(newcomer: Post) -> None:
    for command in (("inbox",), ("send", "--pending"), ("directory",), ("outbox",)):
        told = newcomer.online(*command)
        assert told.status == 1
        assert "NOT_ENROLLED" in told.err


def other_service_key(exchange: Exchange) -> None:
    """Another service puts its own key in the ministry's answer."""
    answer = json.loads(exchange.answer)
    key = SigningKey.generate().verifying_key
    answer["service_key"] = {
        "ed25519": text_from_bytes(key.ed25519),
        "mldsa65": text_from_bytes(key.mldsa65),
        "fingerprint": key_fingerprint(key),
    }
    exchange.answer = json.dumps(answer).encode()


def test_another_service_key_for_a_known_ministry_is_refused_by_name(
    ministry: LiveMinistry, newcomer: Post, relay: Relay
) -> None:
    code = ministry.code_for("LIBREVILLE")
    assert newcomer.enrol(code, server=relay.server).status == 0
    before = (newcomer.folder / "ministry.json").read_bytes()
    relay.alter("GET", "/v1/service-card", other_service_key)

    told = newcomer.online("enrol", "--server", relay.server, "--code", code)
    assert told.status == 1
    assert "SERVICE_KEY_CHANGED" in told.err
    told = newcomer.enrol(code, server=relay.server)
    assert told.status == 1
    assert "FINGERPRINT_DIFFERS" in told.err
    assert (newcomer.folder / "ministry.json").read_bytes() == before


def test_a_service_card_whose_parts_do_not_belong_together_is_refused(
    ministry: LiveMinistry, newcomer: Post, relay: Relay
) -> None:
    def forged_fingerprint(exchange: Exchange) -> None:
        answer = json.loads(exchange.answer)
        honest = answer["service_key"]["fingerprint"]
        other_service_key(exchange)
        answer = json.loads(exchange.answer)
        answer["service_key"]["fingerprint"] = honest
        exchange.answer = json.dumps(answer).encode()

    relay.alter("GET", "/v1/service-card", forged_fingerprint)
    told = newcomer.enrol(ministry.code_for("LIBREVILLE"), server=relay.server)
    assert told.status == 1
    assert "SERVICE_CARD_INVALID" in told.err
    assert relay.asked("POST", "/v1/enrolments") == []


def test_an_altered_pin_is_not_believed(ministry: LiveMinistry, newcomer: Post) -> None:
    assert newcomer.enrol(ministry.code_for("LIBREVILLE")).status == 0
    pin = newcomer.folder / "ministry.json"
    text = pin.read_text()
    pin.write_text(text.replace(ministry.service_fingerprint, NOBODY))
    told = newcomer.online("inbox")
    assert (told.status, "PIN_DAMAGED" in told.err) == (1, True)
    pin.write_text("{")
    assert "PIN_DAMAGED" in newcomer.online("inbox").err
    pin.write_text(text)
    (newcomer.folder / "cards" / "MINREX.card").write_bytes(b"{}")
    assert "PIN_DAMAGED" in newcomer.send("MINREX", "À qui").err


def swap_card(tmp_path: Path, post: str) -> tuple[str, bytes]:
    """The card that an impostor made under a post's code."""
    now = clock.now().replace(microsecond=0)
    identity = create_identity(
        tmp_path / "impostor",
        post,
        passphrase=None,
        valid_from=now,
        valid_until=now + timedelta(days=30),
    )
    return identity.card.fingerprint, identity.card.to_bytes()


def _cards_of_lome(card: dict[str, Any]) -> bytes:
    """What a directory answers that has the root's word for nothing."""
    return json.dumps({"post": "LOME", "cards": [card], "endorsements": [None]}).encode()


def test_a_swapped_card_for_a_known_post_is_refused_until_a_person_confirms_it(
    enrolled: Pair, relayed: Post, relay: Relay, tmp_path: Path
) -> None:
    fingerprint, card = swap_card(tmp_path, "LOME")

    def swap(exchange: Exchange) -> None:
        exchange.answer = _cards_of_lome(json.loads(card))

    relay.alter("GET", "/v1/cards/LOME", swap)
    told = relayed.online("cards", "LOME")
    assert told.status == 1
    assert "CARD_CHANGED" in told.err
    told = relayed.online("cards", "--fingerprint", enrolled.lome.fingerprint, "LOME")
    assert told.status == 1
    assert "CARD_CHANGED" in told.err
    pinned = read_card((relayed.folder / "cards" / "LOME.card").read_bytes())
    assert pinned.fingerprint == enrolled.lome.fingerprint

    try:
        told = relayed.online("cards", "--fingerprint", fingerprint, "LOME", "--json")
        assert told.status == 0, told.err
        assert told.json[0]["standing"] == "replaced"
        kept = list((relayed.folder / "cards").glob("LOME.superseded.*.card"))
        assert [read_card(each.read_bytes()).fingerprint for each in kept] == [
            enrolled.lome.fingerprint
        ]
    finally:
        relay.rules.clear()
        relayed.confirm(enrolled.lome)


def test_the_card_of_another_post_is_refused(enrolled: Pair, relayed: Post, relay: Relay) -> None:
    card = json.loads(enrolled.paris.card_file.read_bytes())

    def other(exchange: Exchange) -> None:
        exchange.answer = _cards_of_lome(card)

    relay.alter("GET", "/v1/cards/LOME", other, times=1)
    assert "CARD_OF_ANOTHER" in relayed.online("cards", "LOME").err

    def broken(exchange: Exchange) -> None:
        exchange.answer = _cards_of_lome({**card, "post": "LOME"})

    relay.alter("GET", "/v1/cards/LOME", broken, times=1)
    assert "CARD_UNSOUND" in relayed.online("cards", "LOME").err


def test_a_post_without_a_card_has_none_to_confirm(enrolled: Pair) -> None:
    assert "CARD_ABSENT" in enrolled.paris.online("cards", "MARSEILLE").err
    assert enrolled.paris.online("cards", "marseille").status == 2
    assert "card_known" not in enrolled.paris.online("cards", "LOME").err


def test_at_a_terminal_the_last_groups_are_typed_as_they_are_heard(
    ministry: LiveMinistry, newcomer: Post
) -> None:
    code = ministry.code_for("LIBREVILLE")
    words = ("enrol", "--identity", str(newcomer.folder), "--server", ministry.server)
    status, told = typed_at_terminal(newcomer, (*words, "--code", code), ["0000 0000"])
    assert status == 1
    assert "FINGERPRINT_DIFFERS" in told
    assert not (newcomer.folder / "ministry.json").exists()

    heard = [
        grouped(ministry.service_fingerprint)[-9:],
        grouped(ministry.founding.card.fingerprint)[-9:],
    ]
    status, told = typed_at_terminal(newcomer, (*words, "--code", code), heard)
    assert status == 0, told
    pinned = read_card((newcomer.folder / "cards" / "MINREX.card").read_bytes())
    assert pinned.fingerprint == ministry.founding.card.fingerprint


def typed_at_terminal(post: Post, words: tuple[str, ...], lines: list[str]) -> tuple[int, str]:
    """Run a command on a terminal of its own; a line is typed each time it asks."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "-m", "cipher_service.client", "--lang", "en", *words],
        cwd=ROOT,
        env=post.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    )
    os.close(theirs)
    told, answers = "", list(lines)
    try:
        while True:
            ready, _, _ = select.select([ours], [], [], 30)
            assert ready, told
            try:
                piece = os.read(ours, 65536).decode()
            except OSError:  # Linux says so when the other side is gone
                break
            if not piece:
                break
            told += piece
            if "empty: refuse)" in piece and answers:
                os.write(ours, f"{answers.pop(0)}\n".encode())
    finally:
        os.close(ours)
        command.wait(120)
    return command.returncode, told
