"""Two posts exchange dispatches with the program alone, byte for byte."""

import base64
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.surfaces.client.offline.posts import MODULE, ROOT, Post, chiffre

NODE = str(Path(sys.executable).with_name("node"))
CORPUS = sorted((ROOT.parent / "shared" / "corpus" / "telegrams").glob("*.json"))
TEXTS = {
    "french": "Le ministre reçoit l'ambassadeur mardi à 10 h 30.\nŒuvre achevée : « à suivre ».\n",
    "english": "The Minister will receive the Ambassador on Tuesday.\nNo reply is needed.\n",
    "empty": "",
    "windows line ends": "Un\r\ndeux\r\n",
    "no last line end": "FIN",
    "other scripts": "Привет, 你好, مرحبا, \U0001f54a\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_text_arrives_byte_for_byte(lome: Post, paris: Post, tmp_path: Path, text: str) -> None:
    sent = lome.encipher(paris, out=tmp_path / "d.age", text=text)
    assert (sent.status, sent.err.strip().count("\n")) == (0, 0)

    read = paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "read")
    assert read.status == 0, read.err
    assert (tmp_path / "read" / "message.txt").read_bytes() == text.encode()


@pytest.mark.skipif(not CORPUS, reason="the corpus of telegrams is not beside the repository")
@pytest.mark.parametrize("path", CORPUS[:: max(1, len(CORPUS) // 8)], ids=lambda path: path.stem)
def test_a_real_telegram_arrives_as_it_was_sent(
    lome: Post, paris: Post, tmp_path: Path, path: Path
) -> None:
    telegram = json.loads(path.read_text("utf-8"))
    options = ("--subject", telegram["head"][:400])

    assert (
        lome.encipher(paris, out=tmp_path / "d.age", text=telegram["body"], options=options).status
        == 0
    )
    assert paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "read").status == 0

    body = (tmp_path / "read" / "message.txt").read_bytes()
    assert hashlib.sha256(body).hexdigest() == telegram["body_sha256"]
    record = json.loads((tmp_path / "read" / "dispatch.json").read_text("utf-8"))
    assert record["subject"] == telegram["head"][:400]


def test_what_the_reader_is_told(lome: Post, paris: Post, accra: Post, tmp_path: Path) -> None:
    (tmp_path / "note à lire.txt").write_text("pièce", "utf-8")
    sent = chiffre(
        "encipher",
        *("--identity", lome.identity, "--to", paris.card, "--info", accra.card),
        *("--level", "Très secret", "--caveat", "eyes only", "--caveat", "Spécial Togo"),
        *("--precedence", "flash", "--info-precedence", "R", "--subject", "Visite d'État"),
        *("--kind", "note-verbale", "--reference", "TD 12 du 3 mars", "--releasable-to", "CEMAC"),
        *("--in-reply-to", "01JD8ZK3V00000000000000001", "--review", "2031-01-31"),
        *("--expires", "2090-01-31T18:00:00Z", "--attach", tmp_path / "note à lire.txt"),
        *("-o", tmp_path / "d.age", "--json", "-"),
        stdin=b"Texte.",
    )
    assert sent.status == 0, sent.err
    assert sent.record["size"] == (tmp_path / "d.age").stat().st_size

    read = paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "read", options=["--json"])
    record = json.loads((tmp_path / "read" / "dispatch.json").read_text("utf-8"))
    assert read.record == {**record, "folder": str(tmp_path / "read")}
    assert record["sender"]["post"] == "LOME"
    assert record["kind"] == "note-verbale"
    assert record["label"] == {
        "policy": "MINREX-1",
        "level": "TRES-SECRET",
        "caveats": ["EYES ONLY", "SPECIAL TOGO"],
        "releasability": ["CEMAC"],
        "review": "2031-01-31",
    }
    assert [(to["post"], to["role"], to["precedence"]) for to in record["addressees"]] == [
        ("PARIS", "action", "FLASH"),
        ("ACCRA", "info", "ROUTINE"),
        ("LOME", "copy", "FLASH"),
    ]
    year = int(record["created"][:4])
    assert record["numbers"] == [{"epoch": year * 100, "number": 1}]
    assert record["signatures"] == {"ed25519": "verified", "mldsa65": "verified"}
    assert record["references"] == ["TD 12 du 3 mars"]
    assert record["in_reply_to"] == "01JD8ZK3V00000000000000001"
    assert record["expires"] == "2090-01-31T18:00:00Z"
    assert (record["missing_numbers"], record["already_opened"]) == ([], None)
    assert [part["name"] for part in record["parts"]] == [
        "message.txt",
        "attachments/001-note à lire.txt",
    ]
    attachment = tmp_path / "read" / "attachments" / "001-note à lire.txt"
    assert attachment.read_text("utf-8") == "pièce"


def test_what_is_deciphered_is_for_its_owner_only(lome: Post, paris: Post, tmp_path: Path) -> None:
    lome.encipher(paris, out=tmp_path / "d.age")
    paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "read")

    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in [tmp_path / "read", *(tmp_path / "read").rglob("*")]
    }
    assert modes == {
        "read": 0o700,
        "read/message.txt": 0o600,
        "read/attachments": 0o700,
        "read/dispatch.json": 0o600,
    }


