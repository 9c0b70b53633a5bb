"""What is refused is refused by name, publishes nothing and changes nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cipher_service.client.__main__ import main
from keys import identity as identity_module
from keys.identity import Identity
from keys.records import ULID
from tests.surfaces.client.offline.posts import ROOT, Ending, Post, chiffre
from tests.vectors import forge

VECTORS = ROOT / "tests" / "vectors" / "depeche"
_READ = json.loads((VECTORS / "index.json").read_text("utf-8"))
INDEX, TRUSTED, COMPLEMENTS = _READ["vectors"], _READ["trusted"], _READ["complements"]


def _installed(identity: Identity, folder: Path) -> Post:
    """Put an identity of the vectors into a folder, as the program keeps them."""
    folder.mkdir(mode=0o700)
    (folder / "secret.json").write_bytes(identity_module._encode_secret(identity))
    post = Post(identity.card.post, folder)
    post.card.write_bytes(identity.card.to_bytes())
    return post


@pytest.fixture
def dispatch(lome: Post, paris: Post, tmp_path: Path) -> Path:
    """A small dispatch from LOME to PARIS."""
    path = tmp_path / "d.age"
    assert lome.encipher(paris, out=path, text="Refusez le visa.").status == 0
    return path


def refused(ending: Ending, code: str, *, status: int = 1) -> None:
    """Demand a refusal in three lines: the name, the cause, the effect, the remedy."""
    assert ending.status == status, ending.err
    assert ending.out == ""
    assert f"({code})" in ending.err
    assert ending.err.count("\n  ") >= 3


def unchanged(post: Post, before: dict[str, bytes]) -> None:
    """Demand that an identity folder is byte for byte what it was."""
    assert {name: data for name, data in post.tree().items() if name != "state.lock"} == before


@pytest.mark.parametrize("vector", INDEX, ids=lambda vector: vector["file"])
def test_every_vector_ends_at_the_command_line_as_it_should(
    vector: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process, for speed; the other tests here start real ones."""
    reader = _installed(forge.identity(vector["opener"]), tmp_path / "identity")
    trusted = [str(VECTORS / f"{post}.card") for post in vector.get("trusted", TRUSTED)]
    out = tmp_path / "out"
    arguments = ["--identity", str(reader.identity), "-o", str(out)]
    for card in trusted:
        arguments += ["--from", card]
    for post in vector.get("complements", COMPLEMENTS):
        arguments += ["--complement", str(VECTORS / f"{post}.complement")]

    status = main(["--lang", "en", "decipher", *arguments, str(VECTORS / vector["file"])])

    told = capfd.readouterr()
    if vector["expect"] == "OPENED":
        assert status == 0
        assert (out / "message.txt").exists()
    else:
        assert status == 1
        assert f"REFUSED ({vector['expect']})" in told.err
        assert not out.exists()
        assert [path.name for path in tmp_path.iterdir()] == ["identity"]
        assert reader.series()["received"] == []


def test_a_file_that_is_not_age(paris: Post, lome: Post, tmp_path: Path) -> None:
    for name, data in {"empty": b"", "text": b"Bonjour", "age text": b"age-encryption.org"}.items():
        (tmp_path / name).write_bytes(data)
        refused(paris.decipher(tmp_path / name, lome, out=tmp_path / "out"), "NOT_AGE")
        refused(chiffre("inspect", tmp_path / name), "NOT_AGE")
    assert not (tmp_path / "out").exists()


def test_a_header_of_31_megabytes_is_refused_at_once(
    paris: Post, lome: Post, tmp_path: Path
) -> None:
    line = b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"
    bomb = tmp_path / "bomb"
    bomb.write_bytes(b"age-encryption.org/v1\n" + line * (31_000_000 // len(line)))
    refused(paris.decipher(bomb, lome, out=tmp_path / "out"), "HEADER_TOO_LARGE")
    refused(chiffre("inspect", bomb), "HEADER_TOO_LARGE")


def test_a_refused_file_changes_nothing(
    paris: Post, lome: Post, dispatch: Path, tmp_path: Path
) -> None:
    assert paris.decipher(dispatch, lome, out=tmp_path / "first").status == 0
    before = paris.tree()
    damaged = tmp_path / "damaged"
    damaged.write_bytes(dispatch.read_bytes()[:-1])

    refused(paris.decipher(damaged, lome, out=tmp_path / "out"), "PAYLOAD_DAMAGED")

    unchanged(paris, before)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))


