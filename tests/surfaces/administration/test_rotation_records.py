"""`cipher-service keys confirm`, `record`, `recorded`: a rotation as the log tells it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from cipher_service import clock
from cipher_service.settings import Settings
from keys import canonical
from keys.custody.rotation import BEGUN_FILE, Terminal
from keys.custody.store import read_credential
from keys.verifier.__main__ import main
from tests.surfaces.administration.house import custodian_working
from tests.surfaces.administration.running import run
from tests.surfaces.administration.test_presence import House, founded, house

__all__ = ["founded", "house"]

DESKS = "desks/MINREX"


class Desk:
    """A terminal of a ministry's machine."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder

    def done(self, *typed: str, language: str = "en") -> str:
        ended = run("--data", str(self.settings.data), *typed, language=language)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def refused(self, code: str, *typed: str) -> str:
        ended = run("--data", str(self.settings.data), *typed, language="fr")
        assert ended.returncode in {1, 2}, ended.stdout + ended.stderr
        assert f"({code})" in ended.stderr
        return ended.stderr

    def record(self, key: str, name: str, *more: str) -> Any:
        typed = ("keys", "record", key, "-o", str(self.folder / name), *more, "--json")
        return json.loads(self.done(*typed))

    def record_after_rotating(self) -> Any:
        self.done("keys", "rotate", DESKS)
        return self.record(DESKS, "first.json")

    def verified(self, name: str) -> bool:
        """Whether an outsider, who has the exported key alone, believes the record."""
        self.done("audit", "export", "--out", str(self.folder / f"{name}.log"))
        key = (self.folder / f"{name}.log" / "vkey").read_text("ascii").strip()
        return main(("rotation", str(self.folder / name), "--key", key)) == 0


@pytest.fixture
def desk(house: House, tmp_path: Path) -> Iterator[Desk]:
    with custodian_working(house.settings):
        yield Desk(house.settings, tmp_path)


def _text(paper: Path) -> str:
    with pypdfium2.PdfDocument(paper.read_bytes()) as document:
        return "".join("".join(each.get_textpage().get_text_range().split()) for each in document)


def test_who_was_present_signs_with_a_security_key_and_the_record_says_so(
    founded: House, desk: Desk
) -> None:
    security, general = founded.of["SECURITY-OFFICER"], founded.of["SECRETARY-GENERAL"]
    order = ("keys", "rotate", DESKS, "--by", general)
    desk.refused("SECURITY_KEY_ABSENT", *order, *founded.key("SECURITY-OFFICER"))
    desk.refused("KEY_NOT_ROTATED", "keys", "record", DESKS, "-o", str(desk.folder / "none.json"))
    desk.done(*order, *founded.key("SECRETARY-GENERAL"))
    begun = desk.record(DESKS, "begun.json")
    assert (begun["number"], begun["before"], begun["after"]) == (2, "active", "destroyed")
    assert begun["confirmed"] == []
    both = ("keys", "confirm", DESKS, "--by", security, "--by", general)
    desk.refused("SECURITY_KEY_ABSENT", *both, *founded.key("SECURITY-OFFICER"))
    assert desk.record(DESKS, "nobody.json")["confirmed"] == []
    signed = (*both, *founded.key("SECURITY-OFFICER"), *founded.key("SECRETARY-GENERAL"))
    desk.done(*signed)
    desk.done(*signed)
    paper = desk.folder / "record.pdf"
    drawn = desk.record(DESKS, "record.json", "--paper", str(paper))
    assert [(each["actor"], each["signed"]) for each in drawn["confirmed"]] == [
        (security, True),
        (general, True),
    ]
    assert drawn["digest"] == begun["digest"]
    assert drawn["ordered"] == {"by": general, "signed": True}
    assert drawn["entered"]["actor"] == general
    look = ("keys", "recorded", str(desk.folder / "record.json"))
    assert json.loads(desk.done(*look, "--json")) == drawn
    assert desk.verified("record.json")
    told = _text(paper)
    assert drawn["digest"] in told
    assert drawn["previous"] in told
    assert f"{general}(securitykey)" in told
    assert f"{general}securitykey" in _text_in(desk, "en", *look)
    assert "Samoitiésecrèteadisparu" in desk.done(*look, language="fr").replace(" ", "")


def _text_in(desk: Desk, language: str, *look: str) -> str:
    paper = desk.folder / f"{language}.pdf"
    desk.done(*look, "--paper", str(paper), language=language)
    return _text(paper)


