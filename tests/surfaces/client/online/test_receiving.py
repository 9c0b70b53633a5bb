"""What arrives is believed by its proofs: truncated, altered, swapped and missing things."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import LiveMinistry, Post
from tests.surfaces.client.online.relay import Exchange, Relay


@pytest.fixture
def addressed(enrolled: Pair) -> str:
    """A dispatch of 3 MiB that waits for PARIS."""
    attachment = enrolled.lome.folder.parent / "attachment.bin"
    attachment.write_bytes(os.urandom(3 * 1024 * 1024))
    sent = enrolled.lome.send("PARIS", "Avec pièce.", "--attach", str(attachment), "--json")
    assert sent.status == 0, sent.err
    dispatch_id: str = sent.json["id"]
    return dispatch_id


def cut(at: int) -> Callable[[Exchange], None]:
    def trick(exchange: Exchange) -> None:
        exchange.cut_answer = at

    return trick


def test_a_truncated_envelope_resumes_at_the_byte_where_it_broke(
    relayed: Post, relay: Relay, addressed: str, tmp_path: Path
) -> None:
    relay.alter("GET", "/envelope", cut(1_000_000), times=2)
    got = relayed.online("fetch", addressed, "-o", str(tmp_path / "in"), "--decipher", "--json")
    assert got.status == 0, got.err
    ranges = [each.headers.get("range") for each in relay.asked("GET", "/envelope")]
    assert ranges[0] is None
    assert len(ranges) == 3
    starts = [int((each or "bytes=0-")[6:-1]) for each in ranges]
    assert starts == sorted(set(starts))
    assert starts[2] >= 1_900_000
    assert Path(got.json[0]["folder"], "message.txt").read_text() == "Avec pièce."


def test_what_arrived_before_the_network_died_is_kept_for_the_next_command(
    relayed: Post, relay: Relay, addressed: str, tmp_path: Path
) -> None:
    relay.alter("GET", "/envelope", cut(1_000_000), times=1)
    relay.answer("GET", "/envelope", cut(0))
    words = ("fetch", addressed, "-o", str(tmp_path / "in"), "--json")
    assert relayed.online(*words).status == 3
    assert list((tmp_path / "in").glob("*.age")) == []
    relay.rules.clear()
    relay.seen.clear()
    got = relayed.online(*words)
    assert got.status == 0, got.err
    (asked,) = relay.asked("GET", "/envelope")
    assert int(asked.headers["range"][6:-1]) > 0
    record = relayed.online("inbox", "--json").json
    (item,) = [each for each in record if each["dispatch_id"] == addressed]
    file = Path(got.json[0]["file"]).read_bytes()
    assert sha256(file).hexdigest() == item["envelope"]["sha256"]


def test_an_altered_envelope_is_wiped_and_no_receipt_is_given(
    relayed: Post, relay: Relay, addressed: str, tmp_path: Path
) -> None:
    def flip(exchange: Exchange) -> None:
        exchange.answer = exchange.answer[:-1] + bytes([exchange.answer[-1] ^ 1])

    relay.alter("GET", "/envelope", flip)
    got = relayed.online("fetch", addressed, "-o", str(tmp_path / "in"), "--decipher")
    assert got.status == 1
    assert "ENVELOPE_DIFFERS" in got.err
    assert list((tmp_path / "in").iterdir()) == []
    assert relay.asked("POST", "/v1/receipts") == []


def test_an_envelope_without_end_is_cut_off(
    relayed: Post, relay: Relay, addressed: str, tmp_path: Path
) -> None:
    def lengthen(exchange: Exchange) -> None:
        exchange.answer += bytes(20_000_000)

    relay.alter("GET", "/envelope", lengthen)
    got = relayed.online("fetch", addressed, "-o", str(tmp_path / "in"))
    assert got.status == 1
    assert "ENVELOPE_DIFFERS" in got.err
    assert list((tmp_path / "in").iterdir()) == []


def test_the_slip_of_another_dispatch_is_refused(
    enrolled: Pair, relayed: Post, relay: Relay, addressed: str, tmp_path: Path
) -> None:
    other = enrolled.lome.send("PARIS", "Une autre.", "--json").json["id"]

    def swap(exchange: Exchange) -> None:
        exchange.answer = kept[0]

    kept: list[bytes] = []
    relay.alter("GET", f"/v1/dispatches/{other}$", lambda each: kept.append(each.answer), times=1)
    assert relayed.online("fetch", other, "-o", str(tmp_path / "other")).status == 0
    relay.alter("GET", f"/v1/dispatches/{addressed}$", swap)
    got = relayed.online("fetch", addressed, "-o", str(tmp_path / "in"))
    assert (got.status, "SLIP_OF_ANOTHER" in got.err) == (1, True)


def test_a_slip_that_its_origin_did_not_sign_is_refused(
    relayed: Post, relay: Relay, addressed: str, tmp_path: Path
) -> None:
    def relabel(exchange: Exchange) -> None:
        record = json.loads(exchange.answer)
        record["slip"]["level"] = "NON-PROTEGE"
        exchange.answer = json.dumps(record).encode()

    relay.alter("GET", f"/v1/dispatches/{addressed}$", relabel)
    got = relayed.online("fetch", addressed, "-o", str(tmp_path / "in"))
    assert (got.status, "SIGNATURE_INVALID" in got.err) == (1, True)


def test_a_sender_whose_card_is_not_confirmed_is_not_accused(
    ministry: LiveMinistry, enrolled: Pair, tmp_path: Path
) -> None:
    stranger = ministry.enrolled("ABUJA", tmp_path / "ABUJA")
    stranger.confirm(enrolled.paris)
    dispatch_id = stranger.send("PARIS", "Bonjour.", "--json").json["id"]
    words = ("fetch", dispatch_id, "-o", str(tmp_path / "in"), "--decipher", "--json")
    got = enrolled.paris.online(*words)
    assert got.status == 1
    assert got.json["error"]["code"] == "UNKNOWN_SENDER"
    assert "could not be verified" in got.err
    kinds = [
        each["kind"] for each in stranger.online("receipt", dispatch_id, "--json").json["receipts"]
    ]
    assert kinds == ["submitted", "delivered"]

    enrolled.paris.confirm(stranger)
    assert enrolled.paris.online(*words).status == 0
    receipts = stranger.online("receipt", dispatch_id, "--json").json["receipts"]
    assert [each["kind"] for each in receipts] == ["submitted", "delivered", "deciphered"]


def test_a_missing_number_is_told_chased_once_and_forgotten_when_cancelled(
    ministry: LiveMinistry, tmp_path: Path
) -> None:
    origin = ministry.enrolled("NEWYORK-ONU", tmp_path / "NEWYORK-ONU")
    reader = ministry.enrolled("BRUXELLES", tmp_path / "BRUXELLES")
    origin.confirm(reader)
    reader.confirm(origin)
    card = str(reader.card_file)
    ids = [origin.send("BRUXELLES", f"N° {n}", "--json").json["id"] for n in (1, 2)]
    # A number given to a file that never travels, then one more over the line.
    offline = origin.chiffre(
        *("encipher", "--identity", str(origin.folder), "--to", card, "--level", "SECRET"),
        *("-o", str(tmp_path / "bag.age"), "-"),
        text="Par la valise.",
    )
    assert offline.status == 0, offline.err
    ids.append(origin.send("BRUXELLES", "N° 4", "--json").json["id"])

    out = str(tmp_path / "in")
    got = reader.online("fetch", ids[0], ids[2], "-o", out, "--decipher")
    assert got.status == 0, got.err
    assert "Numbers 2 to 3 from NEWYORK-ONU are missing" in got.err
    chased = reader.online("fetch", ids[1], "-o", out, "--decipher", "--chase")
    assert chased.status == 0, chased.err
    assert "number 3 " in chased.err
    assert "number 2 " not in chased.err
    (asked,) = origin.online("service-message", "--json").json
    assert (asked["kind"], asked["signal"], asked["verified"]) == (
        "repeat-request",
        "INT ZDK",
        True,
    )
    assert asked["series"] == {
        "origin": "NEWYORK-ONU",
        "addressee": "BRUXELLES",
        "epoch": asked["series"]["epoch"],
        "number": 3,
    }
    again = reader.online("fetch", ids[1], "-o", out, "--decipher", "--chase")
    assert "Repetition asked" not in again.err
    assert len(origin.online("service-message", "--json").json) == 1

    answer = origin.online(
        "service-message", "--to", "BRUXELLES", "--kind", "cancelled", "--number", "3", "--json"
    )
    assert answer.status == 0, answer.err
    heard = reader.online("service-message").out
    assert "ZFR" in heard
    assert "NEWYORK-ONU-BRUXELLES 3" in heard


def test_a_service_message_must_make_sense(enrolled: Pair) -> None:
    online = enrolled.paris.online
    assert online("service-message", "--to", "LOME", "--kind", "chat", "--number", "1").status == 2
    assert online("service-message", "--to", "lomé", "--number", "1").status == 2
    absent = online("service-message", "--to", "MARSEILLE", "--number", "1")
    assert absent.status == 1, absent.err


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), "--number N | --dispatch ID"),
        (("--kind", "tracer"), "--number N | --dispatch ID"),
        (("--kind", "repeat", "--number", "1"), "[--number N] --dispatch ID"),
        (("--kind", "cancelled"), "--number N [--dispatch ID]"),
        (("--kind", "same-number-twice", "--number", "1"), "--number N --dispatch ID"),
        (("--kind", "no-number", "--number", "1"), "--dispatch ID"),
        (("--kind", "missing-number", "--dispatch", "01M81NMGZ8TJZGE1FWVMGCVQF4"), "--number N"),
    ],
)
def test_a_service_message_that_refers_to_the_wrong_thing_was_typed_wrongly(
    enrolled: Pair, words: tuple[str, ...], wanted: str
) -> None:
    told = enrolled.paris.online("service-message", "--to", "LOME", *words)
    assert told.status == 2, told.err
    assert "(SERVICE_REFERENCE_UNFIT)" in told.err
    assert f"Give: {wanted} (" in told.err


def test_following_shows_what_arrives_while_it_listens(enrolled: Pair) -> None:
    listening = enrolled.paris.begin(
        "inbox", "--identity", str(enrolled.paris.folder), "--new", "--follow", "--json"
    )
    try:
        first = enrolled.lome.send("PARIS", "Pendant l'écoute.", "--json").json["id"]
        assert first in heard_until(listening, first)
        second = enrolled.lome.send("PARIS", "Encore.", "--precedence", "flash", "--json")
        assert second.json["id"] in heard_until(listening, second.json["id"])
    finally:
        listening.send_signal(signal.SIGINT)
        _, told = listening.communicate(timeout=120)
    assert listening.returncode == 130
    assert b"Traceback" not in told


def heard_until(listening: "subprocess.Popen[bytes]", wanted: str) -> str:
    stream = listening.stdout
    assert stream is not None
    heard, until = "", time.monotonic() + 120
    while wanted not in heard:
        ready, _, _ = select.select([stream], [], [], max(until - time.monotonic(), 0))
        assert ready, heard
        heard += os.read(stream.fileno(), 65536).decode()
    return heard


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("fetch", "-o", "x"), "FETCH_UNCLEAR"),
        (("fetch", "--all", "01M81NMGZ8TJZGE1FWVMGCVQF4", "-o", "x"), "FETCH_UNCLEAR"),
        (("fetch", "../../etc/passwd", "-o", "x"), "ID_MALFORMED"),
        (("receipt", "abc"), "ID_MALFORMED"),
    ],
)
def test_wrong_usage_is_named(enrolled: Pair, words: tuple[str, ...], code: str) -> None:
    told = enrolled.paris.online(*words)
    assert (told.status, code in told.err) == (2, True)


def test_a_dispatch_of_others_is_not_there(enrolled: Pair, tmp_path: Path) -> None:
    told = enrolled.paris.online("fetch", "01M81NMGZ8TJZGE1FWVMGCVQF4", "-o", str(tmp_path / "in"))
    assert (told.status, "NOT_FOUND" in told.err) == (1, True)
    told = enrolled.paris.online("receipt", "01M81NMGZ8TJZGE1FWVMGCVQF4")
    assert (told.status, "NOT_FOUND" in told.err) == (1, True)


def test_a_lost_envelope_is_a_refusal_in_the_ministry_s_words(
    ministry: LiveMinistry, enrolled: Pair, addressed: str, tmp_path: Path
) -> None:
    record = enrolled.paris.online("inbox", "--json").json
    (item,) = [each for each in record if each["dispatch_id"] == addressed]
    (file,) = ministry.settings.data.rglob(item["envelope"]["sha256"])
    kept = file.rename(tmp_path / "kept")
    try:
        told = enrolled.paris.online("fetch", addressed, "-o", str(tmp_path / "in"))
    finally:
        kept.rename(file)
    assert told.status == 1, told.err
    assert "ENVELOPE_LOST" in told.err
    assert "Ask its origin to repeat it" in told.err


def test_one_refused_envelope_does_not_keep_the_others_waiting(
    enrolled: Pair, relayed: Post, relay: Relay, addressed: str, tmp_path: Path
) -> None:
    good = enrolled.lome.send("PARIS", "La bonne.", "--json").json["id"]

    def flip(exchange: Exchange) -> None:
        exchange.answer = bytes(len(exchange.answer))

    relay.alter("GET", f"{addressed}/envelope", flip)
    got = relayed.online("fetch", addressed, good, "-o", str(tmp_path / "in"), "--decipher")
    assert got.status == 1
    assert f"{addressed} (ENVELOPE_DIFFERS)" in got.err
    assert (tmp_path / "in" / good / "message.txt").read_text() == "La bonne."


def test_a_lying_receipt_list_is_told_and_the_sound_ones_still_shown(
    relayed: Post, relay: Relay
) -> None:
    mine = relayed.send("LOME", "Preuves.", "--json").json["id"]
    other = relayed.send("LOME", "Autres preuves.", "--json").json["id"]
    kept: list[bytes] = []
    relay.alter("GET", f"{other}/receipts", lambda each: kept.append(each.answer), times=1)
    assert relayed.online("receipt", other).status == 0

    def swap(exchange: Exchange) -> None:
        exchange.answer = kept[0]

    relay.alter("GET", f"{mine}/receipts", swap)
    told = relayed.online("receipt", mine)
    assert told.status == 1
    assert "RECEIPTS_UNSOUND" in told.err
    assert "RECEIPT_OF_ANOTHER" in told.err

    relay.rules.clear()
    relay.answer("POST", "/v1/token", cut(0))
    kept_at_post = relayed.online("receipt", mine)
    assert kept_at_post.status == 3
    assert "verified" in kept_at_post.out


def test_what_came_by_bag_is_receipted_with_the_next_command_that_has_a_line(
    enrolled: Pair, tmp_path: Path
) -> None:
    sent = enrolled.lome.send("PARIS", "Par la valise.", "--pouch", "PARIS", "--json")
    assert sent.status == 0, sent.err
    dispatch_id, bag = sent.json["id"], tmp_path / "bag.age"
    assert enrolled.lome.online("bag", "-o", str(bag), dispatch_id).status == 0

    def told() -> list[str]:
        shown = enrolled.lome.online("receipt", dispatch_id, "--json").json["receipts"]
        return [each["kind"] for each in shown if each["verified"]]

    paris = enrolled.paris
    opening = ("decipher", "--identity", str(paris.folder), "--from", str(enrolled.lome.card_file))
    opened = paris.chiffre(*opening, "-o", str(tmp_path / "out"), str(bag))
    assert opened.status == 0, opened.err
    assert "receipt leaves with the next command" in opened.err
    assert told() == ["submitted"]  # nothing has a line yet
    assert paris.online("inbox").status == 0
    assert told() == ["submitted", "delivered", "deciphered"]

    # Opened again, and asked again: nothing is said twice.
    again = paris.chiffre(*opening, "-o", str(tmp_path / "again"), str(bag))
    assert again.status == 0, again.err
    assert "receipt leaves" not in again.err
    assert paris.online("inbox").status == 0
    assert told() == ["submitted", "delivered", "deciphered"]


def test_a_receipt_for_what_was_never_registered_is_refused_by_name_and_let_go(
    enrolled: Pair, tmp_path: Path
) -> None:
    """A post without a network has only its bag: nobody at the ministry knows of that dispatch."""
    bag = tmp_path / "bag.age"
    made = enrolled.lome.chiffre(
        *("encipher", "--identity", str(enrolled.lome.folder)),
        *("--to", str(enrolled.paris.card_file), "--level", "SECRET", "-o", str(bag), "-"),
        text="Sans ligne.",
    )
    assert made.status == 0, made.err
    paris = enrolled.paris
    opened = paris.chiffre(
        *("decipher", "--identity", str(paris.folder), "--from", str(enrolled.lome.card_file)),
        *("-o", str(tmp_path / "out"), str(bag)),
    )
    assert opened.status == 0, opened.err
    first, second = paris.online("inbox"), paris.online("inbox")
    assert (first.status, second.status) == (0, 0)
    assert "NOT_FOUND" in first.err
    assert "NOT_FOUND" not in second.err
