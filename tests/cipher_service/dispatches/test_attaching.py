"""Attachments of a draft: enciphered like it, read and released with it, and leaving with it."""

import io
import shutil
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cipher_service.dispatches.integrity import check
from cipher_service.dispatches.lists import dispatch_of
from cipher_service.dispatches.office import attaching, compositions
from cipher_service.dispatches.office.attaching import (
    BYTES_MOST,
    MOST,
    Attached,
    Enclosing,
    opened_list,
    pieces,
    sealed_list,
)
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.dispatches import dispatch
from cipher_service.storage.unit_of_work import reading
from keys.dispatch import decipher
from keys.errors import PayloadDamaged
from keys.identity import Identity
from tests.support.cipher_office import Office
from tests.support.ministry import HEADQUARTERS, post_keys

SKETCH = b"%PDF-1.7 " + bytes(range(256)) * 700  # more than two chunks


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def enclosed(office: Office, name: str = "Croquis n° 2.pdf", data: bytes = SKETCH) -> Attached:
    with office.ministry.blobs.spool() as spool:
        enclosing = Enclosing(spool, office.card)
        for at in range(0, len(data), 50_000):
            enclosing.write(data[at : at + 50_000])
        return enclosing.finish(name, "application/pdf", 1)


def attach(office: Office, number: str, attached: Sequence[Attached], edition: int = 1) -> int:
    given = office.act(
        "DRAFTER", "dispatch_attach", dispatch_id=number, edition=edition,
        attachments=sealed_list(attached, office.card),
        enclosed=[[one.sha256, one.stored] for one in attached],
    )  # fmt: skip
    return int(given["edition"])


def read(office: Office, number: str) -> compositions.Composition:
    with reading(office.engine) as connection:
        return compositions.read(connection, number)


def refused(code: str) -> pytest.RaisesExc[ServiceError]:
    return pytest.raises(ServiceError, match=code)


def test_what_was_attached_leaves_with_the_dispatch_and_nothing_else(
    office: Office, tmp_path: Path
) -> None:
    number = office.draft(level="NON-PROTEGE", caveats=[])
    first, second = enclosed(office), enclosed(office, "Vide.txt", b"")
    before = read(office, number).digest
    assert attach(office, number, [first, second]) == 2
    known = read(office, number)
    assert known.digest != before
    # Neither name nor content is legible at rest.
    assert b"Croquis" not in known.content.attachments
    assert b"%PDF" not in office.ministry.blobs.path(first.sha256).read_bytes()
    # A save of the text keeps them, and names the edition that has them.
    with refused("DRAFT_CHANGED"):
        office.act("DRAFTER", "dispatch_save", dispatch_id=number, edition=1, content={
            **office.content(level="NON-PROTEGE", caveats=[])})  # fmt: skip
    office.act("DRAFTER", "dispatch_save", dispatch_id=number, edition=2,
               content=office.content(level="NON-PROTEGE", caveats=[]))  # fmt: skip
    assert attach(office, number, [second, first], edition=3) == 4
    listed = opened_list(read(office, number).content.attachments, office.showing.unsealed_text)
    assert listed == (second, first)
    attach(office, number, [first], edition=4)

    clerk = office.of["CLERK"].number
    office.act("DRAFTER", "dispatch_submit", dispatch_id=number, edition=5, to=clerk)
    with refused("NOT_AWAITED"):
        attach(office, number, [], edition=5)
    named = {"dispatch_id": number, "part": 1}
    with refused("COPY_UNREAD"):
        office.act("CLERK", "dispatch_review_take.intend", **named)
    given = office.act("CLERK", "dispatch_review.intend", dispatch_id=number)
    [one] = opened_list(given["attachments"], office.showing.unsealed_text)
    assert (one.name, one.type, one.size) == ("Croquis n° 2.pdf", "application/pdf", len(SKETCH))
    assert b"".join(pieces(office.ministry.blobs, one)) == SKETCH
    office.act("CLERK", "dispatch_review.end", dispatch_id=number, digest=given["digest"])
    assert office.act("CLERK", "dispatch_review_take.end", **named)["copy"] == 1
    with refused("NOT_FOUND"):
        office.act("CLERK", "dispatch_review_take.intend", dispatch_id=number, part=2)
    asked = office.act("CLERK", "dispatch_prepare", dispatch_id=number)
    signed = office.signature("CLERK", asked)
    office.act("CLERK", "dispatch_release", dispatch_id=number, **signed)
    [left] = office.departing.round()
    assert left.refused is None

    with reading(office.engine) as connection:
        sent = connection.scalars(select(dispatch.c.dispatch_id)).one()
        record = dispatch_of(connection, HEADQUARTERS, sent)
    keys, folder = post_keys("PARIS"), tmp_path / "paris"
    paris = Identity(keys.card, keys.signing, keys.hybrid, keys.api)
    with office.reception.envelope(record) as source:
        envelope = source.read()
    folder.mkdir()
    with decipher(
        BytesIO(envelope), opener=paris, find_sender=lambda _f: office.card, workspace=folder
    ) as opened:
        opened.publish(folder / "opened")
    files = sorted((folder / "opened" / "attachments").iterdir())
    assert [each.name for each in files] == ["001-Croquis n° 2.pdf"]
    assert files[0].read_bytes() == SKETCH