def _decipher_here(post: Post, file: Path, sender: Post, out: Path) -> int:
    """Decipher in this process: for the thousands of files that a sweep makes."""
    arguments = ("--identity", str(post.identity), "--from", str(sender.card))
    return main(["decipher", *arguments, "-o", str(out), str(file)])


def _lengths(size: int) -> Iterator[int]:
    yield from range(0, size, 101)
    yield from (size - 100, size - 17, size - 16, size - 1)


@pytest.mark.slow
def test_a_dispatch_cut_anywhere_is_refused(
    paris: Post, lome: Post, dispatch: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data, damaged, out = dispatch.read_bytes(), tmp_path / "damaged", tmp_path / "out"
    for length in _lengths(len(data)):
        damaged.write_bytes(data[:length])
        assert _decipher_here(paris, damaged, lome, out) == 1, length
        assert not out.exists()
    damaged.write_bytes(data + b"\0")
    assert _decipher_here(paris, damaged, lome, out) == 1
    assert "DEFECT" not in capfd.readouterr().err
    assert paris.series()["received"] == []


@pytest.mark.slow
def test_a_bit_flipped_anywhere_is_refused(
    paris: Post, lome: Post, dispatch: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data, damaged, out = dispatch.read_bytes(), tmp_path / "damaged", tmp_path / "out"
    for place in range(0, len(data), 31):
        flipped = bytearray(data)
        flipped[place] ^= 1 << (place % 8)
        damaged.write_bytes(flipped)
        assert _decipher_here(paris, damaged, lome, out) == 1, place
        assert not out.exists()
    assert "DEFECT" not in capfd.readouterr().err
    assert not list(tmp_path.glob(".*"))
    assert paris.series()["received"] == []


def test_a_dispatch_for_somebody_else(
    accra: Post, lome: Post, dispatch: Path, tmp_path: Path
) -> None:
    refused(accra.decipher(dispatch, lome, out=tmp_path / "out"), "NOT_ADDRESSED")


def test_a_sender_whose_card_was_not_given(
    paris: Post, accra: Post, dispatch: Path, tmp_path: Path
) -> None:
    refused(paris.decipher(dispatch, accra, out=tmp_path / "out"), "UNKNOWN_SENDER")


def test_the_identical_dispatch_opens_again_and_says_so(
    paris: Post, lome: Post, dispatch: Path, tmp_path: Path
) -> None:
    first = paris.decipher(dispatch, lome, out=tmp_path / "first", options=["--json"])
    again = paris.decipher(dispatch, lome, out=tmp_path / "again", options=["--json"])

    assert first.record["already_opened"] is None
    assert first.err == ""
    assert again.status == 0
    assert datetime.fromisoformat(again.record["already_opened"]) <= datetime.now(UTC)
    assert "déjà été ouverte" in again.err
    assert (tmp_path / "again" / "message.txt").read_bytes() == b"Refusez le visa."
    (received,) = paris.series()["received"]
    assert (received["received"], received["missing"]) == (1, [])


def _from_a_copy(lome: Post, place: Path) -> Post:
    """The sender as a restored backup: it knows nothing of what was sent since."""
    copy = Post(lome.code, place)
    place.mkdir(mode=0o700)
    for name in ("secret.json", "LOME.card"):
        (place / name).write_bytes((lome.identity / name).read_bytes())
    return copy


def test_another_content_under_a_used_number(
    paris: Post, lome: Post, dispatch: Path, tmp_path: Path
) -> None:
    restored = _from_a_copy(lome, tmp_path / "restored")
    assert paris.decipher(dispatch, lome, out=tmp_path / "first").status == 0
    assert restored.encipher(paris, out=tmp_path / "double.age", text="Accordez.").status == 0
    before = paris.tree()

    ending = paris.decipher(tmp_path / "double.age", lome, out=tmp_path / "out")

    refused(ending, "NUMBER_REUSED")
    unchanged(paris, {**before, "state.db": paris.tree()["state.db"]})
    assert not (tmp_path / "out").exists()
    (received,) = paris.series()["received"]
    assert received["received"] == 1


def test_another_content_under_a_used_id(tmp_path: Path) -> None:
    sender = forge.identity("MINREX")
    reader = _installed(forge.identity("PARIS"), tmp_path / "identity")
    minrex = _installed(sender, tmp_path / "minrex")
    for name, number in (("first", 1), ("second", 2)):
        heading = forge.heading(subject=name)
        assert ULID.fullmatch(heading.id)
        card = forge.identity("PARIS").card
        forgery = forge.Forgery([card], heading=heading, to=[forge.addressee(card, number)])
        (tmp_path / name).write_bytes(forgery.seal())

    assert reader.decipher(tmp_path / "first", minrex, out=tmp_path / "out-1").status == 0
    refused(reader.decipher(tmp_path / "second", minrex, out=tmp_path / "out-2"), "REPLAYED")
    assert not (tmp_path / "out-2").exists()


def test_a_script_is_told_as_json(paris: Post, lome: Post, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"Bonjour")

    ending = paris.decipher(tmp_path / "text", lome, out=tmp_path / "out", options=["--json"])

    assert ending.status == 1
    error = ending.record["error"]
    assert (error["code"], error["status"]) == ("NOT_AGE", 1)
    assert set(error) == {"code", "status", "cause", "effect", "remedy", "detail"}
    assert "(NOT_AGE)" in ending.err


def test_an_output_folder_that_holds_something_is_left_alone(
    paris: Post, lome: Post, dispatch: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("à moi")
    refused(paris.decipher(dispatch, lome, out=tmp_path / "out"), "OUTPUT_NOT_EMPTY")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    refused(paris.decipher(dispatch, lome, out=dispatch), "OUTPUT_NOT_EMPTY")
    assert paris.series()["received"] == []


def test_an_output_file_is_replaced_only_by_force(
    paris: Post, lome: Post, dispatch: Path, tmp_path: Path
) -> None:
    before = dispatch.read_bytes()
    refused(lome.encipher(paris, out=dispatch), "OUTPUT_EXISTS")
    assert dispatch.read_bytes() == before
    (sent,) = lome.series()["sent"]
    assert sent["last"] == 1

    assert lome.encipher(paris, out=dispatch, options="--force").status == 0
    assert dispatch.read_bytes() != before
    assert paris.decipher(dispatch, lome, out=tmp_path / "out").status == 0


def test_force_replaces_neither_a_device_nor_what_is_being_sent(
    paris: Post, lome: Post, tmp_path: Path
) -> None:
    refused(lome.encipher(paris, out=Path("/dev/null"), options="--force"), "OUTPUT_EXISTS")
    assert Path("/dev/null").is_char_device()
    mine = tmp_path / "text"
    mine.write_text("à moi")
    ending = lome.encipher(paris, out=mine, options=("--force", "--attach", mine))
    refused(ending, "OUTPUT_EXISTS")
    assert mine.read_text() == "à moi"


def test_the_secret_key_is_shown_only_when_confirmed(paris: Post) -> None:
    ending = chiffre("identity", "export-age", "--identity", paris.identity)
    refused(ending, "EXPORT_UNCONFIRMED")
    assert "AGE-SECRET" not in ending.err


def test_an_altered_card(paris: Post, lome: Post, tmp_path: Path) -> None:
    members = json.loads(paris.card.read_text())
    members["post"] = "ROME"
    forged = tmp_path / "ROME.card"
    forged.write_text(json.dumps(members, sort_keys=True, separators=(",", ":")))

    refused(chiffre("card", "show", forged), "CARD_INVALID")
    sent = chiffre(
        "encipher",
        *("--identity", lome.identity, "--to", forged, "--level", "SECRET"),
        *("-o", tmp_path / "d.age", forged),
    )
    refused(sent, "CARD_INVALID")
    assert lome.series()["sent"] == []
    (tmp_path / "huge.card").write_bytes(b"{" * 50_000_000)
    refused(chiffre("card", "show", tmp_path / "huge.card"), "CARD_INVALID")


def test_a_subject_cannot_steer_the_reader_s_terminal(tmp_path: Path) -> None:
    """Signs that turn the direction of writing pass the manifest's rules."""
    sender = forge.identity("MINREX")
    reader = _installed(forge.identity("PARIS"), tmp_path / "identity")
    minrex = _installed(sender, tmp_path / "minrex")
    heading = forge.heading(subject="Visa \u202eesufer\u202c \u009b31m")
    forgery = forge.Forgery([forge.identity("PARIS").card], heading=heading)
    (tmp_path / "d.age").write_bytes(forgery.seal())

    ending = reader.decipher(tmp_path / "d.age", minrex, out=tmp_path / "out")

    assert ending.status == 0
    assert "Visa <U+202E>esufer<U+202C> <U+009B>31m" in ending.out
