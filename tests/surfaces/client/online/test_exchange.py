"""Two posts and their ministry, from the enrolment code to the verified receipts."""

import json
from pathlib import Path

import pytest

from cipher_service.client.__main__ import main
from cipher_service.client.messages import phrase
from cipher_service.client.outbox_entries import Status
from cipher_service.valise.__main__ import main as valise
from keys.endorsement import read_root_file, root_fingerprint
from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import LiveMinistry, Post


def test_a_telegram_goes_from_a_post_to_another_and_its_receipts_come_back(
    enrolled: Pair, tmp_path: Path
) -> None:
    attachment = tmp_path / "carte.bin"
    attachment.write_bytes(bytes(range(256)) * 40)
    sent = enrolled.paris.send(
        "LOME",
        "Veuillez recevoir le courrier.\n",
        *("--precedence", "immediat", "--subject", "Courrier", "--attach", str(attachment)),
        "--json",
    )
    assert sent.status == 0, sent.err
    dispatch_id = sent.json["id"]
    assert sent.json["status"] == "acknowledged"

    (line,) = [
        item
        for item in enrolled.lome.online("inbox", "--json").json
        if item["dispatch_id"] == dispatch_id
    ]
    assert (line["origin"], line["precedence"], line["state"]) == ("PARIS", "IMMEDIAT", "pending")
    assert "Courrier" not in str(line)

    got = enrolled.lome.online(
        "fetch", dispatch_id, "-o", str(tmp_path / "in"), "--decipher", "--json"
    )
    assert got.status == 0, got.err
    (record,) = got.json
    assert record["status"] == "deciphered"
    folder = Path(record["folder"])
    assert (folder / "message.txt").read_text() == "Veuillez recevoir le courrier.\n"
    assert (folder / "attachments" / "001-carte.bin").read_bytes() == attachment.read_bytes()

    receipts = enrolled.paris.online("receipt", dispatch_id, "--json").json["receipts"]
    assert [(each["kind"], each["post"], each["verified"]) for each in receipts] == [
        ("submitted", None, True),
        ("delivered", "LOME", True),
        ("deciphered", "LOME", True),
    ]
    assert dispatch_id not in [
        item["dispatch_id"] for item in enrolled.lome.online("inbox", "--new", "--json").json
    ]


def test_fetching_again_gives_the_same_files_and_no_second_receipt(
    enrolled: Pair, tmp_path: Path
) -> None:
    dispatch_id = enrolled.paris.send("LOME", "Une fois.", "--json").json["id"]
    words = ("fetch", dispatch_id, "-o", str(tmp_path / "in"), "--decipher", "--json")
    first = enrolled.lome.online(*words)
    second = enrolled.lome.online(*words)

    assert (first.status, second.status) == (0, 0)
    assert second.json == first.json
    receipts = enrolled.paris.online("receipt", dispatch_id, "--json").json["receipts"]
    assert [each["kind"] for each in receipts] == ["submitted", "delivered", "deciphered"]


def test_the_most_urgent_is_first_then_the_order_of_arrival(enrolled: Pair) -> None:
    ids = {
        urgency: enrolled.lome.send(
            "PARIS", f"Ordre {urgency}", "--precedence", urgency, "--json"
        ).json["id"]
        for urgency in ("ROUTINE", "FLASH", "URGENT", "IMMEDIAT")
    }
    listed = [item["dispatch_id"] for item in enrolled.paris.online("inbox", "--json").json]
    mine = [each for each in listed if each in ids.values()]
    assert mine == [ids[each] for each in ("FLASH", "IMMEDIAT", "URGENT", "ROUTINE")]

    shown = enrolled.paris.online("inbox").out
    assert shown.index("Z FLASH") < shown.index("O IMMEDIAT") < shown.index("R ROUTINE")


def test_what_a_post_may_not_send_yet_waits_for_its_activation(
    ministry: LiveMinistry, enrolled: Pair, tmp_path: Path
) -> None:
    post = Post("BERLIN", tmp_path / "BERLIN", ministry)
    post.new_identity()
    asked = post.enrol(ministry.code_for("BERLIN"))
    assert asked.status == 0
    assert "will activate it" in asked.out

    early = post.send(str(enrolled.lome.card_file), "Trop tôt.")
    assert early.status == 1
    assert "is in the outbox" in early.err
    (entry,) = post.online("outbox", "--json").json
    assert entry["status"] == "queued"

    ministry.activate("BERLIN")
    later = post.online("send", "--pending", "--json")
    assert later.status == 0, later.err
    assert [(each["id"], each["status"]) for each in later.json] == [(entry["id"], "acknowledged")]
    assert ministry.dispatches().count(entry["id"]) == 1


