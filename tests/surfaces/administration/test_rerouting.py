"""The ministry gives a dispatch that it received to another post; only the header is another."""

import json
import os
from io import BytesIO
from pathlib import Path

from cipher_service.administration.stage import Stage, chiffre
from keys.age.header import Header
from tests.surfaces.administration.running import done, given, refused

PEOPLE = ("--drafter", "A. Ndongo", "--authority", "SG")
REASON = "Pour compétence régionale"


def _payload(on: Stage, dispatch_id: str, place: Path) -> bytes:
    done(on, "bureau", "bag", dispatch_id, "-o", str(place))
    envelope = place.read_bytes()
    return envelope[len(Header.parse(BytesIO(envelope)).encode()) :]


def _bodies(on: Stage) -> int:
    """How many files the service keeps envelopes in."""
    return sum(each.is_file() for each in (on.settings.data / "blobs").rglob("*"))


def test_a_large_one_is_fetched_whole_and_stands_once_on_the_disk(
    ministry: Stage, tmp_path: Path
) -> None:
    text = tmp_path / "rapport.bin"
    text.write_bytes(os.urandom(3_000_000))
    paris, lome = ministry.identity("PARIS"), ministry.identity("LOME")
    sending = ("--to", "MINREX", "--level", "SECRET", "--subject", "Rapport", str(text))
    first = chiffre("en", "send", "--identity", paris, *sending)["id"]
    before = _bodies(ministry)
    said = done(ministry, "bureau", "reroute", first, *PEOPLE, "--reason", REASON, "--to", "LOME")
    second = said.split()[1]
    assert _bodies(ministry) == before
    chiffre("en", "fetch", "--identity", lome, "--decipher", "-o", str(tmp_path / "read"), second)
    assert (tmp_path / "read" / second / "message.txt").read_bytes() == text.read_bytes()
    assert _payload(ministry, first, tmp_path / "one") == _payload(
        ministry, second, tmp_path / "two"
    )
    given(ministry, "check")


def test_a_rerouted_dispatch_is_fetched_read_and_receipted_like_any_other(
    ministry: Stage, tmp_path: Path
) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Réunion à Addis jeudi.\n", "utf-8")
    paris, lome = ministry.identity("PARIS"), ministry.identity("LOME")
    sending = ("--to", "MINREX", "--level", "SECRET", "--subject", "Sommet", str(text))
    first = chiffre("en", "send", "--identity", paris, *sending)["id"]
    before = given(ministry, "bureau", "outgoing", "LOME")

    reroute = ("bureau", "reroute", first, *PEOPLE, "--reason", REASON)
    refused(ministry, "REROUTING_NAMED", *reroute, "--to", "PARIS")
    refused(ministry, "UNKNOWN_PRECEDENCE", *reroute, "--to", "LOME", "--precedence", "X", status=2)
    assert given(ministry, "bureau", "outgoing", "LOME") == before
    said = done(ministry, *reroute, "--to", "LOME", "--precedence", "FLASH")
    second = said.split()[1]
    assert second != first
    assert len(given(ministry, "bureau", "outgoing", "LOME")) == len(before) + 1
    assert _payload(ministry, first, tmp_path / "first") == _payload(
        ministry, second, tmp_path / "second"
    )

    [line] = [
        each for each in chiffre("en", "inbox", "--identity", lome) if each["dispatch_id"] == second
    ]
    assert (line["origin"], line["precedence"], line["level"]) == ("MINREX", "FLASH", "SECRET")
    fetching = ("--decipher", "-o", str(tmp_path / "read"), second)
    chiffre("en", "fetch", "--identity", lome, *fetching)
    record = json.loads((tmp_path / "read" / second / "dispatch.json").read_text("utf-8"))
    assert (record["id"], record["sender"]["post"], record["subject"]) == (first, "PARIS", "Sommet")
    assert record["signatures"] == {"ed25519": "verified", "mldsa65": "verified"}
    [act] = record["reroutings"]
    assert (act["post"], act["to"], act["reason"]) == ("MINREX", ["LOME"], REASON)
    receipts = given(ministry, "bureau", "receipts", second)["receipts"]
    assert [(each["kind"], each["refusal"]) for each in receipts] == [
        ("submitted", None),
        ("delivered", None),
        ("deciphered", None),
    ]
    given(ministry, "check")