def test_while_nobody_must_sign_a_name_is_believed_and_the_record_says_so(desk: Desk) -> None:
    order = ("keys", "rotate", "certifying/MINREX", "--by")
    desk.refused("PERSON_NAME_MALFORMED", *order, "deux\nlignes")
    desk.done(*order, "GARDE-B")
    confirm = ("keys", "confirm", "certifying/MINREX", "--by")
    desk.refused("PERSON_NAME_MALFORMED", *confirm, "deux\nlignes")
    desk.done(*confirm, "GARDE-A")
    drawn = desk.record("certifying/MINREX", "record.json")
    assert drawn["ordered"] == {"by": "GARDE-B", "signed": False}
    assert drawn["entered"]["actor"].startswith("account/")
    [seen] = drawn["confirmed"]
    assert (seen["actor"], seen["signed"]) == ("GARDE-A", False)


@pytest.mark.parametrize("kind", ["authority", "receipts", "log", "bureau"])
def test_every_key_that_rotates_has_its_record(desk: Desk, kind: str) -> None:
    key = f"{kind}/MINREX"
    desk.refused("KEY_NOT_ROTATED", "keys", "record", key, "-o", str(desk.folder / "r.json"))
    desk.done("keys", "rotate", *(() if kind == "bureau" else (key,)))
    drawn = desk.record(key, "r.json")
    assert (drawn["number"], drawn["before"]) == (2, "active")
    assert drawn["after"] == ("deactivated" if kind == "bureau" else "destroyed")
    desk.refused("FILE_EXISTS", "keys", "record", key, "-o", str(desk.folder / "r.json"))
    assert desk.verified("r.json")


def test_a_record_of_an_older_version_is_drawn_as_well(desk: Desk) -> None:
    first = desk.record_after_rotating()
    assert first["ordered"] is None
    look = desk.done("keys", "recorded", str(desk.folder / "first.json"))
    assert "the log does not tell" in look
    desk.done("keys", "rotate", DESKS)
    again = desk.record(DESKS, "again.json", "--number", "2")
    assert (again["digest"], again["fingerprint"]) == (first["digest"], first["fingerprint"])
    assert desk.record(DESKS, "third.json")["previous"] == first["fingerprint"]


def test_what_the_log_does_not_tell_is_refused_by_name(desk: Desk) -> None:
    """Exchanged at the custodian's terminal behind the service's back."""
    settings, now = desk.settings, clock.now().replace(microsecond=0)
    store, credential = settings.custodian_store, settings.custodian_credential
    assert store is not None
    assert credential is not None
    Terminal(store, read_credential(credential)).rotate_desks(now)
    for typed in (("confirm", DESKS, "--by", "GARDE-A"), ("record", DESKS, "-o", "r.json")):
        assert "version 2" in desk.refused("ROTATION_UNTOLD", "keys", *typed)


def test_a_rotation_of_the_bureau_that_was_cut_short_has_its_record_too(desk: Desk) -> None:
    settings, now = desk.settings, clock.now().replace(microsecond=0)
    store, credential = settings.custodian_store, settings.custodian_credential
    assert store is not None
    assert credential is not None
    at = Terminal(store, read_credential(credential))
    card = at.rotate(now, now + timedelta(days=30), now)
    desk.refused("ROTATION_UNTOLD", "keys", "record", "bureau/MINREX", "-o", "r.json")
    desk.done("keys", "rotate")
    drawn = desk.record("bureau/MINREX", "r.json")
    assert (drawn["number"], drawn["fingerprint"]) == (2, card.fingerprint)


def test_a_rotation_that_was_taken_in_before_it_is_typed_again_is_not_done_twice(
    desk: Desk,
) -> None:
    """Killed once the card is in force."""
    settings, now = desk.settings, clock.now().replace(microsecond=0)
    store, credential = settings.custodian_store, settings.custodian_credential
    assert store is not None
    assert credential is not None
    card = Terminal(store, read_credential(credential)).rotate(now, now + timedelta(days=30), now)
    begun = store / BEGUN_FILE
    begun.touch(0o600)
    begun.write_bytes(b"bureau/MINREX 2\n")
    desk.done("keys", "take-in")
    desk.refused("ROTATION_TAKEN_IN", "keys", "rotate")
    assert desk.record("bureau/MINREX", "r.json")["fingerprint"] == card.fingerprint
    desk.done("keys", "rotate")
    assert desk.record("bureau/MINREX", "again.json")["number"] == 3


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("ROTATION_RECORD_UNTRUE", b'"before":"active"', b'"before":"suspended"'),
        ("ROTATION_NOT_IN_LOG", b'"actor":"account/', b'"actor":"accounts/'),
        ("ROTATION_RECORD_MALFORMED", b'"entries"', b'"entrees"'),
    ],
)
def test_an_altered_record_is_refused(desk: Desk, code: str, old: bytes, new: bytes) -> None:
    desk.record_after_rotating()
    forged = desk.folder / "forged.json"
    data = (desk.folder / "first.json").read_bytes()
    assert old in data
    forged.write_bytes(canonical.encode(canonical.decode(data.replace(old, new))))
    desk.refused(code, "keys", "recorded", str(forged))
    assert not desk.verified("forged.json")
