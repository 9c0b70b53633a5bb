"""A day at the ministry's cipher bureau: drafts, several ways, numbers, signals, receipts."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from cipher_service import clock
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.references import series_epoch
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.dispatches import receipt
from cipher_service.storage.tables.headquarters import draft
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.surfaces.administration.running import done, given, refused, run

pytestmark = pytest.mark.slow

SECRET = "Réponse à la note sur la délimitation maritime.\n"
PEOPLE = ("--drafter", "A. Ndongo", "--authority", "SG")
DRAFTER = ("--drafter", "A. Ndongo")


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "texte.txt"
    path.write_text(SECRET, "utf-8")
    return str(path)


def _kept_bodies(settings: Settings) -> list[bytes]:
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            return [bytes(body) for body in connection.scalars(select(draft.c.body))]
    finally:
        engine.dispose()


@contextmanager
def _backdated(settings: Settings) -> Iterator[None]:
    """Let somebody at the database backdate the newest receipt, for the time of the block."""
    engine = open_engine(settings.database)
    newest = receipt.c.seq == select(func.max(receipt.c.seq)).scalar_subquery()
    try:
        with unit_of_work(engine) as connection:
            true = bytes(connection.scalars(select(receipt.c.body).where(newest)).one())
            false = re.sub(rb'"at":"[0-9]{4}', b'"at":"2020', true)
            connection.execute(update(receipt).where(newest).values(body=false))
        yield
        with unit_of_work(engine) as connection:
            connection.execute(update(receipt).where(newest).values(body=true))
    finally:
        engine.dispose()


def test_a_draft_is_kept_sealed_and_leaves_once(ministry: Stage, text: str, tmp_path: Path) -> None:
    objet = "Délimitation maritime"
    saved = given(ministry, "bureau", "draft", "save", *DRAFTER, "--subject", objet, text)
    named = ("bureau", "draft", "save", *DRAFTER, "--draft", saved["id"])
    again = given(ministry, *named, "--edition", "1", "--subject", objet, text)
    assert (again["id"], again["edition"]) == (saved["id"], 2)
    refused(ministry, "DRAFT_CHANGED", *named, "--edition", "1", text)
    refused(ministry, "DRAFT_WITHOUT_EDITION", *named, text, status=2)

    listed = done(ministry, "bureau", "draft", "list", *DRAFTER)
    assert f"{saved['id']}  édition 2  A. Ndongo" in listed
    assert "maritime" not in listed
    assert all(b"maritime" not in body for body in _kept_bodies(ministry.settings))
    shown = given(ministry, "bureau", "draft", "show", *DRAFTER, saved["id"])
    assert (shown["subject"], shown["text"]) == (objet, SECRET)
    assert SECRET.strip() in done(ministry, "bureau", "draft", "show", *DRAFTER, saved["id"])
    another = ("--drafter", "Un autre")
    refused(ministry, "NOT_FOUND", "bureau", "draft", "show", *another, saved["id"])

    sending = ("bureau", "send", "--to", "PARIS", "--level", "SECRET", *PEOPLE)
    refused(ministry, "SEND_TEXT_OR_DRAFT", *sending, "--draft", saved["id"], text, status=2)
    refused(ministry, "SEND_TEXT_OR_DRAFT", *sending, status=2)
    done(ministry, *sending, "--draft", saved["id"])
    assert given(ministry, "bureau", "draft", "list", *DRAFTER) == []
    refused(ministry, "NOT_FOUND", *sending, "--draft", saved["id"])

    read = tmp_path / "read"
    fetching = ("--all", "--decipher", "-o", str(read))
    chiffre("en", "fetch", "--identity", ministry.identity("PARIS"), *fetching)
    [folder] = [path.parent for path in read.glob("*/message.txt")]
    assert (folder / "message.txt").read_text("utf-8") == SECRET
    assert json.loads((folder / "dispatch.json").read_text("utf-8"))["subject"] == objet

    other = given(ministry, "bureau", "draft", "save", *DRAFTER, text)["id"]
    done(ministry, "bureau", "draft", "discard", *DRAFTER, other)
    refused(ministry, "NOT_FOUND", "bureau", "draft", "discard", *DRAFTER, other)


def test_what_cannot_be_a_draft_is_not_kept(ministry: Stage, tmp_path: Path) -> None:
    (tmp_path / "octets").write_bytes(b"\xff\xfe")
    (tmp_path / "long").write_bytes(b"x" * (64 * 1024))
    saving = ("bureau", "draft", "save", "--drafter", "R")
    refused(ministry, "DRAFT_NOT_TEXT", *saving, str(tmp_path / "octets"))
    refused(ministry, "DRAFT_TOO_LONG", *saving, str(tmp_path / "long"))
    lines = ("--subject", "un\ndeux", str(tmp_path / "long"))
    refused(ministry, "HEADING_INVALID", *saving, *lines, status=2)
    assert "R n'a pas de brouillon" in done(ministry, "bureau", "draft", "list", "--drafter", "R")


def test_one_dispatch_goes_by_two_ways_and_its_receipts_are_proved(
    ministry: Stage, text: str, tmp_path: Path
) -> None:
    sending = ("bureau", "send", "--to", "PARIS", "--info", "LOME", "--level", "SECRET", *PEOPLE)
    before = given(ministry, "bureau", "outgoing", "LOME")
    for code, typed in (
        ("NOT_AN_ADDRESSEE", ("--pouch", "ADDIS")),
        ("ADDRESSEE_REPEATED", ("--pouch", "LOME", "--pouch", "lome")),
        ("INFO_ABOVE_ACTION", ("--precedence-for", "LOME=FLASH")),
    ):
        refused(ministry, code, *sending, *typed, text, status=2)
    assert given(ministry, "bureau", "outgoing", "LOME") == before

    ways = ("--precedence-for", "PARIS=FLASH", "--pouch", "LOME")
    sent = run("--data", str(ministry.settings.data), *sending, *ways, text)
    assert sent.returncode == 0, sent.stderr
    assert "Par valise : LOME" in sent.stderr
    dispatch_id = sent.stdout.split()[1]
    [bagged] = chiffre("en", "inbox", "--identity", ministry.identity("LOME"))
    assert (bagged["dispatch_id"], bagged["delivery"]) == (dispatch_id, "pouch")
    [line] = [
        line
        for line in chiffre("en", "inbox", "--identity", ministry.identity("PARIS"))
        if line["dispatch_id"] == dispatch_id
    ]
    assert line["precedence"] == "FLASH"
    fetching = ("--decipher", "-o", str(tmp_path / "read"), dispatch_id)
    chiffre("en", "fetch", "--identity", ministry.identity("PARIS"), *fetching)

    receipts = given(ministry, "bureau", "receipts", dispatch_id)["receipts"]
    assert [(each["kind"], each["post"]) for each in receipts] == [
        ("submitted", None),
        ("delivered", "PARIS"),
        ("deciphered", "PARIS"),
    ]
    assert all(each["refusal"] is None for each in receipts)
    assert "PARIS : déchiffrée" in done(ministry, "bureau", "receipts", dispatch_id)
    refused(ministry, "NOT_FOUND", "bureau", "receipts", "01JD8ZK3V00000000000000001")
    with _backdated(ministry.settings):
        told = run("--data", str(ministry.settings.data), "bureau", "receipts", dispatch_id)
    assert told.returncode == 1
    assert told.stdout.count("ACCUSÉ FAUX (SIGNATURE_INVALID)") == 1
    assert "RECEIPTS_UNSOUND" in told.stderr

    [number] = given(ministry, "bureau", "outgoing", "lome")[len(before) :]
    assert (number["dispatch_id"], number["state"]) == (dispatch_id, "issued")
    assert "émis" in done(ministry, "bureau", "outgoing", "LOME")
    assert "Aucun numéro vers LOME en 2001" in done(
        ministry, "bureau", "outgoing", "LOME", "--year", "2001"
    )
    refused(ministry, "UNKNOWN_POST", "bureau", "outgoing", "NOWHERE")
    refused(ministry, "YEAR_INVALID", "bureau", "outgoing", "LOME", "--year", "26", status=2)


def test_what_is_missing_is_chased_once_and_signals_are_read(
    ministry: Stage, text: str, tmp_path: Path
) -> None:
    paris, headquarters = ministry.identity("PARIS"), tmp_path / "MINREX.card"
    headquarters.write_bytes(ministry.founding.card.to_bytes())
    # The first number goes into a file that never arrives, the second to the ministry.
    level = ("--level", "SECRET")
    chiffre(
        "en",
        *("encipher", "--identity", paris, "--to", str(headquarters), *level),
        *("-o", str(tmp_path / "lost.age"), text),
    )
    chiffre("en", "send", "--identity", paris, "--to", "MINREX", *level, text)
    epoch = series_epoch(clock.now().year)
    lost = {"origin": "PARIS", "addressee": "MINREX", "epoch": epoch, "number": 1}

    chased = given(ministry, "bureau", "chase")
    assert (chased["asked"], chased["awaited"]) == ([lost], [])
    chased = given(ministry, "bureau", "chase")
    assert (chased["asked"], chased["awaited"]) == ([], [lost])
    assert "N° 1 de PARIS" in done(ministry, "bureau", "chase")
    heard = chiffre("en", "service-message", "--identity", paris)
    assert [each["series"] for each in heard if each["signal"] == "INT ZDK"] == [lost]

    done(ministry, "post", "suspend", "PARIS")
    assert given(ministry, "bureau", "chase")["silent"] == ["PARIS"]
    done(ministry, "post", "resume", "PARIS")

    assert "Aucun message de service" in done(ministry, "bureau", "messages")
    asking = ("--to", "MINREX", "--number", "7")
    chiffre("en", "service-message", "--identity", paris, *asking)
    about = f"INT ZDK  demande de répétition : n° 7 de MINREX à PARIS ({epoch // 100})"
    assert about in done(ministry, "bureau", "messages")
    [message] = given(ministry, "bureau", "messages")
    assert (message["from"], message["kind"], message["verified"]) == (
        "PARIS",
        "repeat-request",
        True,
    )


def test_a_suspension_is_undone_and_a_withdrawal_is_not(ministry: Stage) -> None:
    inbox = ("inbox", "--identity", ministry.identity("LOME"))
    done(ministry, "post", "suspend", "LOME")
    assert "en service avec la même carte" in done(ministry, "post", "resume", "lome")
    chiffre("en", *inbox)
    refused(ministry, "NOT_SUSPENDED", "post", "resume", "LOME")

    refused(ministry, "NO_SUCH_CARD", "post", "withdraw", "LOME", "--fingerprint", "00" * 32)
    refused(ministry, "HEADQUARTERS_CARD", "post", "withdraw", "MINREX")
    listed = {each["post"]: each["fingerprint"] for each in given(ministry, "post", "list")}
    assert "cipher-service post code LOME" in done(ministry, "post", "withdraw", "lome")
    life = given(ministry, "audit", "ask", "life", "LOME")
    assert [line["card"] for line in life if "card" in line] == [listed["LOME"]]
    assert listed["LOME"] in done(ministry, "audit", "ask", "life", "LOME")
    refused(ministry, "NO_SUCH_CARD", "post", "withdraw", "LOME")
    [lome] = [each for each in given(ministry, "post", "list") if each["post"] == "LOME"]
    assert (lome["state"], lome["fingerprint"]) == ("absent", None)


def test_a_stopped_custodian_is_told_as_such(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    assert run("--data", data, "init").returncode == 0
    text = tmp_path / "texte.txt"
    text.write_text("x", "utf-8")
    saved = run("--data", data, "bureau", "draft", "save", *DRAFTER, str(text), "--json")
    kept = json.loads(saved.stdout)["id"]
    shown = run("--data", data, "bureau", "draft", "show", *DRAFTER, kept)
    assert shown.returncode == 3
    assert "CUSTODIAN_UNAVAILABLE" in shown.stderr
    assert "cipher-service serve" in shown.stderr