def test_attachments_are_bounded_and_must_be_there(office: Office) -> None:
    number, one = office.draft(), enclosed(office, data=b"x")
    listed = sealed_list([one], office.card)

    def asked(rows: list[list[object]], sealed: bytes = listed) -> None:
        office.act("DRAFTER", "dispatch_attach", dispatch_id=number, edition=1,
                   attachments=sealed, enclosed=rows)  # fmt: skip

    with refused("ATTACHMENTS_TOO_MANY"):
        sealed_list([one] * (MOST + 1), office.card)
    with refused("ATTACHMENTS_TOO_MANY"):
        asked([[one.sha256, one.stored]] * (MOST + 1))
    with refused("ATTACHMENTS_TOO_LARGE"):
        asked([[one.sha256, BYTES_MOST + 1]])
    with refused("ATTACHMENT_LOST"):
        asked([["0" * 64, 5]])
    with refused("FORM_REFUSED"):
        asked([[one.sha256, one.stored]], b"")
    with refused("DRAFT_CHANGED"):
        attach(office, number, [one], edition=9)
    with refused("NOT_FOUND"):
        office.act("CHIEF", "dispatch_attach", dispatch_id=number, edition=1,
                   attachments=listed, enclosed=[[one.sha256, one.stored]])  # fmt: skip
    assert read(office, number).content.enclosed == ()


def test_what_was_changed_at_rest_or_is_missing_is_named(office: Office, tmp_path: Path) -> None:
    number, one = office.draft(), enclosed(office)
    attach(office, number, [one])
    blobs, key = office.ministry.blobs, office.ministry.custodian.service_key()

    def found() -> set[str]:
        about = (
            each for each in check(office.engine, blobs, key) if one.sha256 in each.facts.values()
        )
        return {each.code for each in about}

    assert found() == set()
    path, aside = blobs.path(one.sha256), tmp_path / "aside"
    shutil.copy(path, aside)
    whole = aside.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(PayloadDamaged):
        list(pieces(blobs, one))
    path.unlink()
    assert found() == {"BODY_MISSING"}
    with refused("ATTACHMENT_LOST"):
        list(pieces(blobs, one))
    (again,) = attaching.enclosures(blobs, [one])
    assert isinstance(again.content, io.RawIOBase)
    with refused("ATTACHMENT_LOST"):
        again.content.seek(0)
    shutil.copy(aside, path)
    # Taken out, it is nobody's, and the sweep may have it.
    attach(office, number, [], edition=2)
    assert found() == {"BODY_ORPHAN"}
    attach(office, number, [one], edition=3)
    office.act("DRAFTER", "dispatch_discard", dispatch_id=number)
    assert found() == {"BODY_ORPHAN"}