def test_the_sender_reads_its_own_copy(lome: Post, paris: Post, tmp_path: Path) -> None:
    lome.encipher(paris, out=tmp_path / "d.age", text="Gardez copie.")

    # Its own card is known without being named; another's has to be given for the form's sake.
    read = lome.decipher(tmp_path / "d.age", paris, out=tmp_path / "read")

    assert read.status == 0, read.err
    assert (tmp_path / "read" / "message.txt").read_text() == "Gardez copie."
    assert json.loads((tmp_path / "read" / "dispatch.json").read_text())["numbers"] == []


def test_an_empty_folder_serves_as_output(lome: Post, paris: Post, tmp_path: Path) -> None:
    lome.encipher(paris, out=tmp_path / "d.age")
    (tmp_path / "read").mkdir()
    assert paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "read").status == 0


def test_a_card_is_read_over_the_telephone_in_groups(lome: Post) -> None:
    record = chiffre("card", "show", lome.card, "--json").record
    shown = chiffre("card", "show", lome.card)

    assert record["fingerprint"] == json.loads(lome.card.read_text())["fingerprint"]
    groups = " ".join(re.findall("....", record["fingerprint"]))
    assert groups in shown.out
    assert chiffre("card", "show", lome.card, program=MODULE).out == shown.out


def test_the_exported_key_opens_the_file_with_other_tools(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    lome.encipher(paris, out=tmp_path / "d.age", text="Lisible sans nous.")

    exported = chiffre("identity", "export-age", "--identity", paris.identity, "--yes").out.strip()

    assert exported.startswith("AGE-SECRET-KEY-PQ-1")
    data = base64.b64encode((tmp_path / "d.age").read_bytes()).decode()
    request = {"act": "open", "identities": [exported], "passphrase": None, "data": data}
    answered = subprocess.run(
        [NODE, "age_peer.mjs"],
        cwd=ROOT / "tests" / "foreign",
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    package = base64.b64decode(json.loads(answered.stdout)["data"])
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        message = archive.extractfile("message.txt")
        assert message is not None
        assert message.read() == b"Lisible sans nous."


def test_an_outsider_sees_sizes_and_a_label_and_nothing_of_the_dispatch(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    options = ("--subject", "Affaire Mercure", "--precedence", "immediat")
    sent = lome.encipher(paris, out=tmp_path / "d.age", text="Secret.", options=options)
    assert sent.status == 0

    shown = chiffre("inspect", tmp_path / "d.age")
    record = chiffre("inspect", "--json", tmp_path / "d.age").record

    assert shown.status == 0
    assert "immédiat" in shown.out.lower()
    for hidden in ("PARIS", "LOME", "Mercure", "SECRET", "Secret."):
        assert hidden not in shown.out
        assert hidden not in json.dumps(record)
    assert set(record) == {
        *("format", "size", "header_bytes", "payload_bytes", "stanzas", "recipients", "label")
    }
    assert record["recipients"] == 2
    assert set(record["label"]) == {"id", "suite", "routing", "manifest_hash"}
    assert record["size"] == record["header_bytes"] + record["payload_bytes"]


def test_many_posts_receive_one_dispatch(
    lome: Post, paris: Post, accra: Post, tmp_path: Path
) -> None:
    assert lome.encipher(paris, accra, out=tmp_path / "d.age").status == 0
    for post in (paris, accra):
        assert post.decipher(tmp_path / "d.age", lome, out=tmp_path / post.code).status == 0


def test_a_text_of_some_size_goes_through_standard_input(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    text = os.urandom(3 << 20)
    assert lome.encipher(paris, out=tmp_path / "d.age", text=text).status == 0
    assert paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "read").status == 0
    assert (tmp_path / "read" / "message.txt").read_bytes() == text
    assert "spool" not in " ".join(lome.tree())


def test_a_pipe_serves_as_a_file(lome: Post, paris: Post, tmp_path: Path) -> None:
    """`chiffre encipher ... <(generator)` in a shell."""
    os.mkfifo(tmp_path / "pipe")
    writer = os.fork()
    if writer == 0:
        try:
            (tmp_path / "pipe").write_bytes(b"Par le tube.")
        finally:
            os._exit(0)
    sent = chiffre(
        "encipher",
        *("--identity", lome.identity, "--to", paris.card, "--level", "SECRET"),
        *("-o", tmp_path / "d.age", tmp_path / "pipe"),
    )
    os.waitpid(writer, 0)
    assert sent.status == 0, sent.err
    assert paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "read").status == 0
    assert (tmp_path / "read" / "message.txt").read_bytes() == b"Par le tube."
