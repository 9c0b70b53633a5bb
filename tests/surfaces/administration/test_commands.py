"""`cipher-service` from the command line: what it founds, refuses and says."""

from pathlib import Path

import pytest

from cipher_service.administration.stage import Stage, chiffre
from cipher_service.client.failures import Failure
from tests.surfaces.administration.running import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("typed", "status", "code"),
    [
        (("--data", "{none}", "serve"), 1, "SETTINGS_INVALID"),
        (("--data", "{none}", "check"), 1, "SETTINGS_INVALID"),
        (("--data", "{data}", "init"), 1, "FOUNDED_ALREADY"),
        (("--data", "{data}", "post", "code", "NOWHERE"), 1, "UNKNOWN_POST"),
        (("--data", "{data}", "post", "suspend", "NOWHERE"), 1, "UNKNOWN_POST"),
        (("--data", "{data}", "post", "activate", "LOME", "--fingerprint", "0"), 1, "FINGERPRINT"),
        (("--data", "{data}", "bureau", "open", "X", "-o", "{none}"), 1, "NOT_FOUND"),
        (("--data", "{data}", "nonsense"), 2, "USAGE"),
        ((), 2, "USAGE"),
    ],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_refusal_has_a_name_and_three_parts(
    ministry: Stage, tmp_path: Path, typed: tuple[str, ...], status: int, code: str, language: str
) -> None:
    places = {"none": str(tmp_path / "none"), "data": str(ministry.settings.data)}
    ended = run(*(word.format(**places) for word in typed), language=language)
    assert ended.returncode == status, ended.stderr
    assert code in ended.stderr
    assert len(ended.stderr.splitlines()) >= 4
    assert "Traceback" not in ended.stderr


def test_headquarters_and_a_post_write_to_each_other(ministry: Stage, tmp_path: Path) -> None:
    data = str(ministry.settings.data)
    text = tmp_path / "texte.txt"
    text.write_text("Vu et approuvé.\n", "utf-8")
    sent = run(
        *("--data", data, "bureau", "send", "--to", "PARIS", "--level", "SECRET"),
        *("--drafter", "R", "--authority", "SG", "--subject", "S", str(text)),
    )
    assert sent.returncode == 0, sent.stderr
    read = tmp_path / "read"
    chiffre(
        "en",
        *("fetch", "--identity", ministry.identity("PARIS"), "--all", "--decipher"),
        *("-o", str(read)),
    )
    [message] = read.glob("*/message.txt")
    assert message.read_text("utf-8") == "Vu et approuvé.\n"

    answer = chiffre(
        "en",
        *("send", "--identity", ministry.identity("PARIS"), "--to", "MINREX"),
        *("--level", "SECRET", "--precedence", "FLASH", str(text)),
    )
    inbox = run("--data", data, "bureau", "inbox")
    assert inbox.stdout.startswith("FLASH")
    assert answer["id"] in inbox.stdout
    for attempt, phrase in enumerate(("déchiffrée dans", "déjà déchiffrée")):
        folder = tmp_path / f"opened-{attempt}"
        opened = run("--data", data, "bureau", "open", answer["id"], "-o", str(folder))
        assert opened.returncode == 0, opened.stderr
        assert phrase in opened.stdout
        assert (folder / "message.txt").read_bytes() == text.read_bytes()
    assert "Rien à déchiffrer" in run("--data", data, "bureau", "inbox").stdout
    receipts = chiffre("en", "receipt", "--identity", ministry.identity("PARIS"), answer["id"])
    assert "deciphered" in str(receipts)


def test_a_failed_departure_cancels_its_number_and_tells_the_addressee(
    ministry: Stage, tmp_path: Path
) -> None:
    data = str(ministry.settings.data)
    text = tmp_path / "texte.txt"
    text.write_text("x", "utf-8")
    # Blobs cannot be written: the spool is in the way as a file.
    spool = ministry.settings.data / "spool"
    aside = spool.rename(tmp_path / "spool-aside") if spool.exists() else None
    spool.write_bytes(b"")
    try:
        failed = run(
            *("--data", data, "bureau", "send", "--to", "LOME", "--level", "SECRET"),
            *("--drafter", "R", "--authority", "SG", str(text)),
        )
    finally:
        spool.unlink()
        if aside is not None:
            aside.rename(spool)
    assert failed.returncode == 3, failed.stderr
    sent = run(
        *("--data", data, "bureau", "send", "--to", "LOME", "--level", "SECRET"),
        *("--drafter", "R", "--authority", "SG", str(text)),
    )
    assert "LOME 0002" in sent.stdout, sent.stderr
    numbers = run("--data", data, "bureau", "outgoing", "LOME").stdout.splitlines()
    assert numbers[0].endswith("annulé (l'envoi a échoué)")
    assert numbers[1].endswith("émis")
    [told] = chiffre("en", "service-message", "--identity", ministry.identity("LOME"))
    assert (told["kind"], told["from"]) == ("cancelled", "MINREX")
    assert told["series"]["number"] == 1
    assert told["verified"] is True


def test_a_suspended_post_is_turned_away_at_once(ministry: Stage) -> None:
    data = str(ministry.settings.data)
    assert chiffre("en", "inbox", "--identity", ministry.identity("LOME")) is not None
    suspended = run("--data", data, "post", "suspend", "lome", language="en")
    assert suspended.returncode == 0
    with pytest.raises(Failure) as refusal:
        chiffre("en", "inbox", "--identity", ministry.identity("LOME"))
    assert refusal.value.code == "POST_NOT_ACTIVE"


def test_migrating_again_changes_nothing(ministry: Stage) -> None:
    data = str(ministry.settings.data)
    first = run("--data", data, "migrate", language="en")
    assert first.returncode == 0
    assert run("--data", data, "migrate", language="en").stdout == first.stdout


def test_a_lost_envelope_is_told_in_plain_words(ministry: Stage, tmp_path: Path) -> None:
    data = str(ministry.settings.data)
    text = tmp_path / "texte.txt"
    text.write_text("x" * 100_000, "utf-8")  # too large for the table: a file of its own
    sent = run(
        *("--data", data, "bureau", "send", "--to", "PARIS", "--level", "SECRET"),
        *("--drafter", "R", "--authority", "SG", str(text)),
    )
    assert sent.returncode == 0, sent.stderr
    sound = run("--data", data, "check")
    assert sound.returncode == 0, sound.stderr + sound.stdout
    assert "Tout est en ordre" in sound.stdout
    newest = max(
        (ministry.settings.data / "blobs").glob("??/??/*"), key=lambda path: path.stat().st_mtime
    )
    newest.rename(tmp_path / "stolen")
    try:
        found = run("--data", data, "check")
        assert found.returncode == 1
        assert newest.name in found.stdout
        assert "CHECK_FOUND" in found.stderr
    finally:
        (tmp_path / "stolen").rename(newest)
