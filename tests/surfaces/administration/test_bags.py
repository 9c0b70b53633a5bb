"""What goes by diplomatic pouch: written out, announced, not missed on the way, taken in once."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from cipher_service import clock
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.references import series_epoch
from keys.dispatch import Destination, encipher
from keys.identity import load_identity
from keys.manifest import Heading, Label, Series
from tests.surfaces.administration.running import done, given, refused, run

pytestmark = pytest.mark.slow

SECRET = "Les originaux suivent par valise.\n"
PEOPLE = ("--drafter", "A. Ndongo", "--authority", "SG")
LEVEL = ("--level", "SECRET")


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "texte.txt"
    path.write_text(SECRET, "utf-8")
    return str(path)


def told(on: Stage, post: str, command: str, *typed: str) -> str:
    """Run `chiffre` as a process of its own; return all that it said."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "cipher_service.client", "--lang", "fr", command),
            *("--identity", on.identity(post), *typed),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8"},
    )
    return ended.stdout + ended.stderr


def test_a_number_under_way_by_pouch_is_shown_and_not_missed(
    ministry: Stage, text: str, tmp_path: Path
) -> None:
    sending = ("bureau", "send", "--to", "LOME", *LEVEL, *PEOPLE)
    bagged = done(ministry, *sending, "--pouch", "LOME", text).split()[1]
    done(ministry, *sending, text)  # the next number, over the wire, overtakes the bag

    envelope = tmp_path / "clef" / "depeche.age"
    refused(ministry, "NOT_FOUND", "bureau", "bag", "01JD8ZK3V00000000000000001", "-o", "x")
    late = run("--data", str(ministry.settings.data), "bureau", "bag", bagged, "-o", str(envelope))
    assert (late.returncode, envelope.parent.exists()) == (3, False)
    envelope.parent.mkdir()
    written = given(ministry, "bureau", "bag", bagged, "-o", str(envelope))
    assert sha256(envelope.read_bytes()).hexdigest() == written["sha256"]
    assert [path.name for path in envelope.parent.iterdir()] == ["depeche.age"]
    refused(ministry, "FILE_EXISTS", "bureau", "bag", bagged, "-o", str(envelope))

    lome = ("--identity", ministry.identity("LOME"))
    reading = ("--all", "--decipher", "--chase", "-o", str(tmp_path / "read"))
    said = told(ministry, "LOME", "fetch", *reading)
    assert "manque" not in said
    assert "Répétition demandée" not in said
    inbox = told(ministry, "LOME", "inbox")
    [line] = [line for line in inbox.splitlines() if bagged in line]
    assert line.endswith("par valise, en route")
    assert "manque" not in inbox
    assert [item["dispatch_id"] for item in chiffre("en", "inbox", *lome, "--new")] == [bagged]

    card = tmp_path / "MINREX.card"
    card.write_bytes(ministry.founding.card.to_bytes())
    opening = ("--from", str(card), "-o", str(tmp_path / "opened"), str(envelope))
    record = chiffre("en", "decipher", *lome, *opening)
    assert (record["id"], record["missing_count"]) == (bagged, 0)
    assert (tmp_path / "opened" / "message.txt").read_text("utf-8") == SECRET
    assert chiffre("en", "inbox", *lome, "--new") == []


def test_headquarters_takes_in_what_a_bag_brings(
    ministry: Stage, text: str, tmp_path: Path
) -> None:
    paris = ("--identity", ministry.identity("PARIS"))
    by_bag = ("--to", "MINREX", "--pouch", "MINREX", *LEVEL, text)
    sent = chiffre("en", "send", *paris, *by_bag)["id"]
    envelope = tmp_path / "valise.age"
    chiffre("en", "bag", *paris, "-o", str(envelope), sent)
    assert "par valise, en route" in done(ministry, "bureau", "inbox")
    assert [line["delivery"] for line in given(ministry, "bureau", "inbox")] == ["pouch"]
    refused(ministry, "NOT_FOUND", "bureau", "open", sent, "-o", str(tmp_path / "wire"))

    damaged, target = tmp_path / "abimee.age", tmp_path / "lue"
    whole = envelope.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    receiving = ("bureau", "receive")
    refused(ministry, "PAYLOAD_DAMAGED", *receiving, str(damaged), "-o", str(target))
    assert not target.exists()

    said = done(ministry, *receiving, str(envelope), "-o", str(target))
    assert f"Dépêche {sent} de PARIS déchiffrée" in said
    assert (target / "message.txt").read_text("utf-8") == SECRET
    kinds = [each["kind"] for each in chiffre("en", "receipt", *paris, sent)["receipts"]]
    assert kinds == ["submitted", "delivered", "deciphered"]
    assert given(ministry, "bureau", "inbox") == []
    again = done(ministry, *receiving, str(envelope), "-o", str(tmp_path / "encore"))
    assert "déjà déchiffrée auparavant" in again

    # The ministry gives the envelope back to its origin when the outbox has it no longer.
    kept = Path(ministry.identity("PARIS")) / "outbox" / f"{sent}.age"
    kept.unlink()
    chiffre("en", "bag", *paris, "-o", str(tmp_path / "deuxieme.age"), sent)
    assert (tmp_path / "deuxieme.age").read_bytes() == envelope.read_bytes()


def test_another_envelope_under_a_registered_id_is_refused(
    ministry: Stage, text: str, tmp_path: Path
) -> None:
    folder = Path(ministry.identity("LOME"))
    sending = ("--to", "MINREX", "--pouch", "MINREX", *LEVEL, text)
    sent = chiffre("en", "send", "--identity", str(folder), *sending)["id"]
    lome, now = load_identity(folder, bytes), clock.now().replace(microsecond=0)
    heading = Heading(
        id=sent,
        kind="telegram",
        label=Label("MINREX", "SECRET"),
        dtg=now,
        created=now,
    )
    series = Series(series_epoch(now.year), 1)
    to = [Destination(ministry.founding.card, "ROUTINE", series, delivery="pouch")]
    swapped, target = tmp_path / "echangee.age", tmp_path / "lue"
    with swapped.open("wb") as sink:
        encipher(heading, to, b"Autre chose.", signer=lome, sink=sink)

    refused(ministry, "BAG_DIFFERS", "bureau", "receive", str(swapped), "-o", str(target))
    assert not target.exists()
    [line] = given(ministry, "bureau", "inbox")
    assert (line["dispatch_id"], line["state"]) == (sent, "pending")


def test_what_was_never_registered_is_taken_in_and_said_so(
    ministry: Stage, text: str, tmp_path: Path
) -> None:
    card, envelope = tmp_path / "MINREX.card", tmp_path / "hors-ligne.age"
    card.write_bytes(ministry.founding.card.to_bytes())
    identity = ("--identity", ministry.identity("PARIS"))
    offline = ("--to", str(card), *LEVEL, "-o", str(envelope), text)
    chiffre("en", "encipher", *identity, *offline)

    typed = ("bureau", "receive", str(envelope), "-o", str(tmp_path / "lue"))
    ended = run("--data", str(ministry.settings.data), *typed)
    assert ended.returncode == 0, ended.stderr
    assert "PARIS n'en recevra pas d'accusé" in ended.stderr
    assert (tmp_path / "lue" / "message.txt").read_text("utf-8") == SECRET
    assert given(ministry, "bureau", "missing") == []
