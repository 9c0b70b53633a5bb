"""What was queued is handed over once: through dead networks, lost answers and repeated words."""

import os
import signal
import time
from hashlib import sha256
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import delete, insert

from cipher_service import clock
from cipher_service.dispatches.uploads import UNFINISHED_MOST
from cipher_service.references import new_id
from cipher_service.storage.tables.dispatches import upload
from cipher_service.storage.unit_of_work import unit_of_work
from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import LiveMinistry, Post
from tests.surfaces.client.online.relay import Exchange, Relay

MEBIBYTE = 1024 * 1024


def lose_answer(exchange: Exchange) -> None:
    """The ministry did it, and the line broke before its answer came."""
    exchange.cut_answer = 0


def test_without_a_network_the_dispatch_waits_and_any_command_sends_it(
    ministry: LiveMinistry, relayed: Post, relay: Relay
) -> None:
    relay.answer("POST", "/v1/token", lose_answer)
    sent = relayed.send("LOME", "Le réseau est coupé.", "--json")
    assert sent.status == 3
    assert sent.json["error"]["code"] == "NETWORK_BROKEN"
    assert "is in the outbox" in sent.err
    (entry,) = [
        each for each in relayed.online("outbox", "--json").json if each["status"] == "queued"
    ]
    assert entry["id"] not in ministry.dispatches()

    relay.rules.clear()
    listed = relayed.online("inbox", "--json")
    assert listed.status == 0
    assert f"{entry['id']} handed over" in listed.err
    assert ministry.dispatches().count(entry["id"]) == 1


def test_when_nobody_listens_the_refusal_is_the_network_s(relayed: Post, relay: Relay) -> None:
    relay.close()
    told = relayed.online("inbox")
    assert told.status == 3
    assert "NETWORK_GONE" in told.err
    assert "chiffre send --pending" in told.err


def test_a_lost_answer_costs_a_repetition_and_not_a_second_dispatch(
    ministry: LiveMinistry, relayed: Post, relay: Relay
) -> None:
    relay.alter("POST", "/v1/dispatches", lose_answer, times=2)
    sent = relayed.send("LOME", "La réponse se perd deux fois.", "--json")

    assert sent.status == 0, sent.err
    attempts = relay.asked("POST", "/v1/dispatches")
    assert len(attempts) == 3
    assert len({attempt.body for attempt in attempts}) == 1
    assert len({attempt.headers["dpop"] for attempt in attempts}) == 3
    assert attempts[-1].status == 200
    assert ministry.dispatches().count(sent.json["id"]) == 1


def test_typed_again_the_same_act_is_resumed_until_its_end_was_shown(
    ministry: LiveMinistry, relayed: Post, relay: Relay
) -> None:
    # Every answer is lost: the ministry has it, the post does not know.
    relay.alter("POST", "/v1/dispatches", lose_answer)
    before = set(ministry.dispatches())
    assert relayed.send("LOME", "Une seule fois.").status == 3
    handed = set(ministry.dispatches()) - before

    relay.rules.clear()
    again = relayed.send("LOME", "Une seule fois.", "--json")
    assert again.status == 0, again.err
    assert "it is resumed" in again.err
    assert again.json["id"] in handed
    assert set(ministry.dispatches()) == before | handed

    # Now its end was shown: the same words are another dispatch.
    anew = relayed.send("LOME", "Une seule fois.", "--json")
    assert anew.json["id"] not in {*before, *handed}
    assert set(ministry.dispatches()) == before | handed | {anew.json["id"]}


def test_another_text_or_addressee_is_another_act(relayed: Post, relay: Relay) -> None:
    relay.answer("POST", "/v1/token", lose_answer)
    count = len(relayed.online("outbox", "--json").json)
    relayed.send("LOME", "Premier.")
    relayed.send("LOME", "Second.")
    relayed.send("MINREX", "Premier.")
    relayed.send("LOME", "Premier.", "--precedence", "flash")
    relayed.send("LOME", "Premier.")
    relayed.send("LOME", "Premier.", "--again")
    assert len(relayed.online("outbox", "--json").json) == count + 5
    relay.rules.clear()
    done = relayed.online("send", "--pending", "--json")
    assert done.status == 0, done.err
    assert len(done.json) == 5
    assert done.json[0]["register"] < done.json[-1]["register"]
    assert relayed.online("send", "--pending").err.startswith("Nothing waits")


