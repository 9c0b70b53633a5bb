"""What leaves the screen: numbered, in a person's name, and only after reading."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service.dispatches.office import copies
from cipher_service.dispatches.office.copies import CopyDesk
from cipher_service.dispatches.office.showing import SHOWN_MOST
from cipher_service.errors import ServiceError
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.dispatch import Attachment
from tests.support.cipher_office import Office

DRAWN = b"%PDF-" + bytes(range(256)) * 300
MAP = Attachment("Carte n° 2.pdf", DRAWN, "application/pdf")


def act(office: Office, who: str, name: str, **payload: object) -> int | None:
    desk = CopyDesk(office.gate)
    with unit_of_work(office.engine) as connection:
        told = desk.acts()[name](connection, office.of[who].number, payload)
    return None if told is None else told.get("copy")


def refused(office: Office, code: str, who: str, name: str, **payload: object) -> None:
    with pytest.raises(ServiceError, match=code):
        act(office, who, name, **payload)


def test_copies_are_numbered_by_part_and_only_who_has_read_makes_one(
    engine: Engine, tmp_path: Path
) -> None:
    office = Office(engine, tmp_path)
    number = office.arrive(attachments=(Attachment("Note", b"n"), MAP))
    about = {"dispatch_id": number}
    for who, code in (("CLERK", "NOT_FOUND"), ("CHIEF", "NOT_ALLOWED")):
        refused(office, code, who, "dispatch_print", **about)
        refused(office, code, who, "dispatch_take.intend", **about, part=1)
        refused(office, code, who, "dispatch_take.end", **about, part=1)
    office.act("CHIEF", "dispatch_assign", **about, to=office.of["CLERK"].number)
    refused(office, "COPY_UNREAD", "CLERK", "dispatch_print", **about)
    refused(office, "COPY_UNREAD", "CLERK", "dispatch_take.intend", **about, part=1)
    refused(office, "COPY_UNREAD", "CLERK", "dispatch_take.end", **about, part=1)
    shown = office.showing.arrival(number)
    office.act(
        "CLERK", "dispatch_open.end", **about, manifest_hash=shown.manifest_hash, releasable=[],
        subject=office.showing.sealed_text("Sujet"),
    )  # fmt: skip
    assert shown.attachments == (("Note", "application/octet-stream", 1), (
        "Carte n° 2.pdf", "application/pdf", len(DRAWN)))  # fmt: skip
    assert [act(office, "CLERK", "dispatch_print", **about) for _ in range(2)] == [1, 2]
    for part in (0, 1000, "1", True, None):
        refused(office, "NOT_FOUND", "CLERK", "dispatch_take.intend", **about, part=part)
    act(office, "CLERK", "dispatch_take.intend", **about, part=2)
    assert act(office, "CLERK", "dispatch_take.end", **about, part=2, refused="X") is None
    assert act(office, "CLERK", "dispatch_take.end", **about, part=2) == 1
    with reading(engine) as connection:
        made = [(each.part, each.number) for each in copies.made(connection, number)]
    assert sorted(made) == [(0, 1), (0, 2), (2, 1)]


def test_an_attachment_is_given_as_it_was_signed_while_nothing_is_written(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(engine, tmp_path)
    number = office.arrive(text="é" * SHOWN_MOST, attachments=(Attachment("Note", b"n"), MAP))
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    shown = office.showing.arrival(number)
    assert (shown.text, shown.whole) == ("é" * (SHOWN_MOST // 2), False)
    found = office.showing.attachment(number, 2)
    assert (found.name, found.type, found.size) == ("Carte n° 2.pdf", MAP.type, len(DRAWN))
    assert b"".join(found.pieces) == DRAWN
    for place in (0, 3):
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            office.showing.attachment(number, place)
