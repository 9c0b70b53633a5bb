"""One-time prekeys between two posts and a ministry that may lie about them."""

import json
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from cipher_service import clock
from cipher_service.directory import carried_cards, controlled, prekeys
from cipher_service.directory.compromises import compromise
from cipher_service.directory.register import DirectoryReader
from cipher_service.dispatches.exposure import exposed_by_item, exposure
from keys.age.hybrid import HybridKey
from keys.canonical import decode
from keys.cards import read_card
from keys.identity import load_identity
from keys.prekeys import Prekey, make_bundle, read_bundle
from tests.surfaces.client.online.live import LiveMinistry, Post
from tests.surfaces.client.online.relay import Relay


@pytest.fixture(scope="module")
def reader(ministry: LiveMinistry, tmp_path_factory: pytest.TempPathFactory) -> Post:
    """A post with prekeys."""
    return ministry.enrolled("WASHINGTON", tmp_path_factory.mktemp("reader") / "WASHINGTON")


@pytest.fixture(scope="module")
def writer(ministry: LiveMinistry, reader: Post, tmp_path_factory: pytest.TempPathFactory) -> Post:
    """A post that writes to it; each believes the other's card."""
    writer = ministry.enrolled("PEKIN", tmp_path_factory.mktemp("writer") / "PEKIN")
    writer.confirm(reader)
    reader.confirm(writer)
    return writer


def _sent(by: Post, message: str) -> str:
    sent = by.send("WASHINGTON", message, "--json")
    assert sent.status == 0, sent.err
    assert "edition key" not in sent.err, sent.err
    return str(sent.json["id"])


def _fetched(by: Post, folder: Path) -> list[dict[str, str]]:
    got = by.online("fetch", "--all", "-o", str(folder), "--decipher", "--json")
    # What was refused is told in a second document.
    records: list[dict[str, str]] = json.JSONDecoder().raw_decode(got.out or "[]")[0]
    return records


def _key_of(folder: Path, dispatch_id: str, post: Post) -> str:
    """Which key the addressee was written to, as the opened manifest says."""
    record = json.loads((folder / dispatch_id / "dispatch.json").read_text())
    (entry,) = [each for each in record["addressees"] if each["post"] == post.code]
    return str(entry["key"])


def test_a_dispatch_under_a_prekey_is_read_once_and_never_again(
    reader: Post, writer: Post, tmp_path: Path
) -> None:
    """Later neither the identity nor anything else on the post's disk opens the envelope."""
    made = reader.chiffre(
        *("prekeys", "new", "--identity", str(reader.folder), "--count", "2", "--json")
    )
    assert made.json == {"made": 2, "free": 2, "file": None}
    dispatch_id = _sent(writer, "Sous préclé.")
    (got,) = _fetched(reader, tmp_path)
    assert Path(got["folder"], "message.txt").read_text() == "Sous préclé."
    assert _key_of(tmp_path, dispatch_id, reader).startswith("prekey:")

    again = reader.chiffre(
        *("decipher", "--identity", str(reader.folder), "--from", str(writer.card_file)),
        *("-o", str(tmp_path / "again"), got["file"]),
    )
    assert again.status == 1
    assert "PREKEY_USED" in again.err
    assert not (tmp_path / "again").exists()
    state = reader.chiffre("prekeys", "status", "--identity", str(reader.folder), "--json").json
    assert state == {"free": 1, "kept": 1, "used": 1, "burnt": 0, "low": True}


def test_a_prekey_given_twice_is_noticed_and_the_dispatch_comes_again_by_itself(
    ministry: LiveMinistry, reader: Post, writer: Post, tmp_path: Path
) -> None:
    """No FLASH is lost: the sender's next command sends it under the edition key, once."""
    first = _sent(writer, "Première.")
    again = text("UPDATE prekey SET state = 'free', taken_for = 'x' WHERE taken_for = :first")
    with ministry.engine.begin() as connection:
        assert connection.execute(again, {"first": first}).rowcount == 1
    second = _sent(writer, "Seconde, sous la même préclé.")
    got = {each["id"]: each for each in _fetched(reader, tmp_path / "first")}
    assert got[second]["status"] == "refused"
    assert got[second]["refusal"] == "PREKEY_USED"

    asked = writer.online("fetch", "--all", "-o", str(tmp_path / "writer"))
    assert f"WASHINGTON could not open {second}" in asked.err
    quiet = writer.online("fetch", "--all", "-o", str(tmp_path / "writer"))
    assert "could not open" not in quiet.err

    (new,) = [
        each
        for each in _fetched(reader, tmp_path / "second")
        if each["status"] == "deciphered" and each["id"] not in got
    ]
    folder = Path(new["folder"])
    assert (folder / "message.txt").read_text() == "Seconde, sous la même préclé."
    assert _key_of(tmp_path / "second", new["id"], reader) == "edition"
    assert second in json.loads((folder / "dispatch.json").read_text())["references"]