def test_what_the_ministry_refuses_for_good_leaves_and_its_number_is_cancelled(
    ministry: LiveMinistry, enrolled: Pair, tmp_path: Path
) -> None:
    stranger = Post("ADDIS", tmp_path / "ADDIS", ministry)
    stranger.new_identity()
    sent = enrolled.paris.send(str(stranger.card_file), "À un poste sans inscription.", "--json")

    assert sent.status == 1
    assert sent.json["error"]["code"] == "DISPATCHES_REFUSED"
    refused = [each for each in enrolled.paris.online("outbox", "--json").json if each["refusal"]]
    assert refused[-1]["refusal"] in sent.err
    numbers = enrolled.paris.online("series", "--json").out
    assert "cancelled" in numbers
    # It does not come back.
    assert enrolled.paris.online("send", "--pending").status == 0


def large(folder: Path, size: int = 20 * MEBIBYTE) -> Path:
    path = folder / "large.bin"
    path.write_bytes(os.urandom(size))
    return path


def send_large(post: Post, path: Path, *options: str) -> tuple[str, ...]:
    return (
        *("send", "--identity", str(post.folder), "--to", "LOME", "--level", "SECRET"),
        *("--subject", path.parent.name, "--attach", str(path), *options),
        str(post.card_file),  # any small text will do
    )


def test_a_large_envelope_resumes_where_the_line_broke(
    ministry: LiveMinistry, enrolled: Pair, relayed: Post, relay: Relay, tmp_path: Path
) -> None:
    attachment = large(tmp_path)
    relay.cut_request("PATCH", "/v1/uploads/", 9 * MEBIBYTE)
    sent = relayed.chiffre(*send_large(relayed, attachment, "--json"))

    assert sent.status == 0, sent.err
    offsets = [int(each.headers["upload-offset"]) for each in relay.asked("PATCH", "/v1/uploads/")]
    assert offsets[0] == 0
    assert 0 < offsets[1] <= 9 * MEBIBYTE
    assert ministry.dispatches().count(sent.json["id"]) == 1

    got = enrolled.lome.online(
        "fetch", sent.json["id"], "-o", str(tmp_path / "in"), "--decipher", "--json"
    )
    assert got.status == 0, got.err
    received = Path(got.json[0]["folder"]) / "attachments" / "001-large.bin"
    assert sha256(received.read_bytes()).digest() == sha256(attachment.read_bytes()).digest()


def test_a_lost_last_answer_of_an_upload_is_asked_for_again(
    ministry: LiveMinistry, relayed: Post, relay: Relay, tmp_path: Path
) -> None:
    relay.alter("PATCH", "/v1/uploads/", lose_answer, times=1)
    sent = relayed.chiffre(*send_large(relayed, large(tmp_path), "--json"))
    assert sent.status == 0, sent.err
    assert len(relay.asked("PATCH", "/v1/uploads/")) <= 2
    assert ministry.dispatches().count(sent.json["id"]) == 1


def test_an_upload_that_the_ministry_forgot_starts_anew(
    ministry: LiveMinistry, relayed: Post, relay: Relay, tmp_path: Path
) -> None:
    relay.answer("PATCH", "/v1/uploads/", lose_answer)
    words = send_large(relayed, large(tmp_path), "--json")
    assert relayed.chiffre(*words).status == 3

    relay.rules.clear()
    relay.alter("HEAD", "/v1/uploads/", not_there, times=1)
    again = relayed.chiffre(*words)
    assert again.status == 0, again.err
    assert ministry.dispatches().count(again.json["id"]) == 1


def not_there(exchange: Exchange) -> None:
    exchange.status = 404
    exchange.answer_headers = {"content-length": "0"}