def test_the_outbox_is_read_in_the_language_of_its_reader(
    enrolled: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    post = enrolled.paris
    dispatch_id = post.send("LOME", "Lisible.", "--json").json["id"]
    for language, state in (("fr", "remise"), ("en", "acknowledged")):
        assert main(["--lang", language, "outbox", "--identity", str(post.folder)]) == 0
        shown = capsys.readouterr().out.splitlines()
        (line,) = [each for each in shown if each.startswith(dispatch_id)]
        assert line.split()[1] == state
    (entry,) = [each for each in post.online("outbox", "--json").json if each["id"] == dispatch_id]
    assert entry["status"] == "acknowledged"


@pytest.mark.parametrize("status", Status)
def test_every_state_of_the_outbox_has_its_words(status: Status) -> None:
    assert phrase(f"outbox_{status}", "en") == status.value
    assert phrase(f"outbox_{status}", "fr") != status.value


def test_the_directory_says_whose_card_is_believed(enrolled: Pair) -> None:
    shown = enrolled.paris.online("directory", "--json").json
    standing = {post["code"]: post["card"] for post in shown["posts"]}
    assert standing["LOME"] == "confirmed"
    assert standing["MINREX"] == "confirmed"
    assert standing["ADDIS"] == "absent"
    assert "card confirmed" in enrolled.paris.online("directory").out


def test_a_dispatch_for_the_bureau_is_taken_over_for_it(enrolled: Pair) -> None:
    sent = enrolled.paris.send("MINREX", "Pour l'administration centrale.", "--json")
    assert sent.status == 0, sent.err
    assert sent.json["numbers"][0]["post"] == "MINREX"


def test_a_post_fetches_its_sync_pack_and_reads_it_offline(
    enrolled: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sync.pack"
    fetched = enrolled.paris.online("pack", "-o", str(out), "--json")
    assert fetched.status == 0, fetched.err
    assert fetched.json["cards"] >= 3
    root = enrolled.paris.folder / "ministry.root"

    read = ["pack", "--root", str(root), "--memory", str(tmp_path), "--json", str(out)]
    assert valise(read) == 0
    assert root_fingerprint(read_root_file(root.read_bytes())) == fetched.json["root"]
    assert json.loads(capsys.readouterr().out)["version"] == fetched.json["version"]
    again = enrolled.paris.online("pack", "-o", str(out), "--json")
    assert again.status == 1, "a file that is there is never overwritten"

    kept = enrolled.paris.folder / "sync.pack"
    newer = kept.read_bytes()
    forged = newer.replace(b'"version":', b'"version":9')
    kept.write_bytes(forged)
    assert enrolled.paris.online("pack", "--json").status == 0, "what nobody signed binds nobody"
    assert kept.read_bytes() == newer


def test_a_post_gives_its_own_dispatch_to_another_once_more_by_its_header(
    enrolled: Pair, ministry: LiveMinistry, tmp_path: Path
) -> None:
    paris, lome = enrolled.paris, enrolled.lome
    sent = paris.send("MINREX", "Pour le ministère d'abord.\n", "--json").json["id"]
    envelope, rerouted = tmp_path / "d.age", tmp_path / "r.age"
    assert paris.online("bag", "-o", str(envelope), sent).status == 0
    plain = paris.online("hand-in", str(envelope))
    assert (plain.status, "NOT_REROUTED_HERE" in plain.err) == (1, True)
    words = ("--from", str(paris.card_file), "--to", str(lome.card_file), "--reason", "Pour suite")
    made = paris.online("reroute", *words, "-o", str(rerouted), str(envelope))
    assert made.status == 0, made.err

    short = tmp_path / "short.age"
    short.write_bytes(rerouted.read_bytes()[:-1])
    refused = paris.online("hand-in", str(short))
    assert (refused.status, "PAYLOAD" in refused.err) == (1, True), refused.err
    first, again = (paris.online("hand-in", "--json", str(rerouted)) for _ in range(2))
    assert first.status == 0, first.err
    assert again.json == first.json
    carried = first.json["id"]
    assert ministry.dispatches().count(carried) == 1
    out = tmp_path / "in"
    got = lome.online("fetch", carried, "-o", str(out), "--decipher", "--json")
    assert got.status == 0, got.err
    assert "SLIP" not in got.err
    record = json.loads((out / carried / "dispatch.json").read_text())
    assert (record["id"], record["sender"]["post"]) == (sent, "PARIS")
    assert [act["reason"] for act in record["reroutings"]] == ["Pour suite"]
    assert len(record["numbers"]) == 1