def test_what_came_under_a_prekey_that_is_burnt_since_comes_again_by_itself(
    ministry: LiveMinistry, reader: Post, writer: Post, tmp_path: Path
) -> None:
    """The bag that carried it turns out to be breached before the post fetched its mail."""
    words, out = ("--identity", str(reader.folder)), tmp_path / "prekeys.json"
    assert reader.chiffre("prekeys", "new", *words, "--count", "2", "-o", str(out)).status == 0
    now = clock.now()
    with ministry.engine.begin() as connection:
        item = controlled.enter(connection, "key", "Préclés", "GARDE", "PV 1", now)
        read, bundle = DirectoryReader(), out.read_bytes()
        assert prekeys.carry(connection, item, bundle, reader.code, read, now) == 2
        controlled.send(connection, item, "GARDE", "PAUL", "BR 1", now)
        controlled.receive(connection, item, "PAUL", "BR 1", now)
    assert reader.chiffre("prekeys", "hand-in", *words, str(out)).status == 0
    under = _sent(writer, "Sous préclé portée.")
    with ministry.engine.begin() as connection:
        compromise(connection, item, person="AGENT", reference="CAS 1", now=now)
        (exposed,) = exposed_by_item(connection, item)
    assert (exposed.dispatch_id, exposed.post) == (under, "WASHINGTON")
    assert exposed.state == "pending"

    got = reader.online("fetch", under, "-o", str(tmp_path / "first"), "--decipher")
    assert got.status == 1
    assert "(PREKEY_BURNT)" in got.err
    assert "was breached" in got.err
    assert not (tmp_path / "first" / under).exists()
    state = reader.chiffre("prekeys", "status", *words, "--json").json
    assert (state["free"], state["burnt"]) == (0, 1), "the other was given to nobody"

    asked = writer.online("fetch", "--all", "-o", str(tmp_path / "writer"))
    assert f"WASHINGTON could not open {under}" in asked.err
    quiet = writer.online("fetch", "--all", "-o", str(tmp_path / "writer"))
    assert "could not open" not in quiet.err
    (new,) = [each for each in _fetched(reader, tmp_path / "then") if each["status"] != "refused"]
    folder = Path(new["folder"])
    assert (folder / "message.txt").read_text() == "Sous préclé portée."
    assert _key_of(tmp_path / "then", new["id"], reader) == "edition"
    assert under in json.loads((folder / "dispatch.json").read_text())["references"]
    with ministry.engine.begin() as connection:
        (exposed,) = exposed_by_item(connection, item)
        other = controlled.enter(connection, "token", "Jeton", "GARDE", "PV 2", now)
        card = read_card(reader.card_file.read_bytes())
        carried_cards.carry(connection, other, card, DirectoryReader())
        by_card = {each.dispatch_id: each.burnt for each in exposed_by_item(connection, other)}
        (report,) = [
            each
            for each in exposure(connection, reader.code, card.fingerprint).readable
            if each.dispatch_id == under
        ]
    assert exposed.state == "refused"
    assert by_card[under] == report.burnt == item, "the report of the card names the burnt prekey"
    assert by_card[new["id"]] is None


def test_without_prekeys_the_edition_key_serves(reader: Post, writer: Post, tmp_path: Path) -> None:
    status = reader.chiffre("prekeys", "status", "--identity", str(reader.folder))
    assert "Only 0 prekey(s) are left" in status.err
    dispatch_id = _sent(writer, "Sous édition.")
    _fetched(reader, tmp_path)
    assert _key_of(tmp_path, dispatch_id, reader) == "edition"


def _swapped(reader: Post) -> bytes:
    """What a lying ministry could answer: a signed bundle, another id under its proof."""
    own = load_identity(reader.folder, lambda: b"")
    now = clock.now().replace(microsecond=0)
    prekey = Prekey(secrets.token_urlsafe(12), HybridKey.generate().recipient)
    bundle = make_bundle(
        [prekey], own.card, created=now, expires=now + timedelta(days=1), sign=own.sign
    )
    offer = decode(read_bundle(bundle, own.card, now).offers()[0])
    offer["prekey"]["id"] = "A" * 16
    return json.dumps({"offers": [offer]}).encode()


def test_a_prekey_that_the_addressee_did_not_sign_is_not_used(
    reader: Post, writer: Post, relay: Relay, tmp_path: Path
) -> None:
    pin = writer.folder / "ministry.json"
    before = pin.read_bytes()
    pin.write_text(json.dumps({**json.loads(before), "server": relay.server}))
    answer = _swapped(reader)
    try:
        relay.alter(
            "POST",
            "/v1/prekeys/taken",
            lambda exchange: setattr(exchange, "answer", answer),
            times=1,
        )
        sent = writer.send("WASHINGTON", "Prudence.", "--json")
        assert sent.status == 0, sent.err
        assert "PROOF_INVALID" in sent.err
    finally:
        pin.write_bytes(before)
    _fetched(reader, tmp_path)
    assert _key_of(tmp_path, sent.json["id"], reader) == "edition"


def test_a_bundle_travels_by_bag(reader: Post, tmp_path: Path) -> None:
    out = tmp_path / "preclefs.json"
    words = ("--identity", str(reader.folder))
    made = reader.chiffre("prekeys", "new", *words, "--count", "1", "-o", str(out))
    assert made.status == 0, made.err
    assert reader.chiffre("prekeys", "new", *words, "-o", str(out)).status == 1
    for _ in range(2):
        handed = reader.chiffre("prekeys", "hand-in", *words, "--json", str(out))
        assert handed.json["free"] == 1
    for wrong in (("--count", "0"), ("--count", "101"), ("--days", "63")):
        assert reader.chiffre("prekeys", "new", *words, *wrong).status == 2