def test_a_dispatch_that_finds_no_room_for_its_upload_waits_and_goes_later(
    ministry: LiveMinistry, enrolled: Pair, tmp_path: Path
) -> None:
    paris, begun = enrolled.paris, [new_id(clock.now()) for _ in range(UNFINISHED_MOST)]
    with unit_of_work(ministry.engine) as connection:
        connection.execute(
            insert(upload),
            [
                {
                    "upload_id": sha256(one.encode()).hexdigest()[:32], "origin": "PARIS",
                    "dispatch_id": one, "slip": b"", "signature": b"", "sha256": "0" * 64,
                    "size": 1, "created_at": clock.text(clock.now()),
                }
                for one in begun
            ],
        )  # fmt: skip
    sent = paris.chiffre(*send_large(paris, large(tmp_path), "--json"))
    assert sent.json["error"]["code"] == "UPLOADS_MANY", sent.out
    listed = paris.online("outbox", "--json").json
    (waiting,) = [each["id"] for each in listed if each["status"] == "queued"]
    with unit_of_work(ministry.engine) as connection:
        connection.execute(delete(upload).where(upload.c.dispatch_id.in_(begun)))

    assert paris.online("send", "--pending").status == 0
    assert ministry.dispatches().count(waiting) == 1


def test_the_server_killed_in_the_middle_of_an_upload_and_started_again(
    tmp_path: Path,
) -> None:
    ministry = LiveMinistry(tmp_path / "data")
    try:
        ministry.start()
        paris = ministry.enrolled("PARIS", tmp_path / "PARIS")
        lome = ministry.enrolled("LOME", tmp_path / "LOME")
        attachment = large(tmp_path, 96 * MEBIBYTE)
        paris.confirm(lome)
        words = send_large(paris, attachment, "--json")
        sending = paris.begin(*words)
        spool = ministry.settings.data
        until = time.monotonic() + 60
        while arrived(spool) < 8 * MEBIBYTE and sending.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.002)
        ministry.stop(signal.SIGKILL)
        _, told = sending.communicate(timeout=60)
        assert sending.returncode == 3, told
        assert ministry.dispatches() == []

        ministry.start()
        again = paris.chiffre(*words)
        assert again.status == 0, again.err
        assert ministry.dispatches() == [again.json["id"]]
    finally:
        ministry.close()


def arrived(data: Path) -> int:
    """The size of the largest file under the data folder that could be an upload's."""
    sizes = [0]
    for path in data.rglob("*"):
        try:
            if path.is_file() and ".db" not in path.name:
                sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue
    return max(sizes)


def test_ctrl_c_in_an_upload_keeps_the_dispatch_for_the_next_command(
    ministry: LiveMinistry, relayed: Post, relay: Relay, tmp_path: Path
) -> None:
    ended = Event()

    def stall(_exchange: Exchange) -> None:
        ended.wait(60)

    relay.alter("PATCH", "/v1/uploads/", stall, times=1)
    words = send_large(relayed, large(tmp_path), "--json")
    sending = relayed.begin(*words)
    until = time.monotonic() + 60
    while not relay.asked("PATCH", "/v1/uploads/"):
        assert time.monotonic() < until
        time.sleep(0.02)
    sending.send_signal(signal.SIGINT)
    try:
        _, told = sending.communicate(timeout=60)
    finally:
        ended.set()
    assert sending.returncode == 130, told
    assert b"Traceback" not in told

    again = relayed.chiffre(*words)
    assert again.status == 0, again.err
    assert ministry.dispatches().count(again.json["id"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("send", "--level", "SECRET", "-"),
        ("send", "--to", "LOME", "-"),
        ("send", "--to", "LOME", "--level", "SECRET"),
    ],
)
def test_an_act_without_its_parts_is_wrong_usage(enrolled: Pair, words: tuple[str, ...]) -> None:
    told = enrolled.paris.online(*words)
    assert told.status == 2
    assert "SEND_INCOMPLETE" in told.err


def test_a_post_whose_card_is_not_confirmed_is_not_written_to(enrolled: Pair) -> None:
    told = enrolled.paris.send("GENEVE-ONU", "Sans carte.")
    assert told.status == 1
    assert "CARD_UNKNOWN" in told.err
    assert "chiffre cards GENEVE-ONU" in told.err
